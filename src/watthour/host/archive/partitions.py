"""The history as Parquet: a file a month, dense, which DuckDB, pandas and Spark read as they are.

::

    FOLDER/step_s=900/month=2026-01/intervals.parquet      months of UTC
    place            string, a dictionary
    start            timestamp[ns, UTC]
    import_microwh … q4_microvarh   int64, null where nothing is known
    quality          uint8, `watthour.headend.reading.Quality`; 5 where there is no row in the database either

Rows are sorted by place, then by start, and **dense**: every place has every interval of the month, so that a column is a matrix of
places by intervals as it lies, and rows of one place are one row group. The file's metadata say so: ``watthour.begin_ns``,
``watthour.step_ns``, ``watthour.intervals`` (of a place). A file is replaced whole: whoever reads it sees the old or the new one.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sqlalchemy import func, select

from watthour.errors import StoreError
from watthour.headend.reading import Quality
from watthour.host.archive.database import Archive
from watthour.host.archive.queries import Place, intervals, places
from watthour.host.archive.tables import ENERGY_COLUMNS, INTERVAL
from watthour.host.instants import to_ns
from watthour.units import ENERGIES, NANOSECONDS

FILE = "intervals.parquet"

SCHEMA = pa.schema(
    [
        ("place", pa.dictionary(pa.int32(), pa.string())),
        ("start", pa.timestamp("ns", tz="UTC")),
        *((name, pa.int64()) for name in ENERGY_COLUMNS),
        ("quality", pa.uint8()),
    ]
)


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

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(slots=True, eq=False)
class _Rows:
    """The intervals of a place in a month, one cell each."""

    energies: dict[str, NDArray[np.int64]]
    known: dict[str, NDArray[np.bool_]]
    quality: NDArray[np.uint8]

    @classmethod
    def unknown(cls, count: int) -> "_Rows":
        return cls(
            energies={name: np.zeros(count, np.int64) for name in ENERGY_COLUMNS},
            known={name: np.zeros(count, np.bool_) for name in ENERGY_COLUMNS},
            quality=np.full(count, Quality.GAP, np.uint8),
        )


def partition_path(folder: Path, step_ns: int, month: Month) -> Path:
    """Return the file of a month."""
    return folder / f"step_s={step_ns // NANOSECONDS}" / f"month={month}" / FILE


def write_history(archive: Archive, folder: Path) -> list[tuple[Path, int]]:
    """Write every month that the database holds intervals of; return files and their rows.

    What a file holds already stays, where the database says nothing of it any more.

    Raises
    ------
    StoreError
        If a file cannot be read or written.
    """
    written = []
    by_step: dict[int, list[Place]] = {}
    for place in places(archive):
        by_step.setdefault(place.step_ns, []).append(place)
    for step_ns, some in sorted(by_step.items()):
        for month in _months(archive, some):
            path = partition_path(folder, step_ns, month)
            written.append((path, _write_month(archive, path, some, month, step_ns)))
    return written


def _months(archive: Archive, some: Sequence[Place]) -> Iterator[Month]:
    """Yield the months in which places have intervals in the database."""
    query = select(func.min(INTERVAL.c.start_ns), func.max(INTERVAL.c.start_ns)).where(
        INTERVAL.c.place_id.in_([place.id for place in some])
    )
    with archive.reading() as connection:
        first_ns, last_ns = connection.execute(query).one()
    if first_ns is None:
        return
    month = Month.holding(first_ns)
    while month.begin_ns <= last_ns:
        yield month
        month = month.following


def _write_month(archive: Archive, path: Path, some: Sequence[Place], month: Month, step_ns: int) -> int:
    count = (month.following.begin_ns - month.begin_ns) // step_ns
    before = _read_month(path, count) if path.exists() else {}
    rows = {**before}
    for place in some:
        cells = before.get(place.name) or _Rows.unknown(count)
        for each in intervals(archive, place, month.begin_ns, month.following.begin_ns):
            at = (each.start_ns - month.begin_ns) // step_ns
            cells.quality[at] = each.quality
            for name, energy in zip(ENERGY_COLUMNS, ENERGIES, strict=True):
                micro = each.energies.get(energy)
                cells.known[name][at] = micro is not None
                cells.energies[name][at] = micro or 0
        rows[place.name] = cells
    metadata = {"watthour.begin_ns": str(month.begin_ns), "watthour.step_ns": str(step_ns), "watthour.intervals": str(count)}
    starts = month.begin_ns + step_ns * np.arange(count, dtype=np.int64)
    _replace(path, rows, SCHEMA.with_metadata(metadata), starts)
    return count * len(rows)


def _replace(path: Path, rows: Mapping[str, _Rows], schema: pa.Schema, starts: NDArray[np.int64]) -> None:
    new = path.with_suffix(".new")
    names = pa.array(sorted(rows))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(new, schema, compression="zstd") as writer:
            for number, name in enumerate(sorted(rows)):
                cells = rows[name]
                indices = pa.array(np.full(len(starts), number, np.int32))
                columns = [
                    pa.DictionaryArray.from_arrays(indices, names),
                    pa.array(starts).cast(schema.field("start").type),
                    *(pa.array(cells.energies[each], mask=~cells.known[each]) for each in ENERGY_COLUMNS),
                    pa.array(cells.quality),
                ]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=len(starts))
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as problem:
        msg = f"{path}: cannot be written ({problem.strerror or problem})"
        raise StoreError(msg) from None


def _read_month(path: Path, count: int) -> dict[str, _Rows]:
    """Return what a file holds.

    Raises
    ------
    StoreError
        If it is no such file.
    """
    try:
        table = pq.ParquetFile(path).read()
        found = {}
        for first in range(0, table.num_rows, count):
            piece = table.slice(first, count)
            columns = {name: piece[name].combine_chunks() for name in ENERGY_COLUMNS}
            found[piece["place"][0].as_py()] = _Rows(
                energies={name: np.array(each.fill_null(0)) for name, each in columns.items()},
                known={name: np.array(each.is_valid()) for name, each in columns.items()},
                quality=np.array(piece["quality"].combine_chunks()),
            )
    except (OSError, KeyError, pa.ArrowException) as problem:
        msg = f"{path}: no history that watthour wrote ({problem}); move it away, and it is written anew from the database"
        raise StoreError(msg) from None
    return found
