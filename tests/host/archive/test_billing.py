"""Billing quantities of many meters against those of one, and the dense layout at its borders."""

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watthour.billing import Intervals, Quality, usage_of
from watthour.billing.bulk import NOT_READ, add_block, empty, runs_of
from watthour.errors import ReadingsError, StoreError
from watthour.host.archive.billing import quantities_of_archive, quantities_of_parquet
from watthour.host.archive.dense import create_block, read_blocks, write_interval, write_rows
from watthour.host.calendars import read_calendar

CALENDAR = read_calendar("es/6.1TD/peninsula")
QUARTER_NS = 900 * 10**9
METERS = np.array([4, 9, 11, 300], np.int64)
FIRST = date(2026, 3, 1)
MONTHS = 2
BEGIN_NS = int(datetime(2026, 2, 28, 23, tzinfo=UTC).timestamp()) * 10**9
COLUMNS = 96 * 61 - 4  # March and April, of which one day has 23 hours
POWERS = np.array([[400, 400, 450, 450, 500, 900]] * 4, np.int64)


@pytest.fixture(scope="module")
def rows():
    random = np.random.Generator(np.random.Philox(key=5))
    values = random.integers(0, 250, (4, COLUMNS)).astype(np.int32)
    values[1, 300:340] = NOT_READ
    return values


@pytest.fixture(scope="module")
def one_by_one(rows):
    """What the quantities of a single meter are, by month and period."""
    found = {}
    for place, values in enumerate(rows):
        intervals = Intervals(
            begin_ns=BEGIN_NS, step_ns=QUARTER_NS, energies={"import": np.maximum(values, 0).astype(np.int64) * 10**6},
            quality=np.where(values < 0, Quality.MISSING, 0).astype(np.uint8),
        )  # fmt: skip
        for month, (first, last) in enumerate(((date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 4, 30)))):
            usage = usage_of(intervals, CALENDAR, first, last)
            for period, name in enumerate(CALENDAR.rates):
                which = usage.chosen(name, first, last)
                sound = usage.sound(which)
                found[place, month, period] = (
                    usage.energy("import", which) // 10**6, usage.highest_demand(which) // 4 // 10**6,
                    usage.excess_squares(which, int(POWERS[place, period]) * 10**6) // 10**12, sound.intervals - sound.missing,
                )  # fmt: skip
    return found


def cells(found):
    shape = found.energy.shape
    return {
        place: tuple(int(getattr(found, name)[place]) for name in ("energy", "highest", "squares", "present"))
        for place in np.ndindex(*shape)
    }


def archive_of(folder, rows, width="i4"):
    """Write rows into blocks of the months they touch."""
    for month in (date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)):
        block = create_block(folder, month, tuple(METERS.tolist()), ("import",), width=width)
        begin = (block.begin_ns - BEGIN_NS) // QUARTER_NS
        low, high = max(begin, 0), min(begin + block.columns, COLUMNS)
        padded = np.full((4, block.columns), NOT_READ)
        padded[:, low - begin : high - begin] = rows[:, low:high]
        write_rows(block, "import", 0, padded)


@pytest.mark.parametrize("width", ["i4", "i8"])
def test_the_archive_gives_every_meter_s_own_quantities(tmp_path, rows, one_by_one, width):
    archive_of(tmp_path, rows, width)
    for threads in (1, 3):
        assert cells(quantities_of_archive(tmp_path, CALENDAR, FIRST, MONTHS, POWERS, threads=threads)) == one_by_one


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
@pytest.mark.parametrize("per_group", [COLUMNS, 5000])
def test_parquet_gives_the_same_in_any_order(tmp_path, rows, one_by_one, order, per_group):
    starts = BEGIN_NS // 1000 + 900_000_000 * np.arange(COLUMNS)
    meter, start, value = np.repeat(METERS, COLUMNS), np.tile(starts, 4), rows.reshape(-1)
    known = value >= 0
    if order == "sorted" and per_group == COLUMNS:
        known[:] = True  # a row of every interval, as it is read fastest
    meter, start, value = meter[known], start[known], value[known]
    if order == "shuffled":
        mixed = np.random.Generator(np.random.Philox(key=1)).permutation(len(meter))
        meter, start, value = meter[mixed], start[mixed], value[mixed]
    table = pa.table({"meter": meter, "start": pa.array(start).cast(pa.timestamp("us", "UTC")), "import_wh": value})
    pq.write_table(table, tmp_path / "r.parquet", row_group_size=per_group)
    words = {"meters": METERS, "contracted_w": POWERS, "begin_ns": BEGIN_NS, "columns": COLUMNS}
    assert cells(quantities_of_parquet([tmp_path / "r.parquet"], CALENDAR, FIRST, MONTHS, **words)) == one_by_one
    with pytest.raises(ReadingsError, match="meter 300 is none of those asked for"):
        quantities_of_parquet([tmp_path / "r.parquet"], CALENDAR, FIRST, MONTHS, **{**words, "meters": METERS[:3]})


def test_an_interval_is_written_in_place_as_it_arrives(tmp_path):
    block = create_block(tmp_path, date(2026, 3, 1), (7, 8), ("import",))
    assert block.columns == 31 * 96
    write_interval(block, "import", 5, np.array([70, 80]))
    (read,) = read_blocks(tmp_path)
    assert read == block
    assert read.row("import", 8)[4:7].tolist() == [NOT_READ, 80, NOT_READ]
    raw = (tmp_path / "2026-03" / "import.i4").read_bytes()
    assert raw[(1 * block.columns + 5) * 4 :][:4] == (80).to_bytes(4, "little")
    with pytest.raises(StoreError, match="column 2976 is not among its 2976"):
        write_interval(block, "import", 2976, np.array([0, 0]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "block.json").unlink(), "no block of an archive"),
        (lambda folder: (folder / "import.i4").write_bytes(b"1234"), "4 bytes, and 23808 would be whole"),
        (lambda folder: (folder / "block.json").write_text("{}"), "not the header of a block"),
        (lambda folder: header(folder, version=2), "version 2 of 'watthour dense block'; this program reads 1"),
        (lambda folder: header(folder, width="f8"), "not the header of a block"),
    ],
)
def test_a_damaged_block_is_refused(tmp_path, change, told):
    create_block(tmp_path, date(2026, 3, 1), (7, 8), ("import",))
    change(tmp_path / "2026-03")
    with pytest.raises(StoreError, match=told):
        read_blocks(tmp_path)


def header(folder, **changes):
    path = folder / "block.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_blocks_of_other_meters_are_refused(tmp_path):
    create_block(tmp_path, date(2026, 3, 1), (7, 8), ("import",))
    create_block(tmp_path, date(2026, 4, 1), (7, 9), ("import",))
    with pytest.raises(ReadingsError, match="other meters than"):
        quantities_of_archive(tmp_path, CALENDAR, FIRST, MONTHS, POWERS[:2])


def test_squares_that_would_leave_64_bits_are_refused():
    runs = runs_of(CALENDAR, FIRST, 1, begin_ns=BEGIN_NS, step_ns=QUARTER_NS, columns=96)
    for value, refused in ((10**7, False), (2**31 - 1, True)):
        into = empty(1, 1, 6)
        values = np.full((1, 96), value, np.int64)
        if refused:
            with pytest.raises(ReadingsError, match="too large for the unit of their rows"):
                add_block(into, values, runs, POWERS[:1], QUARTER_NS)
        else:
            add_block(into, values, runs, POWERS[:1], QUARTER_NS)


def test_runs_belong_to_local_months():
    begin = int(datetime(2026, 3, 31, 20, tzinfo=UTC).timestamp()) * 10**9  # 22:00 in Madrid, summer time
    runs = runs_of(CALENDAR, FIRST, MONTHS, begin_ns=begin, step_ns=QUARTER_NS, columns=16)
    assert runs.edges.tolist() == [0, 8, 16]
    assert [cell // 6 for cell in runs.cells.tolist()] == [0, 1]
    outside = runs_of(CALENDAR, FIRST + timedelta(days=31), 1, begin_ns=begin, step_ns=QUARTER_NS, columns=16)
    assert outside.cells.tolist()[0] == -1
