"""From ideal volts and amperes to what a converter delivers.

A delay and a current transformer act on phasors: whoever makes a waveform from phasors multiplies them by
`channel_factors`, which is exact at every frequency, and hands the samples to `digitise` for the rest. Any
stretch of a stream comes out the same however it is cut: noise is keyed by seed and second.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from watthour.errors import SampleError
from watthour.samples import Block, Triple
from watthour.units import SECONDS_PER_HOUR
from watthour.waveform.front_end.parts import FrontEnd, full_scale
from watthour.waveform.noise import noise_of

_STREAM = 1
"""Of the noise generator; 0 is the installation's."""


def channel_factors(
    front_end: FrontEnd,
    *,
    orders: Sequence[float],
    frequency_hz: ArrayLike,
    currents_a: ArrayLike,
    rated_a: float,
) -> NDArray[np.complex128]:
    """Return what delays and current transformers make of phasors exp(jωt).

    The transformer's phase displacement δ comes from its magnetising inductance across a resistive burden, so that
    of order h is δ/h; its ratio error is the same for all orders (ours).

    Parameters
    ----------
    orders : sequence of int
        The h orders.
    frequency_hz : array_like, shape (...)
        Of the fundamental.
    currents_a : array_like, shape (..., 3)
        Rms current of each phase, which decides the errors of its transformer.
    rated_a : float
        Rated secondary current of the transformers.

    Returns
    -------
    ndarray, shape (..., 6, h)
        Factors for V1 V2 V3 I1 I2 I3.
    """
    multiples = np.asarray(orders, dtype=np.float64)
    hertz = np.asarray(frequency_hz, dtype=np.float64)[..., np.newaxis, np.newaxis]
    angles = -2.0 * np.pi * hertz * np.asarray(front_end.delay_s)[:, np.newaxis] * multiples
    factors: NDArray[np.complex128] = np.exp(1j * angles)
    if front_end.ct is not None:
        ratio, phase = front_end.ct.errors_at(100.0 * np.asarray(currents_a, dtype=np.float64) / rated_a)
        factors[..., 3:, :] *= (1.0 + ratio)[..., np.newaxis] * np.exp(1j * phase[..., np.newaxis] / multiples)
    return factors


def digitise(
    front_end: FrontEnd,
    voltages: NDArray[np.float64],
    currents: NDArray[np.float64],
    *,
    rate_hz: float,
    first_sample: int = 0,
    maximum_a: float = 6.0,
    seed: int = 0,
) -> Block:
    """Return what the converter delivers of ideal samples.

    Gain, drift, offset, noise, rounding and clipping; delays and current transformers are the caller's, by
    `channel_factors`.

    Parameters
    ----------
    voltages, currents : ndarray of float64, shape (3, n)
        Volts and amperes at the terminals.
    first_sample : int
        Index of the first in its source; drift counts from 0.
    maximum_a : float
        Imax of the meter's range, which sets the full scale.
    seed : int
        Of the noise, 0 to 2^64 - 1.

    Returns
    -------
    Block
        Its scale is the converter's nominal step: it knows nothing of the errors.

    Raises
    ------
    SampleError
        If a sample is no number and so has no code.
    """
    ends = np.repeat(full_scale(front_end, maximum_a), 3)[:, np.newaxis]
    values = np.concatenate([voltages, currents]) * _gains(front_end, rate_hz, first_sample, voltages.shape[1])
    values += np.asarray(front_end.offset)[:, np.newaxis] * ends
    if front_end.bits is None:
        return Block(voltages=values[:3], currents=values[3:], rate_hz=rate_hz, first_sample=first_sample)
    if not np.isfinite(values).all():
        msg = "a converter has no code for a sample that is no number"
        raise SampleError(msg)
    highest = 2 ** (front_end.bits - 1)
    steps = ends[:, 0] / highest
    values /= steps[:, np.newaxis]
    if front_end.noise_lsb:
        values += front_end.noise_lsb * _noise(seed, rate_hz, first_sample, voltages.shape[1])
    codes = np.clip(np.rint(values), -highest, highest - 1).astype(front_end.sample_type)
    return Block(
        voltages=codes[:3],
        currents=codes[3:],
        rate_hz=rate_hz,
        first_sample=first_sample,
        voltage_scale=_triple(steps[:3]),
        current_scale=_triple(steps[3:]),
    )


def _triple(three: NDArray[np.float64]) -> Triple:
    return float(three[0]), float(three[1]), float(three[2])


def _gains(front_end: FrontEnd, rate_hz: float, first_sample: int, samples: int) -> NDArray[np.float64]:
    """Return each channel's gain, shape (6, 1), or where it drifts of each sample, shape (6, samples)."""
    gain = np.asarray(front_end.gain)[:, np.newaxis]
    if not any(front_end.drift_ppm_per_h):
        return gain
    hours = (first_sample + np.arange(samples)) / (rate_hz * SECONDS_PER_HOUR)
    drifting: NDArray[np.float64] = gain * (1.0 + 1e-6 * np.outer(front_end.drift_ppm_per_h, hours))
    return drifting


def _noise(seed: int, rate_hz: float, first_sample: int, samples: int) -> NDArray[np.float64]:
    """Return noise of rms 1 of a stretch, shape (6, samples), from the seconds that it touches.

    With a rate that is no whole number a second is the nearest number of samples.
    """
    page = round(rate_hz)
    last = first_sample + samples
    noise = np.empty((6, samples))
    for second in range(first_sample // page, -(-last // page)):
        begin, end = max(first_sample, second * page), min(last, (second + 1) * page)
        made = noise_of(seed, second, page, stream=_STREAM)
        noise[:, begin - first_sample : end - first_sample] = made[:, begin - second * page : end - second * page]
    return noise
