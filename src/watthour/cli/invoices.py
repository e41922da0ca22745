"""``watthour invoice``: a received invoice beside our own reckoning."""

import json as json_text
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

invoice = App(name="invoice", help="Received invoices.")


@invoice.command
def check(
    invoice: Path,
    /,
    *,
    readings: Path | None = None,
    contract: Path | None = None,
    serial: int | None = None,
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
        A meter's data directory, or a .csv, .parquet or .toml file; without it what the contract names.
    contract
        The contract (TOML); without it what the invoice names. Without any only the arithmetic is judged.
    serial
        Which meter, where there are several.
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
    from watthour.host.billing.readings import read_intervals  # noqa: PLC0415
    from watthour.host.billing.verdicts import check_as_json, check_tables  # noqa: PLC0415
    from watthour.host.terminal import say  # noqa: PLC0415

    received = read_invoice(invoice)
    path = received.contract if contract is None else contract
    on_file = None if path is None else read_contract(path)
    named = readings if readings is not None else on_file.readings if on_file is not None else None
    intervals = None
    if named is not None and on_file is not None:
        found = read_intervals(named, on_file.serial if serial is None else serial)
        for words in found.words:
            say(words)
        intervals = found.intervals
    result = judge(received.invoice, None if on_file is None else on_file.contract, intervals)
    write_page(result, html=html, pdf=pdf)
    if json:
        sys.stdout.write(json_text.dumps(check_as_json(result), ensure_ascii=False) + "\n")
    else:
        Console().print(check_tables(result))
    return int(not result.passed)
