"""Which frequency the stream has, and so where the next window ends.

The phase advance of the reference voltage (L1, else L2, else L3) between the two halves of a window gives its
frequency; the next window is cut with it. A window that turns out to be cut wrongly, after a jump, is cut again;
a tracker that lost its way searches the whole range. Where no voltage gives a frequency the last one is held.
"""

import math

import numpy as np

from watthour.metrology.compiling import kernel
from watthour.metrology.records import Conditions, Edges, Record, Samples, Scratch, Six
from watthour.metrology.sums import FRINGE, U_SUM, UC, US, UU, fill_oscillator
from watthour.metrology.tone import advance_frequency, half_spectra, square
from watthour.metrology.window import sum_window, taper_half, voltage_square

LOWEST_HZ = 44.0
HIGHEST_HZ = 66.0
"""A fundamental is believed 1 Hz beyond the 45 to 65 Hz that are promised, so that both ends are inside."""
NOMINAL_HZ = 50.0
SPLIT_HZ = 55.0
"""Below it a window has 10 cycles, from it on 12 (IEC 61000-4-30 for 50 and 60 Hz)."""

_REPEAT = 1e-4
"""A window whose frequency differs by more from the one it was cut with is cut again."""
_ATTEMPTS = 4
_TABLE_TOLERANCE = 5e-7
"""The oscillator's table is kept while the frequency moves by less: harmonics of a tenth leak 0.05 ppm."""
_AMBIGUOUS_HZ = 2.0
"""Half windows tell phase advances apart up to 5 Hz; from here on the frequency is searched for."""
_PURITY = 0.5
"""Part of the mean square that the fundamental of the reference must hold to be believed."""


@kernel
def window_cycles(frequency_hz: float) -> int:
    """Return the cycles of a window: 10, or 12 from `SPLIT_HZ` on."""
    return 10 if frequency_hz < SPLIT_HZ else 12


@kernel
def search_frequency(reference: Samples, rate_hz: float) -> float:
    """Return the strongest frequency between 45 and 65 Hz in steps of 1 Hz, by a Hann-windowed transform.

    Needed at the beginning, after a loss and after a jump; `advance_frequency` then makes it exact.
    """
    n = reference.shape[0]
    mean = 0.0
    for k in range(n):
        mean += np.float64(reference[k])
    mean /= n
    best_hz = NOMINAL_HZ
    best = -1.0
    candidates = int(HIGHEST_HZ - LOWEST_HZ) + 1
    for j in range(candidates):
        frequency_hz = LOWEST_HZ + j
        step = 2.0 * math.pi * frequency_hz / rate_hz
        real = 0.0
        imaginary = 0.0
        for k in range(n):
            x = (0.5 - 0.5 * math.cos(2.0 * math.pi * (k + 0.5) / n)) * (np.float64(reference[k]) - mean)
            real += x * math.cos(step * k)
            imaginary += x * math.sin(step * k)
        power = real * real + imaginary * imaginary
        if power > best:
            best = power
            best_hz = frequency_hz
    return best_hz


@kernel
def reference_phase(length: float, conditions: Conditions, scratch: Scratch) -> int:
    """Return the first phase with voltage on (0, 1, 2), or -1: L1, else L2, else L3."""
    for p in range(3):
        if voltage_square(scratch.tapered[p], p, length, conditions) >= conditions.present_v**2 * length:
            return p
    return -1


@kernel
def half_correlations(p: int, omega_table: float, edges: Edges, scratch: Scratch) -> tuple[complex, complex]:
    """Return the correlations of the first and second half of phase p's voltage, the window's mean removed."""
    half, whole = scratch.early[p], scratch.tapered[p]
    mean = whole[U_SUM] / (edges[2] - edges[0])
    first, second = half_spectra(-omega_table, edges)
    early = complex(half[UC], -half[US]) - mean * first
    both = complex(whole[UC], -whole[US]) - mean * (first + second)
    return early, both - early


@kernel
def find_frequency(p: int, omega: float, omega_table: float, edges: Edges, rate_hz: float, scratch: Scratch) -> float:
    """Return the frequency of reference phase p in a summed window, or NaN if it has no credible fundamental.

    Parameters
    ----------
    omega, omega_table : float
        First guess, and the table's frequency, in radians per sample.
    """
    early, late = half_correlations(p, omega_table, edges, scratch)
    omega, tone = advance_frequency(early, late, omega, omega_table, edges)
    length = edges[2] - edges[0]
    sums = scratch.tapered[p]
    mean_square = (sums[UU] - sums[U_SUM] * sums[U_SUM] / length) / length
    tone_square = 2.0 * square(tone)
    pure = tone_square > 0.0 and tone_square >= _PURITY * mean_square
    frequency_hz = omega * rate_hz / (2.0 * math.pi)
    return frequency_hz if pure and LOWEST_HZ <= frequency_hz <= HIGHEST_HZ else math.nan


@kernel
def prepare_table(tracker: Record, frequency_hz: float, rate_hz: float, scratch: Scratch) -> float:
    """Make the oscillator's table for a frequency unless the tracker's is near enough; return its rad/sample."""
    table_hz: float = tracker["table_hz"]
    if abs(frequency_hz - table_hz) > _TABLE_TOLERANCE * frequency_hz:
        table_hz = frequency_hz
        tracker["table_hz"] = frequency_hz
    if scratch.filled_hz[0] != table_hz:
        scratch.filled_hz[0] = table_hz
        fill_oscillator(2.0 * math.pi * table_hz / rate_hz, scratch.table)
    return 2.0 * math.pi * table_hz / rate_hz


@kernel
def fit_window(
    six: Six, at: int, cycles: int, conditions: Conditions, tracker: Record, scratch: Scratch
) -> tuple[float, Edges]:
    """Find the window that fits the frequency, and sum it.

    Where more samples are needed the tracker is left as it was: the next attempt, with more, begins alike.

    Parameters
    ----------
    at : int
        Row index of the tracker's ``start``.
    cycles : int
        Cycles of the window; 0: 10 or 12, as its frequency says.

    Returns
    -------
    float
        Frequency; negative: more samples are needed; NaN: none was found, the held one was used.
    Edges
        Of the window.
    """
    held_hz = tracker["frequency_hz"]
    held_table_hz = tracker["table_hz"]
    rate_hz = conditions.rate_hz
    frequency_hz = held_hz
    found_hz = math.nan
    edges = (0.0, 0.0, 0.0)
    searched = False
    follow = True
    for _ in range(_ATTEMPTS):
        length = (cycles if cycles > 0 else window_cycles(frequency_hz)) * rate_hz / frequency_hz
        edges = (tracker["edge"], tracker["edge"] + length / 2.0, tracker["edge"] + length)
        if at + math.floor(edges[2] + 0.5) + FRINGE + 1 > six[0].shape[0]:
            tracker["table_hz"] = held_table_hz
            return -1.0, edges
        omega_table = prepare_table(tracker, frequency_hz, rate_hz, scratch)
        sum_window(six, at, edges, scratch)
        p = reference_phase(length, conditions, scratch) if follow else -1
        if p < 0:
            break
        taper_half(six, at, p, edges, scratch)
        found_hz = find_frequency(p, 2.0 * math.pi * frequency_hz / rate_hz, omega_table, edges, rate_hz, scratch)
        near = abs(found_hz - frequency_hz) <= _AMBIGUOUS_HZ
        if near and abs(found_hz - frequency_hz) <= _REPEAT * frequency_hz:
            break
        if near:
            frequency_hz = found_hz
        elif searched:
            frequency_hz, follow, found_hz = held_hz, False, math.nan
        else:
            frequency_hz, searched = search_frequency(six[p][at : at + math.floor(edges[2])], rate_hz), True
    return found_hz, edges
