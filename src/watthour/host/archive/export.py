"""Intervals of the archive as CSV, Parquet and Excel: a row an interval, exact to the microwatt-hour but in Excel, which has floats.

What is not known is empty, never 0; each row says how its energy is known.
"""

import csv
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from watthour.errors import UsageError
from watthour.headend.reading import Interval
from watthour.host.archive.database import Archive
from watthour.host.archive.queries import Place, intervals
from watthour.host.instants import iso
from watthour.units import ENERGIES, NANOSECONDS, energy_name

_PLACES = 6
_BATCH = 50_000
_EXCEL_ROWS = 1_048_575
_EXCEL_S_PER_DAY = 86400
_EXCEL_UNIX_DAY = 25569
"""1970-01-01 in Excel's count of days."""

SCHEMA = pa.schema(
    [
        ("place", pa.string()),
        ("start", pa.timestamp("ns", tz="UTC")),
        ("end", pa.timestamp("ns", tz="UTC")),
        *((energy_name(energy), pa.decimal128(38, _PLACES)) for energy in ENERGIES),
        ("quality", pa.string()),
    ]
)
"""Columns of every format."""

PlaceInterval = tuple[Place, Interval]


def intervals_of(
    archive: Archive, chosen: Sequence[Place], begin_ns: int | None, end_ns: int | None
) -> Iterator[PlaceInterval]:
    """Yield the intervals of places that start in [begin, end), place by place."""
    for place in chosen:
        for interval in intervals(archive, place, begin_ns, end_ns):
            yield place, interval


def intervals_to_csv(rows: Iterator[PlaceInterval], output: TextIO) -> int:
    """Write rows with a header; return how many."""
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(SCHEMA.names)
    count = 0
    for place, interval in rows:
        ends = (iso(interval.start_ns), iso(interval.start_ns + place.step_ns))
        energies = ("" if each is None else f"{each:f}" for each in _energies(interval))
        writer.writerow((place.name, *ends, *energies, interval.quality.name.lower()))
        count += 1
    return count


def intervals_to_parquet(rows: Iterator[PlaceInterval], output: Path) -> int:
    """Write rows as Parquet; return how many.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    count = 0
    try:
        with pq.ParquetWriter(output, SCHEMA) as writer:
            while batch := [row for row, _ in zip(rows, range(_BATCH), strict=False)]:
                writer.write_table(_table(batch))
                count += len(batch)
    except OSError as problem:
        raise _unwritable(output, problem) from None
    return count


def intervals_to_excel(rows: Iterator[PlaceInterval], output: Path) -> int:
    """Write rows as an Excel workbook, times as UTC; return how many.

    Raises
    ------
    UsageError
        If the file cannot be written, or a sheet has no room for so many.
    """
    import xlsxwriter  # noqa: PLC0415 - only Excel needs it

    book = xlsxwriter.Workbook(str(output), {"constant_memory": True})
    sheet = book.add_worksheet("intervals")
    bold, instant = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    number = book.add_format({"num_format": "0.000000"})
    sheet.write_row(0, 0, SCHEMA.names, bold)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 2, 20)
    sheet.set_column(3, 3 + len(ENERGIES), 16)
    line = 0
    for line, (place, interval) in enumerate(rows, 1):
        if line > _EXCEL_ROWS:
            msg = f"{output}: more than {_EXCEL_ROWS} rows: a sheet of Excel has no room; narrow --from, --to or --place"
            raise UsageError(msg)
        sheet.write_string(line, 0, place.name)
        sheet.write_number(line, 1, _excel_day(interval.start_ns), instant)
        sheet.write_number(line, 2, _excel_day(interval.start_ns + place.step_ns), instant)
        for column, energy in enumerate(_energies(interval), 3):
            if energy is not None:
                sheet.write_number(line, column, float(energy), number)
        sheet.write_string(line, 3 + len(ENERGIES), interval.quality.name.lower())
    try:
        book.close()
    except (OSError, xlsxwriter.exceptions.FileCreateError) as problem:
        raise _unwritable(output, problem) from None
    return line


def _excel_day(time_ns: int) -> float:
    return time_ns / NANOSECONDS / _EXCEL_S_PER_DAY + _EXCEL_UNIX_DAY


def _energies(interval: Interval) -> Iterator[Decimal | None]:
    for energy in ENERGIES:
        micro = interval.energies.get(energy)
        yield None if micro is None else Decimal(micro).scaleb(-_PLACES)


def _table(batch: Sequence[PlaceInterval]) -> pa.Table:
    rows = [
        (place.name, each.start_ns, each.start_ns + place.step_ns, *_energies(each), each.quality.name.lower())
        for place, each in batch
    ]
    columns = list(zip(*rows, strict=True))
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def _unwritable(output: Path, problem: Exception) -> UsageError:
    return UsageError(f"{output}: cannot be written ({getattr(problem, 'strerror', None) or problem}): name another file")
