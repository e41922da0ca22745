"""``watthour invoice``: a received invoice beside our own reckoning."""

import json as json_text
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from watthour.cli.bills import intervals_of

invoice = App(name="invoice", help="Received invoices.")


@invoice.command
def check(
    invoice: Path,
    /,
    *,
    readings: str | None = None,
    contract: Path | None = None,
    serial: int | None = None,
    place: str | None = None,
    html: Path | None = None,
    pdf: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Judge an invoice: its arithmetic, its prices and contract, its quantities. Exit status 1 where something is out of tolerance.

    Parameters
    ----------
    invoice
        Typed from paper (TOML), or the distributor's F1 message (XML).
    readings
        A meter's data directory, or a .csv, .parquet or .toml file; or a head-end's store: the config of its poll, its SQLite
        file, its URL, or the folder of its history. Without it what the contract names.
    contract
        The contract (TOML); without it what the invoice names. Without any only the arithmetic is judged.
    serial
        Which meter, where there are several.
    place
        Which place of a head-end, where there are several.
    html
        Write a page for the supplier that stands alone.
    pdf
        Write the same as PDF.
    json
        Print the verdict as one JSON object.
    """
    from watthour.billing.checking import check as judge  # noqa: PLC0415
    from watthour.host.billing.contracts import read_contract  # noqa: PLC0415
    from watthour.host.billing.invoices import read_invoice  # noqa: PLC0415
    from watthour.host.billing.pages import write_page  # noqa: PLC0415
    from watthour.host.billing.verdicts import check_as_json, check_tables  # noqa: PLC0415

    received = read_invoice(invoice)
    path = received.contract if contract is None else contract
    on_file = None if path is None else read_contract(path)
    intervals = None if on_file is None else intervals_of(on_file, readings, serial, place)
    result = judge(received.invoice, None if on_file is None else on_file.contract, intervals)
    write_page(result, html=html, pdf=pdf)
    if json:
        sys.stdout.write(json_text.dumps(check_as_json(result), ensure_ascii=False) + "\n")
    else:
        Console().print(check_tables(result))
    return int(not result.passed)
