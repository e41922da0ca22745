"""Intervals to bill from what a head-end kept: its database, its history, or both.

What the database no longer has is taken from the history beside it; where both have an interval, the database's counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watthour.billing import Intervals
from watthour.billing.bulk import NOT_READ
from watthour.billing.intervals import Integers
from watthour.billing.places import intervals_of_place
from watthour.errors import ReadingsError
from watthour.host.archive import queries
from watthour.host.archive.database import Archive
from watthour.host.archive.dense import MonthFile, month_files, places_of_history
from watthour.host.billing.choosing import chosen
from watthour.host.poller.stores import open_store
from watthour.units import ENERGIES, exact_name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Intervals of a place, all of one length."""

    step_ns: int
    starts_ns: Integers
    energies: Mapping[str, Integers]
    quality: NDArray[np.uint8]


def intervals_of_history(folder: Path, place: str | None) -> Intervals:
    """Return a place's intervals in a history.

    Raises
    ------
    ReadingsError
        If there is no such place, naming those there are.
    StoreError
        If a file is damaged.
    """
    return _intervals(_rows_of_history(folder, chosen(str(folder), places_of_history(folder), place, "place")))


def intervals_of_store(source: str, place: str | None) -> tuple[Intervals, tuple[str, ...]]:
    """Return a place's intervals in a store, and what is to be said of them.

    Raises
    ------
    ReadingsError, StoreError
        As `intervals_of_history`; if the database cannot be read.
    """
    archive, folder = open_store(source)
    with archive:
        known = {each.name: each for each in queries.places(archive)}
        own = chosen(archive.shown, list(known), place, "place")
        newer = _rows_of_database(archive, known[own])
    if own not in places_of_history(folder):
        return _intervals(newer), ()
    older = _rows_of_history(folder, own)
    only = (
        ~np.isin(older.starts_ns, newer.starts_ns) & (older.energies["import"] != NOT_READ) & (older.step_ns == newer.step_ns)
    )
    if not only.any():
        return _intervals(newer), ()
    return _intervals(_joined(older, only, newer)), (
        f"{own}: {int(only.sum())} intervals from the history in {folder}, which the database no longer has",
    )


def _intervals(rows: _Rows) -> Intervals:
    return intervals_of_place(rows.starts_ns, dict(rows.energies), rows.quality, rows.step_ns)


def _joined(older: _Rows, only: NDArray[np.bool_], newer: _Rows) -> _Rows:
    return _Rows(
        step_ns=newer.step_ns,
        starts_ns=np.concatenate([older.starts_ns[only], newer.starts_ns]),
        energies={name: np.concatenate([older.energies[name][only], newer.energies[name]]) for name in ENERGIES},
        quality=np.concatenate([older.quality[only], newer.quality]),
    )


def _rows_of_database(archive: Archive, place: queries.Place) -> _Rows:
    found = list(queries.intervals(archive, place))
    return _Rows(
        step_ns=place.step_ns,
        starts_ns=np.array([each.start_ns for each in found], np.int64),
        energies={name: np.array([each.energies.get(name, NOT_READ) for each in found], np.int64) for name in ENERGIES},
        quality=np.array([each.quality for each in found], np.uint8),
    )


def _rows_of_history(folder: Path, place: str) -> _Rows:
    found = [(file, cells) for file in map(MonthFile, month_files(folder)) if (cells := file.place(place)) is not None]
    steps = {file.step_ns for file, _ in found}
    if len(steps) > 1:
        msg = f"{folder}: {place} is kept there by intervals of {len(steps)} lengths; move those that are not meant elsewhere"
        raise ReadingsError(msg)
    return _Rows(
        step_ns=steps.pop(),
        starts_ns=np.concatenate([file.starts_ns for file, _ in found]),
        energies={name: np.concatenate([cells.energies[exact_name(name)][0] for _, cells in found]) for name in ENERGIES},
        quality=np.concatenate([cells.quality[0] for _, cells in found]),
    )
