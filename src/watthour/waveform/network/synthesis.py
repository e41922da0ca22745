"""From phasors to samples, one second at a time, each second by itself.

In: phasors of a moment, how far the fundamental has turned when its second begins, and how it turns within. Out:
waves, added to the samples they belong to. The phase at which a second begins is reduced to one cycle in whole
numbers, so year ten is as exact as second one. Within the second it advances by a table: with φ the phase at its
first sample and δ_k the advance to sample k,

    sin(h(φ + δ_k)) = sin(hφ) cos(hδ_k) + cos(hφ) sin(hδ_k)

costs two multiplications and two additions for each order a channel carries.
"""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The advance of each order's phase since a second's first sample.

    Parameters
    ----------
    orders : tuple of int
    cosines, sines : ndarray, shape (number of orders, samples in a second)
    """

    orders: tuple[int, ...]
    cosines: Samples
    sines: Samples


def steady_turns(orders: Sequence[int], cycles_per_sample: Fraction, rate_hz: int) -> Turns:
    """Return the turns of a frequency that is the same in every second, exact to the last bit but one."""
    advance_rad = np.array([_advance_rad(order * cycles_per_sample, rate_hz) for order in orders])
    return Turns(orders=tuple(orders), cosines=np.cos(advance_rad), sines=np.sin(advance_rad))


def _advance_rad(cycles_per_sample: Fraction, samples: int) -> list[float]:
    """Return the phase of each sample against the first, reduced to one turn before it is rounded."""
    step, turn = cycles_per_sample.as_integer_ratio()
    return [math.tau * (step * k % turn / turn) for k in range(samples)]


def drifting_turns(orders: Sequence[int], frequency_hz: float, rate_hz: int) -> Turns:
    """Return the turns of one second at a frequency of its own; each order is a power of the fundamental."""
    angles = np.arange(rate_hz) * (math.tau * frequency_hz / rate_hz)
    fundamental = np.empty(rate_hz, dtype=np.complex128)
    np.cos(angles, out=fundamental.real)
    np.sin(angles, out=fundamental.imag)
    turned, at, rows = fundamental, 1, []
    squares = {1: fundamental}
    for order in orders:
        if order - at:
            turned = turned * _power(squares, order - at)
            at = order
        rows.append(turned)
    waves = np.array(rows)
    return Turns(orders=tuple(orders), cosines=waves.real.copy(), sines=waves.imag.copy())


def _power(squares: dict[int, NDArray[np.complex128]], exponent: int) -> NDArray[np.complex128]:
    """Return a power of the fundamental, keeping each for the next time."""
    if exponent not in squares:
        half = exponent // 2
        squares[exponent] = _power(squares, half) * _power(squares, exponent - half)
    return squares[exponent]


def start_turns(orders: Sequence[int], frequency: Fraction, second: int, drift_cycles: float) -> NDArray[np.complex128]:
    """Return how far each order has turned when a second begins, as complex numbers of size 1.

    Parameters
    ----------
    frequency : Fraction
        Hertz as written.
    second : int
        From the start of the source; there L1's voltage crosses zero rising.
    drift_cycles : float
        Cycles more than the written frequency makes.
    """
    turns = (float(order * second * frequency % 1) + order * drift_cycles for order in orders)
    return np.array([cmath.exp(1j * math.tau * turn) for turn in turns])


def add_waves(samples: Samples, phasors: NDArray[np.complex128], turns: Turns, begin: int) -> None:
    """Add waves to a stretch of the samples of a second.

    Parameters
    ----------
    samples : ndarray, shape (channels, samples of the stretch)
        Changed in place.
    phasors : complex ndarray, shape (channels, number of orders)
        Rms, turned as far as they are when the second begins.
    begin : int
        Sample of the second with which the stretch begins.
    """
    stretch = slice(begin, begin + samples.shape[1])
    product = np.empty(samples.shape[1])
    peaks = phasors * math.sqrt(2)
    for row in range(len(turns.orders)):
        for channel in np.flatnonzero(peaks[:, row]):
            samples[channel] += np.multiply(turns.cosines[row, stretch], peaks[channel, row].imag, out=product)
            samples[channel] += np.multiply(turns.sines[row, stretch], peaks[channel, row].real, out=product)
