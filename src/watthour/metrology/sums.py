"""Sums over samples: the only loops that see every sample.

In: rows of raw samples of one window and an oscillator's table. Out: sums in float64 and raw steps; scales
are applied once a window by those who asked. Kernels may be long; everything else may not.

The edges of a window fall between samples. Energy counts whole samples; what is displayed tapers each edge
over eight samples with an integrated Hann step S, the weights of neighbours adding to one::

    hard    ______|‾‾‾‾‾‾‾‾‾        [k >= b]
    tapered ____.-'‾‾‾‾‾‾‾‾‾        S((k - e) / 8),  e the edge, b the first whole sample

so a tapered sum is the hard sum plus nine corrected samples at each edge.
"""

import math

import numpy as np

from watthour.metrology.compiling import kernel, sum_kernel
from watthour.metrology.records import Floats, Samples, Six

TAPER = 8
"""Samples over which an edge rises (measured: 0.04 ppm rms at 8000/s, 1 to 5 ppm at 1200/s)."""

FRINGE = TAPER // 2
"""Samples before an edge that its taper reaches; after it, one more may be touched."""

EDGE_SAMPLES = 2 * FRINGE + 1
"""Samples that the taper of one edge may touch."""

UU, II, UI, UC, US, IC, IS, U_SUM, I_SUM = range(9)
"""Columns of a phase's sums: u², i², u·i, u·cos, u·sin, i·cos, i·sin, u, i."""

U12, U23, U31, NN = range(4)
"""Columns of the sums across phases: u1·u2, u2·u3, u3·u1, and the square of the scaled i1+i2+i3."""


@sum_kernel
def phase_sums(voltage: Samples, current: Samples, cosine: Floats, sine: Floats) -> tuple[float, ...]:
    """Return the nine sums of one phase over all samples given, in the order `UU` ... `I_SUM`.

    Parameters
    ----------
    voltage, current : ndarray, shape (n,), C-contiguous
        Raw steps, or volts and amperes.
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
    return uu, ii, ui, uc, us, ic, is_, u_sum, i_sum


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


@sum_kernel
def cross_sums(six: Six, first: int, last: int, gain: Floats, neutral_offset: float) -> tuple[float, float, float, float]:
    """Return the sums across phases of samples [first, last), in the order `U12` ... `NN`.

    Parameters
    ----------
    gain : ndarray, shape (6,)
        Volts and amperes per step.
    neutral_offset : float
        Amperes of i1+i2+i3 at step 0.
    """
    u1, u2, u3 = six[0][first:last], six[1][first:last], six[2][first:last]
    i1, i2, i3 = six[3][first:last], six[4][first:last], six[5][first:last]
    g1, g2, g3 = gain[3], gain[4], gain[5]
    u12 = 0.0
    u23 = 0.0
    u31 = 0.0
    nn = 0.0
    for k in range(u1.shape[0]):
        a = np.float64(u1[k])
        b = np.float64(u2[k])
        c = np.float64(u3[k])
        n = g1 * np.float64(i1[k]) + g2 * np.float64(i2[k]) + g3 * np.float64(i3[k]) + neutral_offset
        u12 += a * b
        u23 += b * c
        u31 += c * a
        nn += n * n
    return u12, u23, u31, nn


@kernel
def step_weight(distance: float) -> float:
    """Return the integrated Hann step S at `distance` samples after an edge: 0 before the taper, 1 after it."""
    x = distance / TAPER
    if x <= -0.5:  # noqa: PLR2004 - half a taper
        return 0.0
    if x >= 0.5:  # noqa: PLR2004
        return 1.0
    return 0.5 + x + math.sin(2.0 * math.pi * x) / (2.0 * math.pi)


@kernel
def edge_weights(edge: float, whole: int, sign: float, weights: Floats) -> None:
    """Fill what the taper of an edge adds to a hard beginning (sign +1) or end (sign -1) at sample `whole`.

    Parameters
    ----------
    edge : float
        Place of the edge, in samples; `whole` is the nearest sample, halves upward.
    weights : ndarray, shape (9,)
        Overwritten: sign times S(k - edge) - [k >= whole], for k = whole - 4 ... whole + 4.
    """
    for j in range(EDGE_SAMPLES):
        k = whole - FRINGE + j
        weights[j] = sign * (step_weight(k - edge) - (1.0 if k >= whole else 0.0))


@kernel
def add_phase_edge(six: Six, p: int, first: int, table: Floats, weights: Floats, sums: Floats) -> None:
    """Add nine weighted samples around an edge to the sums of phase p (`UU` ... `I_SUM`).

    Parameters
    ----------
    first : int
        Row index of the first of the nine.
    table : ndarray, shape (2, 9)
        The oscillator's cosine and sine at them.
    weights : ndarray, shape (9,)
    sums : ndarray, shape (9,)
        Changed in place.
    """
    for j in range(EDGE_SAMPLES):
        w = weights[j]
        u = np.float64(six[p][first + j])
        i = np.float64(six[3 + p][first + j])
        sums[UU] += w * u * u
        sums[II] += w * i * i
        sums[UI] += w * u * i
        sums[UC] += w * u * table[0, j]
        sums[US] += w * u * table[1, j]
        sums[IC] += w * i * table[0, j]
        sums[IS] += w * i * table[1, j]
        sums[U_SUM] += w * u
        sums[I_SUM] += w * i


@kernel
def add_cross_edge(six: Six, first: int, gain: Floats, neutral_offset: float, weights: Floats, sums: Floats) -> None:
    """Add nine weighted samples around an edge to the sums across phases (`U12` ... `NN`)."""
    for k in range(EDGE_SAMPLES):
        j = first + k
        w = weights[k]
        a = np.float64(six[0][j])
        b = np.float64(six[1][j])
        c = np.float64(six[2][j])
        n = gain[3] * np.float64(six[3][j]) + gain[4] * np.float64(six[4][j]) + gain[5] * np.float64(six[5][j]) + neutral_offset
        sums[U12] += w * a * b
        sums[U23] += w * b * c
        sums[U31] += w * c * a
        sums[NN] += w * n * n


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
