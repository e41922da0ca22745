"""Instants as people write them, and as the meter counts them: nanoseconds UTC since 1970."""

from datetime import UTC, datetime, timedelta

from watthour.units import iso

__all__ = ["DEFAULT_START_NS", "iso", "now_ns", "to_ns"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

DEFAULT_START_NS = (datetime(2026, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND * 1000
"""Where a source begins that says nothing of it."""


def to_ns(instant: datetime) -> int:
    """Return an aware datetime in nanoseconds."""
    return (instant - _EPOCH) // _MICROSECOND * 1000


def now_ns() -> int:
    """Return the wall clock, for what happens outside the stream of samples."""
    return to_ns(datetime.now(UTC))
