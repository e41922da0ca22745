"""``watthour readings``: what meters and the head-end's archive have kept, as tables."""

import json as json_
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console

from watthour.errors import UsageError
from watthour.host.instants import iso, now_ns, to_ns
from watthour.units import NANOSECONDS

if TYPE_CHECKING:
    from watthour.history import ProfileRow

readings = App(name="readings", help="Readings that meters and archives have kept.")

Places = Annotated[list[str] | None, Parameter(name="--place", negative="")]


@readings.command
def export(
    source: str,
    /,
    *,
    format: Literal["csv", "parquet", "xlsx"] | None = None,  # noqa: A002
    output: Path | None = None,
    begin: Annotated[str | None, Parameter(name="--from")] = None,
    end: Annotated[str | None, Parameter(name="--to")] = None,
    place: Places = None,
) -> None:
    """Write intervals: a meter's load profile with rates, demand and flags, or an archive's with their quality.

    Parameters
    ----------
    source
        What a meter's --data named, or the directory of one meter in it; or an archive: the config of
        "watthour poll", or its store as URL or SQLite file.
    format
        csv, parquet, or (of an archive) xlsx; without it as the file's name ends, else csv.
    output
        File to write; without it standard output.
    begin
        First start of an interval, ISO 8601; without an offset it is UTC.
    end
        Intervals that start here or later are left out.
    place
        Of an archive: only this place; may be repeated.
    """
    wanted = format or ({".parquet": "parquet", ".xlsx": "xlsx"}.get(output.suffix.lower(), "csv") if output else "csv")
    if wanted != "csv" and output is None:
        msg = f"{'Parquet' if wanted == 'parquet' else 'Excel'} needs a file: name it with --output FILE"
        raise UsageError(msg)
    from_ns, to_ns_ = _instant("--from", begin), _instant("--to", end)
    if from_ns is not None and to_ns_ is not None and to_ns_ <= from_ns:
        msg = f"--to {end}: it is not after --from {begin}; give a later one"
        raise UsageError(msg)
    if _is_archive(source):
        _export_archive(source, wanted, output, (from_ns, to_ns_), tuple(place or ()))
        return
    if wanted == "xlsx" or place:
        msg = f"{source}: Excel and --place are for an archive; a meter's own directory gives CSV and Parquet"
        raise UsageError(msg)
    _export_profile(Path(source), output, from_ns, to_ns_, as_parquet=wanted == "parquet")


def _export_profile(directory: Path, output: Path | None, from_ns: int | None, to_ns_: int | None, *, as_parquet: bool) -> None:
    from watthour.host.readings import export_csv, export_parquet, read_profiles, rows_between  # noqa: PLC0415
    from watthour.host.terminal import say  # noqa: PLC0415

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


def _is_archive(source: str) -> bool:
    return "://" in source or Path(source).is_file() or source.endswith(".toml")


def _export_archive(
    source: str, wanted: str, output: Path | None, span: tuple[int | None, int | None], names: tuple[str, ...]
) -> None:
    from watthour.host.archive.export import (  # noqa: PLC0415
        intervals_of,
        intervals_to_csv,
        intervals_to_excel,
        intervals_to_parquet,
    )
    from watthour.host.archive.queries import places  # noqa: PLC0415
    from watthour.host.poller.stores import open_store  # noqa: PLC0415
    from watthour.host.terminal import say  # noqa: PLC0415

    archive, _ = open_store(source)
    with archive:
        rows = intervals_of(archive, places(archive, names), *span)
        if output is None:
            intervals_to_csv(rows, sys.stdout)
            return
        if wanted == "csv":
            try:
                with output.open("w", encoding="utf-8", newline="") as file:
                    count = intervals_to_csv(rows, file)
            except OSError as problem:
                msg = f"{output}: cannot be written ({problem.strerror}): name another file with --output"
                raise UsageError(msg) from None
        else:
            count = (intervals_to_parquet if wanted == "parquet" else intervals_to_excel)(rows, output)
    say(f"{count} rows written to {output}")


@readings.command
def gaps(source: str, /, *, place: Places = None, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """List the stretches of an archive that are not known as they should be: exit status 1 where there is one.

    Parameters
    ----------
    source
        The config of "watthour poll", or its store as URL or SQLite file.
    place
        Only this place; may be repeated.
    json
        Print one JSON object on a line for each gap.
    """
    from watthour.host.archive.gap_list import gaps_as_json, gaps_table  # noqa: PLC0415
    from watthour.host.archive.queries import gaps as gaps_of  # noqa: PLC0415
    from watthour.host.archive.queries import places  # noqa: PLC0415
    from watthour.host.poller.stores import open_store  # noqa: PLC0415

    archive, _ = open_store(source)
    with archive:
        found = [(each, gap) for each in places(archive, tuple(place or ())) for gap in gaps_of(archive, each, now_ns())]
    if json:
        for line in gaps_as_json(found):
            sys.stdout.write(line + "\n")
    elif found:
        Console().print(gaps_table(found))
    else:
        sys.stdout.write("no gaps\n")
    return int(bool(found))


@readings.command
def events(source: str, /, *, place: Places = None) -> None:
    """List what happened to the counters of an archive's places: one JSON object on a line for each event.

    Parameters
    ----------
    source
        The config of "watthour poll", or its store as URL or SQLite file.
    place
        Only this place; may be repeated.
    """
    from watthour.host.archive.queries import events as events_of  # noqa: PLC0415
    from watthour.host.poller.stores import open_store  # noqa: PLC0415

    archive, _ = open_store(source)
    with archive:
        for each in events_of(archive, tuple(place or ())):
            told = {"place": each.place, "time": iso(each.time_ns), "kind": each.kind}
            sys.stdout.write(json_.dumps({**told, "counter": each.counter, "before": each.before, "after": each.after}) + "\n")


@readings.command
def archive(source: str, /, *, folder: Path | None = None) -> None:
    """Write an archive's history as Parquet, a dense file a month; a month that is there is brought up to date.

    Parameters
    ----------
    source
        The config of "watthour poll", or its store as URL or SQLite file.
    folder
        Where; without it as the config says, else "archive".
    """
    from watthour.host.archive.history import write_history  # noqa: PLC0415
    from watthour.host.poller.stores import open_store  # noqa: PLC0415
    from watthour.host.terminal import say  # noqa: PLC0415

    opened, own = open_store(source)
    with opened:
        for path, count in write_history(opened, folder or own):
            say(f"{count} rows in {path}")


@readings.command
def prune(source: str, /, *, keep_days: Annotated[int, Parameter(validator=Number(gte=1))], folder: Path | None = None) -> None:
    """Delete old readings, and intervals of old months, from an archive's database; the Parquet history keeps the intervals.

    Parameters
    ----------
    source
        The config of "watthour poll", or its store as URL or SQLite file.
    keep_days
        Days that stay.
    folder
        Of the history, which is brought up to date first.
    """
    from watthour.host.archive.retention import prune as prune_archive  # noqa: PLC0415
    from watthour.host.poller.stores import open_store  # noqa: PLC0415
    from watthour.host.terminal import say  # noqa: PLC0415

    opened, own = open_store(source)
    with opened:
        deleted = prune_archive(opened, folder or own, now_ns() - keep_days * 86400 * NANOSECONDS)
    say(", ".join(f"{count} {what} deleted" for what, count in deleted.items()))


@readings.command
def compact(source: str, /) -> None:
    """Give the room of what was pruned back to the disk.

    Parameters
    ----------
    source
        The config of "watthour poll", or its store as URL or SQLite file.
    """
    from watthour.host.archive.retention import compact as compact_archive  # noqa: PLC0415
    from watthour.host.poller.stores import open_store  # noqa: PLC0415

    opened, _ = open_store(source)
    with opened:
        compact_archive(opened)


def _instant(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{option} {text}: write ISO 8601, such as 2026-01-15T00:00:00+01:00"
        raise UsageError(msg) from None
    return to_ns(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
