"""A calendar in the shape of the DLMS activity calendar and its special days table, as plain values for JSON.

In and out: dicts and lists named as IEC 62056-6-2 names the attributes of class 20 (activity calendar) and class 11
(special days table). What those have no place for stands beside them under ``watthour``: names of rates and day
profiles, the clock, first and last day. Movable feasts have no rule there, so they go out as dated rows, and each such
row says the rule that made it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from watthour.errors import CalendarError
from watthour.tariff.calendar import Calendar, DayProfile, Passive, Season, SpecialDay, Switch, WeekProfile
from watthour.tariff.clock import CIVIL
from watthour.tariff.feasts import DayRule, EveryYear, FromEaster, OnDate, rule_of
from watthour.units import NANOSECONDS

ACTIVITY_CALENDAR = "0.0.13.0.0.255"
SPECIAL_DAYS_TABLE = "0.0.11.0.0.255"
TARIFFICATION_SCRIPTS = "0.0.10.0.100.255"
"""Logical names (OBIS) of the objects, and of the script table whose selectors are the rates."""

LARGEST_DAY_ID = 255

_FULL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _MonthDay(_Row):
    year: int | None = None
    month: int
    day_of_month: int


class _Season(_Row):
    season_profile_name: str = ""
    season_start: _MonthDay
    week_name: str


class _Week(_Row):
    week_profile_name: str
    monday: int
    tuesday: int
    wednesday: int
    thursday: int
    friday: int
    saturday: int
    sunday: int


class _Action(_Row):
    start_time: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$")
    script_selector: int


class _Day(_Row):
    day_id: int = Field(ge=0, le=LARGEST_DAY_ID)
    day_schedule: list[_Action]


class _ActivityCalendar(_Row):
    calendar_name_active: str = ""
    season_profile_active: list[_Season]
    week_profile_table_active: list[_Week]
    day_profile_table_active: list[_Day]
    calendar_name_passive: str = ""
    season_profile_passive: list[_Season] = []
    week_profile_table_passive: list[_Week] = []
    day_profile_table_passive: list[_Day] = []
    activate_passive_calendar_time: AwareDatetime | None = None


class _Special(_Row):
    specialday_date: _MonthDay
    day_id: int
    rule: str | None = None


class _SpecialDaysTable(_Row):
    entries: list[_Special] = []


class _Beside(_Row):
    name: str | None = None
    title: str = ""
    zone: str | None = None
    clock: str = CIVIL
    first_day: date | None = None
    last_day: date | None = None
    rates: list[str] = []
    days: dict[str, str] = {}
    sources: list[str] = []


class _BesideBoth(_Row):
    active: _Beside = _Beside()
    passive: _Beside = _Beside()


class _File(_Row):
    activity_calendar: _ActivityCalendar
    special_days_table: _SpecialDaysTable = _SpecialDaysTable()
    watthour: _BesideBoth = _BesideBoth()


def to_dlms(calendar: Calendar, years: range) -> dict[str, Any]:
    """Return a calendar in the DLMS shape.

    Parameters
    ----------
    years : range
        Whose movable feasts are dated.

    Raises
    ------
    CalendarError
        If active and passive calendar differ in special days, for which there is one table; if movable feasts have no
        years; or if there are more day profiles than identifiers.
    """
    passive = calendar.passive
    entries = list(_entries(calendar, years))
    if passive is not None and list(_entries(passive.calendar, years)) != entries:
        raise CalendarError(
            ["special_days"], f"{calendar.name} and {passive.calendar.name} differ, and DLMS has one table for both"
        )
    return {
        "activity_calendar": {
            "class_id": 20,
            "logical_name": ACTIVITY_CALENDAR,
            **_attributes(calendar, "active"),
            **({} if passive is None else _attributes(passive.calendar, "passive")),
            "activate_passive_calendar_time": None if passive is None else _iso(passive.activation_ns),
        },
        "special_days_table": {"class_id": 11, "logical_name": SPECIAL_DAYS_TABLE, "entries": entries},
        "watthour": {"active": _beside(calendar), **({} if passive is None else {"passive": _beside(passive.calendar)})},
    }


def _iso(time_ns: int) -> str:
    return (_EPOCH + timedelta(microseconds=time_ns // 1000)).isoformat()


def _day_ids(calendar: Calendar) -> dict[str, int]:
    """Return the identifier of each day profile: its own, where all are named by numbers, else its place from 1."""
    names = [day.name for day in calendar.days]
    if len(names) > LARGEST_DAY_ID:
        raise CalendarError(["days"], f"{len(names)} day profiles; DLMS numbers {LARGEST_DAY_ID} at most")
    own = {name: int(name) for name in names if name.isascii() and name.isdecimal() and str(int(name)) == name}
    is_own = len(own) == len(names) and max(own.values()) <= LARGEST_DAY_ID
    return own if is_own else {name: place for place, name in enumerate(names, 1)}


def _attributes(calendar: Calendar, which: str) -> dict[str, Any]:
    """Return the attributes of an active or a passive calendar."""
    ids = _day_ids(calendar)
    return {
        f"calendar_name_{which}": calendar.name,
        f"season_profile_{which}": [
            {
                "season_profile_name": str(season.start),
                "season_start": _date_value(None, season.start.month, season.start.day),
                "week_name": season.week,
            }
            for season in calendar.seasons
        ],
        f"week_profile_table_{which}": [
            {"week_profile_name": week.name, **{full: ids[day] for full, day in zip(_FULL_DAYS, week.days, strict=True)}}
            for week in calendar.weeks
        ],
        f"day_profile_table_{which}": [
            {"day_id": ids[day.name], "day_schedule": [_action(switch) for switch in day.switches]} for day in calendar.days
        ],
    }


def _date_value(year: int | None, month: int, day: int) -> dict[str, int | None]:
    return {"year": year, "month": month, "day_of_month": day}


def _action(switch: Switch) -> dict[str, Any]:
    minutes, seconds = divmod(switch.second, 60)
    time = f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    return {"start_time": time, "script_logical_name": TARIFFICATION_SCRIPTS, "script_selector": switch.rate}


def _entries(calendar: Calendar, years: range) -> Iterator[dict[str, Any]]:
    """Yield the rows of the special days table, movable feasts dated for some years unless a dated row has that day."""
    ids = _day_ids(calendar)
    dated = {row.rule.day for row in calendar.special_days if isinstance(row.rule, OnDate)}
    index = 0
    for row in calendar.special_days:
        before = index
        for value in _date_values(row.rule, years, dated):
            index += 1
            rule = {"rule": str(row.rule)} if isinstance(row.rule, FromEaster) else {}
            yield {"index": index, "specialday_date": value, "day_id": ids[row.day], **rule}
        if index == before:
            raise CalendarError(
                ["special_days"], f"{row.rule} moves, and DLMS dates it: say for which years, such as --years 2026-2035"
            )


def _date_values(rule: DayRule, years: range, dated: set[date]) -> list[dict[str, int | None]]:
    if isinstance(rule, EveryYear):
        return [_date_value(None, rule.month, rule.day)]
    days = [rule.day] if isinstance(rule, OnDate) else [day for year in years if (day := rule.in_year(year)) not in dated]
    return [_date_value(day.year, day.month, day.day) for day in days]


def _beside(calendar: Calendar) -> dict[str, Any]:
    """Return what DLMS has no place for."""
    return {
        "name": calendar.name,
        "title": calendar.title,
        "zone": calendar.zone,
        "clock": calendar.clock,
        "first_day": calendar.first_day and calendar.first_day.isoformat(),
        "last_day": calendar.last_day and calendar.last_day.isoformat(),
        "rates": list(calendar.rates),
        "days": {str(number): name for name, number in _day_ids(calendar).items()},
        "sources": list(calendar.sources),
    }


def from_dlms(content: object, *, name: str, zone: str | None = None) -> Calendar:
    """Return the calendar of the DLMS shape.

    Parameters
    ----------
    content : object
        As JSON is parsed.
    name : str
        For a calendar that has none.
    zone : str, optional
        For a file that names none: whose civil time the meter keeps.

    Raises
    ------
    CalendarError
        If it is none, with the path of the attribute at fault.
    """
    try:
        file = _File.model_validate(content)
    except ValidationError as refused:
        first = refused.errors(include_url=False)[0]
        raise CalendarError(first["loc"] or ["file"], first["msg"].replace("Input should be", "must be")) from None
    attributes, both = file.activity_calendar, file.watthour
    special = file.special_days_table.entries
    follower = None
    if attributes.activate_passive_calendar_time is not None:
        passive = _calendar(_passive_as_active(attributes), special, both.passive, name=name, zone=zone)
        instant = (attributes.activate_passive_calendar_time - _EPOCH) // timedelta(microseconds=1) * (NANOSECONDS // 10**6)
        follower = Passive(calendar=passive, activation_ns=instant)
    return _calendar(attributes, special, both.active, name=name, zone=zone, passive=follower)


def _passive_as_active(attributes: _ActivityCalendar) -> _ActivityCalendar:
    """Return the passive calendar as if it were the active one."""
    return _ActivityCalendar(
        calendar_name_active=attributes.calendar_name_passive,
        season_profile_active=attributes.season_profile_passive,
        week_profile_table_active=attributes.week_profile_table_passive,
        day_profile_table_active=attributes.day_profile_table_passive,
    )


def _calendar(
    attributes: _ActivityCalendar,
    special: Sequence[_Special],
    beside: _Beside,
    *,
    name: str,
    zone: str | None,
    passive: Passive | None = None,
) -> Calendar:
    if (zone := beside.zone or zone) is None:
        raise CalendarError(["watthour", "active", "zone"], "missing: the file names no time zone; name it with --zone")
    named = beside.days
    selectors = [action.script_selector for day in attributes.day_profile_table_active for action in day.day_schedule]
    return Calendar(
        name=beside.name or attributes.calendar_name_active or name,
        title=beside.title,
        zone=zone,
        clock=beside.clock,
        first_day=beside.first_day,
        last_day=beside.last_day,
        rates=tuple(beside.rates) or tuple(f"T{number}" for number in range(1, max(selectors, default=1) + 1)),
        days=tuple(
            DayProfile(name=_named(named, day.day_id), switches=tuple(_switch(action) for action in day.day_schedule))
            for day in attributes.day_profile_table_active
        ),
        weeks=tuple(
            WeekProfile(name=week.week_profile_name, days=tuple(_named(named, getattr(week, day)) for day in _FULL_DAYS))
            for week in attributes.week_profile_table_active
        ),
        seasons=tuple(Season(start=_start(row.season_start), week=row.week_name) for row in attributes.season_profile_active),
        special_days=tuple(_special_days(special, named)),
        passive=passive,
        sources=tuple(beside.sources),
    )


def _named(names: Mapping[str, str], day_id: int) -> str:
    return names.get(str(day_id), str(day_id))


def _switch(action: _Action) -> Switch:
    hours, minutes, seconds = (int(part) for part in action.start_time.split(":"))
    return Switch((hours * 60 + minutes) * 60 + seconds, action.script_selector)


def _start(value: _MonthDay) -> EveryYear:
    rule = _rule(value, ["season_profile", "season_start"])
    if not isinstance(rule, EveryYear):
        raise CalendarError(
            ["season_profile", "season_start"], f"{rule}: a season that begins in one year alone is not supported"
        )
    return rule


def _rule(value: _MonthDay, path: Sequence[str | int]) -> EveryYear | OnDate:
    try:
        if value.year is None:
            return EveryYear(value.month, value.day_of_month)
        return OnDate(date(value.year, value.month, value.day_of_month))
    except ValueError:
        raise CalendarError(path, f"year {value.year}, month {value.month}, day {value.day_of_month}: no such day") from None


def _special_days(entries: Sequence[_Special], names: Mapping[str, str]) -> list[SpecialDay]:
    """Return the special days, those that one rule made as one."""
    found: list[SpecialDay] = []
    for place, entry in enumerate(entries):
        path: list[str | int] = ["special_days_table", "entries", place]
        rule: DayRule = _rule(entry.specialday_date, path)
        if entry.rule is not None:
            rule = _made_by(entry.rule, rule, path)
        row = SpecialDay(rule=rule, day=_named(names, entry.day_id))
        if entry.rule is None or row not in found:
            found.append(row)
    return found


def _made_by(text: str, dated: DayRule, path: Sequence[str | int]) -> DayRule:
    """Return the rule that made a dated row; refuse one that made it not."""
    try:
        rule = rule_of(text)
    except ValueError as problem:
        raise CalendarError(path, f"{text!r}: {problem}") from None
    if not isinstance(dated, OnDate) or rule.in_year(dated.day.year) != dated.day:
        raise CalendarError(path, f"{dated} is not {text} of its year; mend the date, or leave the rule out")
    return rule
