"""Load profiles from data directories: that of one meter, or of all that keep their state below one directory.

It only reads, also beside a meter that runs.
"""

from dataclasses import dataclass
from pathlib import Path

from watthour.errors import StoreError
from watthour.history import History, ProfileRow
from watthour.host.store import DataDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterProfile:
    """The load profile of a meter, as far as its rows are complete."""

    serial: int
    profile: History[ProfileRow]


def read_profiles(path: Path) -> list[MeterProfile]:
    """Return the load profile of each meter below a directory, in the order of their serial numbers.

    Parameters
    ----------
    path : Path
        What ``--data`` named, or the directory of one meter in it.

    Raises
    ------
    StoreError
        If no meter has kept anything there, or it cannot be read or believed.
    """
    own = [path] if _is_of_a_meter(path) else sorted(filter(_is_of_a_meter, _below(path)), key=lambda each: int(each.name))
    found = [_profile_of(each) for each in own]
    profiles = [profile for profile in found if profile is not None]
    if not profiles:
        msg = f"{path}: no meter keeps its state here: name the directory that --data named"
        raise StoreError(msg)
    return profiles


def _below(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError as problem:
        msg = f"{path}: cannot be read ({problem.strerror}): name the directory that --data named"
        raise StoreError(msg) from None


def _is_of_a_meter(path: Path) -> bool:
    return path.name.isascii() and path.name.isdecimal() and path.is_dir()


def _profile_of(path: Path) -> MeterProfile | None:
    kept = DataDirectory(path.parent, int(path.name)).load()
    return None if kept is None else MeterProfile(serial=int(path.name), profile=kept.state.profile)
