"""The points of a type test: the grid of currents and factors, and the influences, each a point against its reference.

In: nominal voltages and frequencies, currents in thousandths of Iref. Out: `Trial`, one point or a pair whose errors are
subtracted, with the limits of every standard.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import product

from watthour.models import Model
from watthour.typetest import limits, loads
from watthour.typetest.limits import Limit, limit_for, ours_beyond
from watthour.typetest.loads import ARRANGEMENTS, PHASES, Harmonics, three_phase, wave
from watthour.typetest.records import ACTIVE, REACTIVE, Bench, Point, standard_of
from watthour.typetest.series import TRUNCATION, Load, Series

POWER_FACTORS: dict[str, float] = {
    "1": 0.0,
    "0.5 ind": math.acos(0.5),
    "0.8 cap": -math.acos(0.8),
    "0.25 ind": math.acos(0.25),
    "0.5 cap": -math.acos(0.5),
}
"""Cos phi, and by how much the current lags."""

SINES: dict[str, float] = {
    "1": math.pi / 2,
    "0.5 ind": math.asin(0.5),
    "0.5 cap": -math.asin(0.5),
    "0.25 ind": math.asin(0.25),
    "0.25 cap": -math.asin(0.25),
}
"""Sin phi of the reactive grid."""

ANGLES = {ACTIVE: POWER_FACTORS, REACTIVE: SINES}

ACTIVE_PERMILLE = (2, 10, 20, 50, 100, 500, 1000, 1200)
REACTIVE_PERMILLE = (3, *ACTIVE_PERMILLE[1:])
"""10 mA (15 mA) to 6 A in the .../5 A range."""
CURRENTS = {ACTIVE: ACTIVE_PERMILLE, REACTIVE: REACTIVE_PERMILLE}

VOLTAGES_V = (230.0, 127.0)
FREQUENCIES_HZ = (Fraction(50), Fraction(60))
OFF_NOMINAL_HZ = (Fraction("50.13"), Fraction("59.87"))
DISTORTED_PERMILLE = (10, 50, 100, 500)
"""Above, the crests of such a current leave the range of a converter that is made for sines of Imax."""

_REFERENCE_PERMILLE = 1000
_HALF_MAXIMUM = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A point whose error is judged, or the change of error against a reference.

    Parameters
    ----------
    reference : Point or None
        Whose error is taken off.
    limits : sequence of (Model, Limit)
    waits : bool
        Whether to wait for pulses that take longer than the record.
    """

    test: str
    point: Point
    limits: Sequence[tuple[Model, Limit]]
    reference: Point | None = None
    waits: bool = True


def point_at(
    bench: Bench,
    quantity: str,
    *,
    voltage_orders: Harmonics = (),
    current_orders: Harmonics = (),
    voltage_v: float = VOLTAGES_V[0],
    frequency_hz: Fraction = FREQUENCIES_HZ[0],
    permille: int = _REFERENCE_PERMILLE,
    factor: str = "1",
    arrangement: str = loads.BALANCED,
    exporting: bool = False,
    actual_v: float | None = None,
    variation: str = "",
) -> Point:
    """Return a point: sines, or what harmonics make of them, at a voltage, frequency, current and factor."""
    angle = ANGLES[quantity][factor]
    voltage = wave(voltage_v if actual_v is None else actual_v, 0.0, voltage_orders)
    current = wave(bench.current_a(permille), -angle, current_orders)
    return Point(
        load=three_phase(frequency_hz, voltage, current, arrangement=arrangement, exporting=exporting),
        quantity=quantity,
        voltage_v=voltage_v,
        frequency_hz=frequency_hz,
        permille=permille,
        factor=factor,
        arrangement=arrangement,
        exporting=exporting,
        variation=variation,
    )


def limits_of(bench: Bench, test: str, point: Point) -> list[tuple[Model, Limit]]:
    """Return the limit that holds for each model of the bench."""
    rows = partial(limit_for, test, point.quantity, balanced=point.is_balanced, factor=point.factor, permille=point.permille)
    return [(model, rows(standard=standard_of(model))) for model in bench.models]


def _trial(
    bench: Bench, test: str, point: Point, reference: Point | None = None, *, waits: bool = True, beyond: str = ""
) -> Trial:
    found = limits_of(bench, test, point)
    if beyond:
        found = [(model, ours_beyond(limit, beyond)) for model, limit in found]
    return Trial(test=test, point=point, limits=found, reference=reference, waits=waits)


def grid(bench: Bench, quantity: str, *, quick: bool = False) -> Iterator[Trial]:
    """Yield the intrinsic errors: every current, factor, voltage, frequency, direction, balanced and each phase alone."""
    axes = product(
        VOLTAGES_V[:1] if quick else VOLTAGES_V,
        FREQUENCIES_HZ[:1] if quick else FREQUENCIES_HZ,
        ARRANGEMENTS[:2] if quick else ARRANGEMENTS,
        (False,) if quick else (False, True),
        ANGLES[quantity],
        CURRENTS[quantity],
    )
    for voltage_v, frequency_hz, arrangement, exporting, factor, permille in axes:
        point = point_at(
            bench,
            quantity,
            voltage_v=voltage_v,
            frequency_hz=frequency_hz,
            arrangement=arrangement,
            exporting=exporting,
            factor=factor,
            permille=permille,
        )
        yield _trial(bench, limits.INTRINSIC, point, waits=not quick)


def distorted_grid(bench: Bench, quantity: str, *, quick: bool = False) -> Iterator[Trial]:
    """Yield intrinsic errors away from the nominal frequency, with harmonics in voltage and current."""
    axes = product(
        OFF_NOMINAL_HZ[:1] if quick else OFF_NOMINAL_HZ,
        ("L1",) if quick else ARRANGEMENTS,
        list(ANGLES[quantity])[:2] if quick else ANGLES[quantity],
        DISTORTED_PERMILLE[-1:] if quick else DISTORTED_PERMILLE,
    )
    for frequency_hz, arrangement, factor, permille in axes:
        point = point_at(
            bench,
            quantity,
            voltage_orders=loads.EVERYDAY_U,
            current_orders=loads.EVERYDAY_I,
            frequency_hz=frequency_hz,
            arrangement=arrangement,
            factor=factor,
            permille=permille,
            variation="harmonics 3, 5, 7",
        )
        yield _trial(bench, limits.DISTORTED, point, waits=False)


def differences(bench: Bench) -> Iterator[Trial]:
    """Yield each phase alone against the balanced load, at Iref and PF 1."""
    for voltage_v, phase in product(VOLTAGES_V, PHASES):
        alone = point_at(bench, ACTIVE, voltage_v=voltage_v, arrangement=phase)
        yield _trial(bench, limits.DIFFERENCE, alone, point_at(bench, ACTIVE, voltage_v=voltage_v))


def influences(bench: Bench, *, quick: bool = False) -> Iterator[Trial]:
    """Yield every influence, each against its reference."""
    for voltage_v in VOLTAGES_V[:1] if quick else VOLTAGES_V:
        yield from _voltages(bench, voltage_v)
        yield from _frequencies(bench, voltage_v)
        yield from _supplies(bench, voltage_v)
        yield from _shapes(bench, voltage_v)


def _voltages(bench: Bench, voltage_v: float) -> Iterator[Trial]:
    for factor, part in product(("1", "0.5 ind"), (0.8, 0.9, 1.1, 1.2)):
        at = partial(point_at, bench, ACTIVE, voltage_v=voltage_v, factor=factor)
        varied = at(actual_v=voltage_v * part, variation=f"{part:g} Un")
        beyond = "" if 0.9 <= part <= 1.1 else "beyond 10 % of Un"  # noqa: PLR2004 - the standard's range
        yield _trial(bench, limits.VOLTAGE, varied, at(), beyond=beyond)


def _frequencies(bench: Bench, voltage_v: float) -> Iterator[Trial]:
    near = [(nominal, nominal * part) for nominal in FREQUENCIES_HZ for part in (Fraction("0.98"), Fraction("1.02"))]
    far = [(FREQUENCIES_HZ[0], Fraction(45)), (FREQUENCIES_HZ[0], Fraction(55)), (FREQUENCIES_HZ[1], Fraction(65))]
    active = [(ACTIVE, factor) for factor in ("1", "0.5 ind")]
    reactive = [(REACTIVE, factor) for factor in ("1", "0.5 ind")]
    for (quantity, factor), (nominal, actual) in product(active + reactive, near + far):
        at = partial(point_at, bench, quantity, voltage_v=voltage_v, factor=factor)
        reference = at(frequency_hz=nominal)
        varied = at(frequency_hz=actual, variation=f"nominal {float(nominal):g} Hz")
        yield _trial(bench, limits.FREQUENCY, varied, reference, beyond="beyond 2 % of fn" if (nominal, actual) in far else "")


def _changed(point: Point, load: Load, variation: str) -> Point:
    return replace(point, load=load, variation=variation)


def _supplies(bench: Bench, voltage_v: float) -> Iterator[Trial]:
    tenth = point_at(bench, ACTIVE, voltage_v=voltage_v, permille=100)
    turned = _changed(tenth, loads.reversed_sequence(tenth.load), "L1 L3 L2")
    yield _trial(bench, limits.SEQUENCE, turned, tenth)
    full = point_at(bench, ACTIVE, voltage_v=voltage_v)
    for missing in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 2)):
        factors = [0.0 if phase in missing else 1.0 for phase in range(3)]
        names = " and ".join(PHASES[phase] for phase in missing)
        yield _trial(bench, limits.MISSING, _changed(full, loads.with_voltages(full.load, factors), f"{names} missing"), full)
    uneven = (1.0, 0.9 * _turned(-3.0), 1.1 * _turned(4.0))
    words = "L2 0.9 Un 3 deg late, L3 1.1 Un 4 deg early"
    yield _trial(bench, limits.UNBALANCE, _changed(full, loads.with_voltages(full.load, uneven), words), full)


def _turned(degrees: float) -> complex:
    return complex(math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))


def _shapes(bench: Bench, voltage_v: float) -> Iterator[Trial]:
    half = partial(point_at, bench, ACTIVE, voltage_v=voltage_v, permille=_HALF_MAXIMUM)
    fifth = half(voltage_orders=((5, 0.1, 0.0),), current_orders=((5, 0.4, 0.0),), variation="U5 10 %, I5 40 %")
    yield _trial(bench, limits.FIFTH, fifth, half())
    reference = point_at(bench, ACTIVE, voltage_v=voltage_v, permille=500)
    highest = TRUNCATION * bench.rate_hz / float(reference.frequency_hz)
    current_a = bench.current_a(_REFERENCE_PERMILLE)  # half of its power is that of the reference
    fired = {
        "fired at 90 deg": loads.phase_fired(current_a, highest),
        "two cycles on, two off": loads.burst_fired(current_a, highest),
    }
    for words, current in fired.items():
        yield _trial(bench, limits.FIRED, _changed(reference, _with_current(reference, current), words), reference)
    for words, voltage_orders, current_orders in (
        ("quadriform", loads.QUADRIFORM_U, loads.QUADRIFORM_I),
        ("peaked", loads.PEAKED_U, loads.PEAKED_I),
    ):
        shaped = point_at(
            bench,
            ACTIVE,
            voltage_orders=voltage_orders,
            current_orders=current_orders,
            voltage_v=voltage_v,
            permille=500,
            variation=words,
        )
        yield _trial(bench, limits.SHAPES, shaped, reference)


def _with_current(point: Point, current: Series) -> Load:
    return three_phase(point.frequency_hz, wave(point.voltage_v), current)
