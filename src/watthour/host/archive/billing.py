"""Billing quantities of very many places at once, from the history or from any Parquet file of a row an interval, in flat memory.

Rows come some at a time, a share of them to each thread; compiled loops release the GIL. Parquet files that others wrote hold
``meter``, ``start`` (UTC) and ``import_wh``, in any order; sorted by meter and start they are read fastest.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from watthour.billing.bulk import NOT_READ, BulkQuantities, Runs, add_block, empty, runs_of
from watthour.billing.intervals import Integers
from watthour.errors import ReadingsError, StoreError
from watthour.headend.reading import Quality
from watthour.host.archive.dense import MonthFile, month_files, places_of_history
from watthour.tariff import Calendar
from watthour.units import MICRO, exact_name

_IMPORT = exact_name("import")
Found = tuple[NDArray[np.intp], slice, BulkQuantities]
"""Which rows, which months, and what was found of them."""


def quantities_of_history(
    folder: Path,
    calendar: Calendar,
    first_month: date,
    months: int,
    *,
    places: Sequence[str],
    contracted_microw: Integers,
    threads: int = 2,
) -> BulkQuantities:
    """Return billing quantities of import energy by local month and period.

    Parameters
    ----------
    places : sequence of str
        Rows of the result.
    contracted_microw : (places, periods) int64 array
        Contracted powers.

    Raises
    ------
    StoreError
        If the history cannot be read, or has none of a place.
    """
    asked = _Asked(
        calendar=calendar,
        first_month=first_month,
        months=months,
        rows={place: row for row, place in enumerate(places)},
        contracted_microw=contracted_microw,
    )
    known = places_of_history(folder)
    if not known:
        msg = f"{folder}: no history there; name the folder that watthour readings archive wrote"
        raise StoreError(msg)
    unknown = set(places).difference(known)
    if unknown:
        msg = f"{folder}: no place {min(unknown)} in the history"
        raise StoreError(msg)
    found = empty(len(places), months, len(calendar.rates))

    def read(task: tuple[Path, int]) -> list[Found]:
        path, share = task
        return list(_of_month(path, slice(share, None, threads), asked))

    with ThreadPoolExecutor(threads) as pool:
        for part in pool.map(read, [(path, share) for path in month_files(folder) for share in range(threads)]):
            for which, span, each in part:
                found.add(each, which, span)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is asked of a history: rows by place, and powers by row."""

    calendar: Calendar
    first_month: date
    months: int
    rows: dict[str, int]
    contracted_microw: Integers


def _of_month(path: Path, groups: slice, asked: _Asked) -> Iterator[Found]:
    """Yield the quantities of some row groups of a file."""
    file = MonthFile(path)
    periods = len(asked.calendar.rates)
    found = runs_of(
        asked.calendar,
        asked.first_month,
        asked.months,
        begin_ns=file.begin_ns,
        step_ns=file.step_ns,
        columns=file.intervals,
    )
    touched = _months_of(found, periods)
    if touched is None:
        return
    runs = Runs(edges=found.edges, cells=np.where(found.cells < 0, found.cells, found.cells - touched.start * periods))
    for group, places in list(enumerate(file.groups))[groups]:
        which = np.array([asked.rows.get(place, -1) for place in places], np.intp)
        if (which < 0).all():
            continue
        cells = file.read(group, [_IMPORT])
        values, quality = cells.energies[_IMPORT], cells.quality
        if (which < 0).any():
            wanted = which >= 0
            which, values, quality = which[wanted], values[wanted], quality[wanted]
        own = empty(len(which), touched.stop - touched.start, periods)
        doubtful = (quality >= Quality.INTERPOLATED) & (quality != Quality.GAP)
        add_block(own, values, runs, asked.contracted_microw[which], file.step_ns, doubtful=doubtful)
        yield which, touched, own


def _months_of(runs: Runs, periods: int) -> slice | None:
    """Return the months that columns belong to; None where they belong to none that is asked for."""
    known = runs.cells[runs.cells >= 0] // periods
    return slice(int(known.min()), int(known.max()) + 1) if known.size else None


def quantities_of_parquet(
    files: Sequence[Path],
    calendar: Calendar,
    first_month: date,
    months: int,
    *,
    meters: Integers,
    contracted_microw: Integers,
    begin_ns: int,
    columns: int,
    step_ns: int = 900 * 10**9,
    threads: int = 2,
) -> BulkQuantities:
    """Return the same from Parquet files of a row an interval.

    Parameters
    ----------
    meters : (n,) int64 array
        Sorted.
    begin_ns, columns
        The intervals that are looked for.

    Raises
    ------
    ReadingsError
        If a file has an unknown meter, a start that is none, or another shape.
    """
    runs = runs_of(calendar, first_month, months, begin_ns=begin_ns, step_ns=step_ns, columns=columns)
    grid_us = (begin_ns + step_ns * np.arange(columns, dtype=np.int64)) // 1000
    found = empty(len(meters), months, len(calendar.rates))
    groups = [(path, group) for path in files for group in range(pq.ParquetFile(path).num_row_groups)]

    def read(group: tuple[Path, int]) -> tuple[NDArray[np.intp], BulkQuantities]:
        which, values = _dense(*group, meters=meters, grid_us=grid_us)
        own = empty(len(which), months, len(calendar.rates))
        add_block(own, values, runs, contracted_microw[which], step_ns, unit_micro=MICRO)
        return which, own

    with ThreadPoolExecutor(threads) as pool:
        for which, own in pool.map(read, groups):
            found.add(own, which, slice(None))
    return found


def _dense(path: Path, group: int, *, meters: Integers, grid_us: Integers) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Return which meters a row group holds, and their rows."""
    try:
        table = pq.ParquetFile(path).read_row_group(group, columns=["meter", "start", "import_wh"], use_threads=False)
    except (OSError, pa.ArrowException, KeyError) as problem:
        msg = f"{path}: cannot be read as columns meter, start and import_wh: {problem}"
        raise ReadingsError(msg) from None
    meter, start, value = (
        table.column(name).combine_chunks().cast(kind).to_numpy(zero_copy_only=False)
        for name, kind in (
            ("meter", pa.int64()),
            ("start", pa.timestamp("us", "UTC")),
            ("import_wh", table.schema.field("import_wh").type),
        )
    )
    start = start.view(np.int64) if start.dtype.kind != "i" else start
    columns = len(grid_us)
    if len(meter) % columns == 0:
        by_meter = meter.reshape(-1, columns)
        if (by_meter == by_meter[:, :1]).all() and (start.reshape(-1, columns) == grid_us).all():
            return _places(path, meters, by_meter[:, 0]), value.reshape(-1, columns)
    own, row = np.unique(meter, return_inverse=True)
    step_us = int(grid_us[1] - grid_us[0])
    column, rest = np.divmod(start - grid_us[0], step_us)
    if rest.any():
        msg = f"{path}: a start that is no multiple of {step_us // 60_000_000} minutes"
        raise ReadingsError(msg)
    values = np.full((len(own), columns), NOT_READ, value.dtype)
    inside = (column >= 0) & (column < columns)
    values[row[inside], column[inside]] = value[inside]
    return _places(path, meters, own), values


def _places(path: Path, meters: Integers, own: Integers) -> NDArray[np.intp]:
    places = np.searchsorted(meters, own)
    if (places == len(meters)).any() or (meters[places] != own).any():
        unknown = own[(places == len(meters)) | (meters[np.minimum(places, len(meters) - 1)] != own)][0]
        msg = f"{path}: meter {unknown} is none of those asked for"
        raise ReadingsError(msg)
    return places
