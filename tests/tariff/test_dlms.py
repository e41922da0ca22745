"""The DLMS shape: any calendar comes back, and what cannot be said there is refused."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from tariff_calendars import SMALL, calendars, ns

from watthour.errors import CalendarError
from watthour.tariff import Calendar, DayProfile, EveryYear, OnDate, Passive, SpecialDay, Switch, rates_at, rule_of
from watthour.tariff.dlms import from_dlms, to_dlms

CALENDAR = Calendar(**SMALL)
YEARS = range(2021, 2031)
SHAPE = to_dlms(CALENDAR, YEARS)


@settings(deadline=None, max_examples=60)
@given(calendars(passive=False))
def test_any_calendar_comes_back(calendar):
    content = to_dlms(calendar, range(2018, 2040))
    assert from_dlms(content, name="x") == calendar


@settings(deadline=None, max_examples=30)
@given(calendars(passive=False))
def test_a_calendar_with_its_successor_comes_back(calendar):
    after = replace(calendar, name="after", days=tuple(replace(day, switches=(Switch(0, 1),)) for day in calendar.days))
    both = replace(calendar, passive=Passive(calendar=after, activation_ns=ns("2027-01-01T00:00:00+01:00")))
    assert from_dlms(to_dlms(both, range(2018, 2040)), name="x") == both


def test_attributes_are_named_and_numbered_as_the_standard_has_them():
    activity, special = SHAPE["activity_calendar"], SHAPE["special_days_table"]
    assert (activity["class_id"], activity["logical_name"]) == (20, "0.0.13.0.0.255")
    assert (special["class_id"], special["logical_name"]) == (11, "0.0.11.0.0.255")
    assert activity["week_profile_table_active"] == [
        {
            "week_profile_name": "all",
            **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), 1),
            "saturday": 2,
            "sunday": 2,
        }
    ]
    assert activity["day_profile_table_active"][0]["day_schedule"][1] == {
        "start_time": "08:00:00",
        "script_logical_name": "0.0.10.0.100.255",
        "script_selector": 1,
    }
    assert activity["season_profile_active"][0]["season_start"] == {"year": None, "month": 3, "day_of_month": 1}
    easter = [
        (e["specialday_date"]["month"], e["specialday_date"]["day_of_month"]) for e in special["entries"] if e.get("rule")
    ]
    assert easter[:3] == [(4, 5), (4, 18), (4, 10)]
    assert [entry["index"] for entry in special["entries"]] == list(range(1, 12))


def test_a_meter_that_knows_dates_alone_has_the_same_rates_in_those_years():
    content = deepcopy(SHAPE)
    for entry in content["special_days_table"]["entries"]:
        entry.pop("rule", None)
    dated = from_dlms(content, name="x")
    assert all(isinstance(row.rule, EveryYear | OnDate) for row in dated.special_days)
    times = np.arange(ns("2022-01-01T00:00Z"), ns("2030-01-01T00:00Z"), 3600 * 10**9)
    np.testing.assert_array_equal(rates_at(dated, times), rates_at(CALENDAR, times))


def test_a_bare_dump_keeps_its_own_day_numbers():
    content = {key: deepcopy(value) for key, value in SHAPE.items() if key != "watthour"}
    bare = from_dlms(content, name="x", zone="Europe/Madrid")
    assert [day.name for day in bare.days] == ["1", "2"]
    content["activity_calendar"]["day_profile_table_active"][0]["day_id"] = 7
    week = content["activity_calendar"]["week_profile_table_active"][0]
    week.update(dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), 7))
    again = to_dlms(from_dlms(content, name="x", zone="Europe/Madrid"), YEARS)
    assert again["activity_calendar"]["week_profile_table_active"] == content["activity_calendar"]["week_profile_table_active"]


def at(content, path):
    for part in path[:-1]:
        content = content[part]
    return content


SINS = {
    "a selector of 0": (
        ["activity_calendar", "day_profile_table_active", 0, "day_schedule", 0, "script_selector"],
        0,
        "rate 0",
    ),
    "a selector of 9": (
        ["activity_calendar", "day_profile_table_active", 0, "day_schedule", 0, "script_selector"],
        9,
        "rate 9",
    ),
    "a time": (["activity_calendar", "day_profile_table_active", 0, "day_schedule", 0, "start_time"], "24:00:00", "start_time"),
    "a day id": (["activity_calendar", "day_profile_table_active", 0, "day_id"], 256, "day_id"),
    "an unknown day": (["activity_calendar", "week_profile_table_active", 0, "monday"], 5, "no day profile '5'"),
    "an unknown week": (["activity_calendar", "season_profile_active", 0, "week_name"], "b", "no week 'b'"),
    "a season of one year": (
        ["activity_calendar", "season_profile_active", 0, "season_start", "year"],
        2026,
        "a season that begins in one year alone",
    ),
    "a season on no day": (["activity_calendar", "season_profile_active", 0, "season_start", "month"], 13, "no such day"),
    "no such date": (["special_days_table", "entries", 0, "specialday_date", "day_of_month"], 32, "no such day"),
    "a rule that did not make its date": (["special_days_table", "entries", 1, "rule"], "easter+2", "is not easter\\+2"),
    "a rule that is none": (["special_days_table", "entries", 1, "rule"], "easter?", "no such day"),
    "a date twice": (
        ["special_days_table", "entries", 2],
        {"specialday_date": {"month": 12, "day_of_month": 25}, "day_id": 2},
        "twice",
    ),
}


@pytest.mark.parametrize(("path", "value", "words"), SINS.values(), ids=SINS)
def test_what_is_no_calendar_is_refused(path, value, words):
    content = deepcopy(SHAPE)
    assert from_dlms(content, name="x") == CALENDAR
    at(content, path)[path[-1]] = value
    with pytest.raises(CalendarError, match=words):
        from_dlms(content, name="x")


def test_two_calendars_with_other_special_days_are_refused():
    other = replace(CALENDAR, special_days=CALENDAR.special_days[:1])
    with pytest.raises(CalendarError, match="one table for both"):
        to_dlms(replace(CALENDAR, passive=Passive(calendar=other, activation_ns=0)), YEARS)


def test_more_day_profiles_than_numbers_are_refused():
    days = tuple(DayProfile(name=f"d{n}", switches=(Switch(0, 1),)) for n in range(254))
    many = {**SMALL, "days": (*CALENDAR.days, *days)}
    with pytest.raises(CalendarError, match="256 day profiles"):
        to_dlms(Calendar(**many), YEARS)
    many["days"] = many["days"][:-1]
    assert from_dlms(to_dlms(Calendar(**many), YEARS), name="x") == Calendar(**many)


def test_a_dated_day_stands_above_a_moving_one_there_too():
    rows = (*CALENDAR.special_days, SpecialDay(rule=rule_of("2026-04-06"), day="work"))
    calendar = replace(CALENDAR, special_days=rows)
    entries = to_dlms(calendar, range(2026, 2028))["special_days_table"]["entries"]
    assert [(e["specialday_date"]["year"], e["day_id"]) for e in entries] == [(None, 2), (2027, 2), (2026, 1)]
