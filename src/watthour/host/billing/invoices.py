"""Invoices from files: a small TOML typed from paper, and the distributor's F1 message in XML.

In: a path. Out: an `Invoice`, and the contract that a TOML names. Spain's invoices print the days of both readings, of which the first
is not billed.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from pydantic import Field

from watthour.billing.invoice import Invoice, InvoiceLine, Subtotal
from watthour.errors import ConfigError
from watthour.host.billing.f1 import invoice_of_f1
from watthour.host.billing.tables import Number, Table
from watthour.host.toml_files import check_toml, read_toml

_DAY = timedelta(days=1)


class LineTable(Table):
    """A printed line."""

    charge: str
    period: str = ""
    quantity: Number | None = None
    price: Number | None = None
    unit: str = ""
    days: int | None = None
    factor: Number = Decimal(1)
    amount: Number | None = None
    maximum_kw: Number | None = None
    first_day: date | None = None
    last_day: date | None = None


class SubtotalTable(Table):
    """A printed sum."""

    title: str
    charges: list[str] = Field(min_length=1)
    amount: Number


class InvoiceFile(Table):
    """An invoice typed from paper."""

    number: str
    supplier: str = ""
    supply: str = ""
    issued: date | None = None
    contract: str = ""
    currency: str = Field("EUR", pattern="^[A-Z]{3}$")
    reading_from: date | None = None
    reading_to: date | None = None
    first_day: date | None = None
    last_day: date | None = None
    days: int | None = None
    total: Number
    line: list[LineTable] = Field(min_length=1)
    subtotal: list[SubtotalTable] = Field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceOnFile:
    """An invoice, and the contract that its file names."""

    invoice: Invoice
    contract: Path | None


def read_invoice(path: Path) -> InvoiceOnFile:
    """Return the invoice of a file.

    Raises
    ------
    ConfigError
        With file and line, where it is none.
    """
    content = read_toml(path)
    if path.suffix.lower() == ".xml" or content.lstrip().startswith((b"<", b"\xef\xbb\xbf<")):
        return InvoiceOnFile(invoice=invoice_of_f1(str(path), content), contract=None)
    table = check_toml(str(path), content, InvoiceFile, Decimal)
    invoice = Invoice(
        number=table.number,
        supplier=table.supplier,
        supply=table.supply,
        issued=table.issued,
        currency=table.currency,
        first_day=_day(path, table.first_day, table.reading_from and table.reading_from + _DAY, "first_day", "reading_from"),
        last_day=_day(path, table.last_day, table.reading_to, "last_day", "reading_to"),
        days=table.days,
        lines=tuple(_line(each) for each in table.line),
        subtotals=tuple(Subtotal(title=s.title, charges=tuple(s.charges), amount=s.amount) for s in table.subtotal),
        total=table.total,
    )
    if invoice.last_day < invoice.first_day:
        raise ConfigError(str(path), f"it ends on {invoice.last_day}, before it begins on {invoice.first_day}")
    return InvoiceOnFile(invoice=invoice, contract=path.parent / table.contract if table.contract else None)


def _day(path: Path, day: date | None, by_reading: date | None, key: str, reading: str) -> date:
    found = [each for each in (day, by_reading) if each is not None]
    if len(found) != 1:
        raise ConfigError(str(path), f"write {key} (billed) or {reading} (the day of the reading), one of the two")
    return found[0]


def _line(table: LineTable) -> InvoiceLine:
    words = table.model_dump()
    return InvoiceLine(price_unit=words.pop("unit"), **words)
