"""A type test as tasks: all of it, or the quick part that takes a minute.

In: benches, one for each current range. Out: `Task`s, each independent of the others, so that whoever carries them out
may do so in any order and side by side.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from watthour.typetest.checks import check_constant, check_no_load, check_repeatability, check_restart, check_starting
from watthour.typetest.judging import Errors, judge, measure_errors
from watthour.typetest.limits import Basis
from watthour.typetest.points import VOLTAGES_V, Trial, differences, distorted_grid, grid, influences, point_at
from watthour.typetest.records import ACTIVE, REACTIVE, Bench, Checked, Finding, Point

AGREEMENT = "register and LED"
CONSTANT_PULSES = 1_000_000
QUICK_CONSTANT_PULSES = 2_000
RATED_SECONDARY_A = 5
"""Of the range whose starting and no load belong to the quick part too."""
_BATCH = 8
"""Trials of a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A part of a type test.

    Parameters
    ----------
    words : str
        What it is, for whoever watches.
    run : callable
        Yields what it found.
    """

    words: str
    run: Callable[[], list[Finding]]


def tasks_of(bench: Bench, *, quick: bool = False) -> list[Task]:
    """Return the type test of one current range."""
    trials = [*_trials(bench, quick=quick)]
    batches = [
        Task(words=f"{test}, .../{bench.current_range.secondary_a} A", run=partial(run_trials, bench, group[n : n + _BATCH]))
        for test, group in ((test, list(some)) for test, some in groupby(trials, key=lambda trial: trial.test))
        for n in range(0, len(group), _BATCH)
    ]
    return [*_checks(bench, quick=quick), *batches]


def _trials(bench: Bench, *, quick: bool) -> Iterator[Trial]:
    for quantity in (ACTIVE, REACTIVE):
        yield from grid(bench, quantity, quick=quick)
        yield from distorted_grid(bench, quantity, quick=quick)
    yield from differences(bench)
    yield from influences(bench, quick=quick)


def _checks(bench: Bench, *, quick: bool) -> Iterator[Task]:
    """Yield the long ones first, so that they are done while others go on."""
    pulses = QUICK_CONSTANT_PULSES if quick else CONSTANT_PULSES
    yield _task(bench, "meter constant", check_constant, pulses)
    yield _task(bench, "restart", check_restart)
    for permille in (100, 1000):
        yield _task(bench, "repeatability", check_repeatability, point_at(bench, ACTIVE, permille=permille))
    if quick and bench.current_range.secondary_a != RATED_SECONDARY_A:
        return  # a fifth of the current takes five times as long
    for voltage_v in VOLTAGES_V[:1] if quick else VOLTAGES_V:
        yield _task(bench, f"no load, {voltage_v:g} V", check_no_load, voltage_v)
    for voltage_v in VOLTAGES_V:
        for quantity in (ACTIVE, REACTIVE):
            for exporting in (False, True):
                run = partial(check_starting, exporting=exporting)
                yield _task(bench, f"starting, {quantity}, {voltage_v:g} V", run, quantity, voltage_v)


def _task(bench: Bench, words: str, check: Callable[..., Iterator[Finding]], *given: object) -> Task:
    return Task(words=f"{words}, .../{bench.current_range.secondary_a} A", run=partial(_found, check, bench, *given))


def _found(check: Callable[..., Iterator[Finding]], *given: object) -> list[Finding]:
    return list(check(*given))


def run_trials(bench: Bench, trials: Sequence[Trial]) -> list[Finding]:
    """Meter some trials, a reference that several share but once."""
    known: dict[str, Errors] = {}
    found: list[Finding] = []

    def errors_of(point: Point, *, waits: bool) -> Errors:
        name = f"{point.quantity} {point.condition(bench)}"
        if name not in known:
            known[name] = measure_errors(bench, point, waits=waits)
        return known[name]

    for trial in trials:
        errors = errors_of(trial.point, waits=trial.waits).by
        if trial.reference is not None:
            before = errors_of(trial.reference, waits=trial.waits).by
            errors = {by: error - before[by] for by, error in errors.items() if by in before}
        found += judge(bench, trial.point, trial.limits, errors)
    return [*found, _agreement(bench, trials[0].test, [each.agree for each in known.values()])]


def _agreement(bench: Bench, test: str, agree: Sequence[bool]) -> Checked:
    apart = len(agree) - sum(agree)
    first = bench.models[0].name
    return Checked(
        test=AGREEMENT,
        condition=f"{first} .../{bench.current_range.secondary_a} A, {test}, {len(agree)} loads, those that differ by a pulse",
        observed=float(apart),
        limit=0.0,
        passed=apart == 0,
        source="ours: exact",
        basis=Basis.OURS,
    )
