"""Billing quantities of all meters of an archive, or of Parquet files, in flat memory.

Rows come some at a time into one buffer for each thread; compiled loops release the GIL. Parquet holds a row an interval: ``meter``,
``start`` (UTC) and ``import_wh``, in any order; sorted by meter and start it is read fastest.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from watthour.billing.bulk import NOT_READ, BulkQuantities, Runs, add_block, empty, runs_of
from watthour.billing.intervals import Integers
from watthour.errors import ReadingsError
from watthour.host.archive.dense import Block, read_blocks
from watthour.tariff import Calendar

_AT_A_TIME = 128
"""Rows in a buffer: a month of them stays in the caches."""


def quantities_of_archive(
    archive: Path, calendar: Calendar, first_month: date, months: int, contracted_w: Integers, *, threads: int = 2
) -> BulkQuantities:
    """Return billing quantities of import energy by local month and period.

    Parameters
    ----------
    contracted_w : (meters, periods) int64 array
        Contracted powers; in a block whose unit is not the watt-hour, in that unit an hour.

    Raises
    ------
    StoreError
        If the archive cannot be read.
    ReadingsError
        If its blocks hold other meters in one than in the other.
    """
    blocks = read_blocks(archive)
    meters = blocks[0].meters
    for block in blocks:
        if block.meters != meters:
            msg = f"{block.folder}: other meters than {blocks[0].folder}; their rows must be the same"
            raise ReadingsError(msg)
    found = empty(len(meters), months, len(calendar.rates))
    runs = [runs_of(calendar, first_month, months, begin_ns=b.begin_ns, step_ns=b.step_ns, columns=b.columns) for b in blocks]
    share = -(-len(meters) // threads)

    def add(part: int) -> None:
        own = slice(part * share, min((part + 1) * share, len(meters)))
        for block, each in zip(blocks, runs, strict=True):
            _add_rows(found, block, each, contracted_w, own)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(add, range(threads)))
    return found


def _add_rows(found: BulkQuantities, block: Block, runs: Runs, contracted: Integers, own: slice) -> None:
    for rows, values in block.rows("import", _AT_A_TIME, own):
        add_block(found.rows(rows), values, runs, contracted[rows], block.step_ns)


def quantities_of_parquet(
    files: Sequence[Path],
    calendar: Calendar,
    first_month: date,
    months: int,
    *,
    meters: Integers,
    contracted_w: Integers,
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

    def add(group: tuple[Path, int]) -> tuple[NDArray[np.intp], BulkQuantities]:
        which, values = _dense(*group, meters=meters, grid_us=grid_us)
        own = empty(len(which), months, len(calendar.rates))
        add_block(own, values, runs, contracted_w[which], step_ns)
        return which, own

    with ThreadPoolExecutor(threads) as pool:
        for which, own in pool.map(add, groups):
            found.energy[which] += own.energy
            found.highest[which] = np.maximum(found.highest[which], own.highest)
            found.squares[which] += own.squares
            found.present[which] += own.present
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
