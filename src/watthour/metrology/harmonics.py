"""The spectrum of one window at its own frequency: harmonic subgroups of voltage and current.

In: the raw samples of one window, its `WINDOW` row. Out: the rms value of each subgroup, orders 1 to 50. IEC 61000-4-7
takes a window of N = 10 or 12 cycles, so that its lines lie 1/N of the frequency apart; subgroup h is the line N·h with
its two neighbours::

    ...|.....|||.....|||.....|||...        G(h)² = C(Nh - 1)² + C(Nh)² + C(Nh + 1)²
            N·h-N    N·h    N·h+N

The window's edges fall between samples and are tapered, so it sees nothing of one line at another, whatever the sampling
rate. Lines are sought at the window's frequency, not at that of a transform: a transform of twice the length and more,
of samples divided by the kernel's own spectrum, is interpolated there with twelve lines of a kernel (a "non-uniform" FFT,
type 2; kernel of Barnett, Magland and af Klinteberg, SIAM J. Sci. Comput. 41(5), 2019, DOI 10.1137/18M120885X). What
the fundamental itself would leave on other lines, while the frequency moves, is taken away in closed form.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from watthour.metrology.compiling import kernel, sum_kernel
from watthour.metrology.records import Floats, Record
from watthour.metrology.sums import FRINGE, TAPER
from watthour.metrology.tone import window_spectrum
from watthour.samples import Block, Phasors

ORDERS = 50
"""Highest order."""

USABLE = 0.45
"""Part of the sampling rate up to which a subgroup is known: above it the front end's filter rules."""

NEAR_IMAGE = 2.5
"""Radians per sample from which on the taper lets less than 1e-5 of an image through."""

Subgroups = NDArray[np.float64]
"""Shape (6, 50): V1 V2 V3 I1 I2 I3 by order - 1, rms in volts and amperes; NaN where not known."""

_WIDTH = 12
_SHARPNESS = 2.3 * _WIDTH
"""Kernel exp(b(sqrt(1 - z²) - 1)) over twelve lines: 1e-10 at twice the length."""
_NODES = 40


def samples_of_window(row: Record) -> tuple[int, int]:
    """Return the first sample in the stream that a window touches with its tapers, and the one after the last."""
    begin = int(row["first_sample"]) + float(row["begin"])
    return math.floor(begin) - FRINGE + 1, math.floor(begin + float(row["length"])) + FRINGE + 1


def highest_order(frequency_hz: float, rate_hz: float) -> int:
    """Return the highest order whose subgroup is known at a sampling rate: at most 50.

    >>> highest_order(50.0, 1200.0), highest_order(50.0, 8000.0)
    (10, 50)
    """
    return highest_order_of(2.0 * math.pi * frequency_hz / rate_hz)


def highest_order_of(step: float) -> int:
    """Return the same of a fundamental in radians per sample."""
    return min(ORDERS, math.floor(2.0 * math.pi * USABLE / step))


def subgroups_of_block(row: Record, block: Block) -> Subgroups:
    """Return the subgroups of a whole window with a known frequency.

    Parameters
    ----------
    row : record of `WINDOW`
    block : Block
        Its samples, from `samples_of_window`; what is missing at the ends counts as 0.
    """
    lines = spectral_lines(row, block)
    groups = np.sqrt((lines.real**2 + lines.imag**2).sum(axis=2))
    groups[:, highest_order(float(row["frequency_hz"]), block.rate_hz) :] = np.nan
    return np.asarray(groups)


def subgroups_of_phasors(second: Phasors) -> Subgroups:
    """Return the subgroups of one second given as phasors: those orders that it has, the rest 0."""
    groups = np.zeros((6, ORDERS))
    for place, order in enumerate(second.orders):
        if order <= ORDERS:
            groups[:3, order - 1] = np.abs(second.voltages[0, :, place])
            groups[3:, order - 1] = np.abs(second.currents[0, :, place])
    return groups


def warm_harmonics(sample_type: str) -> None:
    """Compile the loops for a type of sample, or load them, before anybody waits for them."""
    samples = np.zeros((3, 800), sample_type)
    shaped_samples(Block(voltages=samples, currents=samples, rate_hz=4000.0, first_sample=0), 4.0, 792.0, 2048)
    lines = np.zeros((6, 2, 3), np.complex128)
    read_lines(np.zeros((6, 257), np.complex128), 512, 0, 0.1, 10, lines[:, :1])
    remove_fundamental(np.zeros(6, np.complex128), 0.1, 10, 0.0, 600.0, lines[:, :1])
    remove_images(0.1, 10, 0.0, 600.0, lines[:, :1])


def spectral_lines(row: Record, block: Block) -> NDArray[np.complex128]:
    """Return the lines of each order's subgroup: rms phasors, shape (6, 50, 3), relative to the window's first sample."""
    step = 2.0 * math.pi * float(row["frequency_hz"]) / block.rate_hz
    cycles, length = int(row["cycles"]), float(row["length"])
    begin = float(row["begin"]) + int(row["first_sample"]) - block.first_sample
    origin = math.floor(begin + 0.5)  # the sample that the row's phasors are relative to
    size = transform_size(len(block))
    highest = highest_order_of(step)
    lines = np.zeros((6, ORDERS, 3), np.complex128)
    transform = np.fft.rfft(shaped_samples(block, begin, length, size))
    read_lines(transform, size, len(block) // 2 - origin, step, cycles, lines[:, :highest])
    lines *= np.array([*block.voltage_scale, *block.current_scale])[:, None, None]
    phasors = np.concatenate([row["voltage_phasor_v"], row["current_phasor_a"]])
    remove_fundamental(phasors, step, cycles, begin - origin, begin - origin + length, lines[:, :highest])
    remove_images(step, cycles, begin - origin, begin - origin + length, lines[:, :highest])
    return lines * (math.sqrt(2.0) / length)


def transform_size(samples: int) -> int:
    """Return the length of the transform: a power of two, at least twice the samples.

    >>> transform_size(2018)
    4096
    """
    return 1 << (2 * samples - 1).bit_length()


def shaped_samples(block: Block, begin: float, length: float, size: int) -> Floats:
    """Return what is to be transformed: raw samples without their mean, tapered, over the kernel's spectrum.

    Parameters
    ----------
    begin, length : float
        Of the window, in samples of the block.

    Returns
    -------
    ndarray, shape (6, size)
        The block's middle sample first, what lies before it at the end.
    """
    shaped = np.zeros((6, size))
    weights = np.zeros(len(block))
    fill_weights(begin, length, weights)
    shape_samples(block.voltages, weights, deconvolution(size), length, shaped[:3])
    shape_samples(block.currents, weights, deconvolution(size), length, shaped[3:])
    return shaped


@kernel
def fill_weights(begin: float, length: float, weights: Floats) -> None:
    """Fill the weights of samples 0, 1, ...: 1 inside the window, tapered at both edges, 0 outside."""
    for k in range(weights.shape[0]):
        inside = min(k - begin, begin + length - k)
        x = min(max(inside / TAPER, -0.5), 0.5)
        weights[k] = 1.0 if x == 0.5 else max(0.0, 0.5 + x + math.sin(2.0 * math.pi * x) / (2.0 * math.pi))  # noqa: PLR2004


@sum_kernel
def shape_samples(samples: NDArray[np.generic], weights: Floats, correction: Floats, length: float, shaped: Floats) -> None:
    """Fill three channels of what is to be transformed.

    Parameters
    ----------
    samples : ndarray, shape (3, n)
    weights : ndarray, shape (n,)
    correction : ndarray, shape (size,)
        From `deconvolution`.
    shaped : ndarray, shape (3, size)
        Overwritten where there are samples.
    """
    count = weights.shape[0]
    size = correction.shape[0]
    middle = count // 2
    for channel in range(3):
        total = 0.0
        for k in range(count):
            total += weights[k] * np.float64(samples[channel, k])
        mean = total / length
        for k in range(middle):
            shaped[channel, size - middle + k] = (
                weights[k] * correction[size // 2 - middle + k] * (np.float64(samples[channel, k]) - mean)
            )
        for k in range(middle, count):
            shaped[channel, k - middle] = (
                weights[k] * correction[size // 2 - middle + k] * (np.float64(samples[channel, k]) - mean)
            )


@cache
def deconvolution(size: int) -> Floats:
    """Return one over the kernel's spectrum at samples -size/2 ... size/2 - 1 of a transform of that size."""
    nodes, weights = np.polynomial.legendre.leggauss(2 * _NODES)
    values = weights * np.exp(_SHARPNESS * (np.sqrt(1.0 - nodes**2) - 1.0)) * (_WIDTH / 2.0)
    inside = np.arange(size // 2 + 1) * (2.0 * math.pi / size)
    half = np.array([float(values @ np.cos(turn * nodes * (_WIDTH / 2.0))) for turn in inside])
    both = np.concatenate([half[:0:-1], half[:-1]])
    both.flags.writeable = False
    return np.asarray(1.0 / both)


@kernel
def read_lines(
    transform: NDArray[np.complex128], size: int, middle: int, step: float, cycles: int, lines: NDArray[np.complex128]
) -> None:
    """Interpolate a transform at the lines of each subgroup; twelve lines about each lie inside the transform.

    Parameters
    ----------
    transform : ndarray, shape (6, size/2 + 1)
        Of the samples divided by the kernel's spectrum, the middle one first.
    middle : int
        Place of that sample after the one that phasors are relative to.
    step : float
        Of the fundamental, radians per sample.
    lines : ndarray, shape (6, orders, 3)
        Overwritten.
    """
    weights = np.zeros(_WIDTH)
    for h in range(lines.shape[1]):
        for side in range(3):
            omega = step * ((h + 1) * cycles + side - 1) / cycles
            place = omega * size / (2.0 * math.pi)
            lowest = math.ceil(place - _WIDTH / 2.0)
            for j in range(_WIDTH):
                z = (place - lowest - j) * (2.0 / _WIDTH)
                weights[j] = math.exp(_SHARPNESS * (math.sqrt(max(0.0, 1.0 - z * z)) - 1.0))
            turn = complex(math.cos(omega * middle), -math.sin(omega * middle))
            for channel in range(6):
                real = 0.0
                imaginary = 0.0
                for j in range(_WIDTH):
                    value = transform[channel, lowest + j]
                    real += weights[j] * value.real
                    imaginary += weights[j] * value.imag
                lines[channel, h, side] = complex(real, imaginary) * turn


@kernel
def remove_fundamental(
    phasors: NDArray[np.complex128], step: float, cycles: int, first: float, last: float, lines: NDArray[np.complex128]
) -> None:
    """Take from every other subgroup's lines what the window sees of the fundamental there.

    Parameters
    ----------
    phasors : ndarray, shape (6,)
        Rms, relative to the sample from which `first` and `last`, the window's edges, are counted.
    """
    for h in range(1, lines.shape[1]):
        for side in range(3):
            omega = step * ((h + 1) * cycles + side - 1) / cycles
            direct = window_spectrum(step - omega, first, last) / math.sqrt(2.0)
            image = window_spectrum(-step - omega, first, last) / math.sqrt(2.0)
            for channel in range(6):
                lines[channel, h, side] -= phasors[channel] * direct + phasors[channel].conjugate() * image


@kernel
def remove_images(step: float, cycles: int, first: float, last: float, lines: NDArray[np.complex128]) -> None:
    """Take from all lines what they see of each order's image about the sampling rate, where it is near."""
    highest = lines.shape[1]
    tones = lines[:, :, 1] / (last - first)
    for h in range(highest):
        nearest = (2.0 * math.pi - NEAR_IMAGE) / step - h - 2.0  # orders from here on may be near
        for g in range(max(0, math.floor(nearest)), highest):
            for side in range(3):
                gap = 2.0 * math.pi - step * (h + 1) - step * ((g + 1) * cycles + side - 1) / cycles
                if gap < NEAR_IMAGE:
                    seen = window_spectrum(gap, first, last)
                    for channel in range(6):
                        lines[channel, g, side] -= tones[channel, h].conjugate() * seen
