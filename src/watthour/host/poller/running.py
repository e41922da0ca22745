"""A poll at work: every line read at each boundary by a task of its own, what was read kept and passed on, until it is stopped."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from watthour.errors import ExceptionReplyError, StoreError, WatthourError
from watthour.headend.counting import Grid, wanted_profile
from watthour.headend.filling import ProfileEnergies
from watthour.headend.reading import Reading
from watthour.host.archive.database import Archive, is_passing, open_archive
from watthour.host.archive.recording import Observation, Recorded, counts
from watthour.host.poller.clock import Clock
from watthour.host.poller.config import PolledMeter, PollPlan
from watthour.host.poller.keeping import Keeping
from watthour.host.poller.latest import Latest
from watthour.host.poller.line import Line
from watthour.host.poller.metrics import serve_metrics
from watthour.host.poller.modbus import Stretch
from watthour.host.poller.mqtt import Messages, Publisher
from watthour.host.poller.showing import Showing
from watthour.units import NANOSECONDS

PROFILE_STEP_NS = 900 * NANOSECONDS
_LOOK_S = 0.1
_LAST_S = 20.0
"""Time to keep what was read when the poll is stopped."""
_OPENING_S = 30.0
_RETRY_S = 0.5
_TRIES = 3
"""So often a load profile that does not answer is asked for before its stretch is spread instead (ours)."""


@dataclass(slots=True)
class _Gapped:
    """Readings of a place that wait for the load profile of the stretch before the first of them."""

    meter: PolledMeter
    stretch: Stretch
    readings: list[Reading] = field(default_factory=list)
    failures: int = 0


class Poll:
    """Lines, the store and whoever is told."""

    def __init__(self, plan: PollPlan, showing: Showing, *, stop_asked: Callable[[], bool], clock: Clock | None = None) -> None:
        self._plan = plan
        self._grid: Grid = plan.grid
        self._showing = showing
        self._stop_asked = stop_asked
        self._clock = Clock() if clock is None else clock
        now_ns = self._clock.now_ns
        self._lines = [Line(meters, timeout_s=plan.timeout_s, slot_s=plan.slot_s, now_ns=now_ns) for meters in plan.lines]
        self._gapped: dict[str, _Gapped] = {}
        self._stepped_ns: dict[str, int] = {}

    async def run(self, *, once: bool) -> bool:
        """Poll until stopped, or once; whether every meter was read in the last round.

        Raises
        ------
        StoreError
            If the store cannot be opened, or refuses for good.
        ListenError
            If the page for Prometheus cannot be served.
        """
        archive = await self._opened()
        async with AsyncExitStack() as stack:
            stack.callback(archive.close)
            self._latest = Latest(await asyncio.to_thread(counts, archive, self._plan.places))
            messages = None if self._plan.broker is None else Messages(self._plan.broker, self._grid)
            self._keeping = Keeping(
                archive,
                self._grid,
                kept=self._on_kept,
                tell=self._showing.tell,
                letters_of=None if messages is None else messages.of_recorded,
            )
            if self._plan.metrics is not None:
                stack.callback(await serve_metrics(self._plan.metrics, self._latest, self._grid))
            tasks = [asyncio.create_task(self._keeping.run())]
            if messages is not None:
                publisher = Publisher(messages, archive, self._latest, tell=self._showing.tell)
                tasks.append(asyncio.create_task(publisher.run()))
            stack.push_async_callback(_cancelled, tasks)
            rounds = [asyncio.create_task(self._poll(line, once=once)) for line in self._lines]
            stack.push_async_callback(_cancelled, rounds)
            await self._until_done(tasks, rounds)
            for line in self._lines:
                await line.close()
            if not await self._keeping.drained(_LAST_S):
                self._showing.tell(f"{archive.shown}: the store is away: readings of the last minutes are not kept")
            if messages is not None and once:
                await publisher.flushed(_LAST_S)
            self._showing.show(self._latest)
        return all(not newest.problem and newest.reading for newest in self._latest.places.values())

    async def _opened(self) -> Archive:
        """Open the archive; one that is away, as while its machine starts, is tried again for a while."""
        end_s = time.monotonic() + _OPENING_S
        is_told = False
        while True:
            try:
                return await asyncio.to_thread(open_archive, self._plan.store)
            except StoreError as problem:
                if not is_passing(problem) or time.monotonic() > end_s or self._stop_asked():
                    raise
                if not is_told:
                    self._showing.tell(f"{problem}; tried again for {_OPENING_S:g} s")
                is_told = True
            await asyncio.sleep(_RETRY_S)

    async def _until_done(self, tasks: list[asyncio.Task[None]], rounds: list[asyncio.Task[None]]) -> None:
        """Wait until all lines are done, somebody asks to stop, or something fails."""
        while not self._stop_asked() and not all(task.done() for task in rounds):
            done, _ = await asyncio.wait([*tasks, *rounds], timeout=_LOOK_S, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                if task.exception() is not None:
                    await task
            self._showing.show(self._latest)
        await _cancelled(rounds)

    async def _poll(self, line: Line, *, once: bool) -> None:
        """Read a line now, and then at each boundary."""
        step_ns = self._grid.step_ns
        while True:
            due_ns = self._clock.now_ns() // step_ns * step_ns + step_ns
            await self._round(line, due_ns, once=once)
            if once:
                return
            while (wait_s := (due_ns - self._clock.now_ns()) / NANOSECONDS) > 0:
                await asyncio.sleep(min(wait_s, 1.0))  # in pieces: a clock that is set is noticed
                self._clock.stepped_ns()

    async def _round(self, line: Line, due_ns: int, *, once: bool) -> None:
        end_s = time.monotonic() + (due_ns - self._clock.now_ns()) / NANOSECONDS

        def left_s() -> float:
            return end_s - time.monotonic()

        async for read in line.read_round(left_s):
            if read.reading is None:
                self._latest.failed(read.meter.place, read.problem)
                self._showing.failed(read.meter.place, read.problem)
            else:
                self._take(read.meter, read.reading)
        for meter in line.meters:
            gapped = self._gapped.get(meter.place)
            if gapped is not None and (gapped.stretch.is_whole or await self._filled(line, gapped, left_s, once=once)):
                del self._gapped[meter.place]
                self._release(gapped)

    def _take(self, meter: PolledMeter, reading: Reading) -> None:
        """Have a reading kept; one behind a stretch that nobody read waits for its meter's load profile."""
        place = meter.place
        stepped_ns = self._clock.stepped_ns()
        reading = replace(reading, stepped_ns=stepped_ns - self._stepped_ns.get(place, stepped_ns))
        self._stepped_ns[place] = stepped_ns
        gapped = self._gapped.get(place)
        if gapped is None and self._has_profile(meter):
            count = self._latest.places[place].count
            wanted = None if count is None else wanted_profile(count, reading, self._grid)
            if wanted is not None:
                stretch = Stretch(begin_ns=wanted[0], end_ns=wanted[1], step_ns=self._grid.step_ns)
                gapped = self._gapped[place] = _Gapped(meter, stretch)
        if gapped is None:
            self._keeping.add(Observation(place=place, reading=reading))
        else:
            gapped.readings.append(reading)
            self._latest.answered(place, reading)

    def _has_profile(self, meter: PolledMeter) -> bool:
        return meter.device is not None and meter.device.has_profile and self._grid.step_ns % PROFILE_STEP_NS == 0

    async def _filled(self, line: Line, gapped: _Gapped, left_s: Callable[[], float], *, once: bool) -> bool:
        """Read a load profile as long as there is time in the round; whether there is no more to come of it."""
        while not gapped.stretch.is_whole:
            if not once and left_s() < line.slot_s:
                return False
            try:
                await line.profile_window(gapped.meter, gapped.stretch)
            except WatthourError as problem:
                gapped.failures += 1
                if isinstance(problem, ExceptionReplyError) or gapped.failures == _TRIES:
                    self._showing.tell(f"{gapped.meter.place}: no load profile: {problem}")
                    return True
                if not once:
                    return False
        return True

    def _release(self, gapped: _Gapped) -> None:
        """Have readings kept that waited, the first with what is known of the stretch before it."""
        profile: ProfileEnergies | None = gapped.stretch.sums if gapped.stretch.is_whole else None
        for reading in gapped.readings:
            self._keeping.add(Observation(place=gapped.meter.place, reading=reading, profile=profile))
            profile = None

    def _on_kept(self, told: Recorded) -> None:
        self._latest.recorded(told)
        self._showing.recorded(told)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    """End tasks, whatever they do."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def run_poll(plan: PollPlan, showing: Showing, *, once: bool, stop_asked: Callable[[], bool]) -> bool:
    """Poll; whether every meter was read in the last round.

    Raises
    ------
    StoreError, ListenError
        As `Poll.run`.
    """
    with showing:
        return asyncio.run(Poll(plan, showing, stop_asked=stop_asked).run(once=once))
