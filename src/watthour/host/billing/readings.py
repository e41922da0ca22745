"""Quarter-hours to bill, from wherever they are kept: a meter, a head-end, CSV, Parquet, or a file with a mapping of its columns.

In: a path or URL. Out: `Intervals` in whole micro-units. A directory is what ``--data`` named, or a head-end's history; a ``.csv`` or
``.parquet`` file has the columns of ``watthour readings export``; a ``.toml`` file names another file and says what its columns mean, or
is the config of a poll.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from watthour.billing import Intervals, Quality, intervals_from
from watthour.billing.intervals import ENERGIES
from watthour.errors import ReadingsError
from watthour.history import ProfileRow, RowFlag
from watthour.host.archive.dense import month_files
from watthour.host.billing.choosing import chosen
from watthour.host.billing.columns import MappingFile, intervals_of_file, intervals_of_mapping
from watthour.host.billing.polled import intervals_of_history, intervals_of_store
from watthour.host.readings import read_profiles
from watthour.host.toml_files import check_toml, parse_toml, read_toml

_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsOnFile:
    """Readings, and what is to be said of where they were.

    Parameters
    ----------
    intervals : Intervals
    words : tuple of str
        One line each.
    """

    intervals: Intervals
    words: tuple[str, ...] = ()


def read_intervals(source: str, serial: int | None = None, place: str | None = None) -> ReadingsOnFile:
    """Return the intervals that a source holds.

    Parameters
    ----------
    source : str
        A path, or the URL of a head-end's store.
    serial : int, optional
        Which meter, where there are several.
    place : str, optional
        Which place of a head-end, where there are several.

    Raises
    ------
    ReadingsError
        If there is no such meter, place, column or interval, naming what there is.
    """
    path = Path(source)
    if "://" in source:
        return _from_store(source, place)
    if path.is_dir():
        is_history = bool(month_files(path))
        return ReadingsOnFile(intervals=intervals_of_history(path, place)) if is_history else _from_directory(path, serial)
    if path.suffix.lower() in {".csv", ".parquet"}:
        return ReadingsOnFile(intervals=intervals_of_file(path, serial=serial, place=place))
    if path.suffix.lower() == ".toml":
        return _from_toml(path, serial, place)
    if _is_sqlite(path):
        return _from_store(source, place)
    msg = (
        f"{path}: no readings; name a meter's data directory, a .csv, .parquet or .toml file, or a head-end's store: the config of"
        " its poll, its SQLite file, its URL or the folder of its history"
    )
    raise ReadingsError(msg)


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _from_toml(path: Path, serial: int | None, place: str | None) -> ReadingsOnFile:
    """Return the intervals of the config of a poll, or of a file and what its columns mean."""
    content = read_toml(path)
    if "meter" in parse_toml(str(path), content):
        return _from_store(str(path), place)
    mapping = check_toml(str(path), content, MappingFile)
    return ReadingsOnFile(intervals=intervals_of_mapping(path.parent / mapping.file, mapping, serial=serial))


def _from_store(source: str, place: str | None) -> ReadingsOnFile:
    intervals, words = intervals_of_store(source, place)
    return ReadingsOnFile(intervals=intervals, words=words)


def _from_directory(path: Path, serial: int | None) -> ReadingsOnFile:
    profiles = {profile.serial: profile for profile in read_profiles(path)}
    profile = profiles[chosen(str(path), list(profiles), serial, "serial")]
    rows: Sequence[ProfileRow] = profile.rows
    energies = {name: np.array([row.energies[place] for row in rows], dtype=np.int64) for place, name in enumerate(ENERGIES)}
    quality = np.array([Quality.INCOMPLETE if row.flags & RowFlag.INCOMPLETE else 0 for row in rows], dtype=np.uint8)
    starts_ns = np.array([row.start_ns for row in rows], dtype=np.int64)
    return ReadingsOnFile(intervals=intervals_from(starts_ns, energies, quality), words=profile.faults)
