"""Energy by the quarter of an hour, as whole micro-units, with what is known of each interval.

In: dense arrays from whatever kept them. Out: the same, cut to local days. Where they came from is not known here.
"""

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from watthour.errors import ReadingsError
from watthour.units import NANOSECONDS

QUARTER_NS = 900 * NANOSECONDS
ENERGIES = ("import", "export", "q1", "q2", "q3", "q4")
LONGEST = 2**62
"""What all intervals of one quantity may sum to, in micro-units: 4.6 TWh."""

Integers = NDArray[np.int64]


class Quality(IntFlag):
    """What is wrong with an interval; 0: nothing."""

    MISSING = 1
    """There is no reading: its energies stand as 0 and are counted nowhere as a value."""
    INCOMPLETE = 2
    """Some of it was not metered: its energy is a lower bound."""
    ESTIMATED = 4
    """Somebody filled it in."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Intervals:
    """A load profile without holes: interval k is [begin + k step, begin + (k + 1) step).

    Parameters
    ----------
    begin_ns : int
        Start of the first, nanoseconds UTC.
    step_ns : int
        15, 30 or 60 minutes.
    energies : dict of str to (n,) int64 array
        ``import``, ``export``, ``q1`` … ``q4`` in micro-units; what was not read is not there. ``import`` always is.
    quality : (n,) uint8 array
        `Quality` of each.

    Raises
    ------
    ReadingsError
        If a value is negative, or they are too many or too large to be summed exactly.
    """

    begin_ns: int
    step_ns: int
    energies: dict[str, Integers]
    quality: NDArray[np.uint8]

    def __post_init__(self) -> None:
        for name, values in self.energies.items():
            if values.size and int(values.min()) < 0:
                msg = f"{name} is negative in an interval; energies only grow, export stands in its own column"
                raise ReadingsError(msg)
            if values.size and int(values.max()) * values.size > LONGEST:
                msg = f"{name} is too large to be summed exactly; check the unit of its column"
                raise ReadingsError(msg)

    def __len__(self) -> int:
        return len(self.quality)

    @property
    def starts_ns(self) -> Integers:
        """Start of each."""
        return self.begin_ns + self.step_ns * np.arange(len(self), dtype=np.int64)

    def between(self, begin_ns: int, end_ns: int) -> "Intervals":
        """Return the intervals of [begin, end), which is whole steps from `begin_ns`; what was not read is missing."""
        count = (end_ns - begin_ns) // self.step_ns
        shift = (begin_ns - self.begin_ns) // self.step_ns
        source = slice(max(shift, 0), max(min(shift + count, len(self)), 0))
        target = slice(source.start - shift, source.start - shift + max(source.stop - source.start, 0))
        quality = np.full(count, Quality.MISSING, np.uint8)
        energies = {name: np.zeros(count, np.int64) for name in self.energies}
        if source.stop > source.start:
            quality[target] = self.quality[source]
            for name, values in self.energies.items():
                energies[name][target] = values[source]
        return Intervals(begin_ns=begin_ns, step_ns=self.step_ns, energies=energies, quality=quality)


def intervals_from(
    starts_ns: Integers, energies: dict[str, Integers], quality: NDArray[np.uint8], step_ns: int = QUARTER_NS
) -> Intervals:
    """Return intervals from rows in any order; rows of one start are summed, since a clock set back makes two.

    Raises
    ------
    ReadingsError
        If there are none, or a start is no multiple of the step.
    """
    if not starts_ns.size:
        msg = "no interval at all; check the file and the names of its columns"
        raise ReadingsError(msg)
    wrong = np.flatnonzero(starts_ns % step_ns)
    if wrong.size:
        minutes = step_ns // (60 * NANOSECONDS)
        at = np.datetime64(int(starts_ns[wrong[0]]), "ns")
        msg = f"the interval of {at}Z does not begin at a multiple of {minutes} minutes; check the column of times and its zone"
        raise ReadingsError(msg)
    begin_ns = int(starts_ns.min())
    place = (starts_ns - begin_ns) // step_ns
    count = int(place.max()) + 1
    dense = {name: np.zeros(count, np.int64) for name in energies}
    for name, values in energies.items():
        np.add.at(dense[name], place, values)
    known = np.full(count, Quality.MISSING, np.uint8)
    known[place] = 0
    np.bitwise_or.at(known, place, quality)
    return Intervals(begin_ns=begin_ns, step_ns=step_ns, energies=dense, quality=known)
