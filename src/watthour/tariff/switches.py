"""Which rate holds when: at an instant, at many, and as a table of switches over a stretch of time.

In: a calendar and instants in nanoseconds UTC since 1970. Out: rates from 1, or the instants where they change. What
holds is what the calendar's clock shows: in an hour that comes twice the rates come twice, in one that is left out
they are left out, so that every instant has one rate whatever the clock does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from watthour.errors import OutsideCalendarError
from watthour.tariff.calendar import Calendar, DayProfile, in_force
from watthour.tariff.clock import DAY_S, EPOCH_DAY, local_day, offset_s, offsets_between
from watthour.tariff.feasts import OnDate, narrowness
from watthour.units import NANOSECONDS

NO_RATE = 0
"""Of an instant outside a calendar's dates, in a `SwitchTable`."""

_LAST_SECOND = 9_200_000_000
"""In 2261: nanoseconds beyond leave 64 bits."""

_LOOK_AHEAD_DAYS = (3, 40, 400, 41 * 366)
"""How far a change is looked for: 29 February falls on the same weekday after 40 years at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SwitchTable:
    """The rates of a stretch of time.

    Parameters
    ----------
    starts_ns : (n,) int64 array
        Where each rate begins; the first is where the table does. Neighbours differ in rate.
    rates : (n,) uint8 array
        From 1; `NO_RATE` outside the calendar's dates.
    end_ns : int
        Where the table ends.
    """

    starts_ns: NDArray[np.int64]
    rates: NDArray[np.uint8]
    end_ns: int


def day_on(calendar: Calendar, day: date) -> DayProfile:
    """Return the profile of a day, whatever the dates of the calendar."""
    return next(_profiles(calendar, day.toordinal(), 1))


def _profiles(calendar: Calendar, first: int, count: int) -> Iterator[DayProfile]:
    """Yield the profiles of so many days from a proleptic ordinal on."""
    days = {day.name: day for day in calendar.days}
    weeks = {week.name: week.days for week in calendar.weeks}
    seasons = sorted(((season.start.month, season.start.day), season.week) for season in calendar.seasons)
    special: dict[date, str] = {}
    year = None
    for ordinal in range(first, first + count):
        day = date.fromordinal(ordinal)
        if day.year != year:
            year, special = day.year, _special_days(calendar, day.year)
        name = special.get(day)
        if name is None:
            reached = [week for start, week in seasons if start <= (day.month, day.day)]
            name = weeks[(reached or [seasons[-1][1]])[-1]][day.weekday()]
        yield days[name]


def _special_days(calendar: Calendar, year: int) -> dict[date, str]:
    """Return the special days of a year; where rules meet the narrowest holds."""
    found: dict[date, str] = {}
    for row in sorted(calendar.special_days, key=lambda row: narrowness(row.rule)):
        day = row.rule.in_year(year)
        if day is not None:
            found[day] = row.day
    return found


def rate_at(calendar: Calendar, time_ns: int) -> int:
    """Return the rate at an instant, from 1.

    Raises
    ------
    OutsideCalendarError
        If it is outside the calendar's dates, naming the day.
    """
    calendar = in_force(calendar, time_ns)
    clock = calendar.switching_clock
    day = local_day(clock, time_ns)
    if not calendar.covers(day):
        raise OutsideCalendarError(calendar.name, day, calendar.valid)
    utc_s = time_ns // NANOSECONDS
    second = (utc_s + offset_s(clock, utc_s)) % DAY_S
    return [switch.rate for switch in day_on(calendar, day).switches if switch.second <= second][-1]


def rates_at(calendar: Calendar, times_ns: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the rates at many instants, in any order.

    Parameters
    ----------
    times_ns : int64 array
        Of any shape.

    Returns
    -------
    uint8 array
        Of the same shape, from 1.

    Raises
    ------
    OutsideCalendarError
        If one is outside the calendar's dates, naming the day of the first such.
    """
    if times_ns.size == 0:
        return np.empty(times_ns.shape, dtype=np.uint8)
    table = switch_table(calendar, int(times_ns.min()), int(times_ns.max()) + 1)
    rates = table.rates[np.searchsorted(table.starts_ns, times_ns, side="right") - 1]
    outside = np.flatnonzero(rates == NO_RATE)
    if outside.size:
        rate_at(calendar, int(times_ns.flat[outside[0]]))
    return rates


def next_change(calendar: Calendar, time_ns: int) -> int | None:
    """Return the first instant after this one from which another rate holds, or none where one held; None: never.

    Raises nothing outside the calendar's dates: the change from there is its first day.
    """
    for ahead in _look_ahead_days(calendar, time_ns):
        table = switch_table(calendar, time_ns, min(time_ns + ahead * DAY_S * NANOSECONDS, _LAST_SECOND * NANOSECONDS))
        if table.starts_ns.size > 1:
            return int(table.starts_ns[1])
    return None


def _look_ahead_days(calendar: Calendar, time_ns: int) -> tuple[int, ...]:
    """Return how many days to look ahead, step by step: past all that is dated."""
    here = time_ns // NANOSECONDS // DAY_S + EPOCH_DAY
    passive = () if calendar.passive is None else (calendar.passive.calendar,)
    dated = [here, *(day.toordinal() for each in (calendar, *passive) for day in _dates(each))]
    if calendar.passive is not None:
        dated.append(calendar.passive.activation_ns // NANOSECONDS // DAY_S + EPOCH_DAY)
    last = max(dated) - here + 3
    if all(_is_flat(each) for each in (calendar, *passive)):
        return (last,)
    return (*_LOOK_AHEAD_DAYS, last + _LOOK_AHEAD_DAYS[-1])


def _dates(calendar: Calendar) -> Iterator[date]:
    yield from (day for day in (calendar.first_day, calendar.last_day) if day is not None)
    yield from (row.rule.day for row in calendar.special_days if isinstance(row.rule, OnDate))


def _is_flat(calendar: Calendar) -> bool:
    """Say whether a calendar has one rate at all times."""
    return len({switch.rate for day in calendar.days for switch in day.switches}) == 1


def switch_table(calendar: Calendar, begin_ns: int, end_ns: int) -> SwitchTable:
    """Return the rates from `begin_ns` to before `end_ns`; both lie before 2261, and the second after the first."""
    passive = calendar.passive
    activation_ns = end_ns if passive is None else min(max(passive.activation_ns, begin_ns), end_ns)
    starts, rates = [], []
    for each, begin, end in ((calendar, begin_ns, activation_ns), (in_force(calendar, end_ns), activation_ns, end_ns)):
        if begin < end:
            found = _starts_of_one(each, begin, end)
            starts.append(found[0])
            rates.append(found[1])
    all_starts, all_rates = np.concatenate(starts), np.concatenate(rates)
    is_change = np.diff(all_rates, prepend=all_rates[0] + 1) != 0
    return SwitchTable(starts_ns=all_starts[is_change], rates=all_rates[is_change], end_ns=end_ns)


def _starts_of_one(calendar: Calendar, begin_ns: int, end_ns: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return starts and rates of one calendar, neighbours of equal rate not yet joined.

    Switches are laid out on the calendar's clock first, then carried to UTC for each stretch of one offset.
    """
    begin_s, end_s = begin_ns // NANOSECONDS, -(-end_ns // NANOSECONDS)
    local_s, rates = _local_switches(calendar, begin_s, end_s)
    offsets = offsets_between(calendar.switching_clock, begin_s, end_s)
    ends = [*(start for start, _ in offsets[1:]), end_s]
    starts, found = [], []
    for (start, offset), end in zip(offsets, ends, strict=True):
        first = np.searchsorted(local_s, start + offset, side="right") - 1
        last = np.searchsorted(local_s, end + offset, side="left")
        starts.append(np.maximum(local_s[first:last] - offset, start))
        found.append(rates[first:last])
    return np.maximum(np.concatenate(starts) * NANOSECONDS, begin_ns), np.concatenate(found)


def _local_switches(calendar: Calendar, begin_s: int, end_s: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the switches of all days that a stretch of time can touch, in local seconds since 1970-01-01 00:00."""
    first = begin_s // DAY_S - 1
    count = end_s // DAY_S + 2 - first
    local: list[int] = []
    rates: list[int] = []
    for place, profile in enumerate(_profiles(calendar, first + EPOCH_DAY, count), first):
        is_covered = calendar.covers(date.fromordinal(place + EPOCH_DAY))
        local += map((place * DAY_S).__add__, map(attrgetter("second"), profile.switches))
        rates += [switch.rate if is_covered else NO_RATE for switch in profile.switches]
    return np.array(local, dtype=np.int64), np.array(rates, dtype=np.uint8)
