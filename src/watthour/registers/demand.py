"""Demand: the mean import power of a period, and the highest of each rate since the last closing.

In: energy as it is counted, and the clock's steps. Out: the last demand, the maxima. Import active alone, primary, as the
maximeter of a bill has it: what is exported does not lower it. Whole microwatts::

    demand = energy of the period [microwatt-hours] x 60 / its minutes      the whole period's, however much was metered

    block    |------ 15 min ------|------ 15 min ------|         one demand each period
    sliding  |------ 15 min ------|
              |------ 15 min ------|                             one each minute, of the last 15

A demand belongs to the rate in force when its period began, and has the time of its end (IEC 62056-6-2, class 5: the capture
time is the end of the period). Periods are multiples of their length since 1970 UTC. One into which the clock was set makes no
demand, since its energy is not that of its minutes; nor does one in which nothing was metered.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from watthour.history import Maximum
from watthour.units import NANOSECONDS, RATES

MINUTE_NS = 60 * NANOSECONDS
_MINUTES_PER_HOUR = 60
_NO_MAXIMA: tuple[Maximum | None, ...] = (None,) * len(RATES)


class DemandMethod(StrEnum):
    """How periods follow one another."""

    BLOCK = "block"
    SLIDING = "sliding"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandRule:
    """How demand is formed.

    Parameters
    ----------
    period_min : int
        Minutes of a period.
    method : DemandMethod
    """

    period_min: int
    method: DemandMethod

    @property
    def step_min(self) -> int:
        """Minutes from one demand to the next."""
        return self.period_min if self.method is DemandMethod.BLOCK else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandStep:
    """Energy of one step: a period of blocks, a minute of sliding ones.

    Parameters
    ----------
    start_ns, end_ns : int
    rate : int
        In force at its begin.
    energy_microwh : int
    is_metered : bool
        Whether anything was metered in it.
    is_disturbed : bool
        Whether the clock was set into it, within it or out of it.
    """

    start_ns: int
    end_ns: int
    rate: int
    energy_microwh: int = 0
    is_metered: bool = False
    is_disturbed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is known of demand.

    Parameters
    ----------
    running : DemandStep or None
        The step that is not over.
    steps : tuple of DemandStep
        Of sliding periods: those that the next period may still hold, oldest first.
    last : Maximum or None
        The last demand, with the end of its period.
    maximum : Maximum or None
        Highest since the last closing.
    rate_maxima : eight times Maximum or None
        The same of each rate.
    """

    running: DemandStep | None = None
    steps: tuple[DemandStep, ...] = ()
    last: Maximum | None = None
    maximum: Maximum | None = None
    rate_maxima: tuple[Maximum | None, ...] = _NO_MAXIMA


NO_DEMAND = Demand()
"""What a new meter knows of it."""


def open_step(time_ns: int, rate: int, rule: DemandRule, *, is_disturbed: bool = False) -> DemandStep:
    """Return the step that holds an instant; disturbed where the clock was set to that instant."""
    length = rule.step_min * MINUTE_NS
    start = time_ns // length * length
    return DemandStep(start_ns=start, end_ns=start + length, rate=rate, is_disturbed=is_disturbed)


def add_to_step(step: DemandStep, energy_microwh: int, *, is_metered: bool) -> DemandStep:
    """Return the step with more energy in it."""
    return DemandStep(
        start_ns=step.start_ns,
        end_ns=step.end_ns,
        rate=step.rate,
        energy_microwh=step.energy_microwh + energy_microwh,
        is_metered=step.is_metered or is_metered,
        is_disturbed=step.is_disturbed,
    )


def close_step(demand: Demand, step: DemandStep, rule: DemandRule) -> Demand:
    """Return the demand after a step that is over: a new one, if all of its period can be believed."""
    if not (step.is_metered or step.is_disturbed):
        return replace(demand, running=None)
    begin = step.end_ns - rule.period_min * MINUTE_NS
    held = (*(known for known in demand.steps if begin <= known.start_ns < step.start_ns), step)
    later = held if rule.method is DemandMethod.SLIDING else ()
    if any(each.is_disturbed for each in held):
        return replace(demand, running=None, steps=later)
    power = mean_microw(sum(each.energy_microwh for each in held), rule.period_min)
    found = Maximum(demand_microw=power, time_ns=step.end_ns)
    rates = list(demand.rate_maxima)
    place = held[0].rate - 1
    rates[place] = _higher(rates[place], found)
    return Demand(steps=later, last=found, maximum=_higher(demand.maximum, found), rate_maxima=tuple(rates))


def mean_microw(energy_microwh: int, minutes: int) -> int:
    """Return the mean power over so many minutes, rounded half up to a microwatt; exact where they divide the hour.

    >>> mean_microw(250_000_001, 15), mean_microw(7, 50)
    (1000000004, 8)
    """
    return (2 * energy_microwh * _MINUTES_PER_HOUR + minutes) // (2 * minutes)


def disturb(demand: Demand) -> Demand:
    """Return the demand after the clock was set: the open period will make none, and earlier minutes are no period's."""
    step = demand.running
    return replace(demand, steps=(), running=None if step is None else replace(step, is_disturbed=True))


def reset_maxima(demand: Demand) -> Demand:
    """Return the demand with the maxima begun again."""
    return replace(demand, maximum=None, rate_maxima=_NO_MAXIMA)


def _higher(known: Maximum | None, found: Maximum) -> Maximum:
    """Return the higher; of equals the first."""
    return found if known is None or found.demand_microw > known.demand_microw else known
