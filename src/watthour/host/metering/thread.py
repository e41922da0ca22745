"""The metering thread: it alone touches the meter and its store, and publishes a view after each step.

Samples arrive from the source, paced by a multiple of real time or as fast as they can be measured; commands
arrive by a queue and are answered between steps. Kernels release the interpreter, so buses and pages go on
answering meanwhile.
"""

import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from math import ceil, floor, inf, isinf

from watthour.errors import StoreError
from watthour.host.instants import now_ns
from watthour.host.metering.carrying import Deed, carry_out
from watthour.host.metering.diagnosing import Diagnosing
from watthour.host.metering.keeping import ClockWatch, totals_of
from watthour.host.metering.work import Work
from watthour.samples import Delivery
from watthour.units import NANOSECONDS
from watthour.view import Command, Event, EventKind, Outcome, Verdict, View

_SHORTEST_STEP_S = 0.05
_LONGEST_STEP_S = 0.25
"""Paced samples are handed over in pieces that end where a window does, no shorter and no longer than this."""
_LONGEST_WAIT_S = 3600.0
"""No wait is longer: what the system calls a time-out has an end."""
_WIRE_S = 0.05
"""While it waits for another meter's pulses a meter answers commands this often."""
_LATE_S = 1.0
"""A paced meter waits no longer for another one's pulses: what comes later still counts, late."""
_PUBLISH_S = 0.05
"""At full speed a view is published this often, not after each block."""

_AHEAD_S = 10.0
"""While a source has so much sample time left, another window is still to come, gaps and changes of rate aside."""

_DAY_NS = 86400 * NANOSECONDS

_LOOK_S = 1.0
_FAST_LOOK_S = 5.0
"""Sample time between two looks of the wiring diagnosis, paced and at full speed."""

_Waiting = tuple[Command | Deed, "Future[Outcome]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast and how far a run goes.

    Parameters
    ----------
    speed : float or None
        Seconds of samples per second of time; None: as fast as possible. A live source sets its own pace.
    duration_s : float or None
        Sample time at which to stop, counted from the source's first sample; None: its end.
    hold : bool
        Whether to go on answering after the end.
    """

    speed: float | None = 1.0
    duration_s: float | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run has come.

    Parameters
    ----------
    sample : int
        Index in the source of the next sample to be taken in.
    end_sample : int or None
        Where the run will end, as far as can be said before: gaps and changes of rate may move it. None for a source
        without end.
    """

    sample: int
    end_sample: int | None


class MeteringThread(threading.Thread):
    """Meter a source until it ends, or until asked to stop.

    Attributes
    ----------
    ended : threading.Event
        Set when all samples are metered; a holding thread still answers.
    done : threading.Event
        Set when the thread answers no more and the state is kept.
    failure : WatthourError or other exception, or None
        What ended it before its time.
    """

    def __init__(self, work: Work, pace: Pace) -> None:
        super().__init__(name="metering", daemon=True)
        self._work = work
        self._pace = pace
        self._speed = None if work.live else pace.speed
        self._commands: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._remarks: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stop_asked = threading.Event()
        self._diagnosing = Diagnosing(_LOOK_S if work.live or pace.speed else _FAST_LOOK_S, generates=work.generates)
        self._view = work.keeping.shown(work.meter.view())
        self._offset_ns = work.meter.state.clock_offset_ns
        self._watch = ClockWatch(now_ns(), _steady_ns())
        self._is_finished = work.finished
        self._published_s = 0.0
        self._metering = True
        self._sample = work.first_sample
        self._end_ns = None if pace.duration_s is None else work.start_ns + round(pace.duration_s * NANOSECONDS)
        self._is_cut_short = False
        self.ended = threading.Event()
        self.done = threading.Event()
        self.failure: BaseException | None = None

    @property
    def view(self) -> View:
        """The view last published."""
        return self._view

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        samples = self._work.source.samples
        if self._pace.duration_s is None:
            return Progress(sample=self._sample, end_sample=samples)
        end = round(self._pace.duration_s * self._work.source.rate_hz)
        return Progress(sample=self._sample, end_sample=end if samples is None else min(end, samples))

    @property
    def sample_time_s(self) -> float:
        """Sample time of the view last published, counted from the source's first sample."""
        return (self._view.time_ns - self._offset_ns - self._work.start_ns) / NANOSECONDS

    def stop(self) -> None:
        """Ask the thread to stop after the step at hand, with its state kept."""
        self._stop_asked.set()
        self._commands.put(None)

    def submit(self, command: Command | Deed) -> "Future[Outcome]":
        """Hand over a command; its outcome arrives in the future."""
        answer: Future[Outcome] = Future()
        self._commands.put((command, answer))
        if self.done.is_set():
            self._refuse_waiting()
        return answer

    def take_events(self) -> Iterator[Event]:
        """Yield what happened since last asked."""
        while not self._events.empty():
            yield self._events.get()

    def take_remarks(self) -> Iterator[str]:
        """Yield what is wrong with what was told of the contacts since last asked."""
        while not self._remarks.empty():
            yield self._remarks.get()

    def run(self) -> None:
        """Meter; what goes wrong is kept in `failure` for whoever waits for the thread."""
        try:
            self._run()
        except Exception as failure:  # noqa: BLE001 - told by the one who waits
            self.failure = failure
        finally:
            self._end_wires()
            self.ended.set()
            self.done.set()
            self._refuse_waiting()

    def _run(self) -> None:
        self._save()
        finished = self._work.finished or self._meter_source()
        if finished and not self._work.finished:
            self._work.meter.end()
        self._is_finished = finished
        self._work.write_pulses(self._work.meter)
        self._tell_events()
        self._save()
        self._work.write_pulses(self._work.meter.settled())  # of the open window, as the result shows it
        self._metering = False
        self._end_wires()
        self._publish()
        self.ended.set()
        while self._pace.hold and not self._stop_asked.is_set():
            self._answer(self._commands.get())
        self._stop_in_order()

    def _stop_in_order(self) -> None:
        detail = {"program": "stopped", **totals_of(self._work.meter.state)}
        self._work.keeping.note(Event(time_ns=now_ns(), kind=EventKind.POWER_DOWN, detail=detail))
        self._save(stopped=True)

    def _meter_source(self) -> bool:
        """Meter until the source ends (True), or the run does (False); what was metered before a failure is kept."""
        try:
            for piece, at_ns in self._timed_pieces():
                if self._stop_asked.is_set():
                    return False
                if len(piece):
                    if not self._has_contacts(piece, at_ns):
                        return False
                    self._step(piece, at_ns)
                    self._diagnose()
                self._publish_sometimes()
                self._keep_sometimes()
        except Exception:
            self._tell_events()
            self._stop_in_order()
            raise
        return not self._is_cut_short

    def _has_contacts(self, piece: Delivery, at_ns: int) -> bool:
        """Hand over what the contacts do while a piece lasts, once it is known; False if asked to stop before."""
        feed, meter = self._work.feed, self._work.meter
        if feed is None:
            return True
        end_ns = at_ns + ceil(len(piece) * NANOSECONDS / piece.rate_hz)
        speed = 1.0 if self._work.live else self._speed
        deadline_s = time.monotonic() + (inf if speed is None else _LATE_S)
        while not feed.wait(end_ns, _WIRE_S) and time.monotonic() < deadline_s:
            self._answer_waiting()
            if self._stop_asked.is_set():
                return False
        edges = feed.take(meter.state.contacts, at_ns, end_ns, speed=speed)
        for remark in feed.take_remarks():
            self._remarks.put(remark)
        if edges:
            meter.switch_contacts(edges)
        return not self._stop_asked.is_set()

    def _end_wires(self) -> None:
        if self._work.outlet is not None:
            self._work.outlet.end()

    def _step(self, piece: Delivery, at_ns: int) -> None:
        """Meter a piece; once a day the totals go into the chain of events."""
        meter = self._work.meter
        day = meter.state.time_ns // _DAY_NS
        meter.step(piece, at_ns)
        self._work.write_pulses(meter)
        self._tell_happenings(piece, at_ns)
        self._sample = piece.end_sample
        if meter.state.time_ns // _DAY_NS != day:
            self._tell_events()
            self._work.keeping.note(Event(time_ns=meter.state.time_ns, kind=EventKind.TOTALS, detail=totals_of(meter.state)))

    def _save(self, *, stopped: bool = False) -> None:
        """Keep the state in both files, and say what the store has to say."""
        try:
            self._work.save(finished=self._is_finished, stopped=stopped)
        finally:
            self._tell_storage()

    def _keep_sometimes(self) -> None:
        """Keep the state once a second; where the disk refuses, the meter goes on, and says so."""
        keeping = self._work.keeping
        if not keeping.is_due(time.monotonic()):
            return
        clock_event = self._watch.look(now_ns(), _steady_ns())
        if clock_event is not None:
            self._note(clock_event)
        if keeping.is_kept(self._work.meter.state):
            return
        with suppress(StoreError):
            self._work.save(finished=False, both=False, passing=self._is_passing())
        self._tell_storage()

    def _is_passing(self) -> bool:
        """Tell whether the next window will come for certain: a run that goes on after a crash has then the same last window."""
        progress = self.progress
        left = inf if progress.end_sample is None else progress.end_sample - progress.sample
        return left > _AHEAD_S * self._work.source.rate_hz

    def _tell_storage(self) -> None:
        for event in self._work.keeping.storage_news(now_ns()):
            self._events.put(event)

    def _note(self, event: Event) -> None:
        """Chain an event, and tell it."""
        self._work.keeping.note(event)
        self._events.put(event)

    def _timed_pieces(self) -> Iterator[tuple[Delivery, int]]:
        """Yield each piece with the instant of its first sample, when it is time for it; answer commands meanwhile."""
        begun: tuple[float, int] | None = None
        for piece in self._pieces():
            first_ns = self._work.clock.time_of(piece)
            if begun is None:
                begun = time.monotonic(), first_ns
            if self._speed is None:
                self._answer_waiting()
            else:
                begun_s, begun_ns = begun
                sample_time_s = (first_ns - begun_ns) / NANOSECONDS + len(piece) / piece.rate_hz
                self._wait_until(begun_s + sample_time_s / self._speed)
            yield piece, first_ns

    def _pieces(self) -> Iterator[Delivery]:
        """Yield the source's blocks from where the meter left off to where the run ends, cut for pacing.

        The empty blocks of a live source that waits are passed on, for commands to be answered meanwhile.
        """
        for block in self._work.source.blocks(self._work.first_sample):
            if not len(block):
                yield block
                continue
            last = self._wanted_of(block)
            start = 0
            while start < last:
                stop = last if self._speed is None else self._cut(block, start, last, self._speed)
                yield block.part(start, stop)
                start = stop
            if last < len(block) or self._needs_no_more(block):
                self._is_cut_short = True
                return

    def _cut(self, block: Delivery, start: int, last: int, speed: float) -> int:
        """Return where a paced piece ends: with the window it completes, so that its value is shown at once."""
        shortest = start + max(1, int(min(last, _SHORTEST_STEP_S * block.rate_hz * speed)))
        longest = start + max(1, int(min(last, _LONGEST_STEP_S * block.rate_hz * speed)))
        wanted = self._work.meter.wanted_sample
        stop = longest if wanted is None else min(max(wanted - block.first_sample, shortest), longest)
        return min(stop, last)

    def _needs_no_more(self, block: Delivery) -> bool:
        """Tell whether a source without end has given all that the run takes: it is not asked for more."""
        if self._end_ns is None or self._work.source.samples is not None:
            return False
        return self._work.clock.sample_at(self._end_ns) <= block.end_sample

    def _wanted_of(self, block: Delivery) -> int:
        """Return how many of a block's samples come before the end of the run."""
        if self._end_ns is None:
            return len(block)
        clock = self._work.clock
        clock.time_of(block)  # of another rate, it moves the anchor
        return min(max(clock.sample_at(self._end_ns) - block.first_sample, 0), len(block))

    def _wait_until(self, due_s: float) -> None:
        """Answer commands until it is time."""
        while not self._stop_asked.is_set():
            left_s = due_s - time.monotonic()
            if left_s <= 0:
                self._answer_waiting()
                return
            with suppress(queue.Empty):
                self._answer(self._commands.get(timeout=min(left_s, _LONGEST_WAIT_S)))

    def _answer_waiting(self) -> None:
        while not self._commands.empty():
            self._answer(self._commands.get())

    def _answer(self, waiting: _Waiting | None) -> None:
        if waiting is None:
            return
        command, answer = waiting
        outcome = self._carry_out(command)
        self._publish()
        answer.set_result(outcome)

    def _carry_out(self, asked: Command | Deed) -> Outcome:
        """Carry out a request and keep what it did, or undo it: what is answered as done is done for good."""
        self._tell_events()
        outcome, events = carry_out(asked, self._work.meter, self._work.keeping, now_ns(), self._save)
        for event in events:
            self._events.put(event)
        return outcome

    def _refuse_waiting(self) -> None:
        with suppress(queue.Empty):
            while True:
                waiting = self._commands.get_nowait()
                if waiting is not None:
                    waiting[1].set_result(Outcome(verdict=Verdict.REFUSED, message="the meter has stopped"))

    def _publish_sometimes(self) -> None:
        """Publish after a window, not after each piece of one."""
        self._tell_events()
        if self._work.meter.state.samples == self._view.samples:
            return
        now_s = time.monotonic()
        if self._speed is not None or now_s - self._published_s >= _PUBLISH_S:
            self._published_s = now_s
            self._publish()

    def _publish(self) -> None:
        """Publish what the meter shows; after the run, with what is left of the open window counted too."""
        meter = self._work.meter
        self._tell_events()
        shown = meter.view() if self._metering else meter.settled().view()
        self._view = self._diagnosing.filled(self._work.keeping.shown(shown))
        self._offset_ns = meter.state.clock_offset_ns

    def _diagnose(self) -> None:
        """Look at the wiring where it is time; by sample time, so that the same run has the same findings."""
        meter = self._work.meter
        if self._diagnosing.is_due(meter.state.time_ns):
            self._diagnosing.look(meter.measured(), meter.state.settings, meter.state.time_ns)

    def _tell_happenings(self, piece: Delivery, now_ns: int) -> None:
        """Tell what a fault script does to a simulated installation when it begins, to the microsecond."""
        if self._work.diary is None:
            return
        begun_s, ended_s = piece.first_sample / piece.rate_hz, piece.end_sample / piece.rate_hz
        for happening in self._work.diary(floor(begun_s), ceil(ended_s)):
            if begun_s <= happening.begin_s < ended_s:
                time_ns = now_ns + round((happening.begin_s - begun_s) * 1e6) * 1000
                lasts = {} if isinf(happening.end_s) else {"duration_s": f"{happening.end_s - happening.begin_s:g}"}
                self._note(Event(time_ns=time_ns, kind=EventKind.FAULT_INJECTED, detail={"plant": happening.what, **lasts}))

    def _tell_events(self) -> None:
        live = self._work.live
        for event in (*self._work.meter.take_events(), *(live.take_events() if live else ())):
            self._note(event)


def _steady_ns() -> int:
    """Return a clock that only goes forward, and does not stand still while the machine sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
