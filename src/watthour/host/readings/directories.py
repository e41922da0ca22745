"""Load profiles from data directories: that of one meter, or of all that keep their state below one directory.

It only reads, also beside a meter that runs.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from watthour.errors import StoreError
from watthour.history import ProfileRow
from watthour.host.evidence.files import MeterFiles, read_meters
from watthour.host.store.pair import LOST
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
    found = [_profile_of(meter) for meter in read_meters(path)]
    profiles = [profile for profile in found if profile is not None]
    if not profiles:
        msg = f"{path}: no meter keeps its state here: name the directory that --data named"
        raise StoreError(msg)
    return profiles


def _profile_of(meter: MeterFiles) -> MeterProfile | None:
    """Return the load profile of a meter; None where nothing of it is there."""
    loaded, path = meter.loaded, meter.path
    if loaded.content is None and not loaded.is_lost:
        return None
    try:
        rows = [row_from_record(json.loads(body)) for body in loaded.rows["profile"] if body != LOST]
    except (TypeError, ValueError) as problem:  # the checksum is right, so another version wrote it
        msg = f"{path}: a row of the load profile is none that this version keeps ({problem})"
        raise StoreError(msg) from None
    return MeterProfile(serial=int(path.name), rows=rows, faults=tuple(f"{path}: {fault}" for fault in loaded.faults))
