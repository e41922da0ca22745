"""Clocks: the civil time of a place, a fixed offset from UTC, and the way from local time to an instant and back.

In: the name of a time zone or an offset. Out: offsets over a stretch of time, and instants in seconds or nanoseconds
UTC. Knows nothing of rates.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from watthour.errors import LocalTimeError
from watthour.units import NANOSECONDS

CIVIL = "civil"
"""The clock on the wall of the place, summer time and all."""

DAY_S = 86_400
EPOCH_DAY = date(1970, 1, 1).toordinal()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")
_LONGEST_OFFSET = timedelta(hours=14)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone of the IANA data base.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = 'no such time zone; write one of the IANA data base, such as "Europe/Madrid"'
        raise ValueError(msg) from None


def clock_of(text: str, zone: str) -> tzinfo:
    """Return the clock that a calendar switches by.

    Parameters
    ----------
    text : str
        ``civil``, or an offset from UTC such as ``+01:00``.
    zone : str
        Whose civil time it is.

    Raises
    ------
    ValueError
        If either is written otherwise.

    Examples
    --------
    >>> clock_of("-03:30", "America/St_Johns")
    datetime.timezone(datetime.timedelta(days=-1, seconds=73800))
    """
    if text == CIVIL:
        return zone_of(zone)
    match = _OFFSET.fullmatch(text)
    offset = timedelta(hours=int(match[2]), minutes=int(match[3])) if match else timedelta.max
    if match is None or offset > _LONGEST_OFFSET or match[3] >= "60":
        msg = f'write "{CIVIL}", or an offset from UTC such as "+00:00"'
        raise ValueError(msg)
    return timezone(offset if match[1] == "+" else -offset)


def offset_s(clock: tzinfo, second: int) -> int:
    """Return how many seconds a clock is ahead of UTC at a second since 1970."""
    offset = (_EPOCH + second * _SECOND).astimezone(clock).utcoffset()
    return (offset or timedelta()) // _SECOND


def offsets_between(clock: tzinfo, begin_s: int, end_s: int) -> list[tuple[int, int]]:
    """Return from which second on a clock has which offset, the first at `begin_s`.

    A clock is looked at once a day, and between two looks that differ the change is found by halving.
    """
    found = [(begin_s, offset_s(clock, begin_s))]
    if isinstance(clock, timezone):
        return found
    for low in range(begin_s, end_s, DAY_S):
        high = min(low + DAY_S, end_s)
        after = offset_s(clock, high)
        if after != found[-1][1]:
            found.append((_change_between(clock, low, high), after))
    return found


def _change_between(clock: tzinfo, low: int, high: int) -> int:
    """Return the first second with the offset of `high`, which `low` has not."""
    after = offset_s(clock, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if offset_s(clock, middle) == after else (middle, high)
    return high


def local_day(clock: tzinfo, time_ns: int) -> date:
    """Return the day that a clock shows at an instant."""
    second = time_ns // NANOSECONDS
    return date.fromordinal(EPOCH_DAY + (second + offset_s(clock, second)) // DAY_S)


def instant_ns(local: datetime, clock: tzinfo) -> int:
    """Return the instant of a naive local time, in nanoseconds UTC since 1970.

    Raises
    ------
    LocalTimeError
        If the clock shows it twice or never, naming both readings or the gap.
    """
    early, late = (local.replace(tzinfo=clock, fold=fold) for fold in (0, 1))
    instant = early.astimezone(UTC)
    if instant.astimezone(clock).replace(tzinfo=None) != local:
        msg = f"{local.isoformat()}: no clock in {clock} shows it, since summer time begins; write the time with its offset"
        raise LocalTimeError(msg)
    if early.utcoffset() != late.utcoffset():
        both = f"{early.isoformat()} or {late.isoformat()}"
        msg = f"{local.isoformat()}: a clock in {clock} shows it twice, since summer time ends; write {both}"
        raise LocalTimeError(msg)
    return (instant - _EPOCH) // _MICROSECOND * 1000
