"""Quarter-hours to bill, from wherever they are kept: a meter's data directory, CSV, Parquet, or a file with a mapping of its columns.

In: a path. Out: `Intervals` in whole micro-units. A directory is what ``--data`` named; a ``.csv`` or ``.parquet`` file has the columns of
``watthour readings export``; a ``.toml`` file names another file and says what its columns mean.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from watthour.billing import Intervals, Quality, intervals_from
from watthour.billing.intervals import ENERGIES
from watthour.errors import ReadingsError
from watthour.history import ProfileRow, RowFlag
from watthour.host.instants import to_ns
from watthour.host.readings import read_profiles
from watthour.host.toml_files import check_toml, read_toml
from watthour.tariff.clock import clock_of
from watthour.units import NANOSECONDS, energy_name, steps_half_up

_MICRO = {"Wh": 6, "varh": 6, "kWh": 9, "kvarh": 9, "MWh": 12, "Mvarh": 12}
"""Decimals from a unit to micro-units."""

_MINUTE_NS = 60 * NANOSECONDS
_YES = {"1", "true", "yes", "y", "t", "True", "TRUE"}


class Table(BaseModel):
    """A table of a mapping."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ColumnTable(Table):
    """A column of energy and its unit."""

    column: str
    unit: Literal["Wh", "kWh", "MWh", "varh", "kvarh", "Mvarh"]


class TimeTable(Table):
    """How instants are written."""

    column: str = "start"
    format: str = ""
    zone: str = "+00:00"
    labels: Literal["start", "end"] = "start"
    minutes: Literal[15, 30, 60] = 15


class MappingFile(Table):
    """A file of readings and what its columns mean."""

    file: str
    time: TimeTable = TimeTable()
    serial: str = ""
    estimated: str = ""
    incomplete: str = ""
    energy: dict[Literal["import", "export", "q1", "q2", "q3", "q4"], ColumnTable]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsOnFile:
    """Readings, and what is to be said of where they were.

    Parameters
    ----------
    intervals : Intervals
    words : tuple of str
        One line each.
    """

    intervals: Intervals
    words: tuple[str, ...] = ()


def read_intervals(path: Path, serial: int | None = None) -> ReadingsOnFile:
    """Return the intervals that a path holds.

    Parameters
    ----------
    path : Path
    serial : int, optional
        Which meter, where there are several.

    Raises
    ------
    ReadingsError
        If there is no such meter, column or interval, naming what there is.
    """
    if path.is_dir():
        return _from_directory(path, serial)
    match path.suffix.lower():
        case ".toml":
            mapping = check_toml(str(path), read_toml(path), MappingFile)
            return _from_table(path.parent / mapping.file, mapping, serial)
        case ".csv" | ".parquet":
            return _from_table(path, None, serial)
    msg = f"{path}: name a meter's data directory, or a .csv, .parquet or .toml file"
    raise ReadingsError(msg)


def _from_directory(path: Path, serial: int | None) -> ReadingsOnFile:
    profiles = {profile.serial: profile for profile in read_profiles(path)}
    chosen = _one(str(path), list(profiles), serial)
    rows: Sequence[ProfileRow] = profiles[chosen].rows
    energies = {name: np.array([row.energies[place] for row in rows], dtype=np.int64) for place, name in enumerate(ENERGIES)}
    quality = np.array([Quality.INCOMPLETE if row.flags & RowFlag.INCOMPLETE else 0 for row in rows], dtype=np.uint8)
    starts_ns = np.array([row.start_ns for row in rows], dtype=np.int64)
    return ReadingsOnFile(intervals=intervals_from(starts_ns, energies, quality), words=profiles[chosen].faults)


def _one(where: str, serials: list[int], serial: int | None) -> int:
    if serial is None and len(serials) == 1:
        return serials[0]
    if serial not in serials:
        known = ", ".join(str(each) for each in sorted(serials)[:10]) + (" …" if len(serials) > 10 else "")  # noqa: PLR2004
        wanted = f"no meter {serial}" if serial is not None else "several meters"
        msg = f"{where}: {wanted}; name one with --serial, or serial = in the contract: {known}"
        raise ReadingsError(msg)
    assert serial is not None  # noqa: S101 - it is among them
    return serial


def _from_table(path: Path, mapping: MappingFile | None, serial: int | None) -> ReadingsOnFile:
    columns = _columns(path)
    mapping = _own_mapping(path, columns) if mapping is None else mapping
    known = ", ".join(columns)
    wanted = [mapping.time.column, *(each.column for each in mapping.energy.values()), mapping.serial, mapping.estimated]
    for name in (*wanted, mapping.incomplete):
        if name and name not in columns:
            msg = f"{path}: no column {name}; it has {known}"
            raise ReadingsError(msg)
    if "import" not in mapping.energy:
        msg = f"{path}: energy.import is to name the column of imported energy"
        raise ReadingsError(msg)
    count = len(columns[mapping.time.column])
    which = np.ones(count, bool)
    if mapping.serial:
        serials = np.array([int(each) for each in columns[mapping.serial]])
        which = serials == _one(str(path), [int(each) for each in np.unique(serials)], serial)
    starts_ns = _starts(
        path, [cell for cell, is_own in zip(columns[mapping.time.column], which, strict=True) if is_own], mapping.time
    )
    energies = {
        name: _micro(path, [cell for cell, is_own in zip(columns[each.column], which, strict=True) if is_own], each)
        for name, each in mapping.energy.items()
    }
    quality = np.zeros(len(starts_ns), np.uint8)
    for name, flag in ((mapping.estimated, Quality.ESTIMATED), (mapping.incomplete, Quality.INCOMPLETE)):
        if name:
            quality |= np.where([_is_yes(cell) for cell in columns[name]], np.uint8(flag), np.uint8(0))[which]
    intervals = intervals_from(
        starts_ns, {str(name): each for name, each in energies.items()}, quality, mapping.time.minutes * _MINUTE_NS
    )
    return ReadingsOnFile(intervals=intervals)


def _is_yes(cell: Any) -> bool:
    return cell is True or str(cell).strip() in _YES


def _own_mapping(path: Path, columns: Mapping[str, Sequence[Any]]) -> MappingFile:
    """Return the mapping of the columns of ``watthour readings export``; only those of energy that are there."""
    names = {name: energy_name(name) for name in ENERGIES}
    energy = {
        name: {"column": column, "unit": column.rpartition("_")[2].replace("wh", "Wh")}
        for name, column in names.items()
        if column in columns
    }
    return MappingFile.model_validate(
        {
            "file": str(path),
            "energy": energy,
            "serial": "serial" if "serial" in columns else "",
            "estimated": "estimated" if "estimated" in columns else "",
            "incomplete": "incomplete" if "incomplete" in columns else "",
        }
    )


def _columns(path: Path) -> dict[str, list[Any]]:
    try:
        if path.suffix.lower() == ".parquet":
            return dict(zip(*_parquet(path), strict=True))
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            cells = [row for row in rows if row]
    except (OSError, pa.ArrowException, UnicodeDecodeError, csv.Error) as problem:
        msg = f"{path}: cannot be read: {getattr(problem, 'strerror', None) or problem}; check the path"
        raise ReadingsError(msg) from None
    short = next((number for number, row in enumerate(cells, 2) if len(row) != len(header)), None)
    if short is not None:
        msg = f"{path}:{short}: not as many cells as the header has"
        raise ReadingsError(msg)
    return {name: [row[place] for row in cells] for place, name in enumerate(header)}


def _parquet(path: Path) -> tuple[list[str], list[list[Any]]]:
    table = pq.read_table(path)
    columns = []
    for column in table.columns:
        is_time = pa.types.is_timestamp(column.type)
        columns.append(column.cast(pa.timestamp("us", column.type.tz)).to_pylist() if is_time else column.to_pylist())
    return table.column_names, columns


def _starts(path: Path, cells: Sequence[Any], table: TimeTable) -> np.ndarray[Any, np.dtype[np.int64]]:
    try:
        clock = clock_of("civil" if "/" in table.zone else table.zone, table.zone)
    except ValueError as problem:
        msg = f"{path}: zone {table.zone!r}: {problem}"
        raise ReadingsError(msg) from None
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


def _micro(path: Path, cells: Sequence[Any], table: ColumnTable) -> np.ndarray[Any, np.dtype[np.int64]]:
    decimals = _MICRO[table.unit]
    found = np.empty(len(cells), np.int64)
    for number, cell in enumerate(cells):
        try:
            found[number] = steps_half_up(cell if isinstance(cell, Decimal) else Decimal(str(cell).strip()), decimals)
        except (InvalidOperation, ValueError, OverflowError):
            msg = f"{path}, row {number + 1}: {table.column} is {cell!r}; leave a row out where nothing was read"
            raise ReadingsError(msg) from None
    return found
