"""The secondary counters after each window, for what flashes or switches inside one.

In: windows and what was carried before them. Out: the totals window by window, by the same integers that the registers
count; asked for only where somebody watches pulses.
"""

import numpy as np

from watthour.metrology import Record, Rows
from watthour.metrology.compiling import kernel
from watthour.registers.integers import TOTAL, Carry, Integers, Summation, count_integers
from watthour.units import ENERGIES


@kernel
def count_each(windows: Rows, summation: int, carry: Record, counts: Integers) -> None:
    """Count each window by itself, as `count_integers` does all together.

    Parameters
    ----------
    counts : ndarray, shape (n, 4, 6)
        Increased in place.
    """
    for k in range(windows.shape[0]):
        count_integers(windows[k : k + 1], summation, carry, counts[k])


def booked_by_each(carry: Carry, windows: Rows, summation: Summation) -> Integers:
    """Return what each window adds to the secondary totals.

    Parameters
    ----------
    carry : ndarray of `CARRY`
        Before the first of them; left as it is.

    Returns
    -------
    ndarray of int64, shape (n, 6)
        Import, export, Q1 ... Q4 in micro-units.
    """
    counts = np.zeros((len(windows), TOTAL + 1, len(ENERGIES)), np.int64)
    count_each(windows, int(summation), carry.copy()[0], counts)
    return np.ascontiguousarray(counts[:, TOTAL])
