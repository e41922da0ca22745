"""Columns of energy in CSV and Parquet: those of ``watthour readings export``, of a meter or a head-end, and any others by a mapping.

In: a file and what its columns mean. Out: `Intervals` in whole micro-units.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from watthour.billing import Intervals, Quality, intervals_from
from watthour.billing.bulk import NOT_READ
from watthour.billing.intervals import ENERGIES
from watthour.billing.places import intervals_of_place
from watthour.errors import ReadingsError
from watthour.headend.reading import Quality as Known
from watthour.host.billing.choosing import chosen
from watthour.host.instants import to_ns
from watthour.tariff.clock import clock_of
from watthour.units import NANOSECONDS, energy_name, steps_half_up

_MICRO = {"Wh": 6, "varh": 6, "kWh": 9, "kvarh": 9, "MWh": 12, "Mvarh": 12}
"""Decimals from a unit to micro-units."""

_MINUTE_NS = 60 * NANOSECONDS
_YES = {"1", "true", "yes", "y", "t", "True", "TRUE"}
_OF_HEAD_END = {"place", "start", "end", "quality"}

Columns = Mapping[str, Sequence[Any]]


class Table(BaseModel):
    """A table of a mapping."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ColumnTable(Table):
    """A column of energy and its unit."""

    column: str
    unit: Literal["Wh", "kWh", "MWh", "varh", "kvarh", "Mvarh"]


class TimeTable(Table):
    """How instants are written; with `number` the column is a local day, and an interval's number in it counts from 1."""

    column: str = "start"
    number: str = ""
    format: str = ""
    zone: str = "+00:00"
    labels: Literal["start", "end"] = "start"
    minutes: Literal[15, 30, 60] = 15


class MappingFile(Table):
    """A file of readings and what its columns mean."""

    file: str
    delimiter: str = Field(",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    time: TimeTable = TimeTable()
    serial: str = ""
    estimated: str = ""
    incomplete: str = ""
    energy: dict[Literal["import", "export", "q1", "q2", "q3", "q4"], ColumnTable]


def intervals_of_file(path: Path, *, serial: int | None, place: str | None) -> Intervals:
    """Return the intervals of a file with the columns of ``watthour readings export``.

    Raises
    ------
    ReadingsError
        If it has no such columns, no such meter or place, or what is no energy in one.
    """
    columns = _columns(path)
    if set(columns) >= _OF_HEAD_END:
        return _of_head_end(path, columns, place)
    return _of_columns(path, columns, _own_mapping(path, columns), serial)


def intervals_of_mapping(path: Path, mapping: MappingFile, *, serial: int | None) -> Intervals:
    """Return the intervals of a file whose columns a mapping explains.

    Raises
    ------
    ReadingsError
        As `intervals_of_file`.
    """
    return _of_columns(path, _columns(path, mapping.delimiter), mapping, serial)


def _of_head_end(path: Path, columns: Columns, place: str | None) -> Intervals:
    """Return the intervals of a place in what was exported from a head-end's store."""
    own = chosen(str(path), sorted(set(columns["place"])), place, "place")
    which = [number for number, name in enumerate(columns["place"]) if name == own]

    def cells(name: str) -> list[Any]:
        return [columns[name][number] for number in which]

    try:
        quality = np.array([Known[str(cell).upper()] for cell in cells("quality")], np.uint8)
    except KeyError as unknown:
        msg = f"{path}: {unknown} is no quality; there are {', '.join(each.name.lower() for each in Known)}"
        raise ReadingsError(msg) from None
    starts_ns, ends_ns = (_starts(path, cells(name), TimeTable(column=name)) for name in ("start", "end"))
    steps = np.unique(ends_ns - starts_ns)
    if len(steps) != 1:
        msg = f"{path}: {own} has intervals of {len(steps)} lengths"
        raise ReadingsError(msg)
    energies = {
        name: _known_micro(path, cells(column), column) for name in ENERGIES if (column := energy_name(name)) in columns
    }
    return intervals_of_place(starts_ns, energies, quality, int(steps[0]))


def _known_micro(path: Path, cells: Sequence[Any], column: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return energies where there are any; `NOT_READ` where a cell is empty."""
    known = [cell is not None and str(cell).strip() != "" for cell in cells]
    found = np.full(len(cells), NOT_READ, np.int64)
    table = ColumnTable.model_validate({"column": column, "unit": _unit_of(column)})
    found[known] = _micro(path, [cell for cell, is_known in zip(cells, known, strict=True) if is_known], table)
    return found


def _of_columns(path: Path, columns: Columns, mapping: MappingFile, serial: int | None) -> Intervals:
    known = ", ".join(columns)
    wanted = [mapping.time.column, *(each.column for each in mapping.energy.values()), mapping.serial, mapping.estimated]
    for name in (*wanted, mapping.incomplete, mapping.time.number):
        if name and name not in columns:
            msg = f"{path}: no column {name}; it has {known}"
            raise ReadingsError(msg)
    if "import" not in mapping.energy:
        msg = f"{path}: energy.import is to name the column of imported energy"
        raise ReadingsError(msg)
    which = np.ones(len(columns[mapping.time.column]), bool)
    if mapping.serial:
        serials = np.array([_serial(path, mapping.serial, each) for each in columns[mapping.serial]])
        which = serials == chosen(str(path), [int(each) for each in np.unique(serials)], serial, "serial")

    def cells(name: str) -> list[Any]:
        return [cell for cell, is_own in zip(columns[name], which, strict=True) if is_own]

    if mapping.time.number:
        starts_ns = _numbered_starts(path, cells(mapping.time.column), cells(mapping.time.number), mapping.time)
    else:
        starts_ns = _starts(path, cells(mapping.time.column), mapping.time)
    energies = {name: _micro(path, cells(each.column), each, mapping.decimal) for name, each in mapping.energy.items()}
    quality = np.zeros(len(starts_ns), np.uint8)
    for name, flag in ((mapping.estimated, Quality.ESTIMATED), (mapping.incomplete, Quality.INCOMPLETE)):
        if name:
            quality |= np.where([_is_yes(cell) for cell in columns[name]], np.uint8(flag), np.uint8(0))[which]
    return intervals_from(
        starts_ns, {str(name): each for name, each in energies.items()}, quality, mapping.time.minutes * _MINUTE_NS
    )


def _is_yes(cell: Any) -> bool:
    return cell is True or str(cell).strip() in _YES


def _own_mapping(path: Path, columns: Mapping[str, Sequence[Any]]) -> MappingFile:
    """Return the mapping of the columns of ``watthour readings export``; only those of energy that are there."""
    names = {name: energy_name(name) for name in ENERGIES}
    energy = {name: {"column": column, "unit": _unit_of(column)} for name, column in names.items() if column in columns}
    return MappingFile.model_validate(
        {
            "file": str(path),
            "energy": energy,
            "serial": "serial" if "serial" in columns else "",
            "estimated": "estimated" if "estimated" in columns else "",
            "incomplete": "incomplete" if "incomplete" in columns else "",
        }
    )


def _unit_of(column: str) -> str:
    return column.rpartition("_")[2].replace("wh", "Wh")


def _columns(path: Path, delimiter: str = ",") -> dict[str, list[Any]]:
    try:
        if path.suffix.lower() == ".parquet":
            return dict(zip(*_parquet(path), strict=True))
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=delimiter)
            header = next(rows, [])
            cells = [row for row in rows if row]
    except (OSError, pa.ArrowException, UnicodeDecodeError, csv.Error) as problem:
        msg = f"{path}: cannot be read: {getattr(problem, 'strerror', None) or problem}; check the path"
        raise ReadingsError(msg) from None
    short = next((number for number, row in enumerate(cells, 2) if len(row) != len(header)), None)
    if short is not None:
        msg = f"{path}:{short}: not as many cells as the header has; say delimiter and decimal in a mapping where they are not ',' and '.'"
        raise ReadingsError(msg)
    return {name: [row[place] for row in cells] for place, name in enumerate(header)}


def _parquet(path: Path) -> tuple[list[str], list[list[Any]]]:
    table = pq.read_table(path)
    columns = []
    for column in table.columns:
        is_time = pa.types.is_timestamp(column.type)
        columns.append(column.cast(pa.timestamp("us", column.type.tz)).to_pylist() if is_time else column.to_pylist())
    return table.column_names, columns


def _serial(path: Path, column: str, cell: Any) -> int:
    try:
        return int(cell)
    except (TypeError, ValueError):
        msg = f"{path}: {column} is {cell!r}; a serial number is a whole number: name another column, or none"
        raise ReadingsError(msg) from None


def _clock(path: Path, zone: str) -> tzinfo:
    try:
        return clock_of("civil" if "/" in zone else zone, zone)
    except ValueError as problem:
        msg = f"{path}: zone {zone!r}: {problem}"
        raise ReadingsError(msg) from None


def _numbered_starts(
    path: Path, days: Sequence[Any], numbers: Sequence[Any], table: TimeTable
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return starts from a local day and the number of the interval in it, from 1; a day has as many as its clock shows."""
    clock, step_ns = _clock(path, table.zone), table.minutes * _MINUTE_NS
    found = np.empty(len(days), np.int64)
    for row, (cell, number) in enumerate(zip(days, numbers, strict=True), 1):
        day = _read_time(f"{path}, row {row}", cell, table.format).replace(hour=0, minute=0, tzinfo=clock)
        begin_ns, end_ns = (to_ns(each.astimezone(UTC)) for each in (day, day + timedelta(days=1)))
        try:
            found[row - 1] = begin_ns + (int(number) - 1) * step_ns
        except (TypeError, ValueError):
            found[row - 1] = end_ns
        if not begin_ns <= found[row - 1] < end_ns:
            most = (end_ns - begin_ns) // step_ns
            msg = f"{path}, row {row}: {table.number} is {number!r}; {day:%Y-%m-%d} has intervals 1 to {most}"
            raise ReadingsError(msg)
    return found


def _starts(path: Path, cells: Sequence[Any], table: TimeTable) -> np.ndarray[Any, np.dtype[np.int64]]:
    clock = _clock(path, table.zone)
    back = timedelta(minutes=table.minutes) if table.labels == "end" else timedelta()
    seen: set[datetime] = set()
    found = np.empty(len(cells), np.int64)
    for number, cell in enumerate(cells):
        read = _read_time(f"{path}, row {number + 1}", cell, table.format)
        found[number] = to_ns(_instant(f"{path}, row {number + 1}", read, clock, seen) - back)
    return found


def _read_time(where: str, cell: Any, form: str) -> datetime:
    if isinstance(cell, datetime):
        return cell
    try:
        return datetime.strptime(cell, form) if form else datetime.fromisoformat(cell)  # noqa: DTZ007 - the zone follows
    except ValueError:
        msg = f"{where}: {cell!r} is no time; write ISO 8601, or say the format in a mapping"
        raise ReadingsError(msg) from None


def _instant(where: str, read: datetime, clock: tzinfo, seen: set[datetime]) -> datetime:
    """Return an instant in UTC; of a local time that comes twice, the second row is the later."""
    if read.tzinfo is not None:
        return read.astimezone(UTC)
    local = read.replace(tzinfo=clock, fold=int(read in seen and not isinstance(clock, timezone)))
    seen.add(read)
    instant = local.astimezone(UTC)
    if instant.astimezone(clock).replace(tzinfo=None) != read:
        msg = f"{where}: no clock shows {read.isoformat()}, since summer time begins; check the zone"
        raise ReadingsError(msg)
    return instant


def _micro(path: Path, cells: Sequence[Any], table: ColumnTable, decimal: str = ".") -> np.ndarray[Any, np.dtype[np.int64]]:
    decimals = _MICRO[table.unit]
    found = np.empty(len(cells), np.int64)
    for number, cell in enumerate(cells):
        try:
            found[number] = steps_half_up(
                cell if isinstance(cell, Decimal) else Decimal(str(cell).strip().replace(decimal, ".")), decimals
            )
        except (InvalidOperation, ValueError, OverflowError):
            msg = f"{path}, row {number + 1}: {table.column} is {cell!r}; leave a row out where nothing was read"
            raise ReadingsError(msg) from None
    return found
