"""Calendars whose name carries the windows of the day: ``fr/HPHC/22:30-06:30``.

In: a file of the package that says everything but the windows, and the windows. Out: a calendar with one day, the
same all year.
"""

from collections.abc import Sequence
from itertools import pairwise

from watthour.errors import UnknownCalendarError
from watthour.host.calendars.tables import Heading, Table, day_or_open, second_of
from watthour.host.toml_files import check_toml
from watthour.tariff import WEEKDAYS, Calendar, DayProfile, EveryYear, Season, Switch, WeekProfile
from watthour.units import SECONDS_PER_HOUR

WINDOWS = "HH:MM-HH:MM"
"""How a list of names shows that windows belong there."""

EXAMPLE_WINDOWS = "22:30-06:30"

_DAY_S = 24 * SECONDS_PER_HOUR


class _WindowTable(Table):
    inside: str
    outside: str
    hours_a_day: float


class WindowFile(Heading):
    """A calendar file without days."""

    windows: _WindowTable


def calendar_of_windows(file: str, content: bytes, name: str, words: str) -> Calendar:
    """Return the calendar whose windows are these.

    Parameters
    ----------
    name : str
        Windows included.
    words : str
        ``22:30-06:30``, or several with commas between.

    Raises
    ------
    UnknownCalendarError
        If the windows are no windows, overlap, or last too long or too short together.
    """
    table = check_toml(file, content, WindowFile)
    try:
        windows = [_window(text) for text in words.split(",")]
        seconds = _inside(windows, table.windows.hours_a_day)
    except ValueError as problem:
        msg = f"{name}: {problem}"
        raise UnknownCalendarError(msg) from None
    rates = [table.rates.index(table.windows.outside) + 1, table.rates.index(table.windows.inside) + 1]
    changes = sorted({0, *(edge % _DAY_S for window in windows for edge in window)})
    return Calendar(
        days=(DayProfile(name="all", switches=tuple(Switch(each, rates[_holds(seconds, each)]) for each in changes)),),
        weeks=(WeekProfile(name="all", days=("all",) * len(WEEKDAYS)),),
        seasons=(Season(start=EveryYear(1, 1), week="all"),),
        name=name,
        title=table.title,
        sources=tuple(table.sources),
        zone=table.zone,
        clock=table.clock,
        first_day=day_or_open(table.first_day),
        last_day=day_or_open(table.last_day),
        rates=tuple(table.rates),
    )


def _window(text: str) -> tuple[int, int]:
    """Return begin and end of a window in seconds of its day; an end past midnight is beyond 24 h."""
    begin, _, end = text.partition("-")
    first, last = second_of(begin), second_of(end)
    return first, last if last > first else last + _DAY_S


def _inside(windows: Sequence[tuple[int, int]], hours: float) -> list[tuple[int, int]]:
    """Return the stretches of a day that lie in windows; ValueError where they overlap or are not so many hours."""
    parts = sorted(
        part for begin, end in windows for part in ((begin, min(end, _DAY_S)), (0, end - _DAY_S)) if part[1] > part[0]
    )
    if any(after[0] < before[1] for before, after in pairwise(parts)):
        msg = "the windows overlap; name each time once"
        raise ValueError(msg)
    total = sum(end - begin for begin, end in parts) / SECONDS_PER_HOUR
    if total != hours:
        msg = f"the windows last {total:g} h a day together, and here it is {hours:g} h; see the invoice"
        raise ValueError(msg)
    return parts


def _holds(parts: Sequence[tuple[int, int]], second: int) -> bool:
    return any(begin <= second < end for begin, end in parts)
