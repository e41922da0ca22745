"""The meter itself: blocks in, a view out, one command at a time.

``step`` measures whole windows and counts them; how a source cuts its blocks changes no bit. ``settled`` is the
meter as it would be if its source ended here. The meter knows no file, bus, thread or clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from watthour.errors import OutOfRangeError, ParameterError, ReadOnlyError, SampleError, UsageError, WatthourError
from watthour.history import Closing, ClosingCause, RowFlag
from watthour.meter.calibrated import correction_of
from watthour.meter.counting import active_rate, after_clock_set, count_on_the_clock, heed_marks
from watthour.meter.powering import presence_of, turns, without_energy
from watthour.meter.pulsing import Counted, begin_units_again, contacts_after, pulses_after, rates_selected, spans_of
from watthour.meter.refusing import require_countable, require_each_countable
from watthour.meter.showing import measured, view_of
from watthour.meter.state import Anchor, Mark, MeterState, primary_ratio, require_possible, summation_of, thresholds_of
from watthour.meter.timetable import CLOCK_NS, Timetable
from watthour.meter.watching import shifted, watch
from watthour.metrology import (
    Rows,
    condition,
    continues,
    end_of_window,
    follows,
    late_quality,
    measure,
    measure_end,
    open_window,
    reach_of,
    rest_of,
)
from watthour.models import VOLTAGE_PRESENT_V, require_settable
from watthour.parameters import Interface, Setting, check_setting, parameter
from watthour.pulses import LEDS, Change, Edge, Pulses, Spans, begin, flashes, hand_over, pause, shift
from watthour.registers import Registers, booked_by_each, reset_partial
from watthour.samples import Delivery
from watthour.tariff import Calendar
from watthour.units import ENERGIES, MICRO, NANOSECONDS, RATES, REGISTER_MODULUS, energy_name, exact_name, iso
from watthour.view import (
    ClosePeriod,
    Command,
    Event,
    EventKind,
    Number,
    Outcome,
    ResetPartial,
    SelectRate,
    SetClock,
    SetSeal,
    Verdict,
    View,
    WriteSettings,
)

_CHANGES = {"calendar": EventKind.CALENDAR_CHANGED, "rate_source": EventKind.RATE_SOURCE_CHANGED}
"""Settings whose change is an event of its own."""

_CALENDAR = "calendar"

SAME_CLOCK_NS = 1_000_000
"""A block whose instant is this near the one expected goes on by the same clock; beyond, the clock was set."""


class Meter:
    """One meter.

    Parameters
    ----------
    state : MeterState
        From `first_state`, or what was kept of another run.
    calendar : Calendar, optional
        The one that the setting ``calendar`` names; without one all energy belongs to T1, on UTC.
    watches_leds : bool
        Whether somebody takes its pulses; else none are made.
    software_id : str
        What it shows as its software identification.
    calendars : callable, optional
        Returns the calendar of a name, or raises `WatthourError`: for the setting ``calendar`` to be changed while the
        meter runs. Without it another one is refused.
    """

    def __init__(
        self,
        state: MeterState,
        calendar: Calendar | None = None,
        *,
        watches_leds: bool = False,
        software_id: str = "",
        calendars: Callable[[str], Calendar] | None = None,
    ) -> None:
        self._state = state
        self._timetable = self._timetable_before = Timetable(calendar)
        self._calendars = calendars
        self._software_id = software_id
        self._events: list[Event] = []
        self._spans: list[Spans] | None = [] if watches_leds else None
        self._output_pulses: list[int] = []
        self._viewed: tuple[MeterState, View] | None = None

    @property
    def state(self) -> MeterState:
        """All that the meter remembers; to be kept, and given to a new one."""
        return self._state

    @property
    def calendar(self) -> Calendar | None:
        """The calendar that it goes by; None: all energy belongs to T1."""
        return self._timetable.calendar

    @property
    def wanted_sample(self) -> int | None:
        """Index of the sample after the last that the next window needs, as far as is known; None between streams."""
        state = self._state
        clock = state.clock
        if state.opened is None or clock is None:
            return None
        ahead = 0 if state.history is None else reach_of(state.history.correction, state.history.rate_hz)
        return end_of_window(state.opened.tracker, clock.rate_hz) + ahead

    def take_events(self) -> tuple[Event, ...]:
        """Return what happened since last asked."""
        events, self._events = tuple(self._events), []
        return events

    def take_pulses(self) -> tuple[Pulses, ...]:
        """Return how the LEDs flashed since last asked, in order, a part for each LED and each stretch of windows.

        Raises
        ------
        SampleError
            If they flashed too fast to be told apart.
        """
        spans = self._spans or []
        if self._spans is not None:
            self._spans = []
        return tuple(flashes(stretch, led) for stretch in spans for led in LEDS)

    def take_output_pulses(self) -> tuple[int, ...]:
        """Return the instants at which the pulse output closed since last asked, nanoseconds UTC since 1970."""
        pulses, self._output_pulses = tuple(self._output_pulses), []
        return pulses

    def switch_contacts(self, edges: Iterable[Edge]) -> None:
        """Hand over what the contacts at the inputs do; each takes effect when metering comes to its instant.

        Their instants are the source's, as those of its samples.
        """
        offset_ns = self._state.clock_offset_ns
        timed = [replace(edge, time_ns=edge.time_ns + offset_ns) for edge in edges] if offset_ns else edges
        self._state = replace(self._state, contacts=hand_over(self._state.contacts, timed))

    def step(self, delivery: Delivery, now_ns: int) -> None:
        """Meter what a source delivered.

        Parameters
        ----------
        delivery : Block or Phasors
            At the terminals. Samples missing before it are a gap: the stream before is settled, the gap becomes
            an event with its length, nothing is counted for it.
        now_ns : int
            Instant of its first sample, nanoseconds UTC since 1970, as the source has it: where the clock was set by
            command, the meter's is another.

        Raises
        ------
        SampleError
            If a sample is not a number or beyond all measure, or was metered before. The meter is left as it was.
        """
        state = self._state
        if state.position is not None and delivery.first_sample < state.position:
            msg = f"sample {delivery.first_sample} comes again: the meter has already seen up to {state.position}"
            raise SampleError(msg)
        noted, spanned, given = len(self._events), len(self._spans or ()), len(self._output_pulses)
        try:
            self._state = self._take_in(state, delivery, now_ns + state.clock_offset_ns)
        except SampleError:
            del self._events[noted:]
            del self._output_pulses[given:]
            if self._spans:
                del self._spans[spanned:]
            raise

    def end(self) -> None:
        """Settle the stream: its source has ended, and what is left of it is counted too."""
        self._state = self._settle(self._state)

    def change_source(self) -> None:
        """Settle the stream and expect another source, from its first sample on; the registers go on."""
        state = self._settle(self._state)
        contacts = pause(state.contacts)
        self._state = replace(state, position=None, anchor=None, anchors_ahead=(), contacts=contacts, clock_offset_ns=0)

    def go_back(self, state: MeterState) -> None:
        """Return to the state before the last command, because it could not be kept; its events never happened."""
        self._timetable = self._timetable_before
        self._state, self._events, self._output_pulses = state, [], []
        if self._spans:
            self._spans = []

    def settled(self) -> "Meter":
        """Return the meter as it would be if its source ended here; this one stays as it is."""
        leds = self._spans is not None
        meter = Meter(self._state, self._timetable.calendar, watches_leds=leds, software_id=self._software_id)
        meter.end()
        return meter

    def view(self) -> View:
        """Return what the meter shows; the same view until something changes."""
        state, calendar = self._state, self._timetable.calendar
        if self._viewed is None or self._viewed[0] is not state:
            rate, is_covered = active_rate(state, self._timetable)
            view = view_of(state, calendar, rate=rate, is_covered=is_covered, software_id=self._software_id)
            self._viewed = state, view
        return self._viewed[1]

    def measured(self) -> Mapping[str, Number]:
        """Return the values of the last whole window alone, as a view has them; it takes a fraction of the time."""
        return measured(self._state)

    def command(self, command: Command, now_ns: int) -> Outcome:
        """Carry out one request, whole or not at all.

        Parameters
        ----------
        now_ns : int
            Instant of the request, nanoseconds UTC since 1970.

        Raises
        ------
        UsageError
            If a transformer's ratio belongs to no current range.
        """
        self._timetable_before = self._timetable
        if isinstance(command, ResetPartial):
            return self._reset_partial(command, now_ns)
        if isinstance(command, ClosePeriod):
            return self._mark(None, command.interface)
        if isinstance(command, SelectRate):
            return self._select_rate(command)
        if isinstance(command, SetSeal):
            return self._set_seal(command, now_ns)
        if isinstance(command, SetClock):
            return self._set_clock(command)
        return self._write(command, now_ns)

    def _take_in(self, state: MeterState, delivery: Delivery, now_ns: int) -> MeterState:
        if state.contacts.time_ns is None:
            state = replace(state, contacts=begin(state.contacts, now_ns))
        missing = 0 if state.position is None else delivery.first_sample - state.position
        state, corrected = self._correct(state, delivery)
        if state.opened is not None and not continues(state.opened, corrected):
            state = self._settle(state)
        state = self._on_the_clock(state, delivery, now_ns)
        state = self._measure(state, corrected, position=delivery.end_sample)
        if missing:
            self._note_gap(missing, delivery, now_ns)
        return state

    def _correct(self, state: MeterState, delivery: Delivery) -> tuple[MeterState, Delivery]:
        """Return the delivery as calibration corrects it; a stream that it does not continue is settled first."""
        correction = correction_of(state.settings)
        if state.history is not None and not follows(state.history, delivery, correction):
            state = self._settle(state)
        if any(correction.delay_s):
            require_each_countable(delivery)
        history, corrected = condition(state.history, delivery, correction)
        return state if history is state.history else replace(state, history=history), corrected

    def _measure(self, state: MeterState, delivery: Delivery, position: int | None) -> MeterState:
        """Return the state after corrected samples were measured up to a position, and the windows that are whole counted."""
        opened = state.opened or open_window(delivery, state.tracker)
        opened, windows = measure(opened, delivery, thresholds_of(state.settings))
        require_countable(delivery, windows, opened.pieces[-1:])
        last, quality = state.last, state.quality
        if len(windows) and opened.window is not None:
            last, quality = windows[-1:].copy(), late_quality(windows, opened.window, VOLTAGE_PRESENT_V)
        still_open = opened if opened.pieces else None
        stream = {"position": position, "opened": still_open, "tracker": opened.tracker, "last": last, "quality": quality}
        return self._count(state, windows, stream)

    def _on_the_clock(self, state: MeterState, delivery: Delivery, now_ns: int) -> MeterState:
        """Return the state with the clock of a delivery: the one before, or one that was set, or of another rate."""
        clock, sample = state.clock, delivery.first_sample
        new = Anchor(sample=sample, time_ns=now_ns, rate_hz=delivery.rate_hz)
        if clock is None:
            was_set = state.samples > 0 and now_ns < state.time_ns - SAME_CLOCK_NS
            return replace(after_clock_set(state) if was_set else state, anchor=new)
        expected_ns = clock.time_of(sample)
        if abs(now_ns - expected_ns) <= SAME_CLOCK_NS:
            return state if delivery.rate_hz == clock.rate_hz else replace(state, anchor=new, anchors_ahead=())
        step_s = _seconds(now_ns - expected_ns)
        self._note(EventKind.CLOCK_SET, now_ns, old=iso(expected_ns), new=iso(now_ns), step_s=step_s, clock="samples")
        return _with_clock_from(state, new)

    def _settle(self, state: MeterState) -> MeterState:
        """Return the state after what is left of a stream was counted, and what was asked for was heeded."""
        if state.history is not None:
            state = self._measure(replace(state, history=None), rest_of(state.history), position=state.position)
        if state.opened is not None:
            opened, rest = measure_end(state.opened, thresholds_of(state.settings))
            state = self._count(state, rest, {"opened": None, "tracker": opened.tracker})
        for anchor in state.anchors_ahead:
            state = _with_clock_set(state, anchor)
        return self._heed(replace(state, anchors_ahead=()))

    def _heed(self, state: MeterState) -> MeterState:
        heeded, closed = heed_marks(state, self._timetable)
        self._note_closings(state, closed)
        return heeded

    def _count(self, state: MeterState, windows: Rows, stream: Mapping[str, Any]) -> MeterState:
        """Return the state after windows were counted, each by the clock that was in force where it begins.

        Parameters
        ----------
        stream : mapping of str to object
            Fields of the state that say where the stream stands then; the count does not look at them.
        """
        while state.anchors_ahead and len(windows):
            ahead = state.anchors_ahead[0]
            before = int(np.searchsorted(windows["first_sample"], ahead.sample))
            state = self._count_by_one_clock(state, windows[:before], {})
            windows = windows[before:]
            if len(windows):
                state = replace(_with_clock_set(state, ahead), anchors_ahead=state.anchors_ahead[1:])
        return self._count_by_one_clock(state, windows, stream)

    def _count_by_one_clock(self, state: MeterState, windows: Rows, stream: Mapping[str, Any]) -> MeterState:
        anchor = state.anchor
        if not len(windows) or anchor is None:
            return replace(state, **stream)
        auxiliary = bool(state.settings["auxiliary_supply"])
        presence = presence_of(windows, powered=state.powered, auxiliary=auxiliary, rate_hz=anchor.rate_hz)
        on, energetic = presence.on, without_energy(windows, presence)
        spans, instant_of = spans_of(presence), _instants(anchor, windows)
        contacts, changes = contacts_after(state.contacts, state.settings, spans, instant_of)
        marked = _with_rates(state, anchor, int(windows["first_sample"][0]), changes)
        tally = count_on_the_clock(marked, self._timetable, energetic, presence)
        rolled_over = _rolled_over(state.registers, tally.registers)
        if len(windows) > 1 and rolled_over:
            for k in range(len(windows)):  # one by one, so that the event has the time of its window
                state = self._count_by_one_clock(state, windows[k : k + 1], stream)
            return state
        self._note_spans(state, anchor, energetic)
        samples, operating_ns = presence.samples, presence.operating_ns
        changed = turns(presence, powered=state.powered)
        down_ns = self._note_power(state, anchor, windows, {k: bool(on[k]) for k in changed})
        standings, events = watch(state.standings, windows, on, state.settings, instant_of)
        self._events += events
        for energy in rolled_over:
            self._note(EventKind.ROLL_OVER, tally.time_ns, register=energy_name(energy))
        self._note_calendar(state, tally.time_ns)
        self._note_closings(state, tally.closed)
        again = Counted(
            before=state.registers,
            after=tally.registers,
            carry=state.carry,
            windows=energetic,
            summation=summation_of(state.settings),
            ratio=primary_ratio(state.settings),
        )
        output, pulses = pulses_after(state.output, state.settings, again, spans, instant_of)
        self._output_pulses += pulses
        return tally.into(
            contacts=contacts,
            output=output,
            power_fail_count=state.power_fail_count + sum(not on[k] for k in changed),
            samples=state.samples + samples,
            duration=state.duration + samples * anchor.sample_s,
            operating_ns=state.operating_ns + operating_ns,
            partial_operating_ns=state.partial_operating_ns + operating_ns,
            powered=bool(on[-1]),
            down_ns=down_ns,
            standings=standings,
            **stream,
        )

    def _note(self, kind: EventKind, time_ns: int, **detail: str) -> None:
        self._events.append(Event(time_ns=time_ns, kind=kind, detail=MappingProxyType(detail)))

    def _note_gap(self, missing: int, delivery: Delivery, now_ns: int) -> None:
        clock = Anchor(sample=delivery.first_sample, time_ns=now_ns, rate_hz=delivery.rate_hz)
        duration_s = f"{missing / delivery.rate_hz:.6f}"
        begin_ns = clock.time_of(delivery.first_sample - missing)
        self._note(EventKind.SOURCE_GAP, begin_ns, samples=str(missing), duration_s=duration_s)

    def _note_calendar(self, before: MeterState, now_ns: int) -> None:
        """Tell that the passive calendar came into force."""
        calendar = self._timetable.calendar
        if calendar is None or calendar.passive is None or not before.samples:
            return
        at_ns, new = calendar.passive.activation_ns, calendar.passive.calendar
        if before.time_ns < at_ns <= now_ns:
            self._note(EventKind.CALENDAR_CHANGED, at_ns, old=calendar.name, new=new.name, interface="calendar")

    def _note_closings(self, before: MeterState, closed: Sequence[Closing]) -> None:
        """Tell of closings, each with the maxima that it reset; those on command with who asked."""
        asked = iter([mark.interface for mark in before.marks if mark.rate is None])
        for number, closing in enumerate(closed, len(before.closings)):
            by = {"interface": next(asked, "")} if closing.cause is ClosingCause.COMMAND else {}
            known = {"number": str(number), "cause": str(closing.cause), **by, **_flags_of(closing)}
            self._note(EventKind.PERIOD_CLOSED, closing.time_ns, **known)
            self._note(EventKind.MAXIMA_RESET, closing.time_ns, cause=str(closing.cause), **by, **_maxima_of(closing))

    def _note_power(self, state: MeterState, anchor: Anchor, windows: Rows, changed: Mapping[int, bool]) -> int | None:
        """Tell of the power that failed or came back in some windows, with the gap; return since when it is out."""
        down_ns = state.down_ns
        for k, is_on in changed.items():
            at_ns = anchor.time_of(int(windows["first_sample"][k]))
            if is_on:
                gap = {} if down_ns is None else {"gap_s": f"{(at_ns - down_ns) / NANOSECONDS:.3f}"}
                self._note(EventKind.POWER_UP, at_ns, voltage="returned", **gap)
            else:
                self._note(EventKind.POWER_DOWN, at_ns, voltage="out")
            down_ns = None if is_on else at_ns
        return down_ns

    def _note_spans(self, state: MeterState, anchor: Anchor, counted: Rows) -> None:
        """Keep what the LEDs flash for, where somebody watches them; windows counted together have no gap."""
        if self._spans is None:
            return
        edges = [int(counted["first_sample"][0]), *(counted["first_sample"] + counted["samples"]).tolist()]
        edges_ns = np.array([anchor.time_of(sample) for sample in edges])
        booked = booked_by_each(state.carry, counted, summation_of(state.settings))
        after = np.array(state.registers.secondary, np.int64) + booked.cumsum(axis=0)
        self._spans.append(
            Spans(
                begin_ns=edges_ns[:-1],
                end_ns=edges_ns[1:],
                before=after - booked,
                after=after,
            )
        )

    def _mark(self, rate: int | None, interface: str) -> Outcome:
        """Take note of a rate, or of a closing, from the next sample on; between streams it is heeded at once."""
        state = self._state
        mark = Mark(sample=state.position or 0, rate=rate, interface=interface)
        state = replace(state, marks=(*state.marks, mark))
        self._state = state if state.is_pending else self._heed(state)
        return Outcome(verdict=Verdict.DONE)

    def _select_rate(self, command: SelectRate) -> Outcome:
        source = self._state.settings["rate_source"]
        if not 1 <= command.rate <= len(RATES):
            return Outcome(verdict=Verdict.OUT_OF_RANGE, message=f"rate {command.rate} is outside 1 to {len(RATES)}")
        if source != "bus":
            return Outcome(
                verdict=Verdict.REFUSED, message=f"the rate is selected by {source}, as rate_source says, not by bus"
            )
        return self._mark(command.rate, command.interface)

    def _reset_partial(self, command: ResetPartial, now_ns: int) -> Outcome:
        before = {exact_name(e, "partial_"): str(v) for e, v in zip(ENERGIES, self._state.registers.partial, strict=True)}
        self._state = replace(self._state, registers=reset_partial(self._state.registers), partial_operating_ns=0)
        self._note(EventKind.PARTIAL_RESET, now_ns, interface=command.interface, **before)
        return Outcome(verdict=Verdict.DONE)

    def _set_seal(self, command: SetSeal, now_ns: int) -> Outcome:
        if self._state.seal_open != command.is_open:
            self._state = replace(self._state, seal_open=command.is_open)
            kind = EventKind.SEAL_OPENED if command.is_open else EventKind.SEAL_CLOSED
            totals = {exact_name(e): str(v) for e, v in zip(ENERGIES, self._state.registers.total, strict=True)}
            secret = {"secret": command.secret} if command.secret else {}
            self._note(kind, now_ns, interface=command.interface, **secret, **totals)
        return Outcome(verdict=Verdict.DONE)

    def _set_clock(self, command: SetClock) -> Outcome:
        """Set the clock from the next sample on; what has been taken in and not counted keeps its instants."""
        state = self._state
        clock, position = state.clock, state.position
        if not state.seal_open:
            return Outcome(verdict=Verdict.SEALED, message="the clock is set only while the seal is open")
        if command.time_ns not in CLOCK_NS:
            return Outcome(verdict=Verdict.OUT_OF_RANGE, message=f"{command.time_ns} ns is no instant of 1970 to 2255")
        if clock is None or position is None:
            return Outcome(verdict=Verdict.REFUSED, message="no samples have come, so that no clock runs")
        step_ns = command.time_ns - clock.time_of(position)
        new = Anchor(sample=position, time_ns=command.time_ns, rate_hz=clock.rate_hz)
        detail = {"old": iso(clock.time_of(position)), "new": iso(command.time_ns), "step_s": _seconds(step_ns)}
        self._note(EventKind.CLOCK_SET, command.time_ns, **detail, clock="samples", interface=command.interface)
        self._state = replace(_with_clock_from(state, new), clock_offset_ns=state.clock_offset_ns + step_ns)
        return Outcome(verdict=Verdict.DONE)

    def _calendar_wanted(self, wanted: Mapping[str, Setting]) -> Calendar | None:
        """Return the calendar that is to hold, which may be that in force; one named again is read again."""
        name = wanted.get(_CALENDAR)
        if self._calendars is not None and name is not None:
            return self._calendars(str(name))
        if name not in {None, self._state.settings["calendar"]}:
            message = f"{name} cannot be read here: name it in the configuration"
            raise OutOfRangeError(_CALENDAR, message)
        return self._timetable.calendar

    def _use(
        self, calendar: Calendar | None, old: Mapping[str, Setting], wanted: Mapping[str, Setting], by: Interface, now_ns: int
    ) -> None:
        """Take another calendar in use; of one that has the same name this is told here, of another with the settings."""
        self._timetable = Timetable(calendar)
        name = str(wanted["calendar"])
        if name == old["calendar"]:
            detail = {"name": "calendar", "old": name, "new": f"{name}, read anew", "interface": by, **_content_of(calendar)}
            self._note(EventKind.CALENDAR_CHANGED, now_ns, **detail)

    def _write(self, command: WriteSettings, now_ns: int) -> Outcome:
        try:
            wanted = {name: check_setting(name, value, command.interface) for name, value in command.settings.items()}
            require_settable(str(self._state.settings["model"]), wanted)
        except OutOfRangeError as problem:
            return Outcome(verdict=Verdict.OUT_OF_RANGE, message=str(problem))
        except ReadOnlyError as problem:
            return Outcome(verdict=Verdict.READ_ONLY, message=str(problem))
        except (ParameterError, UsageError) as problem:
            return Outcome(verdict=Verdict.REFUSED, message=str(problem))
        sealed = [name for name in wanted if parameter(name).sealed]
        if sealed and not self._state.seal_open:
            return Outcome(verdict=Verdict.SEALED, message=f"{', '.join(sealed)}: changes only while the seal is open")
        old = self._state.settings
        new = MappingProxyType({**old, **wanted})
        try:
            require_possible(new)
            calendar = self._calendar_wanted(wanted)
        except WatthourError as problem:
            return Outcome(verdict=Verdict.OUT_OF_RANGE, message=str(problem))
        is_other_calendar = _is_other(calendar, self._timetable.calendar)
        if is_other_calendar or any(old[name] != wanted[name] for name in sealed):
            self.end()  # what was measured so far counts as it was measured
        if is_other_calendar:
            self._use(calendar, old, wanted, command.interface, now_ns)
        for name, value in wanted.items():
            if old[name] != value:
                content = _content_of(calendar) if name == _CALENDAR else {}
                detail = {"name": name, "old": str(old[name]), "new": str(value), "interface": command.interface, **content}
                self._note(_CHANGES.get(name, EventKind.PARAMETER_CHANGED), now_ns, **detail)
        contacts = begin_units_again(self._state.contacts, old, new)
        self._state = replace(self._state, settings=new, contacts=contacts)
        return Outcome(verdict=Verdict.DONE)


def _is_other(calendar: Calendar | None, before: Calendar | None) -> bool:
    """Tell whether a calendar says something else than the one before, or its file does."""
    if calendar is None or before is None:
        return calendar is not before
    return calendar != before or calendar.sha256 != before.sha256


def _content_of(calendar: Calendar | None) -> dict[str, str]:
    """Return what an event says of the file of a calendar."""
    return {} if calendar is None or not calendar.sha256 else {"sha256": calendar.sha256}


def _seconds(time_ns: int) -> str:
    return f"{time_ns / NANOSECONDS:.6f}"


def _with_clock_from(state: MeterState, anchor: Anchor) -> MeterState:
    """Return the state whose clock is another from a sample on that is still to come."""
    if not state.is_pending:
        return _with_clock_set(state, anchor)
    return replace(state, anchors_ahead=(*state.anchors_ahead, anchor))


def _with_clock_set(state: MeterState, anchor: Anchor) -> MeterState:
    """Return the state after the clock jumped to `anchor`: what contacts and output have begun goes on from there."""
    step_ns = 0 if state.anchor is None else anchor.time_ns - state.anchor.time_of(anchor.sample)
    free_ns = None if state.output.free_ns is None else state.output.free_ns + step_ns
    contacts, output = shift(state.contacts, step_ns), replace(state.output, free_ns=free_ns)
    return replace(
        after_clock_set(state),
        anchor=anchor,
        anchors_ahead=(),
        contacts=contacts,
        output=output,
        down_ns=None if state.down_ns is None else state.down_ns + step_ns,
        standings=shifted(state.standings, step_ns),
    )


def _flags_of(closing: Closing) -> dict[str, str]:
    """Return what a period that was closed is flagged with; nothing for a plain one."""
    return {"flags": "clock set"} if RowFlag.CLOCK_SET in closing.flags else {}


def _maxima_of(closing: Closing) -> dict[str, str]:
    """Return the highest demand of a period that was closed, and its time."""
    maximum = closing.maximum
    return {} if maximum is None else {"max_demand_w": f"{maximum.demand_microw / MICRO:.6f}", "at": iso(maximum.time_ns)}


def _with_rates(state: MeterState, anchor: Anchor, first_sample: int, changes: Sequence[Change]) -> MeterState:
    """Return the state with the rates that the inputs select marked, from the sample on at which each is believed."""
    if state.settings["rate_source"] != "inputs":
        return state
    now, *later = rates_selected(state.contacts, state.settings, changes)
    marks = [] if now == state.selected_rate else [Mark(sample=first_sample, rate=now)]
    marks += [Mark(sample=anchor.sample_at(change.time_ns), rate=rate) for change, rate in zip(changes, later, strict=True)]
    return replace(state, marks=tuple(sorted((*state.marks, *marks), key=lambda mark: mark.sample)))


def _instants(anchor: Anchor, windows: Rows) -> Callable[[int], int]:
    """Return what tells the instant at which a window begins; of the number after the last, where that ends."""

    def instant_of(window: int) -> int:
        if window < len(windows):
            return anchor.time_of(int(windows["first_sample"][window]))
        return anchor.time_of(int(windows["first_sample"][-1] + windows["samples"][-1]))

    return instant_of


def _rolled_over(before: Registers, after: Registers) -> list[str]:
    """Return the energies whose shown total passed from its maximum to 0."""
    turn = MICRO * REGISTER_MODULUS
    return [energy for energy, old, new in zip(ENERGIES, before.total, after.total, strict=True) if old // turn != new // turn]
