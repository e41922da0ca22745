"""Load profiles from data directories: that of one meter, or of all that keep their state below one directory.

It only reads, also beside a meter that runs.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from watthour.errors import StorageFaultError, StoreError
from watthour.history import ProfileRow
from watthour.host.store.copy import Contents, contents_of
from watthour.host.store.disk import FileDisk
from watthour.host.store.pair import LOST, NAMES, loaded_from
from watthour.meter import row_from_record


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterProfile:
    """The load profile of a meter, as far as its rows are complete.

    Parameters
    ----------
    serial : int
    rows : sequence of ProfileRow
        In the order in which the meter made them.
    faults : tuple of str
        What of the directory is damaged, one line each.
    """

    serial: int
    rows: Sequence[ProfileRow]
    faults: tuple[str, ...] = ()


def read_profiles(path: Path) -> list[MeterProfile]:
    """Return the load profile of each meter below a directory, in the order of their serial numbers.

    Parameters
    ----------
    path : Path
        What ``--data`` named, or the directory of one meter in it.

    Raises
    ------
    StoreError
        If no meter has kept anything there, or what it kept cannot be read.
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
    """Return what the two files of a meter hold together; None where nothing was ever kept."""
    loaded = loaded_from([_contents(path, name) for name in NAMES])
    if loaded.content is None and not loaded.is_lost:
        return None
    try:
        rows = [row_from_record(json.loads(body)) for body in loaded.rows["profile"] if body != LOST]
    except (TypeError, ValueError) as problem:  # the checksum is right, so another version wrote it
        msg = f"{path}: a row of the load profile is none that this version keeps ({problem})"
        raise StoreError(msg) from None
    return MeterProfile(serial=int(path.name), rows=rows, faults=tuple(f"{path}: {fault}" for fault in loaded.faults))


def _contents(path: Path, name: str) -> Contents:
    """Return what one file holds, read only."""
    disk = FileDisk(path)
    if not disk.exists(name):
        return Contents(is_empty=True)
    try:
        database = disk.open(name, read_only=True)
    except StorageFaultError as problem:
        return Contents(problems=(str(problem),))
    try:
        return contents_of(database, name)
    finally:
        database.close()
