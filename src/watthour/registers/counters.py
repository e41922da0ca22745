"""The registers: integers of micro-units that only grow, secondary and primary.

Primary = secondary x CT x VT ratio, exact, the remainder carried at the ratio then in force. The same primary
integer goes to total, partial and the active rate, so rates always sum to the total. Roll-over is a matter of
showing (`watthour.units.shown_register`); these never roll over.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import add

import numpy as np

from watthour.history import Six
from watthour.metrology import Rows
from watthour.registers.integers import TOTAL, Carry, Integers, Summation, count_integers
from watthour.units import ENERGIES, RATES

NONE: Six = (0,) * len(ENERGIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """All counters of a meter.

    Parameters
    ----------
    secondary : six int
        Totals at the terminals; what LEDs count.
    total, partial : six int
        Primary.
    rates : eight times six int
        Primary, T1 to T8.
    phases : three times six int
        Primary, L1 to L3.
    remainders : four times six int
        Parts of a primary micro-unit owed, each in [0, `parts`): L1, L2, L3, total.
    parts : int
        How many of them make one micro-unit: the denominator of the ratios that were in force.
    """

    secondary: Six = NONE
    total: Six = NONE
    partial: Six = NONE
    rates: tuple[Six, ...] = (NONE,) * len(RATES)
    phases: tuple[Six, ...] = (NONE,) * 3
    remainders: tuple[Six, ...] = (NONE,) * 4
    parts: int = 1


def count_windows(
    registers: Registers, carry: Carry, windows: Rows, *, summation: Summation, ratio: Fraction, rate: int
) -> tuple[Registers, Carry]:
    """Return the registers and the carry after windows that all fell into one rate.

    Parameters
    ----------
    windows : ndarray of `WINDOW`
    ratio : Fraction
        CT x VT, primary per secondary, at these windows.
    rate : int
        The active rate, 1 to 8.
    """
    carried = carry.copy()
    counts = np.zeros((4, len(ENERGIES)), np.int64)
    count_integers(windows, int(summation), carried[0], counts)
    return add_counts(registers, counts, ratio=ratio, rate=rate), carried


def add_counts(registers: Registers, counts: Integers, *, ratio: Fraction, rate: int) -> Registers:
    """Return the registers after secondary amounts that all fell into one rate.

    Parameters
    ----------
    counts : ndarray of int64, shape (4, 6)
        L1, L2, L3, total by import, export, Q1 ... Q4, secondary micro-units.
    ratio, rate
        As `count_windows`.
    """
    parts = math.lcm(registers.parts, ratio.denominator)
    finer = parts // registers.parts
    owed = registers.remainders if finer == 1 else [[rest * finer for rest in row] for row in registers.remainders]
    factor = ratio.numerator * (parts // ratio.denominator)
    primary = [_to_primary(row, factor, rest, parts) for row, rest in zip(counts.tolist(), owed, strict=True)]
    amounts = [row[0] for row in primary]
    rates = list(registers.rates)
    rates[rate - 1] = _add(rates[rate - 1], amounts[TOTAL])
    return Registers(
        secondary=_add(registers.secondary, counts[TOTAL].tolist()),
        total=_add(registers.total, amounts[TOTAL]),
        partial=_add(registers.partial, amounts[TOTAL]),
        rates=tuple(rates),
        phases=tuple(_add(row, amount) for row, amount in zip(registers.phases, amounts[:TOTAL], strict=True)),
        remainders=tuple(row[1] for row in primary),
        parts=parts,
    )


def reset_partial(registers: Registers) -> Registers:
    """Return the registers with the partial ones at 0; the remainders stay, nothing counted is lost to the total."""
    return replace(registers, partial=NONE)


def _add(row: Six, amounts: Sequence[int]) -> Six:
    return tuple(map(add, row, amounts))


def _to_primary(secondary: Sequence[int], factor: int, owed: Sequence[int], parts: int) -> tuple[Six, Six]:
    """Return whole primary micro-units, and the parts of one owed after them."""
    if parts == 1:  # a ratio without a fraction owes nothing
        return tuple([amount * factor for amount in secondary]), NONE
    both = [divmod(amount * factor + rest, parts) for amount, rest in zip(secondary, owed, strict=True)]
    return tuple(whole for whole, _ in both), tuple(rest for _, rest in both)
