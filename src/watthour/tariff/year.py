"""A calendar's year as people see it: for each day of civil time, from when to when each rate holds.

In: a calendar and a year. Out: pieces of days on the wall clock, and the time of each rate in each month.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from watthour.tariff.calendar import Calendar
from watthour.tariff.clock import DAY_S, EPOCH_DAY, offsets_between, zone_of
from watthour.tariff.switches import switch_table
from watthour.units import NANOSECONDS

MONTHS = 12
NO_TIME = 255
"""Of a cell whose time the clock leaves out."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Year:
    """The rates of a year, in pieces that end where the day, the rate or the clock's offset does.

    Parameters
    ----------
    year : int
    days : int
        365 or 366.
    day : (n,) int64 array
        Of the year, from 0.
    begin_s, end_s : (n,) int64 array
        Seconds of that day on the wall clock; in an hour that comes twice pieces lie over each other.
    rate : (n,) int64 array
        From 1; 0 outside the calendar's dates.
    time_s : (rates + 1, 12) int64 array
        How long each rate holds in each month; row 0 is outside the calendar's dates.
    """

    year: int
    days: int
    day: Integers
    begin_s: Integers
    end_s: Integers
    rate: Integers
    time_s: Integers

    def by_cells(self, cells: int) -> NDArray[np.uint8]:
        """Return the rate in the middle of each of so many equal parts of each day, shape (days, cells).

        `NO_TIME` where an hour is left out; of an hour that comes twice, the second coming.
        """
        grid = np.full((self.days, cells), NO_TIME, dtype=np.uint8)
        middles = (np.arange(cells) + 0.5) * DAY_S / cells
        firsts, lasts = np.searchsorted(middles, self.begin_s), np.searchsorted(middles, self.end_s)
        for day, first, last, rate in zip(self.day, firsts, lasts, self.rate, strict=True):
            grid[day, first:last] = rate
        return grid


def year_of(calendar: Calendar, year: int) -> Year:
    """Return a year of a calendar, from 1 January to 31 December by the civil time of its place."""
    zone = zone_of(calendar.zone)
    begin, end = (int(datetime(each, 1, 1, tzinfo=zone).astimezone(UTC).timestamp()) for each in (year, year + 1))
    table = switch_table(calendar, begin * NANOSECONDS, end * NANOSECONDS)
    offsets = offsets_between(zone, begin, end)
    changes, ahead = np.array(offsets, dtype=np.int64).T
    switches = table.starts_ns // NANOSECONDS
    edges = np.unique(np.concatenate([switches, changes, *_midnights(offsets, end)]))
    offset = ahead[np.searchsorted(changes, edges, side="right") - 1]
    rate = table.rates[np.searchsorted(switches, edges, side="right") - 1].astype(np.int64)
    length = np.diff(edges, append=end)
    days, begin_s = np.divmod(edges + offset, DAY_S)
    first = date(year, 1, 1).toordinal() - EPOCH_DAY
    return Year(
        year=year,
        days=date(year + 1, 1, 1).toordinal() - EPOCH_DAY - first,
        day=days - first,
        begin_s=begin_s,
        end_s=begin_s + length,
        rate=rate,
        time_s=_time_by_month(_rates_of(calendar), rate, days, length),
    )


def _midnights(offsets: list[tuple[int, int]], end: int) -> list[Integers]:
    """Return the instants where a day begins, for each stretch of one offset."""
    ends = [*(start for start, _ in offsets[1:]), end]
    return [
        np.arange(-(-(start + ahead) // DAY_S) * DAY_S, stop + ahead, DAY_S, dtype=np.int64) - ahead
        for (start, ahead), stop in zip(offsets, ends, strict=True)
    ]


def _rates_of(calendar: Calendar) -> int:
    """Return how many rates a calendar and the one that follows it have."""
    return max(len(calendar.rates), 0 if calendar.passive is None else len(calendar.passive.calendar.rates))


def _time_by_month(rates: int, rate: Integers, days: Integers, length: Integers) -> Integers:
    months = np.array([date.fromordinal(int(day) + EPOCH_DAY).month - 1 for day in days])
    time_s = np.zeros((rates + 1, MONTHS), dtype=np.int64)
    np.add.at(time_s, (rate, months), length)
    return time_s
