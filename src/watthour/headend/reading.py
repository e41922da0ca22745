"""What the head-end reads of a meter, and what it makes of it: readings, intervals and events.

Counters are whole micro-units (µWh, µvarh) as the meter shows them, roll-over included; instants are nanoseconds UTC since 1970.
Which bus a reading came over is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from watthour.view import Number

Energies = Mapping[str, int]
"""Micro-units by ``import``, ``export``, ``q1`` … ``q4``; a meter that lacks one lacks its key."""


MOST_MICRO = 2**63 - 1
"""The most that a counter is believed to show: what 64 bits with a sign hold, 9.2 TWh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A counter as it was read.

    Parameters
    ----------
    micro : int
        What it shows.
    step_micro : int
        Its last digit.
    modulus_micro : int, optional
        Where it begins again at 0; None: it never does.
    """

    micro: int
    step_micro: int = 1
    modulus_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One read of one meter.

    Parameters
    ----------
    time_ns : int
        When the counters stood as they were read, by the reader's clock: half way between asking and having the answer.
    within_ns : int
        By how much that instant may be wrong: half the time that the answer took.
    serial : str
        Of the meter that answered, read with the counters.
    counters : mapping of str to Counter
        Of total energy, by `Energies`' keys.
    resettable : mapping of str to Counter
        Counters that an owner may begin again, by their names; watched, never summed.
    values : mapping of str to number or None
        What else was read, named as the nomenclature has it; null where the meter says so.
    ratio : str
        Of the transformers, as the meter is set; empty where it does not say.
    max_power_w : int
        More than this no counter can grow by.
    head : str
        Head of the meter's event chain, hexadecimal; empty where it shows none.
    stepped_ns : int
        By how much the reader's clock was set since the reading before; positive: forward.
    """

    time_ns: int
    serial: str
    counters: Mapping[str, Counter]
    within_ns: int = 0
    resettable: Mapping[str, Counter] = field(default_factory=dict)
    values: Mapping[str, Number] = field(default_factory=dict)
    model: str = ""
    ratio: str = ""
    max_power_w: int = 10_000_000
    head: str = ""
    stepped_ns: int = 0


class Quality(IntEnum):
    """How an interval's energy is known; the larger the worse."""

    MEASURED = 0
    """Both boundaries were read within the tolerance."""
    PROFILE = 1
    """The meter's own load profile says it."""
    INTERPOLATED = 2
    """A boundary lies on the line between two reads that are at most two intervals apart."""
    ESTIMATED = 3
    """Its share of a longer gap, whose sum is exact."""
    INCOMPLETE = 4
    """A stretch of it was not metered, or by a meter that told nothing of it: a lower bound."""
    GAP = 5
    """Nothing is known of it; it has no energy."""


class Kind(StrEnum):
    """What can happen to the counters of a place."""

    FIRST = "first"
    """A place is read for the first time."""
    ROLLED_OVER = "rolled over"
    SWAPPED = "meter swapped"
    HELD = "implausible, held"
    """A counter that cannot have got there; the next read decides."""
    DROPPED = "held read dropped"
    """The next read showed that it was no reading of this counter."""
    RESET = "counter reset"
    """It began again from 0."""
    BACKWARDS = "counter ran backwards"
    JUMPED = "counter jumped"
    PARTIAL_RESET = "partial counter reset"
    RATIO_CHANGED = "ratio changed"
    CLOCK_STEPPED_BACK = "clock stepped back"
    """The reader's clock was set back. A reading that is not later than the one before is kept, and counted by the next that is."""
    CLOCK_STEPPED_FORWARD = "clock stepped forward"
    """The reader's clock was set forward: intervals since the reading before lasted less than their name says."""
    PROFILE_REFUSED = "profile refused"
    """The load profile does not fit the counters around it."""
    AMBIGUOUS = "ambiguous gap"
    """So long that a counter may have rolled over more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to the counters of a place.

    Parameters
    ----------
    time_ns : int
        Of the reading that showed it.
    counter : str
        Which one; empty where it concerns all.
    before, after : str
        What it was and what it is.
    """

    time_ns: int
    kind: Kind
    counter: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The energy of a place in [start, start + step).

    Parameters
    ----------
    energies : mapping of str to int
        Micro-units; empty in a `Quality.GAP`.
    """

    start_ns: int
    energies: Energies
    quality: Quality
