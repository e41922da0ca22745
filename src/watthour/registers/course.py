"""How one primary total grows, window by window: for pulses, which must know in which window a unit was passed.

In: the registers before some windows, and the windows. Out: the total after any of them, the same integer that
`count_windows` arrives at. It is worked out where it is asked for; the registers are not touched.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from watthour.metrology import Rows
from watthour.registers.counters import Registers
from watthour.registers.integers import TOTAL, Carry, Integers, Summation
from watthour.registers.tally import booked_by_each
from watthour.units import ENERGIES


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalCourse:
    """A primary total over consecutive windows, in micro-units.

    Parameters
    ----------
    first : int
        Before the first window.
    secondary : ndarray of int64, shape (n + 1,)
        What the windows have added up to so far, in secondary micro-units; 0 first.
    factor, owed, parts : int
        Primary = (secondary x factor + owed) // parts.
    """

    first: int
    secondary: Integers
    factor: int
    owed: int
    parts: int

    @property
    def last(self) -> int:
        """The total after the last window."""
        return self.reading(len(self.secondary) - 1)

    def reading(self, window: int) -> int:
        """Return the total after so many windows."""
        return self.first + (int(self.secondary[window]) * self.factor + self.owed) // self.parts

    def window_reaching(self, amount: int) -> int:
        """Return the first window, from 0, after which the total is at least `amount`, which is above the first."""
        needed = -(-((amount - self.first) * self.parts - self.owed) // self.factor)
        return int(np.searchsorted(self.secondary, needed)) - 1


def total_course(
    registers: Registers, carry: Carry, windows: Rows, *, summation: Summation, ratio: Fraction, energy: str
) -> TotalCourse:
    """Return how the total of one energy grows over windows.

    Parameters
    ----------
    registers, carry
        Before the first window; neither is changed.
    windows, summation, ratio
        As `count_windows` takes them.
    energy : str
        One of `watthour.units.ENERGIES`.
    """
    place = ENERGIES.index(energy)
    booked = booked_by_each(carry, windows, summation)[:, place]
    parts = math.lcm(registers.parts, ratio.denominator)
    return TotalCourse(
        first=registers.total[place],
        secondary=np.concatenate([[0], np.cumsum(booked)]),
        factor=ratio.numerator * (parts // ratio.denominator),
        owed=registers.remainders[TOTAL][place] * (parts // registers.parts),
        parts=parts,
    )
