"""Sums over samples: the only loops that see every sample.

In: rows of raw samples of one window and an oscillator's table. Out: sums in float64 and raw steps; scales
are applied once a window by those who asked. Kernels may be long; everything else may not.

The edges of a window fall between samples. Energy counts whole samples; what is displayed tapers each edge
over eight samples with an integrated Hann step S, the weights of neighbours adding to one::

    hard    ______|‾‾‾‾‾‾‾‾‾        [k >= b]
    tapered ____.-'‾‾‾‾‾‾‾‾‾        S((k - e) / 8),  e the edge, b the first whole sample

so a tapered sum is the hard sum plus eight corrected samples at each edge.
"""

import math

import numpy as np

from watthour.metrology.compiling import kernel, sum_kernel
from watthour.metrology.records import Floats, Samples, Six

TAPER = 8
"""Samples over which an edge rises (measured: 0.04 ppm rms at 8000/s, 1 to 5 ppm at 1200/s)."""

FRINGE = TAPER // 2
"""Samples before an edge that its taper reaches; after it, one more may be touched."""

EDGE_SAMPLES = 2 * FRINGE
"""Samples that the taper of one edge touches."""

UU, II, UI, UC, US, IC, IS, U_SUM, I_SUM, U_NEXT, I_NEXT = range(11)
"""Columns of a phase's sums: u², i², u·i, u·cos, u·sin, i·cos, i·sin, u, i, and u and i times those of the next phase."""

SUMS = I_NEXT + 1

CHUNK = 128
"""Samples of all channels that are summed in turn, so that the first cache still holds them and their oscillator (measured: from memory 128
are a twentieth to a tenth faster than 512)."""

Sums = tuple[float, float, float, float, float, float, float, float, float, float, float]


@sum_kernel
def phase_sums(
    voltage: Samples, current: Samples, next_voltage: Samples, next_current: Samples, cosine: Floats, sine: Floats
) -> Sums:
    """Return the sums of one phase over all samples given, in the order `UU` ... `I_NEXT`.

    Parameters
    ----------
    voltage, current : ndarray, shape (n,), C-contiguous
        Raw steps, or volts and amperes.
    next_voltage, next_current : ndarray, shape (n,)
        Those of the next phase: L2 for L1, L3 for L2, L1 for L3.
    cosine, sine : ndarray, shape (n,)
        The oscillator at the same samples.
    """
    uu = 0.0
    ii = 0.0
    ui = 0.0
    uc = 0.0
    us = 0.0
    ic = 0.0
    is_ = 0.0
    u_sum = 0.0
    i_sum = 0.0
    u_next = 0.0
    i_next = 0.0
    for k in range(voltage.shape[0]):
        u = np.float64(voltage[k])
        i = np.float64(current[k])
        c = cosine[k]
        s = sine[k]
        uu += u * u
        ii += i * i
        ui += u * i
        uc += u * c
        us += u * s
        ic += i * c
        is_ += i * s
        u_sum += u
        i_sum += i
        u_next += u * np.float64(next_voltage[k])
        i_next += i * np.float64(next_current[k])
    return uu, ii, ui, uc, us, ic, is_, u_sum, i_sum, u_next, i_next


@sum_kernel
def edge_sums(
    voltage: Floats, current: Floats, next_voltage: Floats, next_current: Floats, cosine: Floats, sine: Floats, weights: Floats
) -> Sums:
    """Return what weighted samples add to the sums of one phase, in the order `UU` ... `I_NEXT`.

    Parameters
    ----------
    voltage, current, next_voltage, next_current, cosine, sine : ndarray, shape (n,)
        As `phase_sums`.
    weights : ndarray, shape (n,)
        Of each sample.
    """
    uu = 0.0
    ii = 0.0
    ui = 0.0
    uc = 0.0
    us = 0.0
    ic = 0.0
    is_ = 0.0
    u_sum = 0.0
    i_sum = 0.0
    u_next = 0.0
    i_next = 0.0
    for k in range(weights.shape[0]):
        u = voltage[k]
        i = current[k]
        wu = weights[k] * u
        wi = weights[k] * i
        c = cosine[k]
        s = sine[k]
        uu += wu * u
        ii += wi * i
        ui += wu * i
        uc += wu * c
        us += wu * s
        ic += wi * c
        is_ += wi * s
        u_sum += wu
        i_sum += wi
        u_next += wu * next_voltage[k]
        i_next += wi * next_current[k]
    return uu, ii, ui, uc, us, ic, is_, u_sum, i_sum, u_next, i_next


@sum_kernel
def edge_correlation(voltage: Floats, cosine: Floats, sine: Floats, weights: Floats) -> tuple[float, float, float]:
    """Return what weighted samples add to u·cos, u·sin and u, as `edge_sums`."""
    uc = 0.0
    us = 0.0
    u_sum = 0.0
    for k in range(weights.shape[0]):
        wu = weights[k] * voltage[k]
        uc += wu * cosine[k]
        us += wu * sine[k]
        u_sum += wu
    return uc, us, u_sum


@kernel
def gather_edge(six: Six, at: int, first: int, table: Floats, fringe: Floats) -> None:
    """Copy the samples that an edge touches, and the oscillator at them.

    Parameters
    ----------
    at, first : int
        Row index of sample 0 of the window; its first sample that the edge touches.
    fringe : ndarray, shape (8, 8)
        Overwritten: V1 V2 V3 I1 I2 I3, cosine, sine.
    """
    u1, u2, u3, i1, i2, i3 = six
    for j in range(EDGE_SAMPLES):
        k = at + first + j
        fringe[0, j] = u1[k]
        fringe[1, j] = u2[k]
        fringe[2, j] = u3[k]
        fringe[3, j] = i1[k]
        fringe[4, j] = i2[k]
        fringe[5, j] = i3[k]
        fringe[6, j] = table[0, FRINGE + first + j]
        fringe[7, j] = table[1, FRINGE + first + j]


@sum_kernel
def product_sums(voltage: Samples, current: Samples) -> tuple[float, float, float, float, float]:
    """Return u², i², u·i, u and i summed over all samples given: what energy needs, and no more."""
    uu = 0.0
    ii = 0.0
    ui = 0.0
    u_sum = 0.0
    i_sum = 0.0
    for k in range(voltage.shape[0]):
        u = np.float64(voltage[k])
        i = np.float64(current[k])
        uu += u * u
        ii += i * i
        ui += u * i
        u_sum += u
        i_sum += i
    return uu, ii, ui, u_sum, i_sum


@kernel
def add_samples(six: Six, at: int, first: int, last: int, table: Floats, sums: Floats) -> None:
    """Add whole samples to the sums of all phases, a chunk of all channels at a time.

    Parameters
    ----------
    at : int
        Row index of sample 0 of the window.
    first, last : int
        Samples of the window; its chunks are counted from `first`.
    table : ndarray, shape (2, n)
        The oscillator; sample 0 stands at index `FRINGE`.
    sums : ndarray, shape (3, 11)
        Increased in place.
    """
    u1, u2, u3, i1, i2, i3 = six  # by name: an index into them costs more than a chunk's sums
    for begin in range(first, last, CHUNK):
        end = min(begin + CHUNK, last)
        here, turn = slice(at + begin, at + end), slice(FRINGE + begin, FRINGE + end)
        v1, v2, v3, j1, j2, j3 = u1[here], u2[here], u3[here], i1[here], i2[here], i3[here]
        cosine, sine = table[0][turn], table[1][turn]
        l1 = phase_sums(v1, j1, v2, j2, cosine, sine)
        l2 = phase_sums(v2, j2, v3, j3, cosine, sine)
        l3 = phase_sums(v3, j3, v1, j1, cosine, sine)
        for j in range(SUMS):
            sums[0, j] += l1[j]
            sums[1, j] += l2[j]
            sums[2, j] += l3[j]


_TAPER_COS = np.cos(np.arange(-FRINGE, FRINGE + 1) * 2.0 * np.pi / TAPER)
_TAPER_SIN = np.sin(np.arange(-FRINGE, FRINGE + 1) * 2.0 * np.pi / TAPER)


@kernel
def fill_edge(edge: float, sign: float, weights: Floats) -> int:
    """Fill what the taper of an edge adds to a hard one, and return the first sample that it touches.

    The integrated Hann step S, at a distance of x tapers from the edge, is 1/2 + x + sin(2πx)/2π; one sine and
    cosine of the edge give those of all samples.

    Parameters
    ----------
    edge : float
        Place of the edge, in samples; the hard one is at the nearest sample, halves upward.
    sign : float
        1 for a beginning, -1 for an end.
    weights : ndarray, shape (8,)
        Overwritten: sign times S(k - edge) - [k >= edge, rounded], from the sample returned on.
    """
    whole = math.floor(edge + 0.5)
    after = edge - whole
    skipped = 1 if after >= 0.0 else 0
    turn_c, turn_s = math.cos(2.0 * math.pi * after / TAPER), math.sin(2.0 * math.pi * after / TAPER)
    for j in range(EDGE_SAMPLES):
        n = j + skipped
        x = (n - FRINGE - after) / TAPER
        sine = _TAPER_SIN[n] * turn_c - _TAPER_COS[n] * turn_s
        weights[j] = sign * (0.5 + x + sine / (2.0 * math.pi) - (1.0 if n >= FRINGE else 0.0))
    return whole - FRINGE + skipped


_STRIDE = 64


@kernel
def fill_oscillator(radians_per_sample: float, table: Floats) -> None:
    """Fill a table with cos and sin of the sample number times `radians_per_sample`.

    Sample 0 stands at index `FRINGE`, so that the taper before a window has its place. Each run of 64 is
    turned from the first by one rotation: exact to 2e-16, without a sine per sample.

    Parameters
    ----------
    table : ndarray, shape (2, n)
        Overwritten.
    """
    cosine, sine = table[0], table[1]
    for j in range(min(_STRIDE, cosine.shape[0])):
        angle = (j - FRINGE) * radians_per_sample
        cosine[j] = math.cos(angle)
        sine[j] = math.sin(angle)
    for base in range(_STRIDE, cosine.shape[0], _STRIDE):
        turn_c = math.cos(base * radians_per_sample)
        turn_s = math.sin(base * radians_per_sample)
        for j in range(min(_STRIDE, cosine.shape[0] - base)):
            cosine[base + j] = turn_c * cosine[j] - turn_s * sine[j]
            sine[base + j] = turn_s * cosine[j] + turn_c * sine[j]
