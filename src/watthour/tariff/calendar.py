"""A calendar as a meter holds it: seasons name weeks, weeks name days, days switch rates; special days stand above.

The shape is that of the DLMS activity calendar (IEC 62056-6-2, class 20) with its special days table (class 11), the
passive calendar and its time of activation included. A calendar that exists is whole: each day of each year within
its dates has one day profile, and each second of that one rate. Files are read elsewhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo

from watthour.errors import CalendarError
from watthour.tariff.clock import CIVIL, DAY_S, clock_of, zone_of
from watthour.tariff.feasts import DayRule, EveryYear
from watthour.units import RATES

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OPEN = "open"
"""How a first or last day that is not known is written."""


@dataclass(frozen=True, slots=True)
class Switch:
    """From this second of the day on this rate holds.

    Parameters
    ----------
    second : int
        Of the day, on the calendar's clock: 0 to 86 399.
    rate : int
        From 1.
    """

    second: int
    rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayProfile:
    """How rates follow each other through a day; the first switch is at 00:00."""

    name: str
    switches: tuple[Switch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekProfile:
    """The day profiles of a week, by name, Monday first."""

    name: str
    days: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """From this day of every year on, to the next season's, the weeks are these."""

    start: EveryYear
    week: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialDay:
    """A day whose profile is another one than its week says."""

    rule: DayRule
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Which rate holds when.

    Parameters
    ----------
    name : str
        As the user names it: ``es/3.0TD/peninsula``.
    title : str
        In words.
    zone : str
        Time zone of the place (IANA).
    clock : str
        What it switches by: ``civil``, the zone's own time, or a fixed offset such as ``+00:00``.
        Days begin and end on this clock too.
    first_day, last_day : date or None
        The days it holds, both included; None: open.
    rates : tuple of str
        Its own names of T1, T2 ...: 1 to 8 of them.
    passive : Passive, optional
        What follows it.
    sources : tuple of str
        Where it is written.
    sha256 : str
        Of the bytes of its file, in hexadecimal digits; of one with a passive calendar, of those bytes and the passive one's own.
        Empty: it comes from no file. It tells one content from another, and does not make two calendars differ.

    Raises
    ------
    CalendarError
        If it is not whole, naming the place.
    """

    name: str
    title: str = ""
    zone: str
    clock: str = CIVIL
    first_day: date | None = None
    last_day: date | None = None
    rates: tuple[str, ...]
    days: tuple[DayProfile, ...]
    weeks: tuple[WeekProfile, ...]
    seasons: tuple[Season, ...]
    special_days: tuple[SpecialDay, ...] = ()
    passive: "Passive | None" = None
    sources: tuple[str, ...] = ()
    sha256: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for path, problem in _faults(self):
            raise CalendarError(path, problem)

    @property
    def switching_clock(self) -> tzinfo:
        """The clock it switches by."""
        return clock_of(self.clock, self.zone)

    @property
    def valid(self) -> str:
        """Its first and last day in words."""
        if self.first_day is None and self.last_day is None:
            return "every day"
        first, last = (OPEN if day is None else day.isoformat() for day in (self.first_day, self.last_day))
        return f"{first} to {last}"

    def covers(self, day: date) -> bool:
        """Say whether a day is within its dates."""
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passive:
    """The calendar that replaces the active one at an instant.

    Parameters
    ----------
    calendar : Calendar
        Without a passive one of its own.
    activation_ns : int
        Nanoseconds UTC since 1970.
    """

    calendar: Calendar
    activation_ns: int


def in_force(calendar: Calendar, time_ns: int) -> Calendar:
    """Return the calendar, active or passive, that holds at an instant."""
    passive = calendar.passive
    return calendar if passive is None or time_ns < passive.activation_ns else passive.calendar


def rate_name(calendar: Calendar, rate: int) -> str:
    """Return the calendar's own name of a rate from 1.

    Raises
    ------
    ValueError
        If it has none of that number.
    """
    if not 1 <= rate <= len(calendar.rates):
        msg = f"{calendar.name} has the rates 1 to {len(calendar.rates)}, not {rate}"
        raise ValueError(msg)
    return calendar.rates[rate - 1]


def time_text(second: int) -> str:
    """Return a second of the day as a calendar file writes it.

    >>> time_text(81_000), time_text(59)
    ('22:30', '00:00:59')
    """
    minutes, seconds = divmod(second, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}" + (f":{seconds:02d}" if seconds else "")


_Fault = tuple[Sequence[str | int], str]


def _faults(calendar: Calendar) -> Iterator[_Fault]:
    """Yield what is wrong with a calendar, each with the path of its key in a calendar file."""
    yield from _faults_of_clock(calendar)
    yield from _faults_of_rates(calendar.rates)
    days, weeks = [day.name for day in calendar.days], [week.name for week in calendar.weeks]
    yield from _twice("days", days)
    yield from _twice("weeks", weeks)
    for day in calendar.days:
        yield from _faults_of_day(day, len(calendar.rates))
    for week in calendar.weeks:
        yield from _faults_of_week(week, days)
    yield from _faults_of_seasons(calendar.seasons, weeks)
    yield from _faults_of_special_days(calendar.special_days, days)
    if calendar.passive is not None and calendar.passive.calendar.passive is not None:
        yield ["passive"], "the calendar that follows is to have none that follows it; a meter holds two"


def _faults_of_clock(calendar: Calendar) -> Iterator[_Fault]:
    for key, make, words in (("zone", zone_of, (calendar.zone,)), ("clock", clock_of, (calendar.clock, calendar.zone))):
        try:
            make(*words)
        except ValueError as problem:
            yield [key], f"{words[0]!r}: {problem}"
    if calendar.first_day and calendar.last_day and calendar.last_day < calendar.first_day:
        yield ["last_day"], f"{calendar.last_day} is before first_day, {calendar.first_day}"


def _faults_of_rates(rates: Sequence[str]) -> Iterator[_Fault]:
    if not 1 <= len(rates) <= len(RATES):
        yield ["rates"], f"a meter has the rates T1 to T{len(RATES)}; name 1 to {len(RATES)}, not {len(rates)}"
    for place, name in enumerate(rates):
        if not name.isprintable() or name.split() != [name]:
            yield ["rates", place], f"{name!r}: a rate's name is one word, such as P1"
        if name in rates[:place]:
            yield ["rates", place], f"{name} stands here twice; name each rate once"


def _twice(table: str, names: Sequence[str]) -> Iterator[_Fault]:
    if not names:
        yield [table], "there is none; a calendar needs one at least"
    for place, name in enumerate(names):
        if name in names[:place]:
            yield [table, name], "stands here twice; name each once"


def _faults_of_day(day: DayProfile, rates: int) -> Iterator[_Fault]:
    path = ["days", day.name]
    if not day.switches or day.switches[0].second != 0:
        yield path, 'the first switch of a day is at "00:00"; say which rate holds from then on'
    before = -1
    for switch in day.switches:
        place = [*path, time_text(switch.second)]
        if not 0 <= switch.second < DAY_S:
            yield place, "a switch lies from 00:00 to 23:59:59"
        if switch.second <= before:
            yield place, f"not after {time_text(before)}, the switch above; write switches in order, each time once"
        if not 1 <= switch.rate <= rates:
            yield place, f"rate {switch.rate} is none of the {rates} of the calendar"
        before = switch.second


def _faults_of_week(week: WeekProfile, days: Sequence[str]) -> Iterator[_Fault]:
    path = ["weeks", week.name]
    if len(week.days) != len(WEEKDAYS):
        yield path, f"a week has {len(WEEKDAYS)} days, not {len(week.days)}"
    yield from ((path, f"no day profile {name!r} in days; it has {_list(days)}") for name in week.days if name not in days)


def _faults_of_seasons(seasons: Sequence[Season], weeks: Sequence[str]) -> Iterator[_Fault]:
    if not seasons:
        yield ["seasons"], "there is none; a calendar needs one at least"
    for place, season in enumerate(seasons):
        path = ["seasons", str(season.start)]
        if season.start == EveryYear(2, 29):
            yield path, "29 February is not in every year; begin the season on 02-28 or 03-01"
        if season.start in [other.start for other in seasons[:place]]:
            yield path, "two seasons begin on this day; keep one"
        if season.week not in weeks:
            yield path, f"no week {season.week!r} in weeks; it has {_list(weeks)}"


def _faults_of_special_days(special: Sequence[SpecialDay], days: Sequence[str]) -> Iterator[_Fault]:
    for place, row in enumerate(special):
        above = special[:place]
        path: list[str | int] = ["special_days", row.day, sum(other.day == row.day for other in above)]
        if row.day not in days:
            yield path[:2], f"no day profile {row.day!r} in days; it has {_list(days)}"
        if row.rule in [other.rule for other in above]:
            yield path, f"{row.rule} stands in special_days twice; keep one"


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
