"""Errors: what a meter counted against the closed integral, by register and by pulses.

By register: what the register gained over the record, against the integral over exactly the support of its samples.
By pulses: as a bench does it, from the first pulse to the last: the energy that so many pulses stand for, against the
integral between their instants. Where power is small the bench waits until two pulses have come.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from watthour.models import Model
from watthour.pulses import MICRO_PER_PULSE, Led
from watthour.typetest.limits import Limit
from watthour.typetest.loads import PHASES
from watthour.typetest.metering import Flashed, Reading, Watched, led_of
from watthour.typetest.records import ACTIVE, REACTIVE, Bench, By, Judged, Point, judged
from watthour.typetest.series import active_ws, reactive_var, truncated
from watthour.units import MICRO, SECONDS_PER_HOUR, exact_name

NOTHING = -100.0
"""The error, in percent, of a meter that counts nothing."""

_PATIENCE = 1.5
"""Times as long as two pulses ought to take."""

_WS_PER_PULSE = MICRO_PER_PULSE / MICRO * SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Errors of one point in percent.

    Parameters
    ----------
    by : mapping of By to float
    agree : bool
        Whether the LED has flashed as often as its register says, after the record and after the last pulse.
    """

    by: dict[By, float]
    agree: bool


def true_energy(bench: Bench, point: Point, begin_s: float, end_s: float) -> float:
    """Return what of a point's load is judged, between two instants, in Ws or var s; positive is import or inductive."""
    load = truncated(point.load, bench.rate_hz)
    return active_ws(load, begin_s, end_s) if point.quantity == ACTIVE else reactive_var(load) * (end_s - begin_s)


def quantum_percent(bench: Bench, point: Point) -> float:
    """Return what one whole microwatt-hour of each phase that counts is of a record: what counting may change of its error."""
    phases = len(PHASES) if point.is_balanced else 1
    true_micro = abs(true_energy(bench, point, 0.0, bench.seconds)) / SECONDS_PER_HOUR * MICRO
    return 100.0 * phases / true_micro


def measure_errors(bench: Bench, point: Point, *, seconds: float | None = None, waits: bool = True) -> Errors:
    """Meter one load and return its errors.

    Parameters
    ----------
    seconds : float, optional
        How long; else as the bench says.
    waits : bool
        Whether to wait for two pulses beyond that.
    """
    watched = Watched(bench, point.load)
    watched.feed(bench.seconds if seconds is None else seconds)
    read = watched.read()
    by = {By.REGISTER: register_error(bench, point, read)}
    agree = agrees(read)
    if waits:
        read = _await_pulses(bench, point, watched)
        agree = agree and agrees(read)
    flashed = read.flashed[led_of(point.quantity)]
    if waits or len(flashed.time_s) > 1:
        by[By.PULSES] = pulse_error(bench, point, flashed)
    return Errors(by=by, agree=agree)


def _await_pulses(bench: Bench, point: Point, watched: Watched) -> Reading:
    """Meter on until two pulses have come, or until they should have come long ago."""
    led = led_of(point.quantity)
    minute_ws = abs(true_energy(bench, point, 0.0, 60.0))
    step_s = 60.0
    end_s = watched.position / bench.rate_hz
    longest_s = max(end_s, _PATIENCE * 2 * _WS_PER_PULSE / minute_ws * 60.0 + 60.0)
    while len(watched.flashed(led).time_s) < 2 and end_s < longest_s:  # noqa: PLR2004 - pulses that make an interval
        end_s += step_s
        watched.feed(end_s)
    return watched.read()


def register_error(bench: Bench, point: Point, read: Reading) -> float:
    """Return the error of the register in percent."""
    half_s = 0.5 / bench.rate_hz
    truth = true_energy(bench, point, -half_s, read.samples / bench.rate_hz - half_s)
    return (registered(point, read.exact, truth) / abs(truth) - 1.0) * 100.0


def registered(point: Point, exact: dict[str, int], truth: float) -> float:
    """Return what the register of the truth's sign has counted, in Ws or var s."""
    positive, negative = _SIGNED[point.quantity]
    names = positive if truth > 0 else negative
    return sum(exact[exact_name(name)] for name in names) / MICRO * SECONDS_PER_HOUR


def pulse_error(bench: Bench, point: Point, flashed: Flashed) -> float:
    """Return the error by pulses in percent."""
    if len(flashed.time_s) < 2:  # noqa: PLR2004 - pulses that make an interval
        return NOTHING
    truth = abs(true_energy(bench, point, float(flashed.time_s[0]), float(flashed.time_s[-1])))
    return ((len(flashed.time_s) - 1) * _WS_PER_PULSE / truth - 1.0) * 100.0


def agrees(read: Reading) -> bool:
    """Tell whether each LED has flashed as often as its registers say, and not once was lost or doubled."""
    return all(
        flashed.count == len(flashed.time_s) == sum(read.exact[name] for name in _COUNTED[led]) // MICRO_PER_PULSE
        for led, flashed in read.flashed.items()
    )


_COUNTED = {
    Led.KWH: tuple(exact_name(name, "secondary_") for name in ("import", "export")),
    Led.KVARH: tuple(exact_name(name, "secondary_") for name in ("q1", "q2", "q3", "q4")),
}

_SIGNED = {ACTIVE: (("import",), ("export",)), REACTIVE: (("q1", "q2"), ("q3", "q4"))}

Limits = Sequence[tuple[Model, Limit]]


def judge(bench: Bench, point: Point, limits: Limits, errors: dict[By, float]) -> list[Judged]:
    """Return errors against the limits of every model."""
    return [
        judged(bench, model, limit, point, by=by, error_percent=error)
        for by, error in errors.items()
        for model, limit in limits
    ]
