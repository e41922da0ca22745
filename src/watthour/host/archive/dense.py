"""The layout of the history: dense Parquet, a file a month, which billing, DuckDB, pandas and Spark read as it is.

::

    FOLDER/step_s=900/month=2026-01/intervals.parquet      months of UTC
    place            string, a dictionary
    start            timestamp[us, UTC]
    import_microwh … q4_microvarh   int64, null where nothing is known
    quality          uint8, `watthour.headend.reading.Quality`; 5 where there is no reading at all

Rows are sorted by place, then by start, and **dense**: every place has every interval of the month, so that a column is a matrix of
places by intervals as it lies. A row group holds `PLACES_IN_GROUP` whole places. The file's metadata say which places, in order, so
that a place or all of them are found by arithmetic; ``docs/reference/history.md`` tells every key.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from watthour.billing.bulk import NOT_READ
from watthour.errors import StoreError
from watthour.headend.reading import Quality
from watthour.host.archive.tables import ENERGY_COLUMNS
from watthour.host.instants import to_ns
from watthour.units import NANOSECONDS

FILE = "intervals.parquet"
PLACES_IN_GROUP = 40
"""A month of quarter-hours of so many is about as many rows as DuckDB gives one thread at a time (122 880)."""

SCHEMA = pa.schema(
    [
        ("place", pa.dictionary(pa.int32(), pa.string())),
        ("start", pa.timestamp("us", tz="UTC")),
        *((name, pa.int64()) for name in ENERGY_COLUMNS),
        ("quality", pa.uint8()),
    ]
)

_PACKED = dict.fromkeys(("start", *ENERGY_COLUMNS), "DELTA_BINARY_PACKED")
"""Neighbours differ by less than they are large: 5 bytes a value instead of 8, read four times as fast as Zstandard's."""

_BEGIN, _STEP, _INTERVALS, _PLACES = (f"watthour.{name}".encode() for name in ("begin_ns", "step_ns", "intervals", "places"))
_NANOSECONDS_PER_MICROSECOND = 1000


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of UTC."""

    year: int
    month: int

    @classmethod
    def holding(cls, time_ns: int) -> "Month":
        """Return the month of an instant."""
        day = datetime.fromtimestamp(time_ns // NANOSECONDS, UTC)
        return cls(day.year, day.month)

    @property
    def following(self) -> "Month":
        """The next month."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def begin_ns(self) -> int:
        """Its first instant."""
        return to_ns(datetime(self.year, self.month, 1, tzinfo=UTC))

    def intervals(self, step_ns: int) -> int:
        """Return how many intervals start in it."""
        return (self.following.begin_ns - self.begin_ns) // step_ns

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Intervals of some places, a place a row.

    Parameters
    ----------
    energies : dict of str to (places, intervals) int64 array
        Micro-units by the names of their columns; `NOT_READ` where nothing is known.
    quality : (places, intervals) uint8 array
    """

    energies: dict[str, NDArray[np.int64]]
    quality: NDArray[np.uint8]

    @classmethod
    def unknown(cls, places: int, intervals: int) -> "Cells":
        """Return cells of which nothing is known."""
        shape = (places, intervals)
        return cls(
            energies={name: np.full(shape, NOT_READ, np.int64) for name in ENERGY_COLUMNS},
            quality=np.full(shape, Quality.GAP, np.uint8),
        )

    def put(self, row: int, place: "Cells") -> None:
        """Take over what is known of one place."""
        self.quality[row] = place.quality[0]
        for name, values in place.energies.items():
            self.energies[name][row] = values[0]


class MonthFile:
    """A file of the history, open; its places stand in the order of their names.

    Parameters
    ----------
    path : Path

    Raises
    ------
    StoreError
        If it is no such file, or not as long as it says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: tuple[int, Cells] | None = None
        try:
            self._file = pq.ParquetFile(path, memory_map=True)
            schema = self._file.schema_arrow
            metadata = schema.metadata or {}
            self.begin_ns, self.step_ns, self.intervals = (int(metadata[key]) for key in (_BEGIN, _STEP, _INTERVALS))
            self.places: tuple[str, ...] = tuple(json.loads(metadata[_PLACES]))
            schema.field("quality")
            self.columns = tuple(name for name in ENERGY_COLUMNS if name in schema.names)
        except (OSError, KeyError, ValueError, pa.ArrowException) as problem:
            raise self._no_history(repr(problem)) from None
        rows = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        if rows != [len(each) * self.intervals for each in self.groups]:
            why = "it has not the rows that its metadata say"
            raise self._no_history(why)

    def _no_history(self, why: str) -> StoreError:
        return StoreError(
            f"{self.path}: no history that watthour wrote ({why}); move it away, and it is written anew from the database"
        )

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """Return which places each row group holds."""
        return [self.places[first : first + PLACES_IN_GROUP] for first in range(0, len(self.places), PLACES_IN_GROUP)]

    @property
    def starts_ns(self) -> NDArray[np.int64]:
        """Return the start of each interval."""
        return self.begin_ns + self.step_ns * np.arange(self.intervals, dtype=np.int64)

    def read(self, group: int, columns: Sequence[str] = ENERGY_COLUMNS) -> Cells:
        """Return the places of a row group.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        wanted = [name for name in columns if name in self.columns]
        try:
            table = self._file.read_row_group(group, columns=[*wanted, "quality"], use_threads=False)
        except (OSError, pa.ArrowException) as problem:
            raise self._no_history(str(problem)) from None
        return Cells(
            energies={name: self._matrix(table, name) for name in wanted},
            quality=self._matrix(table, "quality"),
        )

    def _matrix(self, table: pa.Table, name: str) -> NDArray[Any]:
        column = table.column(name)
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        if column.null_count == len(column):
            return np.full((len(column) // self.intervals, self.intervals), NOT_READ, np.int64)
        if column.null_count:
            column = column.fill_null(NOT_READ)
        values: NDArray[Any] = column.to_numpy().reshape(-1, self.intervals)
        return values

    def place(self, name: str) -> Cells | None:
        """Return one place, in a row; None where the file has none of that name."""
        if name not in self.places:
            return None
        group, row = divmod(self.places.index(name), PLACES_IN_GROUP)
        if self._last is None or self._last[0] != group:
            self._last = (group, self.read(group))
        found = self._last[1]
        one = slice(row, row + 1)
        return Cells(energies={key: values[one] for key, values in found.energies.items()}, quality=found.quality[one])


def month_path(folder: Path, step_ns: int, month: Month) -> Path:
    """Return the file of a month."""
    return folder / f"step_s={step_ns // NANOSECONDS}" / f"month={month}" / FILE


def month_files(folder: Path) -> list[Path]:
    """Return the files of a history, by step and month."""
    return sorted(folder.glob(f"step_s=*/month=*/{FILE}"))


def places_of_history(folder: Path) -> list[str]:
    """Return the places of a history in the order of their names; none where there is no history.

    Raises
    ------
    StoreError
        If a file is damaged.
    """
    return sorted({place for path in month_files(folder) for place in MonthFile(path).places})


def write_month(path: Path, month: Month, step_ns: int, places: Sequence[str], groups: Iterable[Cells]) -> None:
    """Write a file whole, in place of what was there: whoever reads it sees the old or the new one.

    Parameters
    ----------
    places : sequence of str
        Sorted.
    groups : iterable of Cells
        `PLACES_IN_GROUP` places at a time.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    new = path.with_suffix(".new")
    count = month.intervals(step_ns)
    metadata = {_BEGIN: str(month.begin_ns), _STEP: str(step_ns), _INTERVALS: str(count), _PLACES: json.dumps(list(places))}
    schema = SCHEMA.with_metadata(metadata)
    starts = (month.begin_ns + step_ns * np.arange(count, dtype=np.int64)) // _NANOSECONDS_PER_MICROSECOND
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(
            new, schema, compression="none", use_dictionary=["place", "quality"], column_encoding=_PACKED
        ) as writer:
            for table in _tables(schema, starts, places, groups):
                writer.write_table(table, row_group_size=table.num_rows)
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as problem:
        msg = f"{path}: cannot be written ({problem.strerror or problem})"
        raise StoreError(msg) from None


def _tables(schema: pa.Schema, starts: NDArray[np.int64], places: Sequence[str], groups: Iterable[Cells]) -> Iterator[pa.Table]:
    names = pa.array(places, pa.string())
    first = 0
    for cells in groups:
        count = len(cells.quality)
        indices = np.repeat(np.arange(first, first + count, dtype=np.int32), len(starts))
        first += count
        columns = [
            pa.DictionaryArray.from_arrays(pa.array(indices), names),
            pa.array(np.tile(starts, count)).cast(schema.field("start").type),
            *(_nullable(cells.energies[each]) for each in ENERGY_COLUMNS),
            pa.array(cells.quality.reshape(-1)),
        ]
        yield pa.Table.from_arrays(columns, schema=schema)


def _nullable(values: NDArray[np.int64]) -> pa.Array:
    flat = values.reshape(-1)
    return pa.array(flat, mask=flat == NOT_READ)
