"""From phasors to samples, one second at a time, each second by itself.

In: a `Spectrum` and how many cycles pass from one sample to the next, as a fraction. Out: six channels of any
second. The phase at which a second begins is reduced to one cycle in whole numbers, so year ten is as exact
as second one. Within the second it advances by a table: with φ the phase at its first sample and δ_k the advance
to sample k,

    sin(h(φ + δ_k)) = sin(hφ) cos(hδ_k) + cos(hφ) sin(hδ_k)

costs two multiplications and two additions for each order a channel carries.
"""

import cmath
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from watthour.waveform.network.spectrum import Spectrum

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What every second of an installation has in common.

    Parameters
    ----------
    orders : tuple of int
    amplitudes : complex ndarray, shape (6, number of orders)
        Peak phasors of V1 V2 V3 I1 I2 I3.
    cycles_per_second : Fraction
        Of the fundamental.
    cosines, sines : ndarray, shape (number of orders, samples in a second)
        Of the phase advance since the second's first sample.
    """

    orders: tuple[int, ...]
    amplitudes: NDArray[np.complex128]
    cycles_per_second: Fraction
    cosines: Samples
    sines: Samples


def tables_of(spectrum: Spectrum, cycles_per_sample: Fraction, rate_hz: int) -> Tables:
    """Return the tables from which any second is made."""
    advance_rad = np.array([_advance_rad(order * cycles_per_sample, rate_hz) for order in spectrum.orders])
    return Tables(
        orders=spectrum.orders,
        amplitudes=np.concatenate([spectrum.voltages_v, spectrum.currents_a]) * complex(math.sqrt(2)),
        cycles_per_second=cycles_per_sample * rate_hz,
        cosines=np.cos(advance_rad),
        sines=np.sin(advance_rad),
    )


def _advance_rad(cycles_per_sample: Fraction, samples: int) -> list[float]:
    """Return the phase of each sample against the first, reduced to one turn before it is rounded."""
    step, turn = cycles_per_sample.as_integer_ratio()
    return [math.tau * (step * k % turn / turn) for k in range(samples)]


def synthesise(tables: Tables, second: int) -> Samples:
    """Return the samples of one second, without noise.

    Parameters
    ----------
    tables : Tables
    second : int
        From the start of the source; sample 0 is where L1's voltage crosses zero rising.

    Returns
    -------
    ndarray, shape (6, samples in a second)
        V1 V2 V3 I1 I2 I3 in volts and amperes at the terminals.
    """
    samples = np.zeros((len(tables.amplitudes), tables.cosines.shape[1]))
    product = np.empty(samples.shape[1])
    for row, order in enumerate(tables.orders):
        turned = tables.amplitudes[:, row] * cmath.exp(1j * math.tau * float(order * second * tables.cycles_per_second % 1))
        for channel in np.flatnonzero(turned):
            samples[channel] += np.multiply(tables.cosines[row], turned[channel].imag, out=product)
            samples[channel] += np.multiply(tables.sines[row], turned[channel].real, out=product)
    return samples
