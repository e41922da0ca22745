"""Closing days: local midnight, whatever the clock does there."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from watthour.tariff import day_start_ns, next_closing_ns


def ns(text):
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("zone", "day", "after", "closing"),
    [
        ("Europe/Madrid", 1, "2026-01-15T00:00+00:00", "2026-02-01T00:00+01:00"),
        ("Europe/Madrid", 1, "2026-03-01T00:00+01:00", "2026-04-01T00:00+02:00"),
        ("Europe/Madrid", 1, "2026-02-28T22:59:59+00:00", "2026-02-28T23:00+00:00"),
        ("Europe/Madrid", 28, "2026-12-28T00:00+01:00", "2027-01-28T00:00+01:00"),
        ("Atlantic/Canary", 29 - 1, "2026-03-01T00:00+00:00", "2026-03-28T00:00+00:00"),
        ("Asia/Kolkata", 5, "2026-01-01T00:00+00:00", "2026-01-05T00:00+05:30"),
        ("Africa/Cairo", 25, "2025-04-20T00:00+00:00", "2025-04-25T01:00+03:00"),  # 00:00 to 01:00 is left out
        ("America/Havana", 2, "2025-10-31T00:00+00:00", "2025-11-02T00:00-04:00"),  # 00:00 comes twice, the day once
    ],
)
def test_a_period_ends_at_the_next_local_midnight_of_its_day(zone, day, after, closing):
    assert next_closing_ns(ZoneInfo(zone), day, ns(after)) == ns(closing)


def test_each_month_has_one_closing():
    clock, at, found = ZoneInfo("Europe/Madrid"), ns("2026-01-01T00:00+01:00"), []
    for _ in range(24):
        at = next_closing_ns(clock, 1, at)
        found.append(datetime.fromtimestamp(at // 10**9, clock))
    assert [(t.year, t.month, t.day, t.hour) for t in found] == [(2026 + m // 12, m % 12 + 1, 1, 0) for m in range(1, 25)]


def test_a_day_that_begins_in_an_hour_that_comes_twice_begins_when_nothing_of_the_day_before_follows():
    clock = ZoneInfo("America/Sao_Paulo")  # 2018-02-18 00:00 -02 becomes 2018-02-17 23:00 -03
    assert day_start_ns(clock, date(2018, 2, 18)) == ns("2018-02-18T00:00-03:00")
    assert day_start_ns(UTC, date(1970, 1, 2)) == 86_400 * 10**9
