"""The rates at times that a user names.

In: a calendar and times as people write them. Out: a line for each, ``TIME RATE``. A time without an offset is the
civil time of the calendar's place, and must be one that its clocks show once.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from watthour.errors import LocalTimeError, UsageError
from watthour.host.instants import to_ns
from watthour.tariff import Calendar, in_force, instant_ns, rate_name, rates_at, zone_of

_YEARS = range(1900, 2200)
"""Of a time; nanoseconds in 64 bits hold a few more."""


def rate_lines(calendar: Calendar, times: Sequence[str], file: Path | None = None) -> list[str]:
    """Return one line ``TIME RATE`` for each time, those of the file after the others.

    Parameters
    ----------
    times : sequence of str
        ISO 8601, with an offset or without.
    file : Path, optional
        One time a line.

    Raises
    ------
    UsageError
        If one is no time, or the file cannot be read, with its line.
    LocalTimeError
        If a clock shows it twice or never.
    OutsideCalendarError
        If its day is outside the calendar's dates.
    """
    placed = [*(("", text) for text in times), *(() if file is None else _lines_of(file))]
    if not placed:
        msg = "no time: write one or several after the calendar, or --file FILE"
        raise UsageError(msg)
    instants = [_instant(calendar, text, place) for place, text in placed]
    rates = rates_at(calendar, np.array(instants, dtype=np.int64)).tolist()
    names = (rate_name(in_force(calendar, each), rate) for each, rate in zip(instants, rates, strict=True))
    return [f"{text.replace(' ', 'T')} {name}" for (_, text), name in zip(placed, names, strict=True)]


def _lines_of(file: Path) -> Iterable[tuple[str, str]]:
    """Return the times of a file, each with its place."""
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except OSError as problem:
        msg = f"{file}: cannot be read: {problem.strerror}; check the path"
        raise UsageError(msg) from None
    except UnicodeDecodeError:
        msg = f"{file}: not UTF-8 text; write one time a line"
        raise UsageError(msg) from None
    return _numbered(file, lines)


def _numbered(file: Path, lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"{file}:{number}: ", line.strip()


def _instant(calendar: Calendar, text: str, place: str) -> int:
    """Return the instant of a time, in nanoseconds UTC."""
    try:
        time = datetime.fromisoformat(text)
        year = time.year
    except ValueError:
        year = 0
    if year not in _YEARS:
        msg = f"{place}{text}: no time; write it such as 2026-01-15T10:00 or 2026-01-15T10:00+01:00"
        raise UsageError(msg)
    if time.tzinfo is not None:
        return to_ns(time)
    try:
        return instant_ns(time, zone_of(calendar.zone))
    except LocalTimeError as refused:
        msg = f"{place}{refused}"
        raise LocalTimeError(msg) from None
