"""Calendars by name: those of the package, and files.

In: a name such as ``es/3.0TD/peninsula`` or the path of a ``.toml`` or ``.json`` file. Out: the calendar. A name that
is none is answered with those that are close.
"""

import hashlib
import json
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from watthour.errors import CalendarError, ConfigError, UnknownCalendarError
from watthour.host.calendars.tables import calendar_from_toml
from watthour.host.calendars.windows import WINDOWS, calendar_of_windows
from watthour.host.toml_files import read_toml
from watthour.tariff import Calendar
from watthour.tariff.dlms import from_dlms

_BUNDLED = Path(__file__).parent / "bundled"
_OF_WINDOWS = ("fr/HPHC",)
"""Files whose calendars have windows in their names."""

_FILES = (".toml", ".json")
_CLOSE = 5


def bundled_names() -> list[str]:
    """Return the names of the calendars that the package holds."""
    names = sorted(path.relative_to(_BUNDLED).with_suffix("").as_posix() for path in _plain_files())
    return sorted([*names, *(f"{name}/{WINDOWS}" for name in _OF_WINDOWS)])


def _plain_files() -> list[Path]:
    return [path for path in _BUNDLED.rglob("*.toml") if path.relative_to(_BUNDLED).as_posix()[:-5] not in _OF_WINDOWS]


def read_calendar(name: str, *, folder: Path = Path(), zone: str | None = None) -> Calendar:
    """Return a calendar.

    Parameters
    ----------
    name : str
        Of a calendar of the package; or the path of a file, ``.toml`` or ``.json`` (DLMS).
    folder : Path
        What a path is relative to.
    zone : str, optional
        For a DLMS file that names none.

    Raises
    ------
    UnknownCalendarError
        If there is none of that name.
    ConfigError
        If a file cannot be read, or describes no possible calendar.
    """
    suffix = Path(name).suffix.lower()
    if suffix == ".json":
        return _from_json(folder / name, zone)
    if suffix == ".toml":
        path = folder / name
        content = read_toml(path)
        return _marked(calendar_from_toml(str(path), content, path.stem, lambda other: _follower(other, path.parent)), content)
    return _bundled(name)


def is_file_name(name: str) -> bool:
    """Tell whether a name is that of a file, and not of a calendar of the package."""
    return Path(name).suffix.lower() in _FILES


def _marked(calendar: Calendar, content: bytes) -> Calendar:
    """Return a calendar that can be told from what its file may hold another day."""
    follower = "" if calendar.passive is None else calendar.passive.calendar.sha256
    return replace(calendar, sha256=hashlib.sha256(content + follower.encode()).hexdigest())


def _follower(name: str, folder: Path) -> Calendar:
    """Return the calendar that a file names as its passive one; it may name no other."""
    if Path(name).suffix.lower() != ".toml":
        return read_calendar(name, folder=folder)
    path = folder / name
    content = read_toml(path)
    return _marked(calendar_from_toml(str(path), content, path.stem, None), content)


def _bundled(name: str) -> Calendar:
    """Return a calendar of the package."""
    for family in _OF_WINDOWS:
        if name.startswith(f"{family}/"):
            file = _BUNDLED / f"{family}.toml"
            content = read_toml(file)
            return _marked(calendar_of_windows(str(file), content, name, name.removeprefix(f"{family}/")), content)
    if name not in bundled_names():
        raise UnknownCalendarError(_unknown(name))
    path = _BUNDLED / f"{name}.toml"
    content = read_toml(path)
    return _marked(calendar_from_toml(str(path), content, name, None), content)


def _unknown(name: str) -> str:
    """Return what to say of a name that is none."""
    names = bundled_names()
    by_small = {known.lower(): known for known in names}
    close = [by_small[small] for small in get_close_matches(name.lower(), by_small, _CLOSE, 0.5)]
    hint = f"close to it: {', '.join(close)}" if close else '"watthour tariff list" names them'
    return f"{name}: no such calendar; {hint} (a file is named by its path, ending in {' or '.join(_FILES)})"


def _from_json(path: Path, zone: str | None) -> Calendar:
    """Return the calendar of a DLMS file."""
    content = read_toml(path)
    try:
        return _marked(from_dlms(json.loads(content), name=path.stem, zone=zone), content)
    except json.JSONDecodeError as problem:
        raise ConfigError(str(path), f"not valid JSON: {problem.msg}", problem.lineno) from None
    except UnicodeDecodeError:
        raise ConfigError(str(path), "not UTF-8 text; save the file as UTF-8") from None
    except CalendarError as refused:
        raise ConfigError(str(path), str(refused)) from None
