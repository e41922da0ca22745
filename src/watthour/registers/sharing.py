"""A window that lies on both sides of an edge: its whole integers shared by samples, nothing made and nothing lost.

In: consecutive windows, and the samples at which the rate changes, an interval ends or a period is closed. Out: the secondary
integers of each stretch between two edges. One window has one sign: what is shared are the amounts in its registers, after
quadrant and sign were decided. The last side takes the remainder::

    window   |........ 1600 samples, 1001 µWh ........|
    stretch  ...... 400 |........ 1200 ...............
                250 µWh |  751 µWh
"""

from collections.abc import Sequence

import numpy as np

from watthour.metrology import Record, Rows
from watthour.metrology.compiling import kernel
from watthour.registers.integers import TOTAL, Carry, Integers, Summation, count_integers
from watthour.units import ENERGIES


def count_stretches(windows: Rows, carry: Carry, ends: Sequence[int], summation: Summation) -> tuple[Integers, Carry]:
    """Return what consecutive windows add in each stretch, and the carry after them.

    Parameters
    ----------
    windows : ndarray of `WINDOW`
        In order of time, without a gap.
    carry : ndarray of `CARRY`
        Before them; left as it is.
    ends : sequence of int
        The sample behind each stretch, rising; the last is that behind the last window.

    Returns
    -------
    counts : ndarray of int64, shape (len(ends), 4, 6)
        L1, L2, L3, total by import, export, Q1 ... Q4, secondary micro-units.
    carry : ndarray of `CARRY`
    """
    carried = carry.copy()
    counts = np.zeros((len(ends), TOTAL + 1, len(ENERGIES)), np.int64)
    amounts = np.zeros_like(counts[0])
    _count_into(windows, int(summation), carried[0], np.array(ends, np.int64), amounts, counts)
    return counts, carried


@kernel
def _count_into(  # noqa: PLR0917 - six parameters
    windows: Rows, summation: int, carry: Record, ends: Integers, amounts: Integers, counts: Integers
) -> None:
    """Add to the counts of each stretch; `amounts` holds what a window that is shared adds."""
    stretch = 0
    for k in range(windows.shape[0]):
        begin = windows[k]["first_sample"]
        end = begin + windows[k]["samples"]
        while stretch < len(ends) - 1 and ends[stretch] <= begin:
            stretch += 1
        if end <= ends[stretch] or stretch == len(ends) - 1:
            count_integers(windows[k : k + 1], summation, carry, counts[stretch])
        else:
            amounts[:] = 0
            count_integers(windows[k : k + 1], summation, carry, amounts)
            _share(amounts, (begin, end), ends[stretch:], counts[stretch:])


@kernel
def _share(amounts: Integers, window: tuple[int, int], ends: Integers, counts: Integers) -> None:
    """Add each stretch's part of the amounts of a window of samples, in whole units, in proportion to its samples."""
    begin, end = window
    samples = end - begin
    for p in range(amounts.shape[0]):
        for e in range(amounts.shape[1]):
            whole, rest = amounts[p, e] // samples, amounts[p, e] % samples
            shared = 0
            stretch = 0
            while ends[stretch] < end and stretch < len(ends) - 1:
                passed = ends[stretch] - begin
                upto = whole * passed + rest * passed // samples  # amount x passed // samples, within 64 bits
                counts[stretch, p, e] += upto - shared
                shared = upto
                stretch += 1
            counts[stretch, p, e] += amounts[p, e] - shared
