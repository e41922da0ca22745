"""Hours of the week, profiles and moments, on both sides of their borders."""

import numpy as np
import pytest
from pydantic import ValidationError

from watthour.waveform.network.times import (
    DAY_S,
    WEEK_S,
    DayProfile,
    Moment,
    Occasion,
    offset_seconds,
    on_times,
    second_of_day,
    week_curve,
)

MONDAY = 4 * DAY_S
"""5 January 1970 00:00."""


@pytest.mark.parametrize(
    ("lines", "day", "time", "is_on"),
    [
        (["mon-fri 06:00-14:00"], 0, "06:00", True),
        (["mon-fri 06:00-14:00"], 0, "05:59:59", False),
        (["mon-fri 06:00-14:00"], 4, "13:59:59", True),
        (["mon-fri 06:00-14:00"], 4, "14:00", False),
        (["mon-fri 06:00-14:00"], 5, "10:00", False),
        (["sat,sun 22:00-06:00"], 6, "23:00", True),
        (["sat,sun 22:00-06:00"], 0, "05:59:59", True),
        (["sat,sun 22:00-06:00"], 0, "06:00", False),
        (["sat,sun 22:00-06:00"], 1, "05:00", False),
        (["fri-mon 08:00-09:00"], 0, "08:30", True),
        (["fri-mon 08:00-09:00"], 3, "08:30", False),
        (["06:00-24:00"], 3, "23:59:59", True),
        (["06:00-24:00"], 3, "00:00", False),
        (["00:00-00:00"], 3, "12:00", True),
        (["06:00-07:00", "mon 09:00-10:00"], 0, "09:30", True),
    ],
)
def test_hours_of_the_week(lines, day, time, is_on):
    second = MONDAY + day * DAY_S + int(second_of_day(time))
    assert on_times(lines).mask(second, 1)[0] == is_on
    assert on_times(lines).mask(second - 500, 1000)[500] == is_on
    assert on_times(lines).mask(second + 52 * WEEK_S, 1)[0] == is_on


@pytest.mark.parametrize(
    "line", ["6-14", "mon 06:00", "mo 06:00-07:00", "mon-fri 25:00-26:00", "06:60-07:00", "", "06:00-24:01"]
)
def test_hours_written_otherwise_are_refused(line):
    with pytest.raises(ValueError, match="write it such as"):
        on_times([line])


@pytest.mark.parametrize(("text", "seconds"), [("+01:00", 3600), ("-03:30", -12_600), ("+14:00", 50_400)])
def test_offsets_from_utc(text, seconds):
    assert offset_seconds(text) == seconds


@pytest.mark.parametrize("text", ["1:00", "+14:01", "Z", "+1", "UTC+1"])
def test_offsets_written_otherwise_are_refused(text):
    with pytest.raises(ValueError, match=r"\+01:00"):
        offset_seconds(text)


@pytest.mark.parametrize("text", ["24:01", "12:60", "12:00:60", "12", "noon", "-1:00"])
def test_times_of_day_written_otherwise_are_refused(text):
    with pytest.raises(ValueError, match="time of day"):
        second_of_day(text)


def test_steps_of_a_profile_change_on_the_hour():
    curve = week_curve(DayProfile(day=tuple(range(24)), smooth=False))
    factors = curve.factors(MONDAY, DAY_S)
    assert factors[7 * 3600 - 1] == 0.06
    assert factors[7 * 3600] == 0.07


def test_a_smooth_profile_goes_through_the_middles_of_its_hours():
    values = tuple(float(v) for v in np.random.Generator(np.random.Philox(key=1)).uniform(0, 100, 24))
    factors = week_curve(DayProfile(day=values)).factors(MONDAY, WEEK_S)
    quarters = np.array(week_curve(DayProfile(day=values)).quarters).reshape(7, 24, 4)
    assert quarters.mean(axis=2)[3, 10] == pytest.approx(factors[(3 * 24 + 10) * 3600 : (3 * 24 + 11) * 3600].mean(), rel=0.02)
    middle = factors[(2 * 24 + 5) * 3600 + 1800]
    low, high = sorted((quarters[2, 5, 1], quarters[2, 5, 2]))
    assert low <= middle <= high
    assert np.abs(np.diff(factors)).max() < 1 / 1800


def test_days_of_a_profile_have_their_kind():
    flat = {name: (float(value),) * 24 for value, name in enumerate(("workday", "saturday", "sunday"), start=10)}
    factors = week_curve(DayProfile(**flat, smooth=False)).factors(MONDAY, WEEK_S).reshape(7, DAY_S)
    assert factors[:, 0] == pytest.approx([0.10] * 5 + [0.11, 0.12])


@pytest.mark.parametrize(
    "days", [{}, {"workday": 24}, {"workday": 24, "saturday": 24}, {"weekend": 96}, {"day": 25}, {"day": 0}]
)
def test_a_profile_that_does_not_cover_the_week_is_refused(days):
    with pytest.raises(ValidationError):
        DayProfile(**{name: (1.0,) * count for name, count in days.items()})


def test_a_moment_once_and_each_day():
    assert list(Moment(at_s=10.5, duration_s=2.0).spans(0, 3600, 0)) == [(10.5, 12.5)]
    assert list(Moment(at_s=10.5, duration_s=2.0).spans(13, 3600, 0)) == []
    assert list(Moment().spans(7200, 10_800, 0)) == [(0.0, np.inf)]
    daily = Moment(daily_at="23:59:00", duration_s=120.0)
    assert list(daily.spans(0, DAY_S, 0)) == [(-60.0, 60.0), (86_340.0, 86_460.0)]
    assert list(daily.spans(0, DAY_S, 3600)) == [(86_340.0 - 3600, 86_460.0 - 3600)]


@pytest.mark.parametrize(
    "keys",
    [
        {"at_s": 1.0, "daily_at": "10:00", "duration_s": 1.0},
        {"daily_at": "10:00"},
        {"daily_at": "10:00", "duration_s": 86_401.0},
        {"daily_at": "25:00", "duration_s": 1.0},
        {"at_s": -1.0},
        {"at_s": 1.0, "duration_s": 0.0},
    ],
)
def test_moments_that_cannot_be_are_refused(keys):
    with pytest.raises(ValidationError):
        Moment(**keys)


@pytest.mark.parametrize("keys", [{"at_s": 1.0}, {"duration_s": 1.0}, {}])
def test_an_occasion_says_when_and_how_long(keys):
    with pytest.raises(ValidationError, match="say"):
        Occasion(**keys)
