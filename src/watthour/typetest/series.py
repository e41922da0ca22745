"""Loads as Fourier series: what they sample to, and what energy they carry, both in closed form.

In: rms phasors by order. Out: samples of one whole period, and integrals over any stretch of time. Nothing of the meter
is used here: this is the truth that it is judged by. Time 0 is the instant of sample 0; sample k stands for
[k - 1/2, k + 1/2] / rate, so a record of n samples carries the integral from -1/2 to n - 1/2 samples.

    x(t) = √2 Re Σ_h X_h exp(j h ω t)
    ∫ u i dt = Re Σ_h Σ_k U_h ( conj(I_k) ∫ exp(j (h - k) ω t) dt  +  I_k ∫ exp(j (h + k) ω t) dt )
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Series = Mapping[Fraction, complex]
"""Rms phasors by order; a burst has quarters of orders."""

Three = tuple[Series, Series, Series]
Floats = NDArray[np.float64]

TRUNCATION = 0.45
"""Orders above this part of the rate are left out: what is hard-edged has no exact samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is at the meter's terminals, for as long as one likes.

    Parameters
    ----------
    frequency_hz : Fraction
        Of the fundamental.
    voltages, currents : three Series
        L1, L2, L3; positive power is import.
    """

    frequency_hz: Fraction
    voltages: Three
    currents: Three


def truncated(load: Load, rate_hz: float) -> Load:
    """Return a load without the orders that a rate cannot carry."""
    highest = TRUNCATION * rate_hz / float(load.frequency_hz)
    voltages, currents = (
        tuple({order: phasor for order, phasor in series.items() if order < highest} for series in three)
        for three in (load.voltages, load.currents)
    )
    return Load(frequency_hz=load.frequency_hz, voltages=_three(voltages), currents=_three(currents))


def _three(series: tuple[dict[Fraction, complex], ...]) -> Three:
    first, second, third = series
    return first, second, third


def orders_of(load: Load) -> tuple[Fraction, ...]:
    """Return every order that a load has, sorted."""
    return tuple(sorted({order for series in (*load.voltages, *load.currents) for order in series}))


def period_samples(load: Load, rate_hz: float) -> int:
    """Return after how many samples a load comes again exactly."""
    cycles = [order * load.frequency_hz / Fraction(rate_hz) for order in orders_of(load)]
    return math.lcm(1, *(each.denominator for each in cycles))


def phasors_of(load: Load) -> NDArray[np.complex128]:
    """Return the phasors of V1 V2 V3 I1 I2 I3 by the load's orders, shape (6, h)."""
    orders = orders_of(load)
    return np.array([[series.get(order, 0j) for order in orders] for series in (*load.voltages, *load.currents)])


def sample_period(load: Load, rate_hz: float, factors: NDArray[np.complex128]) -> Floats:
    """Return one period of samples.

    Parameters
    ----------
    factors : ndarray of complex128, shape (6, h)
        What the front end does to each phasor.

    Returns
    -------
    ndarray, shape (6, n)
        Each phase reduced to one turn in whole numbers before it is rounded.
    """
    samples = period_samples(load, rate_hz)
    phasors = math.sqrt(2.0) * phasors_of(load) * factors
    values = np.zeros((6, samples))
    for place, order in enumerate(orders_of(load)):
        step, turn = (order * load.frequency_hz / Fraction(rate_hz)).as_integer_ratio()
        angle = (np.arange(samples) * step % turn) * (math.tau / turn)
        cosine, sine = np.cos(angle), np.sin(angle)
        for row in np.flatnonzero(phasors[:, place]):
            values[row] += phasors[row, place].real * cosine
            values[row] -= phasors[row, place].imag * sine
    return values


def active_ws(load: Load, begin_s: float, end_s: float) -> float:
    """Return the active energy between two instants: the integral of u·i, all phases."""
    omega = math.tau * float(load.frequency_hz)
    return sum(
        _integral_ws(voltage, current, omega, begin_s, end_s)
        for voltage, current in zip(load.voltages, load.currents, strict=True)
    )


def _integral_ws(voltage: Series, current: Series, omega: float, begin_s: float, end_s: float) -> float:
    if not voltage or not current:
        return 0.0
    h, k = (np.array([float(order) for order in series]) for series in (voltage, current))
    u, i = (np.array(list(series.values())) for series in (voltage, current))
    beats = _turning_s((h[:, None] - k) * omega, begin_s, end_s) * np.conj(i)
    sums = _turning_s((h[:, None] + k) * omega, begin_s, end_s) * i
    return float((u[:, None] * (beats + sums)).real.sum())


def _turning_s(omega: Floats, begin_s: float, end_s: float) -> NDArray[np.complex128]:
    """Return the integral of exp(jωt): the length times a cardinal sine, turned to the middle."""
    length, middle = end_s - begin_s, (end_s + begin_s) / 2
    turned: NDArray[np.complex128] = length * np.sinc(omega * length / math.tau) * np.exp(1j * omega * middle)
    return turned


def reactive_var(load: Load) -> float:
    """Return the reactive power of the fundamental, all phases: Im(U1 conj(I1))."""
    one = Fraction(1)
    pairs = zip(load.voltages, load.currents, strict=True)
    return sum((voltage.get(one, 0j) * current.get(one, 0j).conjugate()).imag for voltage, current in pairs)
