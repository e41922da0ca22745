"""Keeping what was read: readings, the intervals they complete and the events they show, in one transaction.

In: observations in the order they were made. Out: what each brought. The counters' arithmetic is `watthour.headend.counting`; here is
only where it begins and where its results go. The same observation twice changes nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from watthour.errors import StoreError
from watthour.headend.counting import Advance, Count, Grid, advance
from watthour.headend.filling import ProfileEnergies
from watthour.headend.kept import from_plain, to_plain
from watthour.headend.reading import Event, Interval, Reading
from watthour.host.archive.database import Archive
from watthour.host.archive.tables import ANCHOR, ENERGY_COLUMNS, EVENT, INTERVAL, METER, OUTBOX, PLACE, READING
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
        places = _places(connection, {each.place for each in observations}, grid)
        meters = _meters(connection, [each.reading for each in observations])
        kept = _kept_already(connection, places, observations)
        rows: dict[str, list[dict[str, Any]]] = {"reading": [], "interval": [], "event": [], "anchor": [], "outbox": []}
        found = []
        for each in observations:
            place = places[each.place]
            if (place.id, each.reading.time_ns) in kept:
                found.append(Recorded(place=each.place, reading=each.reading, count=place.count, is_new=False))
                continue
            kept.add((place.id, each.reading.time_ns))
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
            _add_rows(rows, place, meters[each.reading.serial], each.reading, came)
            letters = () if letters_of is None else letters_of(told)
            rows["outbox"] += [
                {"topic": each_.topic, "payload": each_.payload, "time_ns": told.reading.time_ns} for each_ in letters
            ]
            found.append(told)
        _write(connection, rows, places.values())
    return found


LettersOf = Any
"""Callable from `Recorded` to `Letter`."""


def counts(archive: Archive, names: Iterable[str]) -> dict[str, Count]:
    """Return where the counters of places stand; a place never read stands at nothing."""
    with archive.reading() as connection:
        found = connection.execute(select(PLACE.c.name, PLACE.c.state))
        kept = {name: from_plain(json.loads(state)) for name, state in found}
    return {name: kept.get(name, Count()) for name in names}


def _upsert(connection: Connection, table: Table) -> Any:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _places(connection: Connection, names: set[str], grid: Grid) -> dict[str, _Place]:
    """Return places with their counts, made where they are new, locked until the transaction ends."""
    empty = json.dumps(to_plain(Count()))
    new = [{"name": name, "step_ns": grid.step_ns, "state": empty} for name in sorted(names)]
    connection.execute(_upsert(connection, PLACE).on_conflict_do_nothing(index_elements=["name"]), new)
    query = select(PLACE.c.id, PLACE.c.name, PLACE.c.step_ns, PLACE.c.state).where(PLACE.c.name.in_(names))
    found = {}
    for id_, name, step_ns, state in connection.execute(query.order_by(PLACE.c.name).with_for_update()):
        if step_ns != grid.step_ns:
            msg = (
                f"{name} is kept by intervals of {step_ns // NANOSECONDS} s, not of {grid.step_ns // NANOSECONDS} s:"
                " name another place, or another store"
            )
            raise StoreError(msg)
        found[name] = _Place(id=id_, count=from_plain(json.loads(state)))
    return found


def _meters(connection: Connection, readings: Sequence[Reading]) -> dict[str, int]:
    """Return the meters that answered, made where they are new."""
    rows: dict[str, dict[str, Any]] = {}
    for each in readings:
        first = rows.get(each.serial, {}).get("first_ns", each.time_ns)
        rows[each.serial] = {"serial": each.serial, "model": each.model[:64], "first_ns": first, "last_ns": each.time_ns}
    insert = _upsert(connection, METER)
    changed = {"last_ns": insert.excluded.last_ns, "model": insert.excluded.model}
    ordered = [rows[serial] for serial in sorted(rows)]
    connection.execute(insert.on_conflict_do_update(index_elements=["serial"], set_=changed), ordered)
    found = connection.execute(select(METER.c.serial, METER.c.id).where(METER.c.serial.in_(rows)))
    return {row.serial: row.id for row in found}


def _kept_already(
    connection: Connection, places: Mapping[str, _Place], observations: Sequence[Observation]
) -> set[tuple[int, int]]:
    ids = [place.id for place in places.values()]
    times = [each.reading.time_ns for each in observations]
    query = select(READING.c.place_id, READING.c.time_ns).where(
        READING.c.place_id.in_(ids), READING.c.time_ns.between(min(times), max(times))
    )
    return {(place_id, time_ns) for place_id, time_ns in connection.execute(query)}


def _add_rows(rows: dict[str, list[dict[str, Any]]], place: _Place, meter_id: int, reading: Reading, came: Advance) -> None:
    shown = {energy: counter.micro for energy, counter in reading.counters.items()}
    named = {**reading.values, **{name: counter.micro for name, counter in reading.resettable.items()}}
    rows["reading"].append(
        {
            "place_id": place.id,
            "time_ns": reading.time_ns,
            "meter_id": meter_id,
            "quality": GOOD if came.is_counted else HELD,
            **_columns(shown),
            "named": json.dumps(named, separators=(",", ":")),
        }
    )
    rows["interval"] += [
        {
            "place_id": place.id,
            "start_ns": interval.start_ns,
            "quality": int(interval.quality),
            **_columns(interval.energies),
        }
        for interval in came.intervals
    ]
    rows["event"] += [
        {
            "place_id": place.id,
            "time_ns": event.time_ns,
            "kind": str(event.kind),
            "counter": event.counter,
            "before": event.before,
            "after": event.after,
        }
        for event in came.events
    ]
    if reading.head:
        rows["anchor"].append({"meter_id": meter_id, "head": reading.head, "time_ns": reading.time_ns})


def _columns(energies: Mapping[str, int]) -> dict[str, int | None]:
    return {column: energies.get(energy) for column, energy in zip(ENERGY_COLUMNS, ENERGIES, strict=True)}


def _write(connection: Connection, rows: Mapping[str, list[dict[str, Any]]], places: Iterable[_Place]) -> None:
    if rows["reading"]:
        connection.execute(_upsert(connection, READING).on_conflict_do_nothing(), rows["reading"])
    if rows["interval"]:
        insert = _upsert(connection, INTERVAL)
        changed = {name: insert.excluded[name] for name in ("quality", *ENERGY_COLUMNS)}
        keys = ["place_id", "start_ns"]
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed), rows["interval"])
    if rows["event"]:
        keys = ["place_id", "time_ns", "kind", "counter"]
        connection.execute(_upsert(connection, EVENT).on_conflict_do_nothing(index_elements=keys), rows["event"])
    if rows["anchor"]:
        connection.execute(_upsert(connection, ANCHOR).on_conflict_do_nothing(), rows["anchor"])
    if rows["outbox"]:
        connection.execute(OUTBOX.insert(), rows["outbox"])
    for place in places:
        if place.last_ns is not None:
            changes = {"state": json.dumps(to_plain(place.count)), "meter_id": place.meter_id, "last_ns": place.last_ns}
            connection.execute(update(PLACE).where(PLACE.c.id == place.id).values(**changes))
