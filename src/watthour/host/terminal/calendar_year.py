"""The year of a calendar on a terminal: months side by side, days across, hours down, a colour for each rate.

In: a `Year` and its calendar. Out: something rich can print; without colours, the numbers of the rates.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.text import Text

from watthour.host.drawing.calendar_year import clock_words, colour_of, hours_text, rate_words, shown_rates
from watthour.host.terminal.tables import empty_table
from watthour.tariff import NO_TIME, Calendar, Year
from watthour.units import SECONDS_PER_HOUR

_MARGIN, _MONTH, _GAP = 3, 31, 2
_HOURS = 24
_EACH = 3
"""Every third hour is named."""

_DAYS = "".join(str(day).ljust(5) for day in range(1, 26, 5)) + "26  31"

Cells = NDArray[np.uint8]


def calendar_year(year: Year, calendar: Calendar, *, width: int, colours: bool) -> RenderableType:
    """Return a year: as many months side by side as the width holds, a legend with the hours of each rate.

    Parameters
    ----------
    width : int
        Columns of the terminal; 67 hold two months, 100 three.
    colours : bool
        Whether it has any; if not, the cells are digits: 3 is the third rate.
    """
    across = next((count for count in (4, 3, 2) if _MARGIN + count * (_MONTH + _GAP) - _GAP <= width), 1)
    grid = year.by_cells(_cells_a_day(year))
    months = [_month(grid, year.year, month) for month in range(1, 13)]
    parts: list[RenderableType] = [
        Text.assemble((calendar.name, "bold"), f"  {year.year}"),
        *([Text(calendar.title)] if calendar.title else []),
        Text(clock_words(calendar)),
    ]
    for first in range(0, 12, across):
        names = [f"{date(year.year, month + 1, 1):%B}" for month in range(first, min(first + across, 12))]
        parts += [Text(), _line("", names, "bold"), *_rows(year, months[first : first + across], colours=colours)]
        parts.append(_line("", [_DAYS] * len(names), "dim"))
    return Group(*parts, Text(), _legend(year, calendar, colours=colours))


def _cells_a_day(year: Year) -> int:
    """Return 24 where all rates change on the hour, else 48."""
    edges = np.concatenate([year.begin_s, year.end_s])
    return _HOURS if not (edges % SECONDS_PER_HOUR).any() else 2 * _HOURS


def _month(grid: Cells, year: int, month: int) -> Cells:
    """Return the cells of a month, shape (cells, 31)."""
    begin = (date(year, month, 1) - date(year, 1, 1)).days
    end = (date(year + month // 12, month % 12 + 1, 1) - date(year, 1, 1)).days
    cells = np.full((grid.shape[1], _MONTH), NO_TIME, dtype=np.uint8)
    cells[:, : end - begin] = grid[begin:end].T
    return cells


def _line(label: str, texts: Iterable[str], style: str) -> Text:
    return Text(f"{label:<{_MARGIN}}" + (" " * _GAP).join(text.ljust(_MONTH) for text in texts).rstrip(), style)


def _rows(year: Year, months: Sequence[Cells], *, colours: bool) -> Iterator[Text]:
    """Yield the lines of some months: two cells a line by half blocks, or one by digits."""
    cells = months[0].shape[0]
    step = 2 if colours else 1
    for place in range(0, cells, step):
        hour, rest = divmod(place * _HOURS, cells)
        line = Text.assemble((f"{hour:02d} " if rest == 0 and hour % _EACH == 0 else " " * _MARGIN, "dim"))
        for number, month in enumerate(months):
            line.append(" " * _GAP if number else "")
            pairs = month[place : place + step].T.tolist()
            line.append_text(_blocks(year, pairs) if colours else Text("".join(_digit(pair[0]) for pair in pairs)))
        yield line


def _digit(rate: int) -> str:
    return {0: ".", NO_TIME: " "}.get(rate, str(rate))


def _blocks(year: Year, pairs: Sequence[Sequence[int]]) -> Text:
    """Return pairs of cells, the earlier above the later; blank where there is no such time."""
    text = Text()
    for upper, lower in pairs:
        if upper == NO_TIME:
            text.append(*((" ", "") if lower == NO_TIME else ("▄", colour_of(year, lower))))
        else:
            ground = "" if lower == NO_TIME else f" on {colour_of(year, lower)}"
            text.append("▀", f"{colour_of(year, upper)}{ground}")
    return text


def _legend(year: Year, calendar: Calendar, *, colours: bool) -> RenderableType:
    table = empty_table("", "", "rate", "hours", "share", left=2)
    whole = int(year.time_s.sum())
    for rate in shown_rates(year):
        time_s = int(year.time_s[rate].sum())
        mark = Text("██", colour_of(year, rate)) if colours else Text(_digit(rate))
        table.add_row(mark, rate_words(calendar, rate), hours_text(time_s), f"{100 * time_s / whole:.1f} %")
    return table


def calendar_list(named: Iterable[tuple[str, Calendar]]) -> RenderableType:
    """Return the names, rates and dates of calendars."""
    table = empty_table("", "calendar", "rates", "holds", left=3)
    for name, each in named:
        rates = each.rates if len(each.rates) < 4 else (each.rates[0], "…", each.rates[-1])  # noqa: PLR2004
        table.add_row(name, " ".join(rates), each.valid)
    return table
