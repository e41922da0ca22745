"""The loads of a type test: sines in three phases, and the waveforms of its influence tests.

In: volts, amperes, angles. Out: `Load`. A positive angle is a current that lags: inductive. Each phase's waveform is
that of L1, a third of a period later.
"""

import cmath
import math
from collections.abc import Sequence
from fractions import Fraction

from watthour.typetest.series import Load, Series, Three

ONE = Fraction(1)
BALANCED = "balanced"
PHASES = ("L1", "L2", "L3")
ARRANGEMENTS = (BALANCED, *PHASES)

EVERYDAY_U = ((3, 0.05, 10.0), (5, 0.06, 40.0), (7, 0.03, 50.0))
EVERYDAY_I = ((3, 0.30, 77.0), (5, 0.40, 0.0), (7, 0.20, 100.0))
"""Order, part of the fundamental, degrees: a supply and a load as an office has them (ours)."""

QUADRIFORM_U = ((3, 0.038, 180.0), (5, 0.024, 180.0), (7, 0.017, 180.0), (11, 0.010, 180.0), (13, 0.008, 180.0))
QUADRIFORM_I = ((3, 0.30, 0.0), (5, 0.18, 0.0), (7, 0.14, 0.0), (11, 0.09, 0.0), (13, 0.05, 0.0))
PEAKED_U = ((3, 0.038, 0.0), (5, 0.024, 180.0), (7, 0.017, 0.0), (11, 0.010, 0.0), (13, 0.008, 180.0))
PEAKED_I = ((3, 0.30, 180.0), (5, 0.18, 0.0), (7, 0.14, 180.0), (11, 0.09, 180.0), (13, 0.05, 0.0))
"""A flat-topped and a pointed wave, the voltage the other way round than the current (ours, after the kind of OIML R 46)."""

Harmonics = Sequence[tuple[int, float, float]]


def wave(rms: float, angle_rad: float = 0.0, harmonics: Harmonics = ()) -> Series:
    """Return sin(θ + angle) with harmonics, each a part of the fundamental and turned with it."""
    fundamental = {ONE: cmath.rect(rms, angle_rad - math.pi / 2)}
    parts = {Fraction(h): cmath.rect(rms * part, h * angle_rad + math.radians(at) - math.pi / 2) for h, part, at in harmonics}
    return {**fundamental, **parts}


def later(series: Series, thirds: int) -> Series:
    """Return a wave some thirds of a period later."""
    return {order: phasor * cmath.exp(-2j * math.pi * float(order) * thirds / 3) for order, phasor in series.items()}


def scaled(series: Series, factor: complex) -> Series:
    """Return a wave times a real factor, or as none at all times 0."""
    return {order: phasor * factor for order, phasor in series.items()} if factor else {}


def three_phase(
    frequency_hz: Fraction, voltage: Series, current: Series, *, arrangement: str = BALANCED, exporting: bool = False
) -> Load:
    """Return a load of three phases, or of one phase alone while all voltages are on."""
    sign = -1 if exporting else 1
    flowing = [sign * (arrangement in {BALANCED, phase}) for phase in PHASES]
    return Load(
        frequency_hz=frequency_hz,
        voltages=_all(voltage, (1, 1, 1)),
        currents=_all(current, flowing),
    )


def _all(series: Series, factors: Sequence[float]) -> Three:
    first, second, third = (later(scaled(series, factor), n) for n, factor in enumerate(factors))
    return first, second, third


def shifted(load: Load, cycles: float) -> Load:
    """Return a load some part of a cycle on."""

    def turned(series: Series) -> Series:
        return {order: phasor * cmath.exp(2j * math.pi * float(order) * cycles) for order, phasor in series.items()}

    (u1, u2, u3), (i1, i2, i3) = load.voltages, load.currents
    return Load(
        frequency_hz=load.frequency_hz,
        voltages=(turned(u1), turned(u2), turned(u3)),
        currents=(turned(i1), turned(i2), turned(i3)),
    )


def reversed_sequence(load: Load) -> Load:
    """Return a load with L2 and L3 changed over."""
    (u1, u2, u3), (i1, i2, i3) = load.voltages, load.currents
    return Load(frequency_hz=load.frequency_hz, voltages=(u1, u3, u2), currents=(i1, i3, i2))


def with_voltages(load: Load, factors: Sequence[complex]) -> Load:
    """Return a load with each voltage times a factor; 0 is a missing phase, a complex one also turns it."""
    u1, u2, u3 = (scaled(series, factor) for series, factor in zip(load.voltages, factors, strict=True))
    return Load(frequency_hz=load.frequency_hz, voltages=(u1, u2, u3), currents=load.currents)


def phase_fired(rms: float, highest: float) -> Series:
    r"""Return a sine of this rms value that conducts in the second quarter of each half-wave alone: half of its power.

    ::

        |\      .        θ in (π/2, π) and (3π/2, 2π)
        | \     .
        ---------|--.---
                 | /
                 |/
    """
    orders = range(1, math.ceil(highest), 2)
    return {Fraction(h): 2 / math.pi * rms * _sine_integral(h, math.pi / 2, math.pi) for h in orders}


def burst_fired(rms: float, highest: float) -> Series:
    """Return a sine of this rms value that is on for two cycles and off for two: half of its power."""
    quarters = range(1, math.ceil(4 * highest))
    every = {Fraction(m, 4): rms / (4 * math.pi) * _sine_integral(m / 4, 0.0, 4 * math.pi) for m in quarters}
    return {order: phasor for order, phasor in every.items() if order == ONE or order.denominator > 1}


def _sine_integral(h: float, begin: float, end: float) -> complex:
    """Return the integral of sin(θ) exp(-jhθ)."""
    return (_turn(1 - h, begin, end) - _turn(-1 - h, begin, end)) / 2j


def _turn(speed: float, begin: float, end: float) -> complex:
    if not speed:
        return complex(end - begin)
    return (cmath.exp(1j * speed * end) - cmath.exp(1j * speed * begin)) / (1j * speed)
