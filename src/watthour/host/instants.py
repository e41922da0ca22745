"""Instants as people write them, and as the meter counts them: nanoseconds UTC since 1970."""

from datetime import UTC, datetime, timedelta

from watthour.units import NANOSECONDS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

DEFAULT_START_NS = (datetime(2026, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND * 1000
"""Where a source begins that says nothing of it."""


def to_ns(instant: datetime) -> int:
    """Return an aware datetime in nanoseconds."""
    return (instant - _EPOCH) // _MICROSECOND * 1000


def iso(time_ns: int) -> str:
    """Return an instant in ISO 8601, UTC, with as many decimals as it needs.

    >>> iso(1_767_225_600_500_000_000)
    '2026-01-01T00:00:00.500Z'
    """
    seconds, rest = divmod(time_ns, NANOSECONDS)
    whole = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{rest:09d}".removesuffix("000").removesuffix("000").removesuffix("000").removesuffix(".")
    return f"{whole:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def now_ns() -> int:
    """Return the wall clock, for what happens outside the stream of samples."""
    return to_ns(datetime.now(UTC))
