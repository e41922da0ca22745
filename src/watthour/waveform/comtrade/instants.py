"""Dates, time codes and ticks as COMTRADE writes them.

In: text fields. Out: integer nanoseconds UTC, and seconds per tick.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from watthour.units import NANOSECONDS, SECONDS_PER_HOUR

_INSTANT = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2,4}),(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d*))?")
_OFFSET = re.compile(r"([+-]?)(\d{1,2})(?:h(\d{1,2}))?", re.IGNORECASE)
_MICROSECOND_DIGITS = 6
_CENTURY = 100
_PIVOT = 69  # as POSIX reads a year of two digits: 69 is 1969, 68 is 2068


def instant_ns(text: str, *, month_first: bool) -> int | None:
    """Return ``dd/mm/yyyy,hh:mm:ss.ssssss`` as nanoseconds since 1970; None if it is no instant.

    Of 1991 the month comes first, and the year may have two digits (C37.111-1991, 1999 annex on differences).

    >>> instant_ns("02/01/1970,00:00:00.000001", month_first=False)
    86400000001000
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    first, second, year, hour, minute, seconds = (int(part) for part in match.groups()[:6])
    day, month = (second, first) if month_first else (first, second)
    if year < _CENTURY:
        year += 1900 if year >= _PIVOT else 2000
    try:
        whole = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    fraction = ((match.group(7) or "") + "0" * 9)[:9]
    return (int(whole.timestamp()) + seconds) * NANOSECONDS + int(fraction)


def offset_ns(time_code: str) -> int | None:
    """Return a time code's offset from UTC, so that UTC = stamp - offset; None if it is none (C37.111-2013, 7.4.10).

    A blank one, and ``x`` for "does not apply", are UTC.

    >>> offset_ns("-5h30") // 10**9
    -19800
    """
    if time_code.lower() in {"", "x"}:
        return 0
    match = _OFFSET.fullmatch(time_code)
    if match is None:
        return None
    seconds = int(match.group(2)) * SECONDS_PER_HOUR + int(match.group(3) or 0) * 60
    return (-seconds if match.group(1) == "-" else seconds) * NANOSECONDS


def tick_s(times: Sequence[str]) -> float:
    """Return seconds per tick: microseconds, or nanoseconds where the header's seconds have more than six decimals."""
    decimals = max(len(time.rpartition(".")[2]) if "." in time else 0 for time in times)
    return 1e-9 if decimals > _MICROSECOND_DIGITS else 1e-6
