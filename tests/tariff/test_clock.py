"""Clocks and feasts: what they show, and what they refuse."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from watthour.errors import LocalTimeError
from watthour.tariff import CIVIL, EveryYear, FromEaster, easter, instant_ns, rule_of
from watthour.tariff.clock import clock_of, local_day, offsets_between, zone_of

MADRID = ZoneInfo("Europe/Madrid")


def test_a_local_time_shown_once_is_an_instant():
    local = datetime(2026, 7, 1, 12, 30)  # noqa: DTZ001 - local
    assert instant_ns(local, MADRID) == round(datetime(2026, 7, 1, 10, 30, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-10-25T02:00:00", "twice.*write 2026-10-25T02:00:00\\+02:00 or 2026-10-25T02:00:00\\+01:00"),
        ("2026-10-25T02:59:59", "twice"),
        ("2026-03-29T02:00:00", "no clock in Europe/Madrid shows it"),
        ("2026-03-29T02:59:59", "no clock"),
    ],
)
def test_a_local_time_shown_twice_or_never_is_refused(text, words):
    with pytest.raises(LocalTimeError, match=words):
        instant_ns(datetime.fromisoformat(text), MADRID)


@pytest.mark.parametrize("text", ["2026-10-25T01:59:59", "2026-10-25T03:00:00", "2026-03-29T01:59:59", "2026-03-29T03:00:00"])
def test_the_times_around_are_accepted(text):
    local = datetime.fromisoformat(text)
    assert instant_ns(local, MADRID) == round(local.replace(tzinfo=MADRID).timestamp()) * 10**9


def test_offsets_change_where_summer_time_does():
    begin, end = (round(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2026, 2027))
    changes = [(datetime(2026, 3, 29, 1, tzinfo=UTC), 7200), (datetime(2026, 10, 25, 1, tzinfo=UTC), 3600)]
    assert offsets_between(MADRID, begin, end) == [(begin, 3600), *((round(at.timestamp()), offset) for at, offset in changes)]
    assert offsets_between(clock_of("+01:00", "UTC"), begin, end) == [(begin, 3600)]


def test_a_clock_is_the_zones_or_a_fixed_offset():
    assert clock_of(CIVIL, "Europe/Madrid") == zone_of("Europe/Madrid")
    assert clock_of("-14:00", "UTC").utcoffset(None) == timedelta(hours=-14)
    for wrong in ("+14:01", "+01:60", "1:00", "", "local", "+1:00"):
        with pytest.raises(ValueError, match='write "civil"'):
            clock_of(wrong, "UTC")
    for wrong in ("Europe", "Europe/Atlantis", "", "../etc/passwd"):
        with pytest.raises(ValueError, match="no such time zone"):
            zone_of(wrong)


def test_a_day_begins_at_midnight_of_its_clock():
    midnight = round(datetime(2026, 7, 1, tzinfo=MADRID).timestamp()) * 10**9
    assert [local_day(MADRID, midnight + step).day for step in (-1, 0)] == [30, 1]


# From almanacs: the earliest and the latest that can be, and years around now.
EASTERS = "1818-03-22 1943-04-25 2000-04-23 2008-03-23 2011-04-24 2019-04-21 2024-03-31 2025-04-20 2026-04-05 2027-03-28 2038-04-25 2285-03-22"


@pytest.mark.parametrize("text", EASTERS.split())
def test_easter_is_where_almanacs_have_it(text):
    assert easter(int(text[:4])) == date.fromisoformat(text)


def test_rules_are_written_and_read_the_same():
    for text in ("12-25", "02-29", "2026-12-24", "easter+1", "easter-2", "easter+0", "easter+80", "easter-80"):
        assert str(rule_of(text)) == text
    assert rule_of("easter") == FromEaster(0)
    assert EveryYear(2, 29).in_year(2027) is None
    assert EveryYear(2, 29).in_year(2028) == date(2028, 2, 29)


@pytest.mark.parametrize(
    "text", ["02-30", "2027-02-29", "easter+81", "easter-81", "easter+x", "1-1", "", "12/25", "00-01", "monday", "w1-01"]
)
def test_what_is_no_day_is_no_rule(text):
    with pytest.raises(ValueError, match="no such day; write it such as"):
        rule_of(text)
