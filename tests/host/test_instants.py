"""Instants are nanoseconds UTC, written in ISO 8601 with as many decimals as they need."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from watthour.host.instants import DEFAULT_START_NS, iso, now_ns, to_ns


def test_an_instant_is_nanoseconds_since_1970_whatever_its_zone():
    assert to_ns(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert to_ns(datetime(2026, 1, 15, tzinfo=timezone(timedelta(hours=1)))) == 1_768_431_600_000_000_000
    assert to_ns(datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) == 1_767_225_600_000_001_000


def test_an_instant_before_1970_is_negative():
    assert to_ns(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1000
    assert iso(-1000) == "1969-12-31T23:59:59.999999Z"


def test_a_source_that_says_nothing_begins_with_2026():
    assert iso(DEFAULT_START_NS) == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("rest_ns", "written"),
    [
        (0, "00Z"),
        (500_000_000, "00.500Z"),
        (1_000_000, "00.001Z"),
        (1000, "00.000001Z"),
        (1, "00.000000001Z"),
        (999_999_999, "00.999999999Z"),
    ],
)
def test_decimals_are_written_by_threes_as_far_as_they_are_needed(rest_ns, written):
    assert iso(DEFAULT_START_NS + rest_ns) == f"2026-01-01T00:00:{written}"


def test_microseconds_survive_the_way_there_and_back():
    instant = datetime(2099, 12, 31, 23, 59, 59, 123_456, tzinfo=UTC)
    assert datetime.fromisoformat(iso(to_ns(instant))) == instant


def test_now_is_now():
    before = to_ns(datetime.now(UTC))
    assert before <= now_ns() <= to_ns(datetime.now(UTC))
