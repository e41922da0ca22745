"""One rate at each instant, and three ways to ask for it that agree."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tariff_calendars import HOUR, SMALL, calendars, ns

from watthour.errors import OutsideCalendarError
from watthour.tariff import (
    NO_RATE,
    Calendar,
    DayProfile,
    EveryYear,
    OnDate,
    Passive,
    SpecialDay,
    Switch,
    next_change,
    rate_at,
    rates_at,
    switch_table,
)

CALENDAR = Calendar(**SMALL)


@pytest.mark.parametrize(
    ("time", "rate"),
    [
        ("2026-01-14T07:59:59+01:00", 2),
        ("2026-01-14T08:00:00+01:00", 1),
        ("2026-01-14T21:59:59+01:00", 1),
        ("2026-01-14T22:00:00+01:00", 2),
        ("2026-07-15T06:00:00Z", 1),
        ("2026-01-17T12:00:00+01:00", 2),
        ("2026-12-25T12:00:00+01:00", 2),
        ("2026-04-06T12:00:00+02:00", 2),
        ("2026-04-03T12:00:00+02:00", 1),
        ("2021-06-01T00:00:00+02:00", 2),
        ("2030-12-31T23:59:59+01:00", 2),
    ],
)
def test_the_rate_is_that_of_the_wall_clock_the_weekday_and_the_feast(time, rate):
    assert rate_at(CALENDAR, ns(time)) == rate
    assert rates_at(CALENDAR, np.array([ns(time)]))[0] == rate


@pytest.mark.parametrize(
    ("time", "day"), [("2021-05-31T23:59:59+02:00", "2021-05-31"), ("2031-01-01T00:00:00+01:00", "2031-01-01")]
)
def test_outside_its_dates_a_calendar_names_the_day(time, day):
    with pytest.raises(
        OutsideCalendarError, match=f"small: no rate on {day}: the calendar holds 2021-06-01 to 2030-12-31"
    ) as one:
        rate_at(CALENDAR, ns(time))
    assert one.value.day.isoformat() == day
    with pytest.raises(OutsideCalendarError, match=day):
        rates_at(CALENDAR, np.array([ns("2026-01-01T00:00:00Z"), ns(time)]))


def test_a_change_is_the_next_instant_of_another_rate():
    friday = ns("2026-01-16T21:59:59+01:00")
    assert next_change(CALENDAR, friday) == friday + 10**9
    assert next_change(CALENDAR, friday + 10**9) == ns("2026-01-19T08:00:00+01:00")
    assert next_change(CALENDAR, 0) == ns("2021-06-01T00:00:00+02:00")
    assert next_change(CALENDAR, ns("2030-12-31T22:00:00+01:00")) == ns("2031-01-01T00:00:00+01:00")
    assert next_change(CALENDAR, ns("2031-01-01T00:00:00+01:00")) is None


def test_a_calendar_of_one_rate_never_changes():
    flat = Calendar(
        **{
            **SMALL,
            "first_day": None,
            "last_day": None,
            "days": [replace(day, switches=(Switch(0, 1),)) for day in CALENDAR.days],
        }
    )
    assert next_change(flat, ns("2026-01-01T00:00:00Z")) is None
    assert rate_at(flat, ns("1700-01-01T00:00:00Z")) == rate_at(flat, ns("2250-01-01T00:00:00Z")) == 1


def test_the_rarest_change_is_found():
    rest = (DayProfile(name="work", switches=(Switch(0, 2),)), DayProfile(name="rest", switches=(Switch(0, 1),)))
    rare = {
        **SMALL,
        "first_day": None,
        "last_day": None,
        "days": rest,
        "weeks": [replace(CALENDAR.weeks[0], days=("work",) * 7)],
    }
    leap = Calendar(**{**rare, "special_days": (SpecialDay(rule=EveryYear(2, 29), day="rest"),)})
    assert next_change(leap, ns("2096-03-01T00:00:00+01:00")) == ns("2104-02-29T00:00:00+01:00")
    once = Calendar(**{**rare, "special_days": (SpecialDay(rule=OnDate(datetime(2199, 5, 5, tzinfo=UTC).date()), day="rest"),)})
    assert next_change(once, ns("2026-01-01T00:00:00Z")) == ns("2199-05-05T00:00:00+02:00")


def night_change(second):
    days = (DayProfile(name="work", switches=(Switch(0, 1), Switch(second, 2))), CALENDAR.days[1])
    week = replace(CALENDAR.weeks[0], days=("work",) * 7)
    return Calendar(**{**SMALL, "days": days, "weeks": (week,), "special_days": ()})


def test_in_an_hour_that_comes_twice_the_switch_comes_twice():
    table = switch_table(night_change(2 * HOUR + 1800), ns("2026-10-25T00:00+02:00"), ns("2026-10-26T00:00+01:00"))
    begins = ["2026-10-25T00:00+02:00", "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00"]
    assert table.starts_ns.tolist() == [ns(text) for text in begins]
    assert table.rates.tolist() == [1, 2, 1, 2]


def test_a_switch_in_an_hour_that_is_left_out_is_where_the_clock_jumps():
    table = switch_table(night_change(2 * HOUR + 1800), ns("2026-03-29T00:00+01:00"), ns("2026-03-30T00:00+02:00"))
    assert table.starts_ns.tolist() == [ns("2026-03-29T00:00+01:00"), ns("2026-03-29T03:00+02:00")]


def test_a_calendar_on_a_fixed_offset_takes_no_notice_of_summer_time():
    fixed = Calendar(**{**SMALL, "clock": "+00:00"})
    assert rate_at(fixed, ns("2026-07-15T07:59:59Z")) == 2
    assert rate_at(fixed, ns("2026-07-15T08:00:00Z")) == 1


def test_of_two_rules_for_a_day_the_narrower_holds():
    rules = [EveryYear(4, 6), CALENDAR.special_days[1].rule, OnDate(datetime(2026, 4, 6, tzinfo=UTC).date())]
    noon = ns("2026-04-06T12:00+02:00")
    for count, rate in ((1, 1), (2, 2), (3, 1)):
        names = ("work", "rest", "work")[:count]
        special = tuple(SpecialDay(rule=rule, day=name) for rule, name in zip(rules, names, strict=False))
        for order in (special, special[::-1]):
            assert rate_at(Calendar(**{**SMALL, "special_days": order}), noon) == rate


def test_the_passive_calendar_holds_from_its_activation_on():
    after = replace(CALENDAR, name="after", days=tuple(replace(day, switches=(Switch(0, 1),)) for day in CALENDAR.days))
    at = ns("2026-01-17T12:34:56+01:00")
    both = replace(CALENDAR, passive=Passive(calendar=after, activation_ns=at))
    assert (rate_at(both, at - 1), rate_at(both, at)) == (2, 1)
    assert next_change(both, at - 10**9) == at


def test_no_instants_have_no_rates():
    assert rates_at(CALENDAR, np.empty((0, 3), dtype=np.int64)).shape == (0, 3)


def test_instants_keep_their_shape_and_may_come_in_any_order():
    times = np.array([[ns("2026-01-14T12:00Z"), ns("2026-01-14T23:00Z")], [ns("2022-01-14T03:00Z"), ns("2026-01-14T11:00Z")]])
    assert rates_at(CALENDAR, times).tolist() == [[1, 2], [2, 1]]


INSTANTS = st.datetimes(datetime(2019, 6, 1), datetime(2030, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis asks for it


def rate_or_none(calendar, time_ns):
    try:
        return rate_at(calendar, time_ns)
    except OutsideCalendarError:
        return NO_RATE


@settings(deadline=None, max_examples=150)
@given(calendars(), INSTANTS, st.integers(1, 40), st.data())
def test_any_calendar_has_one_rate_at_each_instant_and_its_table_agrees(calendar, begin, days, data):
    begin_ns = ns(begin.replace(microsecond=0).isoformat())
    end_ns = begin_ns + timedelta(days=days) // timedelta(microseconds=1) * 1000
    table = switch_table(calendar, begin_ns, end_ns)
    assert table.starts_ns[0] == begin_ns
    assert (np.diff(table.starts_ns) > 0).all()
    assert (np.diff(table.rates.astype(int)) != 0).all()
    for start, rate in zip(table.starts_ns.tolist(), table.rates.tolist(), strict=True):
        assert rate_or_none(calendar, start) == rate
    for start, before in zip(table.starts_ns[1:].tolist(), table.rates.tolist(), strict=False):
        assert rate_or_none(calendar, start - 1) == before
    for time_ns in data.draw(st.lists(st.integers(begin_ns, end_ns - 1), min_size=5, max_size=20)):
        place = np.searchsorted(table.starts_ns, time_ns, side="right") - 1
        assert rate_or_none(calendar, time_ns) == table.rates[place]


@settings(deadline=None, max_examples=60)
@given(calendars(), INSTANTS)
def test_stepping_from_change_to_change_walks_the_table(calendar, begin):
    here = ns(begin.replace(microsecond=0).isoformat())
    stop = here + 20 * 86_400 * 10**9
    table = switch_table(calendar, here, stop)
    walked = [here]
    while (step := next_change(calendar, walked[-1])) is not None and step < stop:
        walked.append(step)
    assert walked == table.starts_ns.tolist()
