"""Windows to whole secondary micro-units: the one place where energy becomes an integer.

Each phase's energy of a window becomes a whole number of microwatt-hours (microvar-hours), the remainder is
carried; totals are sums of phase integers. Sign and quadrant are decided here, per window::

             Q+
        Q2   |   Q1          import  P+        vectorial   sign of the sum of phases
      P- ----+---- P+        export  P-        arithmetic  totals are sums of the per-phase counters
        Q3   |   Q4
             Q-              +40 W, -25 W, +50 W: vectorial 65 import, arithmetic 90 import and 25 export

An amount always goes, positive, to the register of its own sign, so none falls and import - export is the net
energy. Only the choice of quadrant remembers: while |P| < 0.002 S, the sign of P of the window before holds.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from watthour.metrology import Record, Rows
from watthour.metrology.compiling import kernel

IMPORT, EXPORT, Q1, Q2, Q3, Q4 = range(6)
TOTAL = 3
"""Row of the totals, after the three phases."""

_MICRO_PER_WS = 1e6 / 3600.0
_UNDECIDED = 0.002
"""Part of S below which P has no sign of its own."""

CARRY = np.dtype(
    [
        ("active_remainder", "f8", (3,)),  # secondary microwatt-hours, in (-1, 1)
        ("reactive_remainder", "f8", (3,)),
        ("importing", "i1", (4,)),  # kept sign of P: L1 L2 L3 total; +1 or -1
    ]
)

Carry = Rows
"""What is carried from window to window: an array of `CARRY` of shape (1,)."""

Integers = NDArray[np.int64]


class Summation(IntEnum):
    """How the three phases make a total."""

    VECTORIAL = 0
    ARITHMETIC = 1


def first_carry() -> Carry:
    """Return what a new meter carries: no remainders, importing."""
    carry = np.zeros(1, CARRY)
    carry["importing"] = 1
    return carry


@kernel
def kept_sign(power: float, apparent: float, before: int) -> int:
    """Return the sign that chooses the quadrant: that of P, or the one before while |P| < 0.002 S."""
    if abs(power) < _UNDECIDED * apparent or power == 0.0:
        return before
    return 1 if power > 0.0 else -1


@kernel
def book(active: int, reactive: int, importing: int, row: Integers) -> None:
    """Put signed amounts into the registers of their signs.

    Parameters
    ----------
    row : ndarray, shape (6,)
        Import, export, Q1 ... Q4; increased in place.
    """
    if active >= 0:
        row[IMPORT] += active
    else:
        row[EXPORT] -= active
    if reactive >= 0:
        row[Q1 if importing > 0 else Q2] += reactive
    else:
        row[Q4 if importing > 0 else Q3] -= reactive


@kernel
def count_integers(windows: Rows, summation: int, carry: Record, counts: Integers) -> None:
    """Count windows into secondary integers.

    Parameters
    ----------
    windows : ndarray of `WINDOW`
        In order of time.
    summation : int
        A `Summation`.
    carry : record of `CARRY`
        Changed in place.
    counts : ndarray, shape (4, 6)
        L1, L2, L3, total by import, export, Q1 ... Q4 in secondary micro-units; increased in place.
    """
    for k in range(windows.shape[0]):
        window = windows[k]
        active_sum = 0
        reactive_sum = 0
        power_sum = 0.0
        apparent_sum = 0.0
        for p in range(3):
            apparent = window["voltage_v"][p] * window["current_a"][p]
            power_sum += window["power_w"][p]
            apparent_sum += apparent
            carry["importing"][p] = kept_sign(window["power_w"][p], apparent, carry["importing"][p])
            exact = window["active_ws"][p] * _MICRO_PER_WS + carry["active_remainder"][p]
            active = int(exact)
            carry["active_remainder"][p] = exact - active
            exact = window["reactive_vars"][p] * _MICRO_PER_WS + carry["reactive_remainder"][p]
            reactive = int(exact)
            carry["reactive_remainder"][p] = exact - reactive
            book(active, reactive, carry["importing"][p], counts[p])
            if summation == Summation.ARITHMETIC:
                book(active, reactive, carry["importing"][p], counts[TOTAL])
            active_sum += active
            reactive_sum += reactive
        carry["importing"][TOTAL] = kept_sign(power_sum, apparent_sum, carry["importing"][TOTAL])
        if summation == Summation.VECTORIAL:
            book(active_sum, reactive_sum, carry["importing"][TOTAL], counts[TOTAL])
