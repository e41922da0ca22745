"""The calendars of the package against their rules, written here once more from the rules themselves."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from watthour.errors import OutsideCalendarError
from watthour.host.calendars import bundled_names, read_calendar
from watthour.host.calendars.windows import WINDOWS
from watthour.tariff import instant_ns, next_change, rate_at, rates_at, year_of

QUARTER_NS = 900 * 10**9
NAMES = [name.replace(WINDOWS, "22:30-06:30") for name in bundled_names()]
TERRITORIES = ("peninsula", "baleares", "canarias", "ceuta", "melilla")
SPANISH = [f"es/{tariff}/{place}" for tariff in ("2.0TD", "2.0TD-power", "3.0TD", "6.1TD") for place in TERRITORIES]
FIXED_HOLIDAYS = {(1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25)}

# Month by month, the pair of periods of high hours and of other hours between 8 and 24: CNMC Circular 3/2020.
GRID = {
    "peninsula": ((9, 14), (18, 22), "12 12 23 45 45 34 12 34 34 45 23 12"),
    "baleares": ((10, 15), (18, 22), "34 34 45 45 23 12 12 12 12 23 45 34"),
    "canarias": ((10, 15), (18, 22), "24 24 24 45 45 45 13 13 13 13 23 23"),
    "ceuta": ((10, 15), (19, 23), "14 14 24 35 35 35 23 14 14 23 24 24"),
    "melilla": ((10, 15), (19, 23), "12 23 45 45 45 34 12 12 12 34 34 23"),
}


def zone_of(place):
    return ZoneInfo("Atlantic/Canary" if place == "canarias" else "Europe/Madrid")


def quarters(zone, first, last):
    """Return every quarter-hour of local days as instants, with month, hour, and whether the day has no peak."""
    begin, end = (round(datetime.combine(day, datetime.min.time(), zone).timestamp()) for day in (first, last))
    times = range(begin, end, 900)
    local = [datetime.fromtimestamp(second, zone) for second in times]
    is_valley = {
        day: day.weekday() >= 5 or (day.month, day.day) in FIXED_HOLIDAYS
        for day in (first + timedelta(days=n) for n in range(-1, (last - first).days + 1))
    }
    month = np.array([each.month for each in local])
    hour = np.array([each.hour for each in local])
    return np.array(times) * 10**9, month, hour, np.array([is_valley[each.date()] for each in local])


@pytest.fixture(scope="module")
def all_quarters():
    """Every quarter-hour from 1 June 2021 to the end of 2034, by zone."""
    zones = {zone_of(place) for place in TERRITORIES}
    return {str(zone): quarters(zone, date(2021, 6, 1), date(2035, 1, 1)) for zone in zones}


def within(hour, *stretches):
    return np.logical_or.reduce([(begin <= hour) & (hour < end) for begin, end in stretches])


def expected(name, month, hour, is_valley):
    _, tariff, place = name.split("/")
    if tariff == "2.0TD-power":
        return np.where(~is_valley & (hour >= 8), 1, 2)
    if tariff == "2.0TD":
        peaks = ((11, 15), (19, 23)) if place in {"ceuta", "melilla"} else ((10, 14), (18, 22))
        return np.where(is_valley | (hour < 8), 3, np.where(within(hour, *peaks), 1, 2))
    *peaks, months = GRID[place]
    high, other = np.array([[int(digit) for digit in pair] for pair in months.split()])[month - 1].T
    return np.where(is_valley | (hour < 8), 6, np.where(within(hour, *peaks), high, other))


@pytest.mark.parametrize("name", SPANISH)
def test_every_quarter_from_2021_to_2035_has_the_one_rate_of_the_rules(name, all_quarters):
    times_ns, month, hour, is_valley = all_quarters[str(zone_of(name.split("/")[2]))]
    rates = rates_at(read_calendar(name), times_ns)
    np.testing.assert_array_equal(rates, expected(name, month, hour, is_valley))


@pytest.mark.parametrize("name", SPANISH)
def test_the_scalar_and_the_steps_agree_over_a_year(name):
    calendar = read_calendar(name)
    here, end = (instant_ns(datetime(year, 1, 1), ZoneInfo(calendar.zone)) for year in (2026, 2027))  # noqa: DTZ001 - local
    times = np.arange(here, end, QUARTER_NS)
    starts, rates = [here], [rate_at(calendar, here)]
    while (step := next_change(calendar, starts[-1])) < end:
        starts.append(step)
        rates.append(rate_at(calendar, step))
    walked = np.array(rates)[np.searchsorted(np.array(starts), times, side="right") - 1]
    np.testing.assert_array_equal(walked, rates_at(calendar, times))


@pytest.mark.parametrize("name", SPANISH)
def test_the_calendar_begins_on_1_june_2021(name):
    calendar = read_calendar(name)
    first = round(datetime(2021, 6, 1, tzinfo=ZoneInfo(calendar.zone)).timestamp()) * 10**9
    assert rate_at(calendar, first) == len(calendar.rates)
    with pytest.raises(OutsideCalendarError, match="no rate on 2021-05-31"):
        rate_at(calendar, first - 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("year", [2024, 2026])
def test_the_rates_of_a_year_add_up_to_it(name, year):
    calendar = read_calendar(name)
    drawn = year_of(calendar, year)
    hours = (366 if year == 2024 else 365) * 24
    assert drawn.time_s.sum() == hours * 3600
    assert drawn.time_s[0].sum() == 0
    zone = ZoneInfo(calendar.zone)
    begin, end = (round(datetime(each, 1, 1, tzinfo=zone).timestamp()) * 10**9 for each in (year, year + 1))
    counts = np.bincount(rates_at(calendar, np.arange(begin, end, QUARTER_NS)), minlength=len(calendar.rates) + 1)
    assert counts.sum() == hours * 4
    assert (counts * 900).tolist() == drawn.time_s.sum(axis=1).tolist()


@pytest.mark.parametrize(("day", "count"), [("2026-03-29", 92), ("2026-10-25", 100), ("2026-10-26", 96)])
@pytest.mark.parametrize("name", SPANISH)
def test_days_of_92_and_100_quarters_are_whole(name, day, count):
    calendar = read_calendar(name)
    zone = ZoneInfo(calendar.zone)
    first = date.fromisoformat(day)
    times_ns, month, hour, is_valley = quarters(zone, first, first + timedelta(days=1))
    assert times_ns.size == count
    np.testing.assert_array_equal(rates_at(calendar, times_ns), expected(name, month, hour, is_valley))


@pytest.mark.parametrize("year", range(2022, 2035))
@pytest.mark.parametrize("name", ["es/2.0TD/peninsula", "es/3.0TD/melilla"])
def test_good_friday_is_a_working_day(name, year):
    fridays = {2022: (4, 15), 2023: (4, 7), 2024: (3, 29), 2025: (4, 18), 2026: (4, 3), 2027: (3, 26), 2028: (4, 14)}
    fridays |= {2029: (3, 30), 2030: (4, 19), 2031: (4, 11), 2032: (3, 26), 2033: (4, 15), 2034: (4, 7)}
    calendar = read_calendar(name)
    noon = datetime(year, *fridays[year], 12, tzinfo=ZoneInfo(calendar.zone))
    thursday = noon - timedelta(days=1)
    rates = rates_at(calendar, np.array([round(each.timestamp()) * 10**9 for each in (noon, thursday)]))
    assert rates[0] == rates[1] != len(calendar.rates)


ITALIAN = [
    ("2026-01-14T07:00", "F2"),
    ("2026-01-14T08:00", "F1"),
    ("2026-01-14T18:59", "F1"),
    ("2026-01-14T19:00", "F2"),
    ("2026-01-14T23:00", "F3"),
    ("2026-01-17T06:59", "F3"),
    ("2026-01-17T12:00", "F2"),
    ("2026-01-18T12:00", "F3"),
    ("2026-04-06T12:00", "F3"),
    ("2027-03-29T12:00", "F3"),
    ("2026-04-03T12:00", "F1"),
    ("2026-06-02T12:00", "F3"),
    ("2025-12-26T12:00", "F3"),
]
BRITISH = [
    ("2026-01-14T00:29:59+00:00", "day"),
    ("2026-01-14T00:30:00+00:00", "night"),
    ("2026-01-14T07:30:00+00:00", "day"),
    ("2026-07-14T08:29:59+01:00", "night"),
    ("2026-07-14T01:00", "day"),
]
FRENCH = [("2026-07-14T22:29", "HP"), ("2026-07-14T22:30", "HC"), ("2026-07-15T06:29", "HC"), ("2026-07-15T06:30", "HP")]


@pytest.mark.parametrize(
    ("name", "time", "rate"),
    [
        *(("it/F123", *row) for row in ITALIAN),
        *(("gb/economy7", *row) for row in BRITISH),
        *(("fr/HPHC/22:30-06:30", *row) for row in FRENCH),
        ("fr/HPHC/12:30-14:30,23:30-05:30", "2026-07-15T13:00", "HC"),
        ("fr/HPHC/12:30-14:30,23:30-05:30", "2026-07-15T15:00", "HP"),
        ("flat", "1999-12-31T23:59:59Z", "T1"),
    ],
)
def test_calendars_elsewhere_have_the_hours_of_their_rules(name, time, rate):
    calendar = read_calendar(name)
    instant = datetime.fromisoformat(time)
    instant = instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(calendar.zone))
    assert calendar.rates[rate_at(calendar, round(instant.astimezone(UTC).timestamp()) * 10**9) - 1] == rate


def test_every_calendar_of_the_package_says_where_it_is_written_and_from_when_it_holds():
    assert set(SPANISH) < set(NAMES)
    for name in NAMES:
        calendar = read_calendar(name)
        assert calendar.name == name
        assert calendar.title
        assert calendar.sources
