"""Many meters, a year of quarter-hours, to billing quantities: plain SQL in DuckDB, the same files by us, and the head-end's own history.

Two sets of files hold the same energies: Parquet of a row an interval, in watt-hours, as anybody would write it, and the history, in
micro-watt-hours, as the head-end does. DuckDB is asked for both, a file of 1250 meters or a month at a time, with a limit to its memory and
a folder to spill into. Every cell of all four is compared. METERS (10 000 without it) sets the size; files lie in BENCH_DIR, else
in the system's temporary folder.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from watthour.billing.bulk import BulkQuantities, add_block, empty, runs_of
from watthour.headend.reading import Quality
from watthour.host.archive.billing import quantities_of_history, quantities_of_parquet
from watthour.host.archive.dense import PLACES_IN_GROUP, Cells, Month, month_path, write_month
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
QUANTITIES = ("energy", "highest", "squares", "present")

SQL = """
SELECT r.{meter} AS meter, c.month, c.period, sum({wh})::BIGINT AS energy, max({wh}) AS highest, count({wh}) AS present,
       sum(greatest(4 * {wh} - p.limits[c.period], 0) * greatest(4 * {wh} - p.limits[c.period], 0))::BIGINT AS squares
FROM read_parquet('{file}') r
JOIN calendar c ON r.start = c.start
JOIN (SELECT meter, place, list(contracted_w ORDER BY period) AS limits FROM contracted GROUP BY meter, place) p
  ON r.{meter} = p.{meter}
GROUP BY r.{meter}, c.month, c.period
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
    """Write both forms, by way of a matrix on disk."""
    matrix = np.memmap(folder / "rows.i4", np.int32, "w+", shape=(METERS, COLUMNS))
    for first in range(0, METERS, GROUP):
        count = min(GROUP, METERS - first)
        matrix[first : first + count] = random_rows(first, count)
    make_parquet(folder, matrix)
    for month in (Month(YEAR - 1, 12), *(Month(YEAR, month) for month in range(1, 13))):
        path = month_path(folder / "history", QUARTER_NS, month)
        write_month(path, month, QUARTER_NS, [place_name(n) for n in range(METERS)], history_groups(matrix, month))
    (folder / "rows.i4").unlink()


def place_name(meter: int) -> str:
    return f"plant {meter:06}"


def make_parquet(folder: Path, matrix: Integers) -> None:
    starts = pa.array(
        np.datetime64(BEGIN.replace(tzinfo=None), "us") + np.arange(COLUMNS) * np.timedelta64(900, "s"),
        pa.timestamp("us", "UTC"),
    )
    (folder / "parquet").mkdir()
    per_file = max(METERS // 8, GROUP)
    writer, files = None, 0
    all_starts = pa.chunked_array([starts] * GROUP)
    for first in range(0, METERS, GROUP):
        count = min(GROUP, METERS - first)
        meter = np.repeat(np.arange(first, first + count, dtype=np.int64), COLUMNS)
        rows = np.array(matrix[first : first + count]).reshape(-1)
        table = pa.table({"meter": meter, "start": all_starts.slice(0, count * COLUMNS), "import_wh": rows})
        if writer is None or first % per_file == 0:
            if writer is not None:
                writer.close()
            writer = pq.ParquetWriter(folder / "parquet" / f"{files:03}.parquet", table.schema, compression="zstd")
            files += 1
        writer.write_table(table, row_group_size=GROUP * COLUMNS)
    writer.close()


def history_groups(matrix: Integers, month: Month) -> Iterator[Cells]:
    """Yield the cells of a month, some places at a time; what lies outside the year is not known."""
    intervals = month.intervals(QUARTER_NS)
    begin = (month.begin_ns - BEGIN_NS) // QUARTER_NS
    low, high = max(begin, 0), min(begin + intervals, COLUMNS)
    for first in range(0, METERS, PLACES_IN_GROUP):
        rows = np.array(matrix[first : first + PLACES_IN_GROUP, low:high], np.int64)
        cells = Cells.unknown(len(rows), intervals)
        cells.energies["import_microwh"][:, low - begin : high - begin] = rows * 10**6
        cells.quality[:, low - begin : high - begin] = Quality.MEASURED
        yield cells


def by_sql(folder: Path, pattern: str, meter: str, wh: str) -> Measured:
    """Run the query file by file, without pushing aggregates below joins, which here makes a group of every row."""
    calendar = read_calendar(CALENDAR)
    starts = BEGIN_NS + QUARTER_NS * np.arange(COLUMNS, dtype=np.int64)
    local = [datetime.fromtimestamp(each // 10**9, ZoneInfo("Europe/Madrid")).month for each in starts.tolist()]
    table = pa.table({
        "start": pa.array(starts // 1000).cast(pa.timestamp("us", "UTC")),
        "month": pa.array(np.array(local, np.int32)), "period": pa.array(rates_at(calendar, starts).astype(np.int32)),
    })  # fmt: skip
    powers = contracted()
    meters = np.repeat(np.arange(METERS, dtype=np.int64), 6)
    limits = pa.table({
        "meter": meters, "place": [place_name(each) for each in meters.tolist()],
        "period": np.tile(np.arange(1, 7, dtype=np.int32), METERS), "contracted_w": powers.reshape(-1),
    })  # fmt: skip
    with duckdb.connect(config={"threads": THREADS, "memory_limit": "4GB", "temp_directory": str(folder / "spill")}) as base:
        base.register("calendar_", table)
        base.register("contracted_", limits)
        base.execute("CREATE TABLE calendar AS SELECT * FROM calendar_; CREATE TABLE contracted AS SELECT * FROM contracted_")
        base.execute("SET disabled_optimizers = 'partial_aggregate_pushdown'")
        begun = time.perf_counter()
        pieces = [base.execute(SQL.format(file=file, meter=meter, wh=wh)).fetchnumpy() for file in sorted(folder.glob(pattern))]
        seconds = time.perf_counter() - begun
    result = {name: np.zeros((METERS, 12, 6), np.int64) for name in QUANTITIES}
    for found in pieces:
        rows = found["meter"] if meter == "meter" else np.array([int(each.split()[1]) for each in found["meter"]])
        cell = rows, found["month"] - 1, found["period"] - 1
        for name, dense in result.items():
            values = np.asarray(found[name], np.int64)
            dense[cell] = np.maximum(dense[cell], values) if name == "highest" else dense[cell] + values
    return seconds, result


def by_sql_on_parquet(folder: Path) -> Measured:
    return by_sql(folder, "parquet/*.parquet", "meter", "r.import_wh")


def by_sql_on_history(folder: Path) -> Measured:
    return by_sql(folder, "history/*/*/*.parquet", "place", "(r.import_microwh // 1000000)")


def by_parquet(folder: Path) -> Measured:
    files = sorted((folder / "parquet").glob("*.parquet"))
    begun = time.perf_counter()
    found = quantities_of_parquet(
        files,
        read_calendar(CALENDAR),
        date(YEAR, 1, 1),
        12,
        meters=np.arange(METERS),
        contracted_microw=contracted() * 10**6,
        begin_ns=BEGIN_NS,
        columns=COLUMNS,
        threads=THREADS,
    )
    return time.perf_counter() - begun, in_watt_hours(found)


def by_history(folder: Path) -> Measured:
    places = [place_name(n) for n in range(METERS)]
    begun = time.perf_counter()
    found = quantities_of_history(
        folder / "history",
        read_calendar(CALENDAR),
        date(YEAR, 1, 1),
        12,
        places=places,
        contracted_microw=contracted() * 10**6,
        threads=THREADS,
    )
    return time.perf_counter() - begun, in_watt_hours(found)


def in_watt_hours(found: BulkQuantities) -> dict[str, Integers]:
    """Return quantities as SQL has them; a rest would be an error, since the rows are whole watt-hours."""
    squares, rest = found.squares() // 10**12, found.squares() % 10**12
    if rest.any() or (found.energy % 10**6).any() or (found.highest % 10**6).any():
        sys.exit("what comes of whole watt-hours is no whole watt-hours")
    return {
        "energy": found.energy // 10**6,
        "highest": found.highest // 10**6,
        "squares": squares.astype(np.int64),
        "present": found.present.astype(np.int64),
    }


WAYS = {
    "SQL on Parquet": by_sql_on_parquet,
    "Parquet": by_parquet,
    "SQL on history": by_sql_on_history,
    "history": by_history,
}


def warm() -> None:
    """Load the compiled loops before anything is measured, as a program that runs has them."""
    runs = runs_of(read_calendar(CALENDAR), date(YEAR, 1, 1), 1, begin_ns=BEGIN_NS, step_ns=QUARTER_NS, columns=96)
    powers = np.zeros((1, 6), np.int64)
    add_block(empty(1, 1, 6), np.zeros((1, 96), np.int32), runs, powers, QUARTER_NS, unit_micro=10**6)
    add_block(empty(1, 1, 6), np.zeros((1, 96), np.int64), runs, powers, QUARTER_NS, doubtful=np.zeros((1, 96), np.bool_))


def one(way: str, folder: Path, times: int) -> None:
    """Measure one way in a process of its own: the best of some times, its peak memory, and its cells in a file."""
    warm()
    seconds, result = min((WAYS[way](folder) for _ in range(times)), key=lambda each: each[0])
    np.savez(folder / f"{way}.npz", **result)
    print(f"{seconds} {peak_mb()}")


def peak_mb() -> float:
    """Return the most memory that this process held; the kernel's other figure counts its parent's."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1024


def measured(way: str, folder: Path) -> tuple[float, float]:
    words = [sys.executable, __file__, way, str(folder)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split()[-2:])
    print(f"{way:14} {seconds:7.2f} s, peak {megabytes:5.0f} MB", flush=True)
    return seconds, megabytes


def size_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*")) / 2**20


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        begun = time.perf_counter()
        make(folder)
        print(
            f"{METERS} meters, {METERS * COLUMNS} quarter-hours; Parquet {size_mb(folder / 'parquet'):.0f} MB,"
            f" history {size_mb(folder / 'history'):.0f} MB, made in {time.perf_counter() - begun:.0f} s",
            flush=True,
        )
        seconds = {way: measured(way, folder)[0] for way in WAYS}
        first, *others = ((way, np.load(folder / f"{way}.npz")) for way in WAYS)
        for way, cells in others:
            for quantity in QUANTITIES:
                different = int((cells[quantity] != first[1][quantity]).sum())
                if different:
                    sys.exit(f"{way}: {different} cells of {quantity} differ from {first[0]}")
        print(f"every one of {len(QUANTITIES) * first[1]['energy'].size} cells is the same in all {len(WAYS)}")
        sql, on_history = seconds["SQL on Parquet"], seconds["SQL on history"]
        print(
            f"Parquet: {sql / seconds['Parquet']:.2f} times SQL on it, bar 1; history: {sql / seconds['history']:.2f} times"
            f" SQL on Parquet, bar 5, and {on_history / seconds['history']:.2f} times SQL on the history"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        one(sys.argv[1], Path(sys.argv[2]), AGAIN)
    else:
        main()
