"""Billing quantities against sums by hand: periods, days of 23, 24 and 25 hours, demand, squares, quality."""

from datetime import date, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.billing.conftest import KWH, local_ns, profile

from watthour.billing import Intervals, Quality, intervals_from, usage_of
from watthour.billing.intervals import QUARTER_NS
from watthour.billing.usage import cos_phi_hundredths
from watthour.errors import OutsideCalendarError, ReadingsError
from watthour.host.calendars import read_calendar

SIX = read_calendar("es/6.1TD/peninsula")
THREE = read_calendar("es/2.0TD/peninsula")
POWER = read_calendar("es/2.0TD-power/peninsula")
MADRID = ZoneInfo("Europe/Madrid")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-03-30", 24), ("2026-10-25", 25)])
def test_a_day_has_the_hours_that_the_clock_has(day, hours):
    first = date.fromisoformat(day)
    usage = usage_of(profile(first - timedelta(days=2), 5, KWH), THREE, first, first)
    assert len(usage.intervals) == 4 * hours
    assert set(usage.days.tolist()) == {0}
    assert usage.energy("import", usage.chosen("", first, first)) == 4 * hours * KWH


def test_sundays_of_23_and_25_hours_are_all_valley():
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        usage = usage_of(profile(day, 1, 7), SIX, day, day)
        assert usage.energy("import", usage.chosen("P6", day, day)) == 7 * 4 * hours


def test_the_periods_of_a_working_day_are_those_of_the_law():
    day = date(2026, 1, 15)  # a Thursday of the high season: P1 9-14 and 18-22, P2 8-9, 14-18, 22-24, P6 0-8
    usage = usage_of(profile(day, 1, lambda k: k), SIX, day, day)
    p1 = [*range(36, 56), *range(72, 88)]
    p2 = [*range(32, 36), *range(56, 72), *range(88, 96)]
    for period, quarters in (("P1", p1), ("P2", p2), ("P3", []), ("P6", range(32))):
        which = usage.chosen(period, day, day)
        assert usage.energy("import", which) == sum(quarters)
        assert usage.sound(which).intervals == len(quarters)


def test_power_goes_by_a_calendar_of_its_own():
    day = date(2026, 1, 15)  # P1 of power is 8-24, P2 the rest
    usage = usage_of(profile(day, 1, lambda k: 100 + k), THREE, day, day, POWER)
    assert usage.highest_demand(usage.chosen("P2", day, day, by_power=True)) == (100 + 31) * 4
    assert usage.highest_demand(usage.chosen("P1", day, day, by_power=True)) == (100 + 95) * 4


def test_days_before_and_after_the_span_do_not_count():
    usage = usage_of(profile(date(2026, 1, 1), 10, lambda k: k), SIX, date(2026, 1, 3), date(2026, 1, 4))
    assert usage.energy("import", usage.chosen("", date(2026, 1, 3), date(2026, 1, 3))) == sum(range(192, 288))
    assert usage.energy("import", usage.chosen("", date(2026, 1, 3), date(2026, 1, 4))) == sum(range(192, 384))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(0, 4 * 10**14))
def test_squares_of_what_is_above_the_contract_are_exact(seed, contracted):
    day = date(2026, 1, 17)
    values = np.random.Generator(np.random.Philox(key=seed)).integers(0, 10**14, 96).tolist()
    usage = usage_of(profile(day, 1, lambda k: values[k]), SIX, day, day)
    over = [4 * each - contracted for each in values if 4 * each > contracted]
    assert usage.excess_squares(usage.chosen("P6", day, day), contracted) == sum(each**2 for each in over)


def test_what_is_not_read_is_missing_and_not_nothing():
    first = date(2026, 1, 17)
    read = profile(first, 1, KWH)
    usage = usage_of(read, SIX, first - timedelta(days=1), first)
    sound = usage.sound(usage.chosen("P6", first - timedelta(days=1), first))
    assert (sound.intervals, sound.missing) == (32 + 96, 32)
    assert not sound.is_whole
    assert usage.sound(usage.chosen("P6", first, first)).is_whole


def test_what_was_estimated_is_carried_along():
    day = date(2026, 1, 17)
    read = profile(day, 1, 5)
    read.quality[3] = Quality.ESTIMATED
    read.quality[4:6] = Quality.INCOMPLETE
    sound = usage_of(read, SIX, day, day).sound(np.ones(96, bool))
    assert (sound.missing, sound.incomplete, sound.estimated, sound.estimated_microwh) == (0, 2, 1, 15)


def test_reactive_energy_is_q1_less_q4():
    day = date(2026, 1, 17)
    usage = usage_of(profile(day, 1, 10, q1=3, q4=5), SIX, day, day)
    assert usage.net_reactive(usage.chosen("P6", day, day)) == -2 * 96


def test_rows_in_any_order_make_the_same_intervals_and_rows_of_one_start_are_summed():
    starts = np.array([3, 0, 1, 1], np.int64) * QUARTER_NS
    made = intervals_from(starts, {"import": np.array([9, 1, 2, 4], np.int64)}, np.zeros(4, np.uint8))
    assert made.energies["import"].tolist() == [1, 6, 0, 9]
    assert made.quality.tolist() == [0, 0, Quality.MISSING, 0]


@pytest.mark.parametrize(
    ("starts", "values", "told"),
    [([], [], "no interval at all"), ([1], [1], "does not begin at a multiple of 15 minutes"), ([0], [-1], "negative"),
     ([0, QUARTER_NS], [2**61, 2**62], "too large to be summed")],
)  # fmt: skip
def test_readings_that_cannot_be_billed_are_refused(starts, values, told):
    with pytest.raises(ReadingsError, match=told):
        intervals_from(np.array(starts, np.int64), {"import": np.array(values, np.int64)}, np.zeros(len(starts), np.uint8))


def test_a_day_outside_the_calendar_is_named():
    with pytest.raises(OutsideCalendarError, match="2021-05-31"):
        usage_of(profile(date(2021, 5, 1), 40, 1), SIX, date(2021, 5, 31), date(2021, 6, 1))


def test_midnight_inside_an_interval_is_refused():
    begin = local_ns(date(2026, 1, 1)) + 300 * 10**9
    odd = Intervals(
        begin_ns=begin, step_ns=QUARTER_NS, energies={"import": np.ones(200, np.int64)}, quality=np.zeros(200, np.uint8)
    )
    with pytest.raises(ReadingsError, match="inside an interval"):
        usage_of(odd, SIX, date(2026, 1, 1), date(2026, 1, 1))


@pytest.mark.parametrize(
    ("active", "reactive", "hundredths"),
    [(0, 0, 100), (1, 0, 100), (0, 1, 0), (4, 3, 80), (3, 4, 60), (1265, 433, 95), (21124, -8122, 93), (10**15, 10**15, 71)],
)
def test_cos_phi_is_rounded_half_up(active, reactive, hundredths):
    assert cos_phi_hundredths(active, reactive) == hundredths


@given(st.integers(0, 10**12), st.integers(-(10**12), 10**12))
def test_cos_phi_is_the_nearest_hundredth(active, reactive):
    square = active**2 + reactive**2
    n = cos_phi_hundredths(active, reactive)
    if square:
        exact = Fraction(active) ** 2 / square
        assert Fraction(max(2 * n - 1, 0), 200) ** 2 <= exact < Fraction(2 * n + 1, 200) ** 2
