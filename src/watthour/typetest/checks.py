"""What is not judged in percent: starting, no load, the meter constant, a restart; and repeatability.

Each is metered by samples for its whole standard time, through the front end, as any other point.
"""

import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from watthour.meter import state_from_record, state_to_record
from watthour.pulses import LEDS, MICRO_PER_PULSE, PULSES_PER_KILO, Led, led_count
from watthour.typetest.judging import register_error
from watthour.typetest.limits import REPEATABILITY, Basis
from watthour.typetest.loads import shifted, three_phase, wave
from watthour.typetest.metering import Flashed, Reading, Watched, led_of
from watthour.typetest.points import FREQUENCIES_HZ, VOLTAGES_V, limits_of, point_at
from watthour.typetest.records import ACTIVE, IEC_STANDARD, REACTIVE, Bench, By, Checked, Finding, Point, judged, standard_of
from watthour.typetest.series import Load, active_ws, truncated
from watthour.units import ENERGIES, MICRO, SECONDS_PER_HOUR, exact_name

STARTING, NO_LOAD, CONSTANT, RESTART = "starting", "no load", "meter constant", "restart"

STARTING_PERMILLE = {ACTIVE: 2, REACTIVE: 3}
_ELEMENTS = 3
_MINUTE_S = 60.0
_NO_LOAD_VOLTAGE = 1.15
_REPEATS = 10
_RESTARTS = 9


def _named(bench: Bench, words: str) -> str:
    models = " and ".join(model.name for model in bench.models)
    return f"{models} .../{bench.current_range.secondary_a} A, {words}"


def starting_time_s(voltage_v: float, starting_a: float) -> float:
    """Return within which time the first pulse is due: 72000 / (k m U Ist) minutes.

    >>> round(starting_time_s(230.0, 0.01), 1)
    156.5
    """
    return 72_000.0 / (PULSES_PER_KILO * _ELEMENTS * voltage_v * starting_a) * _MINUTE_S


def check_starting(bench: Bench, quantity: str, voltage_v: float, *, exporting: bool) -> Iterator[Finding]:
    """Apply the starting current to all phases; the first pulse must come in time."""
    permille = STARTING_PERMILLE[quantity]
    point = point_at(bench, quantity, voltage_v=voltage_v, permille=permille, factor="1", exporting=exporting)
    due_s = starting_time_s(voltage_v, bench.current_a(permille))
    watched = Watched(bench, point.load)
    watched.feed(due_s)
    first = watched.read().flashed[led_of(quantity)].time_s[:1]
    yield Checked(
        test=STARTING,
        condition=_named(bench, f"{point.condition(bench)}, time to the first {led_of(quantity)} pulse in s"),
        observed=float(first[0]) if len(first) else math.inf,
        limit=due_s,
        passed=bool(len(first)),
        source="IEC 62053-21, 72000/(k m U Ist) min",
        basis=Basis.UNCHECKED,
    )


def no_load_time_s(bench: Bench, quantity: str, voltage_v: float) -> dict[str, float]:
    """Return for how long no load is to be metered, by standard."""
    k_m = PULSES_PER_KILO * _ELEMENTS
    row = bench.current_range
    if quantity == REACTIVE:
        return {"IEC 62053-23, 480e6/(k m Un Imax) min": 480e6 / (k_m * voltage_v * row.maximum_a) * _MINUTE_S}
    times = {
        "EN 50470-3": ("240000/(k m 1.15 Un Ist) min", 240_000.0 / (k_m * _NO_LOAD_VOLTAGE * voltage_v * row.starting_a)),
        IEC_STANDARD: ("600e6/(k m Un Imax) min", 600e6 / (k_m * voltage_v * row.maximum_a)),
    }
    wanted = {standard_of(model) for model in bench.models}
    return {f"{name}, {words}": time * _MINUTE_S for name, (words, time) in times.items() if name in wanted}


def check_no_load(bench: Bench, voltage_v: float) -> Iterator[Finding]:
    """Apply 1.15 Un with all currents open, for the longest time that a standard asks; at most one pulse."""
    load = three_phase(FREQUENCIES_HZ[0], wave(_NO_LOAD_VOLTAGE * voltage_v), {})
    asked = [(q, source, time_s) for q in (ACTIVE, REACTIVE) for source, time_s in no_load_time_s(bench, q, voltage_v).items()]
    watched = Watched(bench, load)
    watched.feed(max(time_s for _, _, time_s in asked))
    flashed = watched.read().flashed
    for quantity, source, time_s in asked:
        led = led_of(quantity)
        count = int((flashed[led].time_s <= time_s).sum())
        words = f"1.15 x {voltage_v:g} V, currents open, {time_s / _MINUTE_S:.1f} min, {led} pulses"
        yield Checked(
            test=NO_LOAD,
            condition=_named(bench, words),
            observed=float(count),
            limit=1.0,
            passed=count <= 1,
            source=source,
            basis=Basis.READ if IEC_STANDARD in source else Basis.UNCHECKED,
        )


def full_load(bench: Bench) -> Load:
    """Return Imax in all phases at 1.2 Un, PF 0.8 inductive: the most pulses that the ratings allow."""
    voltage, current = wave(1.2 * VOLTAGES_V[0]), wave(bench.current_range.maximum_a, -math.acos(0.8))
    return three_phase(FREQUENCIES_HZ[0], voltage, current)


def check_constant(bench: Bench, pulses: int) -> Iterator[Finding]:
    """Meter full load for so many pulses; register, LED and closed integral agree to the pulse."""
    load = truncated(full_load(bench), bench.rate_hz)
    minute_pulses = active_ws(load, 0.0, _MINUTE_S) / SECONDS_PER_HOUR * MICRO / MICRO_PER_PULSE
    watched = Watched(bench, load)
    watched.feed(math.ceil(pulses / minute_pulses + 0.1) * _MINUTE_S)
    read = watched.read()
    half_s = 0.5 / bench.rate_hz
    truth_ws = active_ws(load, -half_s, read.samples / bench.rate_hz - half_s)
    due = truth_ws / SECONDS_PER_HOUR * MICRO / MICRO_PER_PULSE
    count = read.flashed[Led.KWH].count
    words = f"{due:.0f} kWh pulses due at Imax, 1.2 Un, PF 0.8 ind"
    yield _exact(bench, CONSTANT, f"{words}, LED against register, in pulses", _worst_difference(read))
    yield Checked(
        test=CONSTANT,
        condition=_named(bench, f"{words}, LED against the integral, error in %"),
        observed=(count / due - 1.0) * 100.0,
        limit=0.1,
        passed=abs(count / due - 1.0) * 100.0 <= 0.1,  # noqa: PLR2004 - a tenth of the class
        source="a tenth of the limit of 1 %",
        basis=Basis.UNCHECKED,
    )


def check_restart(bench: Bench) -> Iterator[Finding]:
    """Stop a meter and start it again from what it keeps, some times inside a window; no pulse is lost or doubled."""
    load = full_load(bench)
    stops_s = [3.0 + 7.013 * n for n in range(_RESTARTS + 1)]
    whole = Watched(bench, load)
    whole.feed(stops_s[-1])
    broken, kept = Watched(bench, load), {led: Flashed() for led in LEDS}
    for stop_s in stops_s[:-1]:
        broken.feed(stop_s)
        kept = {led: _joined(kept[led], broken.flashed(led)) for led in LEDS}
        record = json.loads(json.dumps(state_to_record(broken.meter.state)))
        broken = Watched(bench, load, state=state_from_record(record))
    broken.feed(stops_s[-1])
    read, wanted = broken.read(), whole.read()
    found = {led: _joined(kept[led], read.flashed[led]) for led in LEDS}
    different = sum(_unlike(found[led], wanted.flashed[led]) for led in LEDS)
    micro = sum(abs(read.exact[name] - wanted.exact[name]) for name in read.exact)
    words = f"{_RESTARTS} restarts in {stops_s[-1]:.0f} s at Imax"
    yield _exact(bench, RESTART, f"{words}, pulses unlike those of a run without", float(different))
    yield _exact(bench, RESTART, f"{words}, registers unlike, in micro-units", float(micro))


def _joined(before: Flashed, after: Flashed) -> Flashed:
    return Flashed(count=max(before.count, after.count), time_s=np.concatenate([before.time_s, after.time_s]))


def _unlike(found: Flashed, wanted: Flashed) -> int:
    """Return how many pulses differ in number or instant."""
    common = min(len(found.time_s), len(wanted.time_s))
    moved = int((found.time_s[:common] != wanted.time_s[:common]).sum())
    return moved + abs(len(found.time_s) - len(wanted.time_s)) + abs(found.count - wanted.count)


def _worst_difference(read: Reading) -> float:
    """Return by how many pulses an LED and its register differ at most."""
    secondary = [read.exact[exact_name(energy, "secondary_")] for energy in ENERGIES]
    return float(max(abs(len(read.flashed[led].time_s) - led_count(secondary, led)) for led in LEDS))


def _exact(bench: Bench, test: str, words: str, observed: float) -> Checked:
    return Checked(
        test=test,
        condition=_named(bench, words),
        observed=observed,
        limit=0.0,
        passed=observed == 0.0,
        source="ours: exact",
        basis=Basis.OURS,
    )


def check_repeatability(bench: Bench, point: Point) -> Iterator[Finding]:
    """Meter a load some times, each record beginning elsewhere in the cycle, with other noise; the spread of the errors is judged."""
    errors = [_one_error(bench, replace(point, load=shifted(point.load, n / _REPEATS)), seed=n) for n in range(_REPEATS)]
    spread = statistics.stdev(errors)
    varied = replace(point, variation=f"standard deviation of {_REPEATS} records")
    for model, limit in limits_of(bench, REPEATABILITY, point):
        yield judged(bench, model, limit, varied, by=By.REGISTER, error_percent=spread)


def _one_error(bench: Bench, point: Point, *, seed: int) -> float:
    watched = Watched(bench, point.load, seed=seed)
    watched.feed(bench.seconds)
    return register_error(bench, point, watched.read())
