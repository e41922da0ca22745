"""One window: its sums, and the quantities that follow from them.

In: six rows, edges that fall between samples, an oscillator's table. Out: sums in a `Scratch`, a `WINDOW` row's
rms values, powers and phasors. Where a window begins, and at which frequency, is decided elsewhere.
"""

import math

from watthour.metrology.compiling import kernel
from watthour.metrology.records import Conditions, Edges, Floats, Record, Samples, Scratch, Six
from watthour.metrology.sums import (
    EDGE_SAMPLES,
    I_NEXT,
    I_SUM,
    IC,
    II,
    IS,
    SUMS,
    U_NEXT,
    U_SUM,
    UC,
    UI,
    US,
    UU,
    add_samples,
    edge_correlation,
    edge_sums,
    fill_edge,
    gather_edge,
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
def copy_sums(sums: Floats, into: Floats) -> None:
    """Copy the sums of all phases: number by number, for an assignment would make an array between."""
    for p in range(3):
        for j in range(SUMS):
            into[p, j] = sums[p, j]


@kernel
def taper_window(six: Six, at: int, edges: Edges, scratch: Scratch) -> None:
    """Taper the beginning and the end of the tapered sums, so far hard."""
    fringe, weights = scratch.fringe, scratch.weights
    first = fill_edge(edges[0], 1.0, weights[:EDGE_SAMPLES])
    gather_edge(six, at, first, scratch.table, fringe[:, :EDGE_SAMPLES])
    last = fill_edge(edges[2], -1.0, weights[EDGE_SAMPLES:])
    gather_edge(six, at, last, scratch.table, fringe[:, EDGE_SAMPLES:])
    v1, v2, v3, j1, j2, j3, cosine, sine = (
        fringe[0],
        fringe[1],
        fringe[2],
        fringe[3],
        fringe[4],
        fringe[5],
        fringe[6],
        fringe[7],
    )
    l1 = edge_sums(v1, j1, v2, j2, cosine, sine, weights)
    l2 = edge_sums(v2, j2, v3, j3, cosine, sine, weights)
    l3 = edge_sums(v3, j3, v1, j1, cosine, sine, weights)
    for j in range(SUMS):
        scratch.tapered[0, j] += l1[j]
        scratch.tapered[1, j] += l2[j]
        scratch.tapered[2, j] += l3[j]


@kernel
def sum_window(six: Six, at: int, edges: Edges, scratch: Scratch) -> None:
    """Sum one window into `scratch`; its first half, so far without tapers, as well.

    Parameters
    ----------
    at : int
        Row index of the whole sample from which `edges` are counted.
    """
    middle, end = math.floor(edges[1] + 0.5), math.floor(edges[2] + 0.5)
    scratch.hard[:] = 0.0
    add_samples(six, at, 0, middle, scratch.table, scratch.hard)
    copy_sums(scratch.hard, scratch.early)
    add_samples(six, at, middle, end, scratch.table, scratch.hard)
    copy_sums(scratch.hard, scratch.tapered)
    taper_window(six, at, edges, scratch)


@kernel
def taper_half(six: Six, at: int, p: int, edges: Edges, scratch: Scratch) -> None:
    """Taper the first half of phase p's voltage, what its frequency is found from; to follow `taper_window`."""
    fringe, weights = scratch.fringe, scratch.weights
    middle = fill_edge(edges[1], -1.0, weights[EDGE_SAMPLES:])
    gather_edge(six, at, middle, scratch.table, fringe[:, EDGE_SAMPLES:])
    uc, us, u_sum = edge_correlation(fringe[p], fringe[6], fringe[7], weights)
    scratch.early[p, UC] += uc
    scratch.early[p, US] += us
    scratch.early[p, U_SUM] += u_sum


@kernel
def next_product(column: int, p: int, n: float, conditions: Conditions, sums: Floats) -> float:
    """Return the sum of u, or i, times that of the next phase in V² or A²; `column` is `U_NEXT` or `I_NEXT`."""
    q = (p + 1) % 3
    total, shift = (U_SUM, 0) if column == U_NEXT else (I_SUM, 3)
    gain, offset = conditions.gain, conditions.offset
    x, y = p + shift, q + shift
    return scaled_product(sums[p, column], sums[p, total], sums[q, total], n, gain[x], offset[x], gain[y], offset[y])


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
    gain = conditions.gain
    tones = scratch.tones
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
    neutral = tones[3] + tones[4] + tones[5]
    neutral_square = -2.0 * (neutral * neutral * double).real
    for p in range(3):
        q = (p + 1) % 3
        across = next_product(U_NEXT, p, length, conditions, scratch.tapered) - 2.0 * (tones[p] * tones[q] * double).real
        row["line_voltage_v"][p] = root(row["voltage_v"][p] ** 2 + row["voltage_v"][q] ** 2 - 2.0 * across / length)
        neutral_square += current_square(scratch.tapered[p], p, length, conditions)
        neutral_square += 2.0 * next_product(I_NEXT, p, length, conditions, scratch.tapered)
    row["neutral_current_a"] = root(neutral_square / length)


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
