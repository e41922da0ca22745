"""Calendars as files: TOML that people can go on with, and the DLMS shape as JSON."""

import json
from collections.abc import Iterable
from pathlib import Path

from watthour.errors import UsageError
from watthour.host.instants import iso
from watthour.tariff import OPEN, WEEKDAYS, Calendar, DayProfile, WeekProfile, rate_name, time_text
from watthour.tariff.dlms import to_dlms


def write_calendar(calendar: Calendar, path: Path, *, years: range) -> None:
    """Write a calendar as the suffix of the path says: ``.toml``, or ``.json`` for DLMS.

    Parameters
    ----------
    years : range
        Whose movable feasts a DLMS file dates.

    Raises
    ------
    UsageError
        If the suffix is another, the calendar has what the file cannot say, or it cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in {".toml", ".json"}:
        msg = f"{path}: name a file that ends in .toml, or in .json for DLMS"
        raise UsageError(msg)
    text = as_toml(calendar) if suffix == ".toml" else as_dlms_json(calendar, years)
    try:
        path.write_text(text, "utf-8")
    except OSError as problem:
        msg = f"{path}: cannot be written: {problem.strerror}; name another place"
        raise UsageError(msg) from None


def as_dlms_json(calendar: Calendar, years: range) -> str:
    """Return a calendar as JSON in the shape of the DLMS activity calendar."""
    return json.dumps(to_dlms(calendar, years), indent=1, ensure_ascii=False) + "\n"


def as_toml(calendar: Calendar) -> str:
    """Return a calendar as TOML.

    Raises
    ------
    UsageError
        If it has a passive calendar, which is another file.
    """
    if calendar.passive is not None:
        name, at = calendar.passive.calendar.name, iso(calendar.passive.activation_ns)
        msg = f"{calendar.name}: a TOML file holds one calendar, and {name} follows it at {at}; write it as .json"
        raise UsageError(msg)
    first, last = (f'"{OPEN}"' if day is None else day.isoformat() for day in (calendar.first_day, calendar.last_day))
    lines = [
        f"title = {_text(calendar.title)}",
        f"sources = {_texts(calendar.sources)}",
        f"zone = {_text(calendar.zone)}",
        f"clock = {_text(calendar.clock)}",
        f"first_day = {first}",
        f"last_day = {last}",
        f"rates = {_texts(calendar.rates)}",
        "\n[days]",
        *(f"{_text(day.name)} = {_day(calendar, day)}" for day in calendar.days),
        "\n[weeks]",
        *(f"{_text(week.name)} = {_week(week)}" for week in calendar.weeks),
        "\n[seasons]",
        *(f"{_text(str(season.start))} = {_text(season.week)}" for season in calendar.seasons),
    ]
    return "\n".join([*lines, *_special_days(calendar)]) + "\n"


def _day(calendar: Calendar, day: DayProfile) -> str:
    pairs = (f"{_text(time_text(each.second))} = {_text(rate_name(calendar, each.rate))}" for each in day.switches)
    return f"{{ {', '.join(pairs)} }}"


def _week(week: WeekProfile) -> str:
    """Return a week as a table, neighbours of one profile joined."""
    runs: list[tuple[int, int]] = []
    for place in range(len(WEEKDAYS)):
        if runs and week.days[place] == week.days[runs[-1][1]]:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    words = ((WEEKDAYS[a] if a == b else f"{WEEKDAYS[a]}-{WEEKDAYS[b]}", week.days[a]) for a, b in runs)
    return f"{{ {', '.join(f'{days} = {_text(name)}' for days, name in words)} }}"


def _special_days(calendar: Calendar) -> list[str]:
    names = dict.fromkeys(row.day for row in calendar.special_days)
    lines = [f"{_text(name)} = {_texts(str(row.rule) for row in calendar.special_days if row.day == name)}" for name in names]
    return ["\n[special_days]", *lines] if lines else []


def _text(text: str) -> str:
    """Return a string as TOML and JSON both write it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _texts(texts: Iterable[str]) -> str:
    return f"[{', '.join(_text(text) for text in texts)}]"
