"""``watthour bill``: what a supply should have cost, line by line."""

import json as json_text
import sys
from calendar import monthrange
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from rich.console import Console

from watthour.errors import UsageError

if TYPE_CHECKING:
    from watthour.billing import Intervals
    from watthour.host.billing.contracts import ContractOnFile

bill = App(name="bill", help="What a supply should have cost, line by line.")

_DAY = timedelta(days=1)


@bill.default
def bill_(
    contract: Path,
    /,
    *,
    begin: Annotated[str, Parameter(name="--from")],
    end: Annotated[str, Parameter(name="--to")],
    readings: str | None = None,
    serial: int | None = None,
    place: str | None = None,
    monthly: Annotated[bool, Parameter(negative="")] = False,
    explain: str | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Bill the days from --from to the day before --to.

    Parameters
    ----------
    contract
        The contract (TOML).
    begin
        First day, such as 2026-01-01.
    end
        The day after the last, such as 2026-02-01.
    readings
        A meter's data directory, or a .csv, .parquet or .toml file; or a head-end's store: the config of its poll, its SQLite
        file, its URL, or the folder of its history. Without it what the contract names.
    serial
        Which meter, where there are several.
    place
        Which place of a head-end, where there are several.
    monthly
        A bill for each calendar month.
    explain
        Show the arithmetic of this line, such as energy.P1.
    json
        Print each bill as one JSON object on a line.
    """
    from watthour.billing import bill_intervals  # noqa: PLC0415
    from watthour.host.billing.bills import bill_as_json, bill_table, doubts  # noqa: PLC0415
    from watthour.host.billing.bills import explain as explained  # noqa: PLC0415
    from watthour.host.billing.contracts import read_contract  # noqa: PLC0415

    first, last = _day("--from", begin), _day("--to", end) - _DAY
    if last < first:
        msg = f"--to {end}: it is the day after the last, so later than --from {begin}"
        raise UsageError(msg)
    on_file = read_contract(contract)
    intervals = intervals_of(on_file, readings, serial, place)
    if intervals is None:
        msg = "no readings: name them with --readings, or readings = in the contract"
        raise UsageError(msg)
    for span in _months(first, last) if monthly else [(first, last)]:
        made = bill_intervals(on_file.contract, intervals, *span)
        if json:
            sys.stdout.write(json_text.dumps(bill_as_json(made), ensure_ascii=False) + "\n")
        elif explain is not None:
            sys.stdout.write("".join(f"{line}\n" for line in explained(made, explain)))
        else:
            Console().print(bill_table(made))
        sys.stderr.writelines(f"watthour: {doubt}\n" for doubt in doubts(made))


def intervals_of(on_file: "ContractOnFile", readings: str | None, serial: int | None, place: str | None) -> "Intervals | None":
    """Return the readings that the command line or the contract names, what is to be said of them told; None without any."""
    from watthour.host.billing.readings import read_intervals  # noqa: PLC0415
    from watthour.host.terminal import say  # noqa: PLC0415

    source = readings or on_file.readings
    if source is None:
        return None
    found = read_intervals(source, on_file.serial if serial is None else serial, place or on_file.place)
    for words in found.words:
        say(words)
    return found.intervals


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"{option} {text}: write a day such as 2026-01-31"
        raise UsageError(msg) from None


def _months(first: date, last: date) -> list[tuple[date, date]]:
    """Return the parts of a span that lie in one calendar month."""
    found = []
    while first <= last:
        end = min(last, first.replace(day=monthrange(first.year, first.month)[1]))
        found.append((first, end))
        first = end + _DAY
    return found
