"""Seconds of an installation given as phasors: the same `WINDOW` rows, in closed form, without a sample.

In: rows of rms phasors, where the cut-off stands. Out: one `WINDOW` row a second, its energy that of one second
in steady state: P = sum over orders of Re(U I*), Q of the fundamental Im(U1 I1*), rms by Parseval. What
happens inside a second is not seen; whoever made the phasors has averaged it.
"""

import math

import numpy as np
from numpy.typing import NDArray

from watthour.metrology.compiling import kernel
from watthour.metrology.records import Record, Rows
from watthour.metrology.tracking import HIGHEST_HZ, LOWEST_HZ
from watthour.metrology.windows import decide_counting

Phasor3 = NDArray[np.complex128]


@kernel
def describe_second(row: Record, voltages: Phasor3, currents: Phasor3) -> None:
    """Fill a row's rms values, powers and phasors from one second's phasors, shape (3, h)."""
    neutral = 0.0
    for p in range(3):
        q = (p + 1) % 3
        uu = 0.0
        ii = 0.0
        across = 0.0
        power = 0.0
        for h in range(voltages.shape[1]):
            u, i, between = voltages[p, h], currents[p, h], voltages[p, h] - voltages[q, h]
            uu += u.real * u.real + u.imag * u.imag
            ii += i.real * i.real + i.imag * i.imag
            across += between.real * between.real + between.imag * between.imag
            power += u.real * i.real + u.imag * i.imag
        row["voltage_v"][p] = math.sqrt(uu)
        row["current_a"][p] = math.sqrt(ii)
        row["line_voltage_v"][p] = math.sqrt(across)
        row["power_w"][p] = power
        row["reactive_var"][p] = (voltages[p, 0] * currents[p, 0].conjugate()).imag
        row["voltage_phasor_v"][p] = voltages[p, 0]
        row["current_phasor_a"][p] = currents[p, 0]
    for h in range(voltages.shape[1]):
        total = currents[0, h] + currents[1, h] + currents[2, h]
        neutral += total.real * total.real + total.imag * total.imag
    row["neutral_current_a"] = math.sqrt(neutral)


@kernel
def measure_seconds(
    voltages: NDArray[np.complex128],
    currents: NDArray[np.complex128],
    frequency_hz: NDArray[np.float64],
    present_v: float,
    cutoff_a: float,
    tracker: Record,
    rows: Rows,
) -> None:
    """Measure every second given.

    Parameters
    ----------
    voltages, currents : ndarray, shape (n, 3, h)
        Rms phasors, the fundamental first.
    frequency_hz : ndarray, shape (n,)
    present_v, cutoff_a : float
        Least voltage of a phase that is on; least current of a phase that begins to count.
    tracker : record of `TRACKER`
        Its place and its cut-off states move on.
    rows : ndarray of `WINDOW`, shape (n,)
        Overwritten.
    """
    for k in range(rows.shape[0]):
        row = rows[k]
        describe_second(row, voltages[k], currents[k])
        row["first_sample"] = tracker["first_sample"]
        row["samples"] = 1
        row["begin"] = row["length"] = 0.0  # of a second no tapered window
        row["cycles"] = round(frequency_hz[k])
        row["powered"] = 0
        for p in range(3):
            if row["voltage_v"][p] >= present_v:
                row["powered"] = 1
            row["active_ws"][p] = row["power_w"][p]
            row["reactive_vars"][p] = row["reactive_var"][p]
        found = row["powered"] == 1 and LOWEST_HZ <= frequency_hz[k] <= HIGHEST_HZ
        row["frequency_hz"] = frequency_hz[k] if found else math.nan
        decide_counting(row, cutoff_a, tracker)
        tracker["first_sample"] += 1
        tracker["start"] = tracker["first_sample"]
