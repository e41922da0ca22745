"""The load profile's interval while it is open, and the row that it becomes.

In: energy as it is counted, with its rate and what happened. Out: a `ProfileRow` for each interval in which something was
metered. An interval without a sample, or with all voltages out from end to end, has no row: the labels of its neighbours
say how long the gap is, and no zero is invented.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import add

from watthour.history import PLAIN, PROFILE_MIN, ProfileRow, RowFlag, Six
from watthour.registers.counters import NONE
from watthour.units import NANOSECONDS

PROFILE_NS = PROFILE_MIN * 60 * NANOSECONDS


_WHOLE = Fraction(PROFILE_NS, NANOSECONDS)
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterval:
    """An interval that is not over.

    Parameters
    ----------
    start_ns : int
    energies : six int
    rates : tuple of int
        In the order in which each came first.
    demand_microw : int or None
    metered : Fraction
        Seconds.
    flags : RowFlag
    """

    start_ns: int
    energies: Six = NONE
    rates: tuple[int, ...] = ()
    demand_microw: int | None = None
    metered: Fraction = Fraction(0)
    flags: RowFlag = PLAIN

    @property
    def end_ns(self) -> int:
        """Where it ends."""
        return self.start_ns + PROFILE_NS


def open_interval(time_ns: int) -> OpenInterval:
    """Return the interval that holds an instant."""
    return OpenInterval(start_ns=time_ns // PROFILE_NS * PROFILE_NS)


def add_to_interval(
    interval: OpenInterval, amounts: Sequence[int], *, rate: int, metered: Fraction, flags: RowFlag
) -> OpenInterval:
    """Return the interval with more energy in it, all at one rate."""
    return OpenInterval(
        start_ns=interval.start_ns,
        energies=tuple(map(add, interval.energies, amounts)),
        rates=interval.rates if rate in interval.rates or not metered else (*interval.rates, rate),
        demand_microw=interval.demand_microw,
        metered=interval.metered + metered,
        flags=interval.flags | flags,
    )


def with_demand(interval: OpenInterval, demand_microw: int) -> OpenInterval:
    """Return the interval after a demand period ended in it."""
    return replace(interval, demand_microw=max(demand_microw, interval.demand_microw or 0))


def row_of(interval: OpenInterval, sample: Fraction) -> ProfileRow | None:
    """Return the row of an interval; None where nothing was metered in it.

    Parameters
    ----------
    sample : Fraction
        Seconds between two samples: an interval that lacks as much is incomplete.
    """
    if not interval.metered:
        return None
    missing = _WHOLE - interval.metered
    return ProfileRow(
        start_ns=interval.start_ns,
        end_ns=interval.end_ns,
        energies=interval.energies,
        rates=interval.rates,
        demand_microw=interval.demand_microw,
        metered_ns=_nanoseconds(interval.metered),
        flags=interval.flags | (RowFlag.INCOMPLETE if missing >= sample else PLAIN),
    )


def _nanoseconds(time: Fraction) -> int:
    """Return seconds in nanoseconds, rounded half up."""
    return (2 * time.numerator * NANOSECONDS + time.denominator) // (2 * time.denominator)
