"""The history written from the database: each month that the database holds intervals of, brought up to date and replaced whole.

Its layout is `watthour.host.archive.dense`. Memory holds a row group of places at a time, however many there are.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import func, select

from watthour.billing.bulk import NOT_READ
from watthour.host.archive.database import Archive
from watthour.host.archive.dense import PLACES_IN_GROUP, Cells, Month, MonthFile, month_path, write_month
from watthour.host.archive.queries import Place, intervals, places
from watthour.host.archive.tables import ENERGY_COLUMNS, INTERVAL
from watthour.units import ENERGIES


def write_history(archive: Archive, folder: Path) -> list[tuple[Path, int]]:
    """Write every month that the database holds intervals of; return files and their rows.

    What a file holds already stays, where the database says nothing of it any more.

    Raises
    ------
    StoreError
        If a file cannot be read or written.
    """
    written = []
    by_step: dict[int, list[Place]] = {}
    for place in places(archive):
        by_step.setdefault(place.step_ns, []).append(place)
    for step_ns, some in sorted(by_step.items()):
        for month in _months(archive, some):
            path = month_path(folder, step_ns, month)
            written.append((path, _write_month(archive, path, some, month, step_ns)))
    return written


def _months(archive: Archive, some: Sequence[Place]) -> Iterator[Month]:
    """Yield the months in which places have intervals in the database."""
    query = select(func.min(INTERVAL.c.start_ns), func.max(INTERVAL.c.start_ns)).where(
        INTERVAL.c.place_id.in_([place.id for place in some])
    )
    with archive.reading() as connection:
        first_ns, last_ns = connection.execute(query).one()
    if first_ns is None:
        return
    month = Month.holding(first_ns)
    while month.begin_ns <= last_ns:
        yield month
        month = month.following


def _write_month(archive: Archive, path: Path, some: Sequence[Place], month: Month, step_ns: int) -> int:
    """Write a month; return how many rows it has."""
    before = MonthFile(path) if path.exists() else None
    in_database = {place.name: place for place in some}
    names = sorted({*in_database, *(before.places if before else ())})
    count = month.intervals(step_ns)

    def groups() -> Iterator[Cells]:
        for first in range(0, len(names), PLACES_IN_GROUP):
            some = names[first : first + PLACES_IN_GROUP]
            cells = Cells.unknown(len(some), count)
            for row, name in enumerate(some):
                kept = before.place(name) if before else None
                if kept is not None:
                    cells.put(row, kept)
                if name in in_database:
                    _put_intervals(archive, in_database[name], month, cells, row)
            yield cells

    write_month(path, month, step_ns, names, groups())
    return len(names) * count


def _put_intervals(archive: Archive, place: Place, month: Month, cells: Cells, row: int) -> None:
    for each in intervals(archive, place, month.begin_ns, month.following.begin_ns):
        at = (each.start_ns - month.begin_ns) // place.step_ns
        cells.quality[row, at] = each.quality
        for column, energy in zip(ENERGY_COLUMNS, ENERGIES, strict=True):
            cells.energies[column][row, at] = each.energies.get(energy, NOT_READ)
