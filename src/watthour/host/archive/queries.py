"""What the archive holds, in order: intervals, gaps, events, readings."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from watthour.errors import UsageError
from watthour.headend.gaps import Gap, gaps_of
from watthour.headend.reading import Interval, Quality
from watthour.host.archive.database import Archive
from watthour.host.archive.tables import ENERGY_COLUMNS, EVENT, INTERVAL, METER, PLACE, READING
from watthour.units import ENERGIES
from watthour.view import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place that the archive knows.

    Parameters
    ----------
    last_ns : int, optional
        Of its newest reading.
    """

    id: int
    name: str
    step_ns: int
    last_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEvent:
    """An event of a place."""

    place: str
    time_ns: int
    kind: str
    counter: str
    before: str
    after: str


def places(archive: Archive, names: Sequence[str] = ()) -> list[Place]:
    """Return the places of an archive by name; of some names only those.

    Raises
    ------
    UsageError
        If there is no place of such a name.
    """
    with archive.reading() as connection:
        query = select(PLACE.c.id, PLACE.c.name, PLACE.c.step_ns, PLACE.c.last_ns).order_by(PLACE.c.name)
        found = [Place(id=i, name=name, step_ns=step, last_ns=last) for i, name, step, last in connection.execute(query)]
    missing = set(names) - {place.name for place in found}
    if missing:
        known = ", ".join(place.name for place in found[:20]) or "none yet"
        msg = f"{min(missing)}: no such place in the archive; it has {known}"
        raise UsageError(msg)
    return [place for place in found if not names or place.name in names]


def intervals(archive: Archive, place: Place, begin_ns: int | None = None, end_ns: int | None = None) -> Iterator[Interval]:
    """Yield the intervals of a place that start in [begin, end), in order."""
    columns = (INTERVAL.c.start_ns, INTERVAL.c.quality, *(INTERVAL.c[name] for name in ENERGY_COLUMNS))
    query = select(*columns).where(INTERVAL.c.place_id == place.id).order_by(INTERVAL.c.start_ns)
    if begin_ns is not None:
        query = query.where(INTERVAL.c.start_ns >= begin_ns)
    if end_ns is not None:
        query = query.where(INTERVAL.c.start_ns < end_ns)
    with archive.reading() as connection:
        for row in connection.execution_options(yield_per=5000).execute(query):
            start_ns, quality, energies = row[0], row[1], row[2:]
            known = {name: micro for name, micro in zip(ENERGIES, energies, strict=True) if micro is not None}
            yield Interval(start_ns=start_ns, energies=known, quality=Quality(quality))


def gaps(archive: Archive, place: Place, until_ns: int | None) -> Iterator[Gap]:
    """Yield the gaps of a place, the open one included where it should be known until an instant."""
    until = None if until_ns is None else until_ns // place.step_ns * place.step_ns
    yield from gaps_of(intervals(archive, place), place.step_ns, until)


def events(archive: Archive, names: Sequence[str] = ()) -> Iterator[PlaceEvent]:
    """Yield events in the order of their instants."""
    columns = (PLACE.c.name, EVENT.c.time_ns, EVENT.c.kind, EVENT.c.counter, EVENT.c.before, EVENT.c.after)
    query = select(*columns).join(PLACE, PLACE.c.id == EVENT.c.place_id).order_by(EVENT.c.time_ns, EVENT.c.id)
    with archive.reading() as connection:
        for place, time_ns, kind, counter, before, after in connection.execute(query):
            if not names or place in names:
                yield PlaceEvent(place=place, time_ns=time_ns, kind=kind, counter=counter, before=before, after=after)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceValue:
    """One value of one reading."""

    place: str
    time_ns: int
    serial: str
    name: str
    value: Number
    quality: str


def values(archive: Archive, place: Place, begin_ns: int | None = None, end_ns: int | None = None) -> Iterator[PlaceValue]:
    """Yield every value of every reading of a place in [begin, end): exact counters first, then the others by name."""
    energies = tuple(READING.c[name] for name in ENERGY_COLUMNS)
    query = (
        select(READING.c.time_ns, METER.c.serial, READING.c.quality, READING.c.named, *energies)
        .join(METER, METER.c.id == READING.c.meter_id)
        .where(READING.c.place_id == place.id)
        .order_by(READING.c.time_ns)
    )
    if begin_ns is not None:
        query = query.where(READING.c.time_ns >= begin_ns)
    if end_ns is not None:
        query = query.where(READING.c.time_ns < end_ns)
    with archive.reading() as connection:
        for time_ns, serial, quality, named, *counters in connection.execution_options(yield_per=1000).execute(query):
            exact = zip(ENERGY_COLUMNS, counters, strict=True)
            for name, value in (*((n, v) for n, v in exact if v is not None), *json.loads(named).items()):
                yield PlaceValue(place=place.name, time_ns=time_ns, serial=serial, name=name, value=value, quality=quality)
