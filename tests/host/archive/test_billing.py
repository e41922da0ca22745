"""Billing quantities of many places against those of one, and the layout of the history at its borders."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watthour.billing import Intervals, Quality, usage_of
from watthour.billing.bulk import NOT_READ, add_block, empty, runs_of
from watthour.errors import ReadingsError, StoreError
from watthour.headend.reading import Quality as HeadendQuality
from watthour.host.archive.billing import quantities_of_history, quantities_of_parquet
from watthour.host.archive.dense import (
    PLACES_IN_GROUP,
    Cells,
    Month,
    MonthFile,
    month_files,
    month_path,
    places_of_history,
    write_month,
)
from watthour.host.calendars import read_calendar

CALENDAR = read_calendar("es/6.1TD/peninsula")
QUARTER_NS = 900 * 10**9
COUNT = PLACES_IN_GROUP + 5
NAMES = [f"place {n:03}" for n in range(COUNT)]
FIRST = date(2026, 3, 1)
MONTHS = 2
BEGIN_NS = int(datetime(2026, 2, 28, 23, tzinfo=UTC).timestamp()) * 10**9
COLUMNS = 96 * 61 - 4  # March and April, of which one day has 23 hours
POWERS = np.array([[400, 400, 450, 450, 500, 900]] * COUNT, np.int64) * 1_000_003  # microwatts that are no whole watts
ALL_MONTHS = (Month(2026, 2), Month(2026, 3), Month(2026, 4))
SPANS = ((date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 4, 30)))


@pytest.fixture(scope="module")
def rows():
    """Micro-watt-hours with every digit in use, some not read."""
    random = np.random.Generator(np.random.Philox(key=5))
    values = random.integers(0, 250_000_000, (COUNT, COLUMNS))
    values[1, 300:340] = NOT_READ
    return values


@pytest.fixture(scope="module")
def one_by_one(rows):
    """What the quantities of a single place are, by month and period."""
    return of_each(rows)


def of_each(rows):
    found = {}
    for place, values in enumerate(rows):
        energies = {"import": np.maximum(values, 0).astype(np.int64)}
        quality = np.where(values < 0, Quality.MISSING, 0).astype(np.uint8)
        intervals = Intervals(begin_ns=BEGIN_NS, step_ns=QUARTER_NS, energies=energies, quality=quality)
        for month, (first, last) in enumerate(SPANS):
            usage = usage_of(intervals, CALENDAR, first, last)
            for period, name in enumerate(CALENDAR.rates):
                which = usage.chosen(name, first, last)
                sound = usage.sound(which)
                found[place, month, period] = (
                    usage.energy("import", which),
                    usage.highest_demand(which) // 4,
                    usage.excess_squares(which, int(POWERS[place, period])),
                    sound.intervals - sound.missing,
                )
    return found


def cells(found):
    squares = found.squares()
    return {
        place: (int(found.energy[place]), int(found.highest[place]), squares[place], int(found.present[place]))
        for place in np.ndindex(*found.energy.shape)
    }


def history_of(folder, rows, names=NAMES, months=ALL_MONTHS, doubtful=()):
    """Write rows into files of the months they touch."""
    for month in months:
        count = month.intervals(QUARTER_NS)
        begin = (month.begin_ns - BEGIN_NS) // QUARTER_NS
        low, high = max(begin, 0), min(begin + count, COLUMNS)
        groups = []
        for first in range(0, len(names), PLACES_IN_GROUP):
            some = rows[first : first + PLACES_IN_GROUP]
            group = Cells.unknown(len(some), count)
            group.energies["import_microwh"][:, low - begin : high - begin] = some[:, low:high]
            known = group.energies["import_microwh"] != NOT_READ
            group.quality[known] = HeadendQuality.MEASURED
            for at, quality in doubtful:
                if low <= at < high:
                    group.quality[:, at - begin] = quality
            groups.append(group)
        write_month(month_path(folder, QUARTER_NS, month), month, QUARTER_NS, names, groups)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_history_gives_every_place_s_own_quantities(tmp_path, rows, one_by_one, threads):
    history_of(tmp_path, rows)
    assert places_of_history(tmp_path) == NAMES
    found = quantities_of_history(tmp_path, CALENDAR, FIRST, MONTHS, places=NAMES, contracted_microw=POWERS, threads=threads)
    assert cells(found) == one_by_one
    assert not found.doubtful.any()


def test_some_places_in_another_order_and_a_place_that_a_month_lacks(tmp_path, rows, one_by_one):
    history_of(tmp_path, rows, months=(Month(2026, 2), Month(2026, 3)))
    fewer = [0, *range(2, COUNT)]
    history_of(tmp_path, rows[fewer], names=[NAMES[n] for n in fewer], months=(Month(2026, 4),))
    chosen = [COUNT - 1, 1]
    found = cells(
        quantities_of_history(
            tmp_path, CALENDAR, FIRST, MONTHS, places=[NAMES[n] for n in chosen], contracted_microw=POWERS[chosen]
        )
    )
    for (place, month, period), values in found.items():
        if (place, month) == (1, 1):
            assert values[0] < one_by_one[1, 1, period][0] or values == one_by_one[1, 1, period] == (0, 0, 0, 0)
            assert values[3] <= 8  # of April it has what lies in March by UTC
        else:
            assert values == one_by_one[chosen[place], month, period]
    with pytest.raises(StoreError, match="no place roof in the history"):
        quantities_of_history(tmp_path, CALENDAR, FIRST, MONTHS, places=["roof"], contracted_microw=POWERS[:1])


def test_estimates_are_carried_along(tmp_path, rows):
    doubtful = [(100, HeadendQuality.ESTIMATED), (101, HeadendQuality.INCOMPLETE), (102, HeadendQuality.INTERPOLATED)]
    doubtful += [(103, HeadendQuality.PROFILE), (104, HeadendQuality.GAP)]
    history_of(tmp_path, rows, doubtful=doubtful)
    found = quantities_of_history(tmp_path, CALENDAR, FIRST, MONTHS, places=NAMES, contracted_microw=POWERS)
    assert found.doubtful.sum(axis=(1, 2)).tolist() == [3] * COUNT


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
@pytest.mark.parametrize("per_group", [COLUMNS, 5000])
def test_parquet_gives_the_same_in_any_order(tmp_path, rows, order, per_group):
    meters = np.array([4, 9, 11, 300], np.int64)
    watt_hours = np.where(rows[:4] < 0, NOT_READ, rows[:4] // 10**6)
    wanted = of_each(np.where(watt_hours < 0, NOT_READ, watt_hours * 10**6))
    starts = BEGIN_NS // 1000 + 900_000_000 * np.arange(COLUMNS)
    meter, start, value = np.repeat(meters, COLUMNS), np.tile(starts, 4), watt_hours.astype(np.int32).reshape(-1)
    known = value >= 0
    if order == "sorted" and per_group == COLUMNS:
        known[:] = True  # a row of every interval, as it is read fastest
    meter, start, value = meter[known], start[known], value[known]
    if order == "shuffled":
        mixed = np.random.Generator(np.random.Philox(key=1)).permutation(len(meter))
        meter, start, value = meter[mixed], start[mixed], value[mixed]
    table = pa.table({"meter": meter, "start": pa.array(start).cast(pa.timestamp("us", "UTC")), "import_wh": value})
    pq.write_table(table, tmp_path / "r.parquet", row_group_size=per_group)
    words = {"meters": meters, "contracted_microw": POWERS[:4], "begin_ns": BEGIN_NS, "columns": COLUMNS}
    assert cells(quantities_of_parquet([tmp_path / "r.parquet"], CALENDAR, FIRST, MONTHS, **words)) == wanted
    with pytest.raises(ReadingsError, match="meter 300 is none of those asked for"):
        quantities_of_parquet([tmp_path / "r.parquet"], CALENDAR, FIRST, MONTHS, **{**words, "meters": meters[:3]})


def test_a_place_is_read_alone_and_one_that_is_not_there_is_none(tmp_path, rows):
    history_of(tmp_path, rows)
    (path,) = [each for each in month_files(tmp_path) if "2026-03" in str(each)]
    file = MonthFile(path)
    begin = (file.begin_ns - BEGIN_NS) // QUARTER_NS
    for place in (0, 1, COUNT - 1):
        found = file.place(NAMES[place])
        assert found.energies["import_microwh"][0].tolist() == rows[place, begin : begin + file.intervals].tolist()
        assert set(found.energies["q1_microvarh"][0].tolist()) == {NOT_READ}
    assert file.place("roof") is None


def other_rows(path):
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 100), path)


def no_metadata(path):
    pq.write_table(pq.read_table(path).replace_schema_metadata({}), path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda path: path.unlink(), "no history there"),
        (lambda path: path.write_bytes(b"1234"), "no history that watthour wrote"),
        (other_rows, "it has not the rows that its metadata say"),
        (no_metadata, "no history that watthour wrote"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, rows, change, told):
    history_of(tmp_path, rows[:2], names=NAMES[:2], months=(Month(2026, 3),))
    change(month_path(tmp_path, QUARTER_NS, Month(2026, 3)))
    with pytest.raises(StoreError, match=told):
        quantities_of_history(tmp_path, CALENDAR, FIRST, MONTHS, places=NAMES[:2], contracted_microw=POWERS[:2])


@pytest.mark.parametrize(("microwh", "refused"), [(120 * 10**12, False), (2**57, True)])
def test_squares_are_exact_up_to_hundreds_of_megawatts_and_refused_beyond(microwh, refused):
    runs = runs_of(CALENDAR, FIRST, 1, begin_ns=BEGIN_NS, step_ns=QUARTER_NS, columns=96)
    into, values = empty(1, 1, 6), np.full((1, 96), microwh + 12_345_678, np.int64)
    if refused:
        with pytest.raises(ReadingsError, match="too large, or too many, to be summed exactly"):
            add_block(into, values, runs, POWERS[:1], QUARTER_NS)
        return
    for _ in range(20):
        add_block(into, values, runs, POWERS[:1], QUARTER_NS)
    for period in range(6):
        over = 4 * (microwh + 12_345_678) - int(POWERS[0, period])
        assert into.squares()[0, 0, period] == int(into.present[0, 0, period]) * over**2
    assert into.present.sum() == 20 * 96


def test_runs_belong_to_local_months():
    begin = int(datetime(2026, 3, 31, 20, tzinfo=UTC).timestamp()) * 10**9  # 22:00 in Madrid, summer time
    runs = runs_of(CALENDAR, FIRST, MONTHS, begin_ns=begin, step_ns=QUARTER_NS, columns=16)
    assert runs.edges.tolist() == [0, 8, 16]
    assert [cell // 6 for cell in runs.cells.tolist()] == [0, 1]
    outside = runs_of(CALENDAR, FIRST + timedelta(days=31), 1, begin_ns=begin, step_ns=QUARTER_NS, columns=16)
    assert outside.cells.tolist()[0] == -1
