"""An invoice as it was received: its lines, its totals, its days; and whether it agrees with itself.

In: figures as printed. Out: findings, each with what is printed and what follows. Readings and contracts are not known here.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from watthour.billing.durations import times, year_days
from watthour.billing.money import to_cents, written

_NO_FLOORS: Mapping[str, Fraction] = MappingProxyType({})


class Verdict(StrEnum):
    """What an invoice is judged by."""

    ARITHMETIC = "arithmetic"
    PRICES = "prices and contract"
    QUANTITIES = "quantities"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """A printed line; what is not printed is None.

    Parameters
    ----------
    charge, period : str
        As the contract calls them.
    quantity : Decimal or None
        kWh, kvarh, kW; of a tax its base; of a fixed amount None.
    price : Decimal or None
    price_unit : str
        ``EUR/kWh``, ``EUR/kW.day``, ``%``.
    days : int or None
        By which it was multiplied.
    factor : Decimal
        By which it was multiplied besides.
    amount : Decimal or None
    maximum_kw : Decimal or None
        Highest demand, where power is billed by it.
    first_day, last_day : date or None
        Of the line, both included; None: the invoice's.
    """

    charge: str
    period: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None
    price_unit: str = ""
    days: int | None = None
    factor: Decimal = Decimal(1)
    amount: Decimal | None = None
    maximum_kw: Decimal | None = None
    first_day: date | None = None
    last_day: date | None = None

    @property
    def name(self) -> str:
        """How the line is called."""
        return f"{self.charge}.{self.period}" if self.period else self.charge


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtotal:
    """A printed sum of charges."""

    title: str
    charges: tuple[str, ...]
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A printed pair of meter readings.

    Parameters
    ----------
    name : str
        In words: meter and register.
    begin, end : Decimal
    constant : Decimal
    consumption : Decimal
        What the invoice says the difference is.
    kind, period : str
        ``import`` and the billed period it belongs to; empty where it is only shown.
    """

    name: str
    begin: Decimal
    end: Decimal
    constant: Decimal
    consumption: Decimal
    kind: str = ""
    period: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """A received invoice.

    Parameters
    ----------
    number, supplier, supply : str
        The last is the point of supply.
    issued : date or None
    currency : str
    first_day, last_day : date
        Both billed: the day after the first reading, and the day of the last.
    days : int or None
        As printed.
    total : Decimal
    """

    number: str
    supplier: str = ""
    supply: str = ""
    issued: date | None = None
    currency: str
    first_day: date
    last_day: date
    days: int | None = None
    lines: tuple[InvoiceLine, ...]
    subtotals: tuple[Subtotal, ...] = ()
    registers: tuple[Register, ...] = ()
    total: Decimal

    @property
    def span_days(self) -> int:
        """Days that lie between the readings."""
        return (self.last_day - self.first_day).days + 1

    def span_of(self, line: InvoiceLine) -> tuple[date, date]:
        """Return first and last day of a line."""
        return line.first_day or self.first_day, line.last_day or self.last_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One comparison.

    Parameters
    ----------
    verdict : Verdict
        Of which part it is.
    line : str
    what : str
        What is compared, in words.
    billed, ours : str
        As shown.
    money : Decimal
        By how much the invoice is too high for it, where that can be said.
    passed : bool
    """

    verdict: Verdict
    line: str
    what: str
    billed: str
    ours: str
    money: Decimal = Decimal(0)
    passed: bool


def exact_amount(invoice: Invoice, line: InvoiceLine) -> Fraction | None:
    """Return what the figures of a line multiply to; None where it has not all of them."""
    if line.price is None:
        return None
    below = line.price_unit.partition("/")[2]
    time = below.split(".")[-1] if below else ""
    quantity = Fraction(1) if line.quantity is None else Fraction(line.quantity)
    if line.quantity is None and time not in {"day", "month", "year"} and below:
        return None
    per = {"MWh": 1000}.get(below, 1)
    exact = quantity * Fraction(line.price) * Fraction(line.factor) / per
    if line.price_unit == "%":
        return exact / 100
    return exact * _time(invoice, line, time)


def _time(invoice: Invoice, line: InvoiceLine, time: str) -> Fraction:
    first, last = invoice.span_of(line)
    days = (last - first).days + 1 if line.days is None else line.days
    match time:
        case "day":
            return Fraction(days)
        case "year":
            return Fraction(days, year_days(first.year))
        case "month":
            return (
                times("/month", (first, last))[0]
                if line.days is None
                else Fraction(line.days, monthrange(first.year, first.month)[1])
            )
        case _:
            return Fraction(1)


def amount_of(invoice: Invoice, line: InvoiceLine) -> Decimal | None:
    """Return the printed amount of a line, else what its figures come to in cents."""
    if line.amount is not None:
        return line.amount
    exact = exact_amount(invoice, line)
    return None if exact is None else to_cents(exact)


def arithmetic(invoice: Invoice, floors: Mapping[str, Fraction] = _NO_FLOORS) -> Iterator[Finding]:
    """Yield every sum and product of an invoice, to the cent.

    Parameters
    ----------
    floors : mapping of str to Fraction
        By name of a line, what a tax is no less than.
    """
    if invoice.days is not None:
        yield _finding("days", "days from the first reading, left out, to the last", invoice.days, invoice.span_days)
    for line in invoice.lines:
        exact = exact_amount(invoice, line)
        if line.amount is not None and exact is not None:
            floor = floors.get(line.name, exact)
            right = to_cents(max(exact, floor))
            words = _figures(line) + (f", no less than {written(floor)}" if floor > exact else "")
            yield _finding(line.name, f"{words} in cents", line.amount, right, money=line.amount - right)
        if line.price_unit == "%" and line.quantity is not None and line.charge == "vat":
            above = _sum(invoice, invoice.lines[: invoice.lines.index(line)])
            yield _finding(line.name, "base: the sum of all lines above", line.quantity, above, money=line.quantity - above)
    for subtotal in invoice.subtotals:
        lines = tuple(line for line in invoice.lines if line.charge in subtotal.charges)
        added = _sum(invoice, lines)
        yield _finding(
            subtotal.title, f"sum of {', '.join(subtotal.charges)}", subtotal.amount, added, money=subtotal.amount - added
        )
    total = _sum(invoice, invoice.lines)
    yield _finding("total", "sum of all lines", invoice.total, total, money=invoice.total - total)
    yield from _registers(invoice)


def _sum(invoice: Invoice, lines: tuple[InvoiceLine, ...]) -> Decimal:
    return sum((amount_of(invoice, line) or Decimal(0) for line in lines), Decimal(0))


def _figures(line: InvoiceLine) -> str:
    parts = [] if line.quantity is None else [f"{line.quantity:f}"]
    parts += [f"{line.price:f} {line.price_unit}"]
    parts += [] if line.days is None else [f"{line.days} days"]
    parts += [] if line.factor == 1 else [f"{line.factor:f}"]
    return " × ".join(parts)


def _registers(invoice: Invoice) -> Iterator[Finding]:
    for register in invoice.registers:
        grown = (register.end - register.begin) * register.constant
        yield _finding(register.name, "difference of the two readings × constant", register.consumption, grown)
    for period in dict.fromkeys(register.period for register in invoice.registers if register.kind == "import"):
        read = sum((r.consumption for r in invoice.registers if r.kind == "import" and r.period == period), Decimal(0))
        billed = next((line.quantity for line in invoice.lines if line.charge == "energy_toll" and line.period == period), None)
        if billed is not None:
            yield _finding(f"energy_toll.{period}", "kWh billed against kWh of the registers", billed, read)


def _finding(line: str, what: str, billed: Decimal | int, ours: Decimal | int, *, money: Decimal = Decimal(0)) -> Finding:
    return Finding(
        verdict=Verdict.ARITHMETIC,
        line=line,
        what=what,
        billed=written(Decimal(billed), 9) if money == 0 else str(billed),
        ours=written(Decimal(ours), 9) if money == 0 else str(ours),
        money=money,
        passed=billed == ours,
    )
