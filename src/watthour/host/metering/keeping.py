"""What a run keeps of its meter: the chain of events, and when its state goes to the store.

Events come in as they happen and are chained at once; a commit takes the state and all of them together, so that neither
is ever kept without the other. Where the disk refuses, the meter goes on and says so. Without a store the chain lives in
memory like everything else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from watthour import journal
from watthour.errors import DamagedRecordError
from watthour.history import History
from watthour.host.instants import iso, now_ns
from watthour.host.store import DataDirectory, Found, Kept, Taken
from watthour.host.store.sealed import CALENDAR_CONTENT, as_text, sealed_values
from watthour.host.store.secret import SealSecret
from watthour.journal import Head
from watthour.meter import MeterState
from watthour.tariff import Calendar
from watthour.units import ENERGIES, NANOSECONDS, exact_name
from watthour.view import EVENTS, Event, EventKind, View, values_with

COMMIT_S = 1.0
"""A state is kept this often, in running time; what a live source lost with a crash is at most this."""

_CLOCK_STEP_NS = NANOSECONDS
"""The wall clock was set where it departs from the one that only goes forward by more than this between two looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chained:
    """The events of a meter.

    Parameters
    ----------
    head : Head
        Where the chain ends.
    bodies : History of bytes
        All of them, as they are kept.
    shown : History of Event
        The newest, as they are shown.
    """

    head: Head
    bodies: History[bytes]
    shown: History[Event]

    def with_event(self, event: Event) -> "Chained":
        """Return the chain with one more."""
        entry, head = journal.append(self.head, time_ns=event.time_ns, kind=event.kind, detail=event.detail)
        return Chained(head=head, bodies=self.bodies.append(entry.to_bytes()), shown=self.shown.append(event))


Mark = tuple[Chained, SealSecret | None]
"""Where chain and seal stand."""


def chained_from(bodies: History[bytes], head: Head | None, serial: int) -> Chained:
    """Return the chain that was kept; a head that was lost is that of the last event there is."""
    kept = bodies.since(0)
    if head is None:
        head = (
            journal.after(kept[-1], len(bodies) - 1)
            if kept and kept[-1]
            else replace(journal.beginning(serial), count=len(bodies))
        )
    shown = [event for event in map(_readable, kept[-EVENTS:]) if event is not None]
    return Chained(head=head, bodies=bodies, shown=History(shown, keep=EVENTS, first=len(bodies) - len(shown)))


def _readable(body: bytes) -> Event | None:
    try:
        return event_of(body)
    except DamagedRecordError:
        return None


def event_of(body: bytes) -> Event:
    """Return the event of a body; one of a kind that this version does not know keeps its words.

    Raises
    ------
    DamagedRecordError
        If these are not the bytes of an event.
    """
    entry = journal.Entry.from_bytes(body)
    known = {str(kind): kind for kind in EventKind}
    kind = known.get(entry.kind, EventKind.OTHER)
    detail = entry.detail if entry.kind in known else {"kind": entry.kind, **entry.detail}
    return Event(time_ns=entry.time_ns, kind=kind, detail=MappingProxyType(dict(detail)))


class Keeping:
    """What is kept of one meter, and how.

    Parameters
    ----------
    store : DataDirectory or None
        Open; None where everything lives in memory.
    found : Found or None
        What it held.
    serial : int

    Attributes
    ----------
    kept : Kept or None
        What was kept last, or found.
    secret : SealSecret or None
    sealed_source : mapping of str to str
        How the seal has the source be read, and what it holds of the calendar's file.
    folder : str
        What the path of a calendar file is relative to.
    fresh_since_ns : int or None
    software_id : str
    """

    def __init__(self, store: DataDirectory | None = None, found: Found | None = None, *, serial: int = 1) -> None:
        self.store = store
        self.kept = None if found is None else found.kept
        bodies = History[bytes](keep=2**31) if found is None else found.events
        self._chain = chained_from(bodies, None if self.kept is None else self.kept.head, serial)
        self.secret: SealSecret | None = None if self.kept is None else self.kept.secret
        self.sealed_source: Mapping[str, str] = {} if self.kept is None else self.kept.sealed_source
        self.folder = "" if self.kept is None else self.kept.folder
        self.fresh_since_ns = None if self.kept is None else self.kept.fresh_since_ns
        self.software_id = ""
        self._committed_s = float("-inf")
        self._committed: tuple[MeterState, Head] | None = None
        self._fault = ""

    @property
    def head(self) -> Head:
        """Where the chain of events ends."""
        return self._chain.head

    def mark(self) -> Mark:
        """Return where chain and seal stand; to be given to `go_back`."""
        return self._chain, self.secret

    def go_back(self, mark: Mark) -> None:
        """Return to where chain and seal stood, because what came since could not be kept."""
        self._chain, self.secret = mark

    def hold_calendar(self, calendar: Calendar | None) -> None:
        """Take it that the meter goes by this calendar: what its file holds is under the seal."""
        if calendar is not None and calendar.sha256 and self.sealed_source.get(CALENDAR_CONTENT) != calendar.sha256:
            self.sealed_source = {**self.sealed_source, CALENDAR_CONTENT: calendar.sha256}

    def note(self, event: Event) -> None:
        """Chain an event; it is kept with the next commit."""
        self._chain = self._chain.with_event(event)

    def is_due(self, now_s: float) -> bool:
        """Tell whether it is time to keep the state again."""
        return self.store is not None and now_s - self._committed_s >= COMMIT_S

    def is_kept(self, state: MeterState) -> bool:
        """Tell whether a state and the chain are those kept last."""
        return self._committed is not None and self._committed[0] is state and self._committed[1] == self.head

    def commit(
        self,
        state: MeterState,
        *,
        source: str,
        sources: Mapping[str, Taken],
        now_ns: int,
        now_s: float,
        both: bool,
        stopped: bool = False,
        passing: bool = False,
    ) -> None:
        """Keep a state and the events up to now.

        Parameters
        ----------
        both : bool
            In both files: what somebody was promised.
        stopped : bool
            Whether it is the last, and the meter stops in order.
        passing : bool
            Whether the next window will come for certain.

        Raises
        ------
        StoreError
            If neither file took it; the meter may go on, `is_due` says when to try again.
        """
        if self.store is None:
            return
        self._committed_s = now_s
        kept = Kept(
            source=source,
            sources=sources,
            state=state,
            head=self.head,
            events=self._chain.bodies,
            secret=self.secret,
            sealed_source=self.sealed_source,
            folder=self.folder,
            committed_ns=now_ns,
            stopped=stopped,
            fresh_since_ns=self.fresh_since_ns,
            software_id=self.software_id,
            is_passing=passing,
        )
        try:
            self.store.save(kept, both=both)
        finally:
            self._fault = self.store.fault
        self.kept, self._committed = kept, (state, kept.head or self.head)

    def storage_news(self, now_ns: int) -> list[Event]:
        """Return what the store has to say since last asked, chained."""
        lines = () if self.store is None else self.store.take_news()
        events = [Event(time_ns=now_ns, kind=EventKind.STORAGE_FAULT, detail={"what": line}) for line in lines]
        for event in events:
            self.note(event)
        return events

    def shown(self, view: View) -> View:
        """Return a meter's view with what is kept of it: its events, and what is wrong with the store."""
        is_faulty, is_fresh = bool(self._fault), self.fresh_since_ns is not None
        values = view.values
        if is_faulty or is_fresh:
            values = values_with(view, storage_fault=int(is_faulty), registers_fresh=int(is_fresh))
        return replace(
            view,
            values=values,
            warnings=(*view.warnings, *self._warnings()),
            events=self._chain.shown,
            event_count=self.head.count,
            event_head=self.head.digest,
            storage_fault=is_faulty,
            registers_fresh=is_fresh,
        )

    def _warnings(self) -> tuple[str, ...]:
        fault = (f"the state is not kept as it should be: {self._fault}",) if self._fault else ()
        since = self.fresh_since_ns
        fresh = (
            () if since is None else (f"fresh registers since {iso(since)}: what was counted before was lost with its files",)
        )
        return (*fault, *fresh)


def begin_keeping(
    store: DataDirectory | None,
    found: Found | None,
    state: MeterState,
    *,
    software_id: str,
    is_live: bool,
    source: Mapping[str, str] | None = None,
    changes: Iterable[Event] = (),
    calendar: Calendar | None = None,
) -> Keeping:
    """Return what is kept of a meter that begins to work, with that noted: how it was stopped, and what was found damaged.

    Parameters
    ----------
    source : mapping of str to str, optional
        How the source is read, as the seal has it from now on.
    changes : iterable of Event
        What was changed before it began, the seal being open.
    calendar : Calendar, optional
        That it goes by.
    """
    keeping = Keeping(store, found, serial=int(str(state.settings["serial"])))
    keeping.sealed_source = {**keeping.sealed_source, **(source or {})}
    keeping.hold_calendar(calendar)
    at_ns = now_ns()
    for line in () if found is None else found.faults:
        keeping.note(Event(time_ns=at_ns, kind=EventKind.STORAGE_FAULT, detail={"what": line}))
    if found is not None and found.is_lost:
        keeping.fresh_since_ns = at_ns
        detail = {"what": "the registers begin anew: those before are lost", "registers": "fresh"}
        keeping.note(Event(time_ns=at_ns, kind=EventKind.STORAGE_FAULT, detail=detail))
    kept = keeping.kept
    if kept is not None and kept.software_id not in {"", software_id}:
        detail = {"old": kept.software_id, "new": software_id}
        keeping.note(Event(time_ns=at_ns, kind=EventKind.SOFTWARE_CHANGED, detail=detail))
    keeping.software_id = software_id
    if kept is not None and kept.committed_ns > at_ns + _CLOCK_STEP_NS:
        keeping.note(clock_set(kept.committed_ns, at_ns))
    for event in changes:
        keeping.note(event)
    sealed = {"sealed": as_text(sealed_values(state.settings, keeping.sealed_source))}
    detail = {**_pause(kept, at_ns, is_live=is_live), **sealed, **totals_of(state)}
    keeping.note(Event(time_ns=at_ns, kind=EventKind.POWER_UP, detail=detail))
    return keeping


def _pause(kept: Kept | None, at_ns: int, *, is_live: bool) -> dict[str, str]:
    """Return since when a meter was down, and how it went down."""
    if kept is None or not kept.committed_ns:
        return {"program": "started"}
    detail = {
        "program": "started",
        "kept_at": iso(kept.committed_ns),
        "gap_s": f"{max(0, at_ns - kept.committed_ns) / NANOSECONDS:.3f}",
        "stopped": "in order" if kept.stopped else "not in order",
    }
    return {**detail, "unaccounted_s": detail["gap_s"]} if is_live else detail


def totals_of(state: MeterState) -> dict[str, str]:
    """Return the totals as the detail of an event: what a later state must not fall short of."""
    return {exact_name(energy): str(amount) for energy, amount in zip(ENERGIES, state.registers.total, strict=True)}


class ClockWatch:
    """Whether the wall clock was set.

    Parameters
    ----------
    wall_ns, steady_ns : int
        The wall clock, and one that only goes forward, at the same moment.
    """

    def __init__(self, wall_ns: int, steady_ns: int) -> None:
        self._offset_ns = wall_ns - steady_ns

    def look(self, wall_ns: int, steady_ns: int) -> Event | None:
        """Return that the clock was set since the last look, with what it showed before and after."""
        expected_ns = steady_ns + self._offset_ns
        self._offset_ns = wall_ns - steady_ns
        if abs(wall_ns - expected_ns) <= _CLOCK_STEP_NS:
            return None
        return clock_set(expected_ns, wall_ns)


def clock_set(old_ns: int, new_ns: int) -> Event:
    """Return the event of a wall clock that jumped."""
    detail = {"old": iso(old_ns), "new": iso(new_ns), "step_s": f"{(new_ns - old_ns) / NANOSECONDS:.3f}", "clock": "wall"}
    return Event(time_ns=new_ns, kind=EventKind.CLOCK_SET, detail=detail)
