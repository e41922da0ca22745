"""What a run meters: a meter with what it remembers, and its source at the place where it left off."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from watthour.errors import SealedError, UsageError
from watthour.host.calendars import is_file_name, read_calendar
from watthour.host.config import Plan, SourceWish, require_buses
from watthour.host.contacts import ContactFeed, ContactFifo, ScheduledContacts, Wiring, is_fifo, read_contacts
from watthour.host.contacts.replayed import Replay
from watthour.host.instants import DEFAULT_START_NS, now_ns
from watthour.host.metering.clock import SampleClock
from watthour.host.metering.keeping import Keeping, begin_keeping
from watthour.host.metering.outlet import Outlet
from watthour.host.metering.pulse_file import PulseFile, pulses_counted, take_flashes, take_output
from watthour.host.networks import open_network, open_phasors
from watthour.host.recordings import open_recording
from watthour.host.software_identification import own_identification
from watthour.host.store import DataDirectory, Found, Kept, Taken
from watthour.host.store.sealed import CALENDAR_CONTENT
from watthour.host.streams import Stream, open_stream
from watthour.meter import Meter, MeterState, first_state
from watthour.meter.pulsing import has_inputs
from watthour.meter.state import ratio_setting
from watthour.parameters import Interface, Setting, parameter
from watthour.pulses import INPUTS
from watthour.tariff import Calendar
from watthour.view import Event, EventKind, Verdict, WriteSettings
from watthour.waveform.network import NetworkSource, PhasorSource
from watthour.waveform.network.happenings import Happening
from watthour.waveform.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A meter and its source, ready to run.

    Parameters
    ----------
    first_sample : int
        Index in the source of the first sample that is still to be metered.
    start_ns : int
        Instant of the source's first sample, nanoseconds UTC since 1970.
    keeping : Keeping
        What is kept of the meter, and where.
    finished : bool
        Whether an earlier run has already metered this source to its end.
    remarks : tuple of str
        What the user should know before it begins, one line each.
    live : Stream or None
        The source where it is live: never paced, with events of its own, and not to be metered again.
    pulse_file : PulseFile or None
        Begun; None where nobody wants the pulses.
    feed : ContactFeed or None
        What closes the digital inputs; None where nothing does.
    outlet : Outlet or None
        Begun; None where nothing is wired to the pulse output.
    diary : callable or None
        Of a simulated installation under a fault script: what happens to it between two seconds.
    generates : bool
        Whether the plant may export, for its diagnosis.
    """

    meter: Meter
    source: Source
    first_sample: int
    start_ns: int
    clock: SampleClock
    keeping: Keeping
    finished: bool
    remarks: tuple[str, ...]
    live: Stream | None = None
    pulse_file: PulseFile | None = None
    feed: ContactFeed | None = None
    outlet: Outlet | None = None
    diary: Callable[[int, int], Sequence[Happening]] | None = None
    generates: bool = True

    def write_pulses(self, meter: Meter) -> None:
        """Write how the LEDs flashed and the output closed since last asked, if anybody wants it.

        Those of another meter than ours, the one that ours would be at its source's end, are written and not passed on.
        """
        flashed, closed = take_flashes(meter), take_output(meter)
        if self.pulse_file is not None:
            self.pulse_file.write([*flashed, closed])
        if self.outlet is not None and meter is self.meter:
            self.outlet.give(closed, meter)

    def close(self) -> None:
        """Let go of what is open."""
        if self.feed is not None:
            self.feed.close()
        if self.outlet is not None:
            self.outlet.close()

    def save(self, *, finished: bool, both: bool = True, stopped: bool = False, passing: bool = False) -> None:
        """Keep the meter's state, if it is kept at all; the pulses it has counted are on the disk before.

        Parameters
        ----------
        finished : bool
            Whether the source was metered to its end.
        both, stopped, passing : bool
            As of `Keeping.commit`.
        """
        for written in (self.pulse_file, self.outlet):
            if written is not None:
                written.sync()
        self.keeping.hold_calendar(self.meter.calendar)
        state, kept = self.meter.state, self.keeping.kept
        if self.finished and kept is not None:  # not a sample was taken in: whichever source was last metered still is
            source, sources = kept.source, kept.sources
        else:
            next_sample = self.first_sample if state.position is None else state.position
            taken = Taken(next_sample=next_sample, finished=finished, start_ns=self.start_ns, clock=self.clock.anchor)
            before = {} if kept is None else kept.sources
            source = self.source.identity
            sources = MappingProxyType({**before} if self.live else {**before, source: taken})
        self.keeping.commit(
            state,
            source=source,
            sources=sources,
            now_ns=now_ns(),
            now_s=time.monotonic(),
            both=both,
            stopped=stopped,
            passing=passing,
        )


def begin_work(
    plan: Plan,
    wish: SourceWish,
    store: DataDirectory | None,
    pulse_file: PulseFile | None = None,
    wiring: Wiring | None = None,
) -> Work:
    """Return the work of a run: the source opened, the meter new or as it was kept.

    Parameters
    ----------
    pulse_file : PulseFile, optional
        Where the pulses go; it is begun here.
    wiring : Wiring, optional
        From other meters of the run, and to them.

    Raises
    ------
    SourceError, ConfigError
        If the source cannot be used, or the lines of its contacts.
    StoreError
        If what was kept cannot be believed.
    SealedError
        If a sealed setting differs from the one kept, naming both.
    UsageError
        If the meter that was kept lacks a bus it shall answer on.
    """
    found = None if store is None else store.load()
    kept = None if found is None else found.kept
    state = first_state(plan.settings) if kept is None else kept.state
    adopted, overruled = ({}, ()) if store is None else _overruled(state, plan, store)
    words = source_words(wish)
    resourced = {} if store is None or kept is None else _resourced(kept, words, store)
    changes: tuple[Event, ...] = ()
    if kept is not None and (adopted or resourced):
        state, changes = _changed_by_config(kept, plan, adopted, resourced)
    require_buses(str(state.settings["model"]), [str(url) for url in plan.listen])
    source = _open_source(wish, state.settings)
    taken = None if kept is None else kept.sources.get(source.identity)
    start_ns, clock = _clock_of(source, wish, taken)
    calendar = read_calendar(str(state.settings[CALENDAR]), folder=plan.folder)
    if kept is not None and store is not None and CALENDAR not in adopted:
        changes += _calendar_edited(kept, calendar, state, store)
    meter = Meter(
        replace(state, time_ns=start_ns) if kept is None else state,
        calendar,
        watches_leds=pulse_file is not None,
        software_id=own_identification(),
        calendars=partial(read_calendar, folder=plan.folder),
    )
    is_live = isinstance(source, Stream)
    keeping = begin_keeping(
        store,
        found,
        meter.state,
        software_id=own_identification(),
        is_live=is_live,
        source=words,
        changes=changes,
        calendar=calendar,
    )
    keeping.folder = str(plan.folder.resolve())
    if kept is not None and kept.source != source.identity and not (taken and taken.finished):
        meter.change_source()
    pulses_kept = () if pulse_file is None else pulse_file.begin(pulses_counted(state))
    wiring = wiring or Wiring()
    outlet = Outlet(wiring.from_output, store) if wiring.from_output else None
    if outlet is not None:
        outlet.begin(meter.state)
    feed = _feed_of(plan, source, start_ns, wiring, meter.state.settings)
    return Work(
        meter=meter,
        source=source,
        first_sample=0 if taken is None else taken.next_sample,
        start_ns=start_ns,
        clock=clock,
        keeping=keeping,
        finished=taken is not None and taken.finished,
        remarks=(
            *source.remarks,
            *overruled,
            *_remarks(source, store, kept, taken),
            *_damages(store, found),
            *pulses_kept,
            *_contact_remarks(plan, source, feed),
        ),
        live=source if isinstance(source, Stream) else None,
        pulse_file=pulse_file,
        feed=feed,
        outlet=outlet,
        generates=plan.generates,
        diary=source.happenings if wish.faults and isinstance(source, NetworkSource | PhasorSource) else None,
    )


def _open_source(wish: SourceWish, settings: Mapping[str, Setting]) -> Source:
    """Open a source behind the transformers of the meter that is to meter it."""
    ct, vt = ratio_setting(settings, "ct"), ratio_setting(settings, "vt")
    if wish.is_network:
        opener = open_phasors if wish.phasors else open_network
        return opener(wish.path, ct=ct, vt=vt, start_ns=wish.start_ns, faults=wish.faults)
    if wish.format is not None:
        return open_stream(
            wish.path,
            format=wish.format,
            channels=wish.channels,
            values=wish.values,
            ct=ct,
            vt=vt,
            scale=wish.scale,
            rate_hz=wish.rate_hz or 0.0,
        )
    return open_recording(
        wish.path,
        channels=wish.channels,
        values=wish.values,
        ct=ct,
        vt=vt,
        scale=wish.scale,
        rate_hz=wish.rate_hz,
    )


def _feed_of(plan: Plan, source: Source, start_ns: int, wiring: Wiring, settings: Mapping[str, Setting]) -> ContactFeed | None:
    """Return what closes the meter's inputs, each of which has one thing that does; None where there is nothing, or no input."""
    if not has_inputs(settings):
        return None
    closers: dict[str, frozenset[int]] = {f"{plan.name}: a wire": frozenset(wiring.to_inputs)}
    replays: list[Replay] = []
    if isinstance(source, NetworkSource | PhasorSource) and source.contacts.rows:
        replays.append(ScheduledContacts(source.contacts, start_ns))
        closers[f"{source.name}: a [[contact]]"] = source.contacts.inputs
    if plan.contacts is not None and not is_fifo(plan.contacts):
        written = read_contacts(plan.contacts, start_ns)
        replays.append(written)
        closers[f"{plan.contacts}: a line"] = written.inputs
    for number in INPUTS:
        closing = [name for name, inputs in closers.items() if number in inputs]
        if len(closing) > 1:
            msg = f"{closing[1]} closes input {number}, and so does {closing[0]}: leave one of them out"
            raise UsageError(msg)
    fifo = None
    if plan.contacts is not None and is_fifo(plan.contacts):
        fifo = ContactFifo(plan.contacts, start_ns, frozenset().union(*closers.values()))
    return ContactFeed(replays, fifo, wiring.to_inputs) if replays or fifo or wiring.to_inputs else None


def _contact_remarks(plan: Plan, source: Source, feed: ContactFeed | None) -> tuple[str, ...]:
    """Return what a user should know of the contacts."""
    if feed is not None and feed.is_live:
        return (f"{plan.contacts}: live: what it is told while no meter runs is lost",)
    if feed is None and isinstance(source, NetworkSource | PhasorSource) and source.contacts.rows:
        return (f"{source.name}: its [[contact]] rows close nothing: this model has no digital inputs",)
    return ()


def _clock_of(source: Source, wish: SourceWish, taken: Taken | None) -> tuple[int, SampleClock]:
    """Return where the source begins in time, and its clock; of a source already begun, those it began with."""
    if taken is not None:
        return taken.start_ns, SampleClock(*taken.clock)
    start_ns = wish.start_ns if wish.start_ns is not None else source.start_ns
    start_ns = DEFAULT_START_NS if start_ns is None else start_ns
    return start_ns, SampleClock(0, start_ns, source.rate_hz)


def _remarks(source: Source, store: DataDirectory | None, kept: Kept | None, taken: Taken | None) -> tuple[str, ...]:
    """Return what a user should know of what was kept, and of what is not."""
    if store is None:
        return ("state lives in memory only: name a directory with --data to keep it",)
    if taken is not None and taken.finished:
        return ("this source has already been metered to its end: to meter it again, name another directory with --data",)
    if kept is not None and kept.source != source.identity:
        return ("another source than before: the registers go on",)
    return ()


def _damages(store: DataDirectory | None, found: Found | None) -> tuple[str, ...]:
    """Return what was found damaged, and what was done about it."""
    if store is None or found is None or not found.faults:
        return ()
    if found.is_lost:
        done = "what was counted is lost: the registers begin anew; both files are kept aside"
    else:
        done = "healed from the other file"
    return (f"{store.path}: {'; '.join(found.faults)}: {done}",)


def source_words(wish: SourceWish) -> dict[str, str]:
    """Return how a source is to be read, as the seal has it; nothing of a simulated installation, which says all itself."""
    if wish.is_network:
        return {}
    channels, scale = (
        None if words is None else ", ".join(str(word) for word in words) for words in (wish.channels, wish.scale)
    )
    return {
        "source_channels": channels or AS_FILE,
        "source_values": wish.values or AS_FILE,
        "source_scale": scale or AS_FILE,
        "source_rate_hz": AS_FILE if wish.rate_hz is None else f"{wish.rate_hz:g}",
    }


AS_FILE = "as the source says"
CALENDAR = "calendar"


def _resourced(kept: Kept, words: Mapping[str, str], store: DataDirectory) -> dict[str, tuple[str, str]]:
    """Return how the source is to be read otherwise than before, old and new.

    Raises
    ------
    SealedError
        If the seal is closed.
    """
    before = kept.sealed_source
    different = {name: (before[name], word) for name, word in words.items() if name in before and before[name] != word}
    for name, (old, new) in different.items():
        if not kept.state.seal_open:
            sealed = f"{new} is asked for, but the meter in {store.path} was sealed with {old}"
            raise SealedError(
                name, f"{sealed}: ask for that, open the seal with watthour unseal, or name another directory with --data"
            )
    return different


def _calendar_edited(kept: Kept, calendar: Calendar, state: MeterState, store: DataDirectory) -> tuple[Event, ...]:
    """Return that the calendar of the same name holds something else than before, if it does.

    Raises
    ------
    SealedError
        If the seal is closed; not of a calendar of the package, which another version of the program brings.
    """
    name, old, new = str(state.settings[CALENDAR]), kept.sealed_source.get(CALENDAR_CONTENT, ""), calendar.sha256
    if old in {"", new}:
        return ()
    if is_file_name(name) and not state.seal_open:
        sealed = f"its file was edited (SHA-256 {new[:16]}…), and the meter in {store.path} was sealed with {old[:16]}…"
        what = f"{CALENDAR} {name}"
        raise SealedError(what, f"{sealed}: put back what it held, or open the seal with watthour unseal")
    detail = {"name": CALENDAR_CONTENT, "calendar": name, "old": old, "new": new, "interface": str(Interface.CONFIG)}
    return (Event(time_ns=now_ns(), kind=EventKind.CALENDAR_CHANGED, detail=detail),)


def _changed_by_config(
    kept: Kept, plan: Plan, adopted: Mapping[str, Setting], resourced: Mapping[str, tuple[str, str]]
) -> tuple[MeterState, tuple[Event, ...]]:
    """Return the state after sealed settings were taken over from a configuration, the seal being open, and its events."""
    calendars = partial(read_calendar, folder=plan.folder)
    meter = Meter(kept.state, calendars(str(kept.state.settings[CALENDAR])), calendars=calendars)
    if adopted:
        outcome = meter.command(WriteSettings(settings=adopted, interface=Interface.CONFIG), now_ns())
        if outcome.verdict is not Verdict.DONE:
            raise UsageError(outcome.message)
    events = [
        Event(
            time_ns=now_ns(),
            kind=EventKind.PARAMETER_CHANGED,
            detail={"name": name, "old": old, "new": new, "interface": str(Interface.CONFIG)},
        )
        for name, (old, new) in resourced.items()
    ]
    return meter.state, (*meter.take_events(), *events)


def _overruled(state: MeterState, plan: Plan, store: DataDirectory) -> tuple[dict[str, Setting], tuple[str, ...]]:
    """Return the sealed settings that the plan changes, the seal being open, and a remark for each that the state overrules.

    Raises
    ------
    SealedError
        If a sealed setting differs while the seal is closed.
    """
    different = {name: value for name, value in plan.settings.items() if state.settings[name] != value}
    adopted = {name: value for name, value in different.items() if parameter(name).sealed}
    for name, value in adopted.items():
        if not state.seal_open:
            sealed = f"{value} is asked for, but the meter in {store.path} was sealed with {state.settings[name]}"
            raise SealedError(
                name, f"{sealed}: ask for that, open the seal with watthour unseal, or name another directory with --data"
            )
    kept = tuple(
        f"{name} stays {state.settings[name]}, as this meter keeps it; {value} was asked for"
        for name, value in different.items()
        if name not in adopted
    )
    return adopted, (*(f"{name} becomes {value}, the seal being open" for name, value in adopted.items()), *kept)
