"""Many meters, a year of quarter-hours, to billing quantities: plain SQL in DuckDB, the same Parquet by us, and our own archive layout.

Every cell of the three is compared. METERS (10 000 without it) sets the size; files lie in BENCH_DIR, else in the system's temporary folder.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from watthour.billing.bulk import BulkQuantities, add_block, empty, runs_of
from watthour.host.archive.billing import quantities_of_archive, quantities_of_parquet
from watthour.host.archive.dense import create_block, write_rows
from watthour.host.calendars import read_calendar
from watthour.tariff import rates_at

METERS = int(os.environ.get("METERS", "10000"))
YEAR = 2026
CALENDAR = "es/6.1TD/peninsula"
THREADS = 2
GROUP = 25
BEGIN = datetime(YEAR - 1, 12, 31, 23, tzinfo=UTC)  # local midnight
COLUMNS = 365 * 96
BEGIN_NS = int(BEGIN.timestamp()) * 10**9
QUARTER_NS = 900 * 10**9
AGAIN = int(os.environ.get("AGAIN", "3"))

Integers = np.ndarray[Any, np.dtype[np.int64]]
Measured = tuple[float, dict[str, Integers]]

SQL = """
SELECT r.meter, c.month, c.period, sum(r.import_wh)::BIGINT AS energy, max(r.import_wh) AS highest, count(*) AS present,
       sum(greatest(4 * r.import_wh - p.limits[c.period], 0) * greatest(4 * r.import_wh - p.limits[c.period], 0))::BIGINT AS squares
FROM read_parquet('{folder}/parquet/*.parquet') r
JOIN calendar c ON r.start = c.start
JOIN (SELECT meter, list(contracted_w ORDER BY period) AS limits FROM contracted GROUP BY meter) p ON r.meter = p.meter
GROUP BY r.meter, c.month, c.period
"""
"""The fastest of several ways to ask it that were tried; a join with a row for each meter and period takes a third longer."""


def random_rows(first: int, count: int) -> Integers:
    """Return watt-hours of some meters: a plant's days with noise, each its own size."""
    random = np.random.Generator(np.random.Philox(key=first))
    hour = (np.arange(COLUMNS) // 4) % 24
    day = np.where((hour >= 7) & (hour < 20), 1.0, 0.15)  # noqa: PLR2004 - hours and days
    day *= np.where((np.arange(COLUMNS) // 96 + 3) % 7 < 5, 1.0, 0.3)  # noqa: PLR2004
    size = random.uniform(500, 20_000, (count, 1))
    return np.rint(size * day * random.uniform(0.5, 1.2, (count, COLUMNS))).astype(np.int32)


def contracted() -> Integers:
    random = np.random.Generator(np.random.Philox(key=7))
    return np.rint(random.uniform(2_000, 80_000, (METERS, 1)) * np.array([1, 1, 1.05, 1.05, 1.1, 1.2])).astype(np.int64)


def make(folder: Path) -> None:
    """Write both forms."""
    starts = pa.array(
        np.datetime64(BEGIN.replace(tzinfo=None), "us") + np.arange(COLUMNS) * np.timedelta64(900, "s"),
        pa.timestamp("us", "UTC"),
    )
    months = [date(YEAR - 1, 12, 1), *(date(YEAR, month, 1) for month in range(1, 13))]
    blocks = [create_block(folder / "archive", month, tuple(range(METERS)), ("import",)) for month in months]
    parquet = folder / "parquet"
    parquet.mkdir()
    per_file = max(METERS // 8, GROUP)
    writer, files = None, 0
    all_starts = pa.chunked_array([starts] * GROUP)
    for first in range(0, METERS, GROUP):
        count = min(GROUP, METERS - first)
        rows = random_rows(first, count)
        meter = np.repeat(np.arange(first, first + count, dtype=np.int64), COLUMNS)
        table = pa.table({"meter": meter, "start": all_starts.slice(0, count * COLUMNS), "import_wh": rows.reshape(-1)})
        if writer is None or first % per_file == 0:
            if writer is not None:
                writer.close()
            writer = pq.ParquetWriter(parquet / f"{files:03}.parquet", table.schema, compression="zstd")
            files += 1
        writer.write_table(table, row_group_size=GROUP * COLUMNS)
        for block in blocks:
            begin = (block.begin_ns - BEGIN_NS) // QUARTER_NS
            padded = np.full((count, block.columns), -1, np.int32)
            low, high = max(begin, 0), min(begin + block.columns, COLUMNS)
            padded[:, low - begin : high - begin] = rows[:, low:high]
            write_rows(block, "import", first, padded)
    writer.close()


def by_sql(folder: Path) -> Measured:
    """Run the query without pushing aggregates below joins, which here makes a group of every row: slower, and 14 GB at full size."""
    calendar = read_calendar(CALENDAR)
    starts = BEGIN_NS + QUARTER_NS * np.arange(COLUMNS, dtype=np.int64)
    local = [datetime.fromtimestamp(each // 10**9, ZoneInfo("Europe/Madrid")).month for each in starts.tolist()]
    table = pa.table({
        "start": pa.array(starts // 1000).cast(pa.timestamp("us", "UTC")),
        "month": pa.array(np.array(local, np.int32)), "period": pa.array(rates_at(calendar, starts).astype(np.int32)),
    })  # fmt: skip
    powers = contracted()
    limits = pa.table({
        "meter": np.repeat(np.arange(METERS, dtype=np.int64), 6), "period": np.tile(np.arange(1, 7, dtype=np.int32), METERS),
        "contracted_w": powers.reshape(-1),
    })  # fmt: skip
    with duckdb.connect(config={"threads": THREADS, "memory_limit": "4GB", "temp_directory": str(folder / "spill")}) as base:
        base.register("calendar_", table)
        base.register("contracted_", limits)
        base.execute("CREATE TABLE calendar AS SELECT * FROM calendar_; CREATE TABLE contracted AS SELECT * FROM contracted_")
        base.execute("SET disabled_optimizers = 'partial_aggregate_pushdown'")
        begun = time.perf_counter()
        found = base.execute(SQL.format(folder=folder)).fetchnumpy()
        seconds = time.perf_counter() - begun
    result = {}
    for name in ("energy", "highest", "squares", "present"):
        dense = np.zeros((METERS, 12, 6), np.int64)
        dense[found["meter"], found["month"] - 1, found["period"] - 1] = found[name]
        result[name] = dense
    return seconds, result


def by_parquet(folder: Path) -> Measured:
    files = sorted((folder / "parquet").glob("*.parquet"))
    begun = time.perf_counter()
    found = quantities_of_parquet(
        files,
        read_calendar(CALENDAR),
        date(YEAR, 1, 1),
        12,
        meters=np.arange(METERS),
        contracted_w=contracted(),
        begin_ns=BEGIN_NS,
        columns=COLUMNS,
        threads=THREADS,
    )
    return time.perf_counter() - begun, as_dict(found)


def by_archive(folder: Path) -> Measured:
    begun = time.perf_counter()
    found = quantities_of_archive(
        folder / "archive", read_calendar(CALENDAR), date(YEAR, 1, 1), 12, contracted(), threads=THREADS
    )
    return time.perf_counter() - begun, as_dict(found)


def as_dict(found: BulkQuantities) -> dict[str, Integers]:
    return {name: getattr(found, name).astype(np.int64) for name in ("energy", "highest", "squares", "present")}


WAYS = {"sql": by_sql, "parquet": by_parquet, "archive": by_archive}


def warm() -> None:
    """Load the compiled loop before anything is measured, as a program that runs has it."""
    values = np.zeros((1, 96), np.int32)
    runs = runs_of(read_calendar(CALENDAR), date(YEAR, 1, 1), 1, begin_ns=BEGIN_NS, step_ns=QUARTER_NS, columns=96)
    add_block(empty(1, 1, 6), values, runs, np.zeros((1, 6), np.int64), QUARTER_NS)


def one(way: str, folder: Path, times: int) -> None:
    """Measure one way in a process of its own: the best of some times, its peak memory, and its cells in a file."""
    warm()
    seconds, result = min((WAYS[way](folder) for _ in range(times)), key=lambda each: each[0])
    np.savez(folder / f"{way}.npz", **result)
    print(f"{seconds} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}")


def measured(way: str, folder: Path) -> tuple[float, float]:
    words = [sys.executable, __file__, way, str(folder)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split()[-2:])
    return seconds, megabytes


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        begun = time.perf_counter()
        make(folder)
        size = sum(file.stat().st_size for file in (folder / "parquet").iterdir()) / 2**20
        dense = sum(file.stat().st_size for file in (folder / "archive").rglob("*")) / 2**20
        made_s = time.perf_counter() - begun
        print(
            f"{METERS} meters, {METERS * COLUMNS} quarter-hours; Parquet {size:.0f} MB, archive {dense:.0f} MB, made in {made_s:.0f} s"
        )
        figures = {way: measured(way, folder) for way in WAYS}
        cells = {way: np.load(folder / f"{way}.npz") for way in WAYS}
        for way in ("parquet", "archive"):
            for quantity in ("energy", "highest", "squares", "present"):
                different = int((cells[way][quantity] != cells["sql"][quantity]).sum())
                if different:
                    sys.exit(f"{way}: {different} cells of {quantity} differ from SQL")
        print(f"every one of {4 * cells['sql']['energy'].size} cells is the same in all three")
        for way, (seconds, megabytes) in figures.items():
            print(f"{way:8} {seconds:7.2f} s, peak {megabytes:5.0f} MB")
        sql = figures["sql"][0]
        print(
            f"Parquet against SQL: {sql / figures['parquet'][0]:.2f} times, bar 1; archive: {sql / figures['archive'][0]:.2f} times, bar 5"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        one(sys.argv[1], Path(sys.argv[2]), AGAIN)
    else:
        main()
