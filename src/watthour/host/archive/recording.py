"""Keeping what was read: readings, the intervals they complete and the events they show, in one transaction.

In: observations in the order they were made. Out: what each brought. The counters' arithmetic is `watthour.headend.counting`; here is
only where it begins and where its results go. The same observation twice changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from watthour.errors import StoreError
from watthour.headend.counting import Advance, Count, Grid, advance
from watthour.headend.filling import ProfileEnergies
from watthour.headend.kept import from_plain, to_plain
from watthour.headend.reading import Event, Interval, Reading
from watthour.host.archive.bulk import Rows, among, insert_rows, update_rows
from watthour.host.archive.database import Archive
from watthour.host.archive.tables import ANCHOR, EVENT, INTERVAL, METER, OUTBOX, PLACE, READING
from watthour.units import ENERGIES, NANOSECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A reading of a place, and its meter's load profile where that was asked for."""

    place: str
    reading: Reading
    profile: ProfileEnergies | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What an observation brought.

    Parameters
    ----------
    count : Count
        Where the counters of its place stand now.
    is_new : bool
        False: it was kept already.
    """

    place: str
    reading: Reading
    count: Count
    intervals: tuple[Interval, ...] = ()
    events: tuple[Event, ...] = ()
    is_counted: bool = True
    is_new: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message that is to be delivered."""

    topic: str
    payload: str


@dataclass(slots=True)
class _Place:
    id: int
    count: Count
    meter_id: int | None = None
    last_ns: int | None = None


GOOD, HELD = "good", "held"
"""Quality of a reading: counted, or kept and not counted (yet)."""


def record(
    archive: Archive, observations: Sequence[Observation], grid: Grid, letters_of: "LettersOf | None" = None
) -> list[Recorded]:
    """Keep observations, all or none.

    Parameters
    ----------
    letters_of : callable, optional
        Returns the messages that a recorded observation is to send; they are kept in the same transaction.

    Raises
    ------
    StoreError
        If the archive refuses, or keeps a place by another interval.
    """
    with archive.writing() as connection:
        places = _places(archive, connection, {each.place for each in observations}, grid)
        meters = _meters(connection, [each.reading for each in observations])
        kept = _kept_already(connection, places, observations)
        rows = _Rows()
        found = []
        for each in observations:
            place = places[each.place]
            key = (place.id, each.reading.time_ns)
            if key in kept:
                found.append(Recorded(place=each.place, reading=each.reading, count=place.count, is_new=False))
                continue
            kept.add(key)
            came = advance(place.count, each.reading, grid, each.profile)
            place.count, place.meter_id, place.last_ns = came.count, meters[each.reading.serial], each.reading.time_ns
            told = Recorded(
                place=each.place,
                reading=each.reading,
                count=came.count,
                intervals=came.intervals,
                events=came.events,
                is_counted=came.is_counted,
            )
            rows.add(place.id, place.meter_id, each.reading, came)
            if letters_of is not None:
                rows.outbox += [(letter.topic, letter.payload, each.reading.time_ns) for letter in letters_of(told)]
            found.append(told)
        _write(archive, connection, rows, places)
    return found


LettersOf = Any
"""Callable from `Recorded` to `Letter`."""


def counts(archive: Archive, names: Iterable[str]) -> dict[str, Count]:
    """Return where the counters of places stand; a place never read stands at nothing."""
    with archive.reading() as connection:
        found = connection.execute(select(PLACE.c.name, PLACE.c.state))
        kept = {name: from_plain(orjson.loads(state)) for name, state in found}
    return {name: kept.get(name, Count()) for name in names}


def _upsert(connection: Connection, table: Table) -> Any:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _places(archive: Archive, connection: Connection, names: set[str], grid: Grid) -> dict[str, _Place]:
    """Return places with their counts, made where they are new, locked until the transaction ends."""
    query = select(PLACE.c.id, PLACE.c.name, PLACE.c.step_ns, PLACE.c.state).where(among(connection, PLACE.c.name, names))
    query = query.order_by(PLACE.c.name).with_for_update()
    rows = connection.execute(query).all()
    if len(rows) < len(names):
        empty = orjson.dumps(to_plain(Count())).decode()
        new = [{"name": name, "step_ns": grid.step_ns, "state": empty} for name in sorted(names - {row.name for row in rows})]
        connection.execute(_upsert(connection, PLACE).on_conflict_do_nothing(index_elements=["name"]), new)
        rows = connection.execute(query).all()
    found = {}
    for id_, name, step_ns, state in rows:
        if step_ns != grid.step_ns:
            msg = (
                f"{name} is kept by intervals of {step_ns // NANOSECONDS} s, not of {grid.step_ns // NANOSECONDS} s:"
                " name another place, or another store"
            )
            raise StoreError(msg)
        text, count = archive.counts.get(name, ("", Count()))
        found[name] = _Place(id=id_, count=count if text == state else from_plain(orjson.loads(state)))
    return found


def _meters(connection: Connection, readings: Sequence[Reading]) -> dict[str, int]:
    """Return the meters that answered, made where they are new."""
    models = {each.serial: each.model[:64] for each in readings}
    first = {each.serial: each.time_ns for each in reversed(readings)}
    last = {each.serial: each.time_ns for each in readings}
    query = select(METER.c.serial, METER.c.id, METER.c.model).where(among(connection, METER.c.serial, models))
    known = connection.execute(query).all()
    new = [
        {"serial": serial, "model": models[serial], "first_ns": first[serial], "last_ns": last[serial]}
        for serial in sorted(models.keys() - {row.serial for row in known})
    ]
    if new:
        connection.execute(_upsert(connection, METER).on_conflict_do_nothing(index_elements=["serial"]), new)
        known = connection.execute(query).all()
    update_rows(
        connection, METER, ("id", "model", "last_ns"), [(row.id, models[row.serial], last[row.serial]) for row in known]
    )
    return {row.serial: row.id for row in known}


def _kept_already(
    connection: Connection, places: Mapping[str, _Place], observations: Sequence[Observation]
) -> set[tuple[int, int]]:
    ids = [place.id for place in places.values()]
    times = [each.reading.time_ns for each in observations]
    query = select(READING.c.place_id, READING.c.time_ns).where(
        among(connection, READING.c.place_id, ids), READING.c.time_ns.between(min(times), max(times))
    )
    return {(place_id, time_ns) for place_id, time_ns in connection.execute(query)}


@dataclass(slots=True)
class _Rows:
    """What a transaction adds, as rows of its tables."""

    reading: list[tuple[Any, ...]] = field(default_factory=list)
    interval: list[tuple[Any, ...]] = field(default_factory=list)
    event: list[dict[str, Any]] = field(default_factory=list)
    anchor: dict[tuple[int, str], int] = field(default_factory=dict)
    outbox: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, place_id: int, meter_id: int, reading: Reading, came: Advance) -> None:
        """Add a reading and what it brought."""
        shown = [counter.micro if (counter := reading.counters.get(energy)) is not None else None for energy in ENERGIES]
        named = {**reading.values, **{name: counter.micro for name, counter in reading.resettable.items()}}
        quality = GOOD if came.is_counted else HELD
        self.reading.append((place_id, reading.time_ns, meter_id, quality, *shown, orjson.dumps(named).decode()))
        for interval in came.intervals:
            energies = map(interval.energies.get, ENERGIES)
            self.interval.append((place_id, interval.start_ns, int(interval.quality), *energies))
        for event in came.events:
            told = {"kind": str(event.kind), "counter": event.counter, "before": event.before, "after": event.after}
            self.event.append({"place_id": place_id, "time_ns": event.time_ns, **told})
        if reading.head:
            self.anchor.setdefault((meter_id, reading.head), reading.time_ns)


def _write(archive: Archive, connection: Connection, rows: _Rows, places: Mapping[str, _Place]) -> None:
    insert_rows(connection, READING, rows.reading)
    _make_room(connection, rows.interval)
    insert_rows(connection, INTERVAL, rows.interval)
    insert_rows(connection, OUTBOX, rows.outbox)
    if rows.event:
        keys = ["place_id", "time_ns", "kind", "counter"]
        connection.execute(_upsert(connection, EVENT).on_conflict_do_nothing(index_elements=keys), rows.event)
    _anchor(connection, rows.anchor)
    changed = {name: place for name, place in places.items() if place.last_ns is not None}
    states = {name: orjson.dumps(to_plain(place.count)).decode() for name, place in changed.items()}
    update_rows(
        connection,
        PLACE,
        ("id", "state", "meter_id", "last_ns"),
        [(place.id, states[name], place.meter_id, place.last_ns) for name, place in changed.items()],
    )
    archive.counts.update({name: (states[name], place.count) for name, place in changed.items()})


def _make_room(connection: Connection, intervals: Rows) -> None:
    """Forget intervals that are told again, as after a clock that was set back for good."""
    if not intervals:
        return
    starts = [start_ns for _, start_ns, *_ in intervals]
    there = INTERVAL.c.start_ns.between(min(starts), max(starts)) & among(
        connection, INTERVAL.c.place_id, {row[0] for row in intervals}
    )
    told = {(place_id, start_ns) for place_id, start_ns, *_ in intervals}
    for place_id, start_ns in connection.execute(select(INTERVAL.c.place_id, INTERVAL.c.start_ns).where(there)).all():
        if (place_id, start_ns) in told:
            here = (INTERVAL.c.place_id == place_id) & (INTERVAL.c.start_ns == start_ns)
            connection.execute(delete(INTERVAL).where(here))


def _anchor(connection: Connection, heads: Mapping[tuple[int, str], int]) -> None:
    """Keep heads of event chains that were not read before."""
    if not heads:
        return
    there = among(connection, ANCHOR.c.meter_id, {meter_id for meter_id, _ in heads})
    there &= among(connection, ANCHOR.c.head, {head for _, head in heads})
    known = {(meter_id, head) for meter_id, head in connection.execute(select(ANCHOR.c.meter_id, ANCHOR.c.head).where(there))}
    new = [{"meter_id": m, "head": head, "time_ns": at} for (m, head), at in heads.items() if (m, head) not in known]
    if new:
        connection.execute(_upsert(connection, ANCHOR).on_conflict_do_nothing(), new)
