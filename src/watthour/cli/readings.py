"""``watthour readings``: what meters have kept, as tables."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from watthour.errors import UsageError
from watthour.host.instants import to_ns

if TYPE_CHECKING:
    from watthour.history import ProfileRow

readings = App(name="readings", help="Readings that meters have kept.")


@readings.command
def export(
    directory: Path,
    /,
    *,
    format: Literal["csv", "parquet"] | None = None,  # noqa: A002
    output: Path | None = None,
    begin: Annotated[str | None, Parameter(name="--from")] = None,
    end: Annotated[str | None, Parameter(name="--to")] = None,
) -> None:
    """Write the load profile: a row every 15 minutes, exact energies, rates, demand and flags.

    Parameters
    ----------
    directory
        What --data named, or the directory of one meter in it.
    format
        csv or parquet; without it as the file's name ends, else csv.
    output
        File to write; without it standard output.
    begin
        First start of an interval, ISO 8601; without an offset it is UTC.
    end
        Intervals that start here or later are left out.
    """
    from watthour.host.readings import export_csv, export_parquet, read_profiles, rows_between  # noqa: PLC0415
    from watthour.host.terminal import say  # noqa: PLC0415

    as_parquet = format == "parquet" or (format is None and output is not None and output.suffix.lower() == ".parquet")
    if as_parquet and output is None:
        msg = "Parquet needs a file: name it with --output FILE"
        raise UsageError(msg)
    from_ns, to_ns_ = _instant("--from", begin), _instant("--to", end)
    profiles = read_profiles(directory)
    for fault in (fault for meter in profiles for fault in meter.faults):
        say(fault)
    rows = rows_between(profiles, from_ns, to_ns_)
    if output is None:
        export_csv(rows, sys.stdout)
        return
    count = export_parquet(rows, output) if as_parquet else _csv_file(rows, output)
    say(f"{count} rows written to {output}")


def _csv_file(rows: "Iterator[tuple[int, ProfileRow]]", output: Path) -> int:
    from watthour.host.readings import export_csv  # noqa: PLC0415

    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            return export_csv(rows, file)
    except OSError as problem:
        msg = f"{output}: cannot be written ({problem.strerror}): name another file with --output"
        raise UsageError(msg) from None


def _instant(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{option} {text}: write ISO 8601, such as 2026-01-15T00:00:00+01:00"
        raise UsageError(msg) from None
    return to_ns(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
