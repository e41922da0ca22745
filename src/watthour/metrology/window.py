"""One window: its sums, and the quantities that follow from them.

In: six rows, edges that fall between samples, an oscillator's table. Out: sums in a `Scratch`, a `WINDOW` row's
rms values, powers and phasors. Where a window begins, and at which frequency, is decided elsewhere.
"""

import math

import numpy as np

from watthour.metrology.compiling import kernel
from watthour.metrology.records import Conditions, Edges, Floats, Record, Samples, Scratch, Six
from watthour.metrology.sums import (
    EDGE_SAMPLES,
    FRINGE,
    I_SUM,
    IC,
    II,
    IS,
    NN,
    U12,
    U_SUM,
    UC,
    UI,
    US,
    UU,
    add_cross_edge,
    add_phase_edge,
    cross_sums,
    edge_weights,
    phase_sums,
    product_sums,
)
from watthour.metrology.tone import solve_tone, window_spectrum


@kernel
def scaled_product(xy: float, x: float, y: float, n: float, gx: float, ox: float, gy: float, oy: float) -> float:
    """Return the sum of (gx·x + ox)(gy·y + oy) from the raw sums xy, x, y over n samples."""
    return gx * gy * xy + gx * oy * x + gy * ox * y + n * ox * oy


@kernel
def root(square: float) -> float:
    """Return the square root; 0 where rounding made the square negative, NaN where a sample was none."""
    return 0.0 if square <= 0.0 else math.sqrt(square)


@kernel
def voltage_square(sums: Floats, p: int, n: float, conditions: Conditions) -> float:
    """Return the sum of u² of phase p in V²."""
    gain, offset = conditions.gain[p], conditions.offset[p]
    return scaled_product(sums[UU], sums[U_SUM], sums[U_SUM], n, gain, offset, gain, offset)


@kernel
def current_square(sums: Floats, p: int, n: float, conditions: Conditions) -> float:
    """Return the sum of i² of phase p in A²."""
    gain, offset = conditions.gain[3 + p], conditions.offset[3 + p]
    return scaled_product(sums[II], sums[I_SUM], sums[I_SUM], n, gain, offset, gain, offset)


@kernel
def power_sum(sums: Floats, p: int, n: float, conditions: Conditions) -> float:
    """Return the sum of u·i of phase p in W."""
    gain, offset = conditions.gain, conditions.offset
    return scaled_product(sums[UI], sums[U_SUM], sums[I_SUM], n, gain[p], offset[p], gain[3 + p], offset[3 + p])


@kernel
def plain_sums(u: Samples, i: Samples, sums: Floats) -> None:
    """Fill a phase's sums of products over the samples given; those with the oscillator become 0."""
    sums[:] = 0.0
    sums[UU], sums[II], sums[UI], sums[U_SUM], sums[I_SUM] = product_sums(u, i)


@kernel
def sum_window(six: Six, at: int, edges: Edges, conditions: Conditions, scratch: Scratch) -> None:
    """Sum one window into `scratch`.

    Parameters
    ----------
    at : int
        Row index of the whole sample from which `edges` are counted.
    """
    middle = math.floor(edges[1] + 0.5)
    end = math.floor(edges[2] + 0.5)
    cosine, sine = scratch.table[0], scratch.table[1]
    half, rest = slice(at, at + middle), slice(at + middle, at + end)
    half_table, rest_table = slice(FRINGE, FRINGE + middle), slice(FRINGE + middle, FRINGE + end)
    for p in range(3):
        early = phase_sums(six[p][half], six[3 + p][half], cosine[half_table], sine[half_table])
        late = phase_sums(six[p][rest], six[3 + p][rest], cosine[rest_table], sine[rest_table])
        for j in range(9):
            scratch.early[p, j] = early[j]
            scratch.hard[p, j] = early[j] + late[j]
            scratch.tapered[p, j] = early[j] + late[j]
    neutral_offset = conditions.offset[3] + conditions.offset[4] + conditions.offset[5]
    scratch.cross[:] = np.array(cross_sums(six, at, at + end, conditions.gain, neutral_offset))
    for which, whole in enumerate((0, middle, end)):
        edge_weights(edges[which], whole, 1.0 if which == 0 else -1.0, scratch.weights)
        first = at + whole - FRINGE
        table = scratch.table[:, whole : whole + EDGE_SAMPLES]
        for p in range(3):
            if which != 1:
                add_phase_edge(six, p, first, table, scratch.weights, scratch.tapered[p])
            if which != 2:  # noqa: PLR2004 - the end is no edge of the first half
                add_phase_edge(six, p, first, table, scratch.weights, scratch.early[p])
        if which != 1:
            add_cross_edge(six, first, conditions.gain, neutral_offset, scratch.weights, scratch.cross)


@kernel
def describe_window(
    row: Record, omega: float, omega_table: float, edges: Edges, conditions: Conditions, scratch: Scratch
) -> None:
    """Fill a row's rms values, powers and phasors from the tapered sums of one window.

    What the fundamental leaves over where the window does not hold whole cycles of it is taken away in closed
    form: 2 Re(a b Ŵ(2ω)) from a product of tones with phasors a and b.

    Parameters
    ----------
    omega, omega_table : float
        Of the fundamental and of the oscillator, in radians per sample.
    """
    length = edges[2] - edges[0]
    direct = window_spectrum(omega - omega_table, edges[0], edges[2])
    image = window_spectrum(-omega - omega_table, edges[0], edges[2])
    steady = window_spectrum(-omega_table, edges[0], edges[2])
    double = window_spectrum(2.0 * omega, edges[0], edges[2])
    gain, offset = conditions.gain, conditions.offset
    tones = np.zeros(6, np.complex128)
    for p in range(3):
        t = scratch.tapered[p]
        tones[p] = gain[p] * solve_tone(complex(t[UC], -t[US]) - t[U_SUM] / length * steady, direct, image)
        tones[3 + p] = gain[3 + p] * solve_tone(complex(t[IC], -t[IS]) - t[I_SUM] / length * steady, direct, image)
    for p in range(3):
        t, a, b = scratch.tapered[p], tones[p], tones[3 + p]
        uu = voltage_square(t, p, length, conditions) - 2.0 * (a * a * double).real
        ii = current_square(t, p, length, conditions) - 2.0 * (b * b * double).real
        ui = power_sum(t, p, length, conditions) - 2.0 * (a * b * double).real
        row["voltage_v"][p] = root(uu / length)
        row["current_a"][p] = root(ii / length)
        row["power_w"][p] = ui / length
        row["reactive_var"][p] = 2.0 * (a * b.conjugate()).imag
        row["voltage_phasor_v"][p] = math.sqrt(2.0) * a
        row["current_phasor_a"][p] = math.sqrt(2.0) * b
    for p in range(3):
        q = (p + 1) % 3
        t, s = scratch.tapered[p], scratch.tapered[q]
        across = scaled_product(scratch.cross[U12 + p], t[U_SUM], s[U_SUM], length, gain[p], offset[p], gain[q], offset[q])
        across = (across - 2.0 * (tones[p] * tones[q] * double).real) / length
        square = row["voltage_v"][p] ** 2 + row["voltage_v"][q] ** 2 - 2.0 * across
        row["line_voltage_v"][p] = root(square)
    neutral = tones[3] + tones[4] + tones[5]
    row["neutral_current_a"] = root((scratch.cross[NN] - 2.0 * (neutral * neutral * double).real) / length)


@kernel
def describe_fragment(row: Record, six: Six, begin: int, held_var: Floats, conditions: Conditions, scratch: Scratch) -> None:
    """Fill a row from less than a cycle: plain rms, mean power, and the reactive power held.

    Parameters
    ----------
    begin : int
        Row index of the first sample.
    held_var : ndarray, shape (3,)
        Reactive power of the window before.
    """
    n = six[0].shape[0] - begin
    row["neutral_current_a"] = math.nan
    for p in range(3):
        sums = scratch.hard[p]
        plain_sums(six[p][begin:], six[3 + p][begin:], sums)
        row["voltage_v"][p] = root(voltage_square(sums, p, n, conditions) / n)
        row["current_a"][p] = root(current_square(sums, p, n, conditions) / n)
        row["power_w"][p] = power_sum(sums, p, n, conditions) / n
        row["reactive_var"][p] = held_var[p]
        row["line_voltage_v"][p] = math.nan
