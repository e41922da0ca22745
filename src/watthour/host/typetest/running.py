"""A type test carried out: tasks over processes, progress on the screen, findings in the order of the plan."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from watthour.errors import UsageError, WatthourError
from watthour.host.calibrating import calibrated_bench
from watthour.host.instants import iso, to_ns
from watthour.host.metering import warm
from watthour.host.software_identification import own_identification
from watthour.host.terminal import say
from watthour.host.typetest.results import TypeTest
from watthour.models import CURRENT_RANGES, CurrentRange, model_of
from watthour.samples import MINIMUM_RATE_HZ
from watthour.typetest import Bench, Finding, Task, tasks_of
from watthour.waveform.front_end import FrontEnd, front_end

DEFAULT_MODELS = ("Q23612", "Q23611")
"""One of each certification."""

_LOWEST_RATE_HZ = 1200.0
"""Below, the harmonics of the tests do not fit under 0.45 of the rate."""
_LONGEST_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to test.

    Parameters
    ----------
    models : sequence of str
        Codes or names.
    ranges : sequence of int
        5, 1, or both.
    front_end : str
        By name.
    rate_hz : float
    seconds : int
        A record's length.
    quick : bool
        The part that takes a minute.
    gain_error_percent : float
        Planted on every voltage channel; 0: none.
    calibration : Path or None
        A calibration job: its front end stands in the place of the one by name, and its meter is calibrated by its loads.
    jobs : int or None
        Processes; None: as many as there are processors.
    """

    models: Sequence[str] = DEFAULT_MODELS
    ranges: Sequence[int] = (5, 1)
    front_end: str = "24 bit"
    rate_hz: float = 8000.0
    seconds: int = 60
    quick: bool = False
    gain_error_percent: float = 0.0
    calibration: Path | None = None
    jobs: int | None = None


def benches_of(wish: Wish) -> list[Bench]:
    """Return the benches of a wish.

    Raises
    ------
    UsageError
        If it asks for what cannot be.
    ConfigError, CalibrationError, OutOfRangeError
        If its calibration is refused.
    """
    if not MINIMUM_RATE_HZ <= _LOWEST_RATE_HZ <= wish.rate_hz or wish.rate_hz % 1:
        msg = f"--rate {wish.rate_hz:g}: ask for whole samples a second, {_LOWEST_RATE_HZ:g} or more"
        raise UsageError(msg)
    if not 1 <= wish.seconds <= _LONGEST_S:
        msg = f"--seconds {wish.seconds}: ask for 1 to {_LONGEST_S}"
        raise UsageError(msg)
    models = tuple(dict.fromkeys(model_of(name) for name in wish.models))
    ranges = [_range_of(secondary_a) for secondary_a in dict.fromkeys(wish.ranges)]
    sound = front_end(wish.front_end)
    settings: Mapping[str, Decimal] = {}
    if wish.calibration is not None:
        calibrated = calibrated_bench(wish.calibration, say)
        sound, settings, ranges = calibrated.front_end, calibrated.settings, [calibrated.current_range]
    ends = with_gain_error(sound, wish.gain_error_percent)
    return [
        Bench(models=models, current_range=row, front_end=ends, rate_hz=wish.rate_hz, seconds=wish.seconds, settings=settings)
        for row in ranges
    ]


def _range_of(secondary_a: int) -> CurrentRange:
    for row in CURRENT_RANGES:
        if row.secondary_a == secondary_a:
            return row
    msg = f"--range {secondary_a}: the ranges are {' and '.join(str(row.secondary_a) for row in CURRENT_RANGES)}"
    raise UsageError(msg)


def with_gain_error(sound: FrontEnd, percent: float) -> FrontEnd:
    """Return a front end whose voltage channels are off by some percent, uncalibrated."""
    if not percent:
        return sound
    first, second, third, *currents = sound.gain
    factor = 1.0 + percent / 100.0
    gain = (first * factor, second * factor, third * factor, currents[0], currents[1], currents[2])
    return replace(sound, gain=gain, name=f"{sound.name}, voltage gain {percent:+g} %")


def run_type_test(wish: Wish) -> TypeTest:
    """Carry out a type test.

    Raises
    ------
    UsageError
        If it asks for what cannot be.
    """
    benches = benches_of(wish)
    for sample_type in {bench.front_end.sample_type for bench in benches}:
        warm(sample_type, say)
    tasks = [task for bench in benches for task in tasks_of(bench, quick=wish.quick)]
    found: dict[int, list[Finding]] = {}
    jobs = min(wish.jobs or os.cpu_count() or 1, len(tasks))
    with _progress() as progress:
        row = progress.add_task("type test", total=len(tasks), failed="")
        for place, findings in _carried_out(tasks, jobs):
            found[place] = findings
            failed = sum(not finding.passed for some in found.values() for finding in some)
            words = f"{tasks[place].words}"
            progress.update(row, advance=1, description=words, failed=f"[red]{failed} failed" if failed else "")
    return TypeTest(
        benches=benches,
        findings=[finding for place in sorted(found) for finding in found[place]],
        software_id=own_identification(),
        time=iso(to_ns(datetime.now(UTC).replace(microsecond=0))),
        quick=wish.quick,
        planted=f"voltage gain {wish.gain_error_percent:+g} %" if wish.gain_error_percent else "",
    )


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
    )


def _carried_out(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[int, list[Finding]]]:
    """Yield place and findings of each task, as they end."""
    if jobs == 1:
        yield from ((place, task.run()) for place, task in enumerate(tasks))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_heed_interrupts) as pool:
        try:
            waiting = _submitted(pool, tasks)
            yield from ((waiting[done], done.result()) for done in as_completed(waiting))
        except BrokenProcessPool:
            msg = "a process of the type test was killed, perhaps for want of memory: try again with --jobs 1"
            raise WatthourError(msg) from None
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, tasks: Sequence[Task]) -> dict[Future[list[Finding]], int]:
    """Return the place of each task by its future; the processes inherit that Ctrl-C waits until they heed it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return {pool.submit(task.run): place for place, task in enumerate(tasks)}
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _heed_interrupts() -> None:
    """Die of Ctrl-C without a word: the process that watches says what there is to say."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
