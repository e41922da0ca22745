"""The tables of a calendar file: what may stand in it, and the calendar that it makes.

In: a TOML file's bytes. Out: a `Calendar`, or one line with the file, the line, and what to write instead. What only
the whole calendar can know is refused by `Calendar` itself; here it gets its line.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from watthour.errors import CalendarError, ConfigError
from watthour.host.instants import to_ns
from watthour.host.toml_files import check_toml
from watthour.host.toml_lines import line_of
from watthour.tariff import (
    CIVIL,
    WEEKDAYS,
    Calendar,
    DayProfile,
    EveryYear,
    Passive,
    Season,
    SpecialDay,
    Switch,
    WeekProfile,
    rule_of,
)
from watthour.waveform.network.times import weekdays

FollowerReader = Callable[[str], Calendar] | None
"""Reads the calendar that a file names as its passive one; None for a file that is passive itself."""

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_START = re.compile(r"\d{2}-\d{2}", re.ASCII)
_WHOLE_YEAR = EveryYear(1, 1)


class Table(BaseModel):
    """A table of a calendar file: no unknown key, no number as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Heading(Table):
    """What every calendar file says: what it is, whose clock it follows, which days it holds, and its rates."""

    title: str
    sources: list[str] = []
    zone: str
    clock: str = CIVIL
    first_day: date | Literal["open"]
    last_day: date | Literal["open"]
    rates: list[str]


class _PassiveTable(Table):
    calendar: str
    activation: AwareDatetime


class _CalendarFile(Heading):
    days: dict[str, dict[str, str]]
    weeks: dict[str, str | dict[str, str]] = {}
    seasons: dict[str, str] = {}
    special_days: dict[str, list[str]] = {}
    passive: _PassiveTable | None = None


def calendar_from_toml(file: str, content: bytes, name: str, read_follower: FollowerReader) -> Calendar:
    """Return the calendar that a file describes.

    Raises
    ------
    ConfigError
        With the line that is at fault.
    """
    table = check_toml(file, content, _CalendarFile)
    try:
        return Calendar(
            days=tuple(DayProfile(name=day, switches=_switches(table, day)) for day in table.days),
            weeks=_weeks(table),
            seasons=_seasons(table),
            special_days=tuple(_special_days(table)),
            passive=None if table.passive is None else _passive(table.passive, read_follower),
            name=name,
            title=table.title,
            sources=tuple(table.sources),
            zone=table.zone,
            clock=table.clock,
            first_day=day_or_open(table.first_day),
            last_day=day_or_open(table.last_day),
            rates=tuple(table.rates),
        )
    except CalendarError as refused:
        raise ConfigError(file, str(refused), line_of(content.decode(), refused.path)) from None


def day_or_open(day: date | Literal["open"]) -> date | None:
    """Return a first or last day as a calendar holds it."""
    return day if isinstance(day, date) else None


def second_of(text: str) -> int:
    """Return the second of the day of a time; raise ValueError if it is none.

    >>> second_of("22:30")
    81000
    """
    match = _TIME.fullmatch(text)
    if match is None:
        msg = f'{text!r} is no time of day; write it such as "08:00" or "22:30"'
        raise ValueError(msg)
    return (int(match[1]) * 60 + int(match[2])) * 60 + int(match[3] or 0)


def _switches(table: _CalendarFile, day: str) -> tuple[Switch, ...]:
    found = []
    for time, rate in table.days[day].items():
        if rate not in table.rates:
            raise CalendarError(["days", day, time], f"{rate!r} is none of the rates {', '.join(table.rates)}")
        try:
            found.append(Switch(second_of(time), table.rates.index(rate) + 1))
        except ValueError as problem:
            raise CalendarError(["days", day, time], str(problem)) from None
    return tuple(found)


def _weeks(table: _CalendarFile) -> tuple[WeekProfile, ...]:
    if table.weeks:
        return tuple(WeekProfile(name=name, days=_week(name, week)) for name, week in table.weeks.items())
    if len(table.days) != 1:
        raise CalendarError(["weeks"], 'missing: there are several days, so say which is when: all = { mon-fri = "…", … }')
    return (WeekProfile(name="all", days=(*table.days,) * len(WEEKDAYS)),)


def _week(name: str, week: str | Mapping[str, str]) -> tuple[str, ...]:
    """Return the seven day profiles of a week."""
    if isinstance(week, str):
        return (week,) * len(WEEKDAYS)
    found: dict[int, str] = {}
    for words, day in week.items():
        path = ["weeks", name, words]
        try:
            named = weekdays(words)
        except ValueError:
            raise CalendarError(path, 'write days such as mon, mon-fri or "mon,wed"') from None
        for weekday in named:
            if weekday in found:
                raise CalendarError(path, f"{WEEKDAYS[weekday]} stands in this week twice; name each day once")
            found[weekday] = day
    missing = [text for place, text in enumerate(WEEKDAYS) if place not in found]
    if missing:
        raise CalendarError(["weeks", name], f"says nothing of {', '.join(missing)}; a week has seven days")
    return tuple(found[place] for place in range(len(WEEKDAYS)))


def _seasons(table: _CalendarFile) -> tuple[Season, ...]:
    if table.seasons:
        return tuple(Season(start=_start(text), week=week) for text, week in table.seasons.items())
    if len(table.weeks) > 1:
        raise CalendarError(["seasons"], 'missing: there are several weeks, so say from when each holds: "06-01" = "…"')
    return (Season(start=_WHOLE_YEAR, week=next(iter(table.weeks), "all")),)


def _start(text: str) -> EveryYear:
    try:
        rule = rule_of(text) if _START.fullmatch(text) else None
    except ValueError:
        rule = None
    if not isinstance(rule, EveryYear):
        raise CalendarError(["seasons", text], 'a season begins on a day of every year, written month-day such as "06-01"')
    return rule


def _special_days(table: _CalendarFile) -> list[SpecialDay]:
    found = []
    for day, texts in table.special_days.items():
        for place, text in enumerate(texts):
            try:
                found.append(SpecialDay(rule=rule_of(text), day=day))
            except ValueError as problem:
                raise CalendarError(["special_days", day, place], f"{text!r}: {problem}") from None
    return found


def _passive(table: _PassiveTable, read_follower: FollowerReader) -> Passive:
    if read_follower is None:
        raise CalendarError(["passive"], "this calendar follows another and is to have none that follows it; a meter holds two")
    return Passive(calendar=read_follower(table.calendar), activation_ns=to_ns(table.activation))
