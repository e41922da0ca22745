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
from dataclasses import dataclass

import numpy as np

from watthour.errors import WatthourError
from watthour.host.instants import now_ns
from watthour.host.metering.work import Work
from watthour.meter import Meter, first_state
from watthour.samples import Block
from watthour.view import Command, Event, Outcome, Verdict, View

_STEP_S = 0.05
"""Paced samples are handed over in pieces of this length, so that a value is at most one window old."""
_PUBLISH_S = 0.05
"""At full speed a view is published this often, not after each block."""

_Waiting = tuple[Command, "Future[Outcome]"]


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
        Where the run will end, gaps of the source aside; None for a source without end.
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
        self._stop_asked = threading.Event()
        self._view = work.meter.view()
        self._published_s = 0.0
        self._metering = True
        self._sample = work.first_sample
        self._last_sample = self._find_last()
        self._cut_short = False
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
        ends = [end for end in (self._last_sample, self._work.source.samples) if end is not None]
        return Progress(sample=self._sample, end_sample=min(ends, default=None))

    def stop(self) -> None:
        """Ask the thread to stop after the step at hand, with its state kept."""
        self._stop_asked.set()
        self._commands.put(None)

    def submit(self, command: Command) -> "Future[Outcome]":
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

    def run(self) -> None:
        """Meter; what goes wrong is kept in `failure` for whoever waits for the thread."""
        try:
            self._run()
        except Exception as failure:  # noqa: BLE001 - told by the one who waits
            self.failure = failure
        finally:
            self.ended.set()
            self.done.set()
            self._refuse_waiting()

    def _run(self) -> None:
        finished = self._work.finished
        if not finished:
            finished = self._meter_source()
        if finished:
            self._work.meter.end()
        self._work.save(finished=finished)
        self._metering = False
        self._publish()
        self.ended.set()
        while self._pace.hold and not self._stop_asked.is_set():
            self._answer(self._commands.get())
        self._work.save(finished=finished)

    def _meter_source(self) -> bool:
        """Meter until the source ends (True), or the run does (False)."""
        pieces = self._pieces()
        begun_s: float | None = None
        begun_sample = self._sample
        for piece in pieces:
            if begun_s is None:
                warm(piece)
                begun_s, begun_sample = time.monotonic(), piece.first_sample
            if self._speed is not None:
                ahead_s = (piece.end_sample - begun_sample) / piece.rate_hz / self._speed
                self._wait_until(begun_s + ahead_s)
            else:
                self._answer_waiting()
            if self._stop_asked.is_set():
                return False
            if len(piece):
                self._work.meter.step(piece, self._work.clock.time_of(piece))
                self._sample = piece.end_sample
            self._publish_sometimes()
        return not self._cut_short

    def _pieces(self) -> Iterator[Block]:
        """Yield the source's blocks from where the meter left off to where the run ends, cut for pacing.

        The empty blocks of a live source that waits are passed on, for commands to be answered meanwhile.
        """
        for block in self._work.source.blocks(self._work.first_sample):
            if not len(block):
                yield block
                continue
            longest = len(block) if self._speed is None else max(1, int(_STEP_S * block.rate_hz * self._speed))
            last = len(block) if self._last_sample is None else min(len(block), self._last_sample - block.first_sample)
            for start in range(0, last, longest):
                yield block.part(start, min(start + longest, last))
            self._cut_short = last < len(block) or (block.end_sample == self._last_sample and self._work.source.samples is None)
            if self._cut_short:
                return

    def _find_last(self) -> int | None:
        """Return the sample at which the run stops before its source does, if asked to."""
        return None if self._pace.duration_s is None else round(self._pace.duration_s * self._work.source.rate_hz)

    def _wait_until(self, due_s: float) -> None:
        """Answer commands until it is time."""
        while not self._stop_asked.is_set():
            left_s = due_s - time.monotonic()
            if left_s <= 0:
                self._answer_waiting()
                return
            try:
                self._answer(self._commands.get(timeout=left_s))
            except queue.Empty:
                return

    def _answer_waiting(self) -> None:
        while not self._commands.empty():
            self._answer(self._commands.get())

    def _answer(self, waiting: _Waiting | None) -> None:
        if waiting is None:
            return
        command, answer = waiting
        try:
            outcome = self._work.meter.command(command, now_ns())
        except WatthourError as problem:
            outcome = Outcome(verdict=Verdict.REFUSED, message=str(problem))
        self._publish()
        answer.set_result(outcome)

    def _refuse_waiting(self) -> None:
        while not self._commands.empty():
            waiting = self._commands.get()
            if waiting is not None:
                waiting[1].set_result(Outcome(verdict=Verdict.REFUSED, message="the meter has stopped"))

    def _publish_sometimes(self) -> None:
        now_s = time.monotonic()
        if self._speed is not None or now_s - self._published_s >= _PUBLISH_S:
            self._published_s = now_s
            self._publish()

    def _publish(self) -> None:
        """Publish what the meter shows; after the run, with what is left of the open window counted too."""
        meter = self._work.meter
        self._view = meter.view() if self._metering else meter.settled().view()
        for event in (*meter.take_events(), *(self._work.live.take_events() if self._work.live else ())):
            self._events.put(event)


def warm(block: Block) -> None:
    """Compile, or load from disk, the loops for this block's type of sample; takes seconds the first time."""
    empty = np.zeros((3, int(block.rate_hz)), block.voltages.dtype)
    meter = Meter(first_state({}))
    meter.step(Block(voltages=empty, currents=empty, rate_hz=block.rate_hz, first_sample=0), 0)
    meter.end()
