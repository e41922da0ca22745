"""By how much two honest meters may differ in a billing quantity, part by part.

For each of the two meters the limit of its class and of its transformers, the last printed digit, the offset of the clocks, and what
was estimated or is missing. Every part is shown. Parts are added, or their squares are.

A clock that is off by t moves, at each switch of the period, the energy of t at the power beside it; a quarter-hour that is shifted by t
takes t / 900 s of its neighbour. The limits bound errors against the truth, and ours is a reading too, so that they are taken of
ours / (1 - our limit).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from watthour.billing.intervals import Integers, Quality
from watthour.billing.metered import FromIntervals, Span
from watthour.billing.metering import Combination, Metering
from watthour.billing.money import root, written
from watthour.billing.usage import Bits, Sound, kwh
from watthour.units import NANOSECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a tolerance.

    Parameters
    ----------
    name : str
    size : Fraction
        In the unit of the quantity, 0 or more.
    how : str
        From what it follows.
    is_common : bool
        A gain that is one for all periods, so that it leaves the split alone.
    """

    name: str
    size: Fraction
    how: str
    is_common: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """A tolerance and its parts."""

    parts: tuple[Part, ...]
    combination: Combination

    @property
    def size(self) -> Fraction:
        """Return the whole."""
        return combined([part.size for part in self.parts], self.combination)

    @property
    def without_common(self) -> Fraction:
        """Return what is left when the common gain is taken off."""
        return combined([part.size for part in self.parts if not part.is_common], self.combination)


def combined(sizes: Sequence[Fraction], combination: Combination) -> Fraction:
    """Return parts together.

    >>> combined([Fraction(3), Fraction(4)], Combination.SUM), int(combined([Fraction(3), Fraction(4)], Combination.ROOT_SUM_SQUARE))
    (Fraction(7, 1), 5)
    """
    if combination is Combination.SUM:
        return sum(sizes, Fraction(0))
    return root(sum((size * size for size in sizes), Fraction(0)))


def energy_tolerance(metered: FromIntervals, metering: Metering, period: str, span: Span) -> Tolerance:
    """Return the tolerance of the energy of a period, in kWh; of all periods for an empty name."""
    which = metered.usage.chosen(period, *span)
    ours = kwh(metered.usage.energy("import", which))
    return Tolerance(
        parts=(
            *gains(metering, ours),
            *_rest(metered, metering, which, "import"),
            _resolution(metering.resolution_kwh, "kWh"),
        ),
        combination=metering.combination,
    )


def reactive_tolerance(metered: FromIntervals, metering: Metering, period: str, span: Span, free: Fraction) -> Tolerance:
    """Return the tolerance of reactive energy above a share of the active energy, in kvarh."""
    which = metered.usage.chosen(period, *span)
    usage = metered.usage
    reactive = kwh(usage.energy("q1", which) + usage.energy("q4", which))
    active = energy_tolerance(metered, metering, period, span).size
    return Tolerance(
        parts=(
            *gains(metering, reactive, reactive=True),
            *_rest(metered, metering, which, "q1"),
            _resolution(metering.resolution_kwh, "kvarh"),
            Part(
                name="active energy",
                size=free * active,
                how=f"{written(free * 100)} % of the tolerance of the kWh, {written(active, 3)}",
            ),
        ),
        combination=metering.combination,
    )


def gains(metering: Metering, ours: Fraction, *, reactive: bool = False) -> tuple[Part, ...]:
    """Return the limits of both meters and their transformers, of one reading."""
    own = Fraction(metering.ours.meter_limit(reactive=reactive).percent + metering.ours.transformer_percent) / 100
    truth = ours / (1 - own)
    found = []
    for whose, instrument in (("our", metering.ours), ("their", metering.theirs)):
        limit = instrument.meter_limit(reactive=reactive)
        size = truth * Fraction(limit.percent) / 100
        found.append(Part(name=f"{whose} meter", size=size, how=f"{limit.percent} %, {limit.source}", is_common=True))
        percent = instrument.transformer_percent
        if percent:
            how = f"{percent} %, CT class {instrument.ct_class}, VT class {instrument.vt_class}"
            found.append(Part(name=f"{whose} transformers", size=truth * Fraction(percent) / 100, how=how, is_common=True))
    return tuple(found)


def _resolution(resolution: Fraction, unit: str) -> Part:
    return Part(name="printed digit", size=resolution, how=f"two readings printed to {written(resolution)} {unit}")


def _rest(metered: FromIntervals, metering: Metering, which: Bits, name: str) -> tuple[Part, ...]:
    """Return clock, estimates and gaps."""
    usage = metered.usage
    values = usage.intervals.energies.get(name)
    if values is None:
        return ()
    step_s = usage.intervals.step_ns // NANOSECONDS
    moved, switches = _moved(values, which)
    share = Fraction(metering.clock_offset_s) / step_s
    clock = kwh(moved) * share * _largest_gain(metering)
    found = [
        Part(
            name="clocks",
            size=clock,
            how=f"{written(metering.clock_offset_s)} s at the power beside each of {switches} switches",
        )
    ]
    sound: Sound = usage.sound(which)
    if sound.estimated or sound.incomplete:
        how = f"all of {sound.estimated + sound.incomplete} intervals estimated or metered in part"
        found.append(Part(name="estimates", size=kwh(sound.estimated_microwh), how=how))
    if sound.missing:
        is_known = (usage.intervals.quality & Quality.MISSING) == 0
        ground, of = (which & is_known, "period") if (which & is_known).any() else (is_known, "bill")
        size = kwh(int(values[ground].max())) * sound.missing
        found.append(Part(name="gaps", size=size, how=f"{sound.missing} intervals at the highest of the {of}"))
    return tuple(found)


def _largest_gain(metering: Metering) -> Fraction:
    """Return by how much one meter may at most read more than the other."""
    own, theirs = (
        Fraction(each.meter_limit().percent + each.transformer_percent) / 100 for each in (metering.ours, metering.theirs)
    )
    return (1 + theirs) / (1 - own)


def _moved(values: Integers, which: Bits) -> tuple[int, int]:
    """Return the energy of the intervals beside each switch into and out of a period, the larger of two, and how many switches.

    The first and the last interval of the bill stand for what lies beyond them.
    """
    inside = which.astype(np.int8)
    edges = np.flatnonzero(np.diff(inside, prepend=0, append=0))
    before = values[np.maximum(edges - 1, 0)]
    after = values[np.minimum(edges, len(values) - 1)]
    return int(np.maximum(before, after).sum()), len(edges)


def demand_tolerance(metered: FromIntervals, metering: Metering, period: str, span: Span) -> Tolerance:
    """Return the tolerance of the highest demand of a period, in kW."""
    which = metered.usage.chosen(period, *span, by_power=True)
    highest = metered.usage.highest_demand(which)
    step_s = metered.usage.intervals.step_ns // NANOSECONDS
    share = float(Fraction(metering.clock_offset_s) / step_s)
    clock = Fraction(0)
    if which.any():
        low, high = _shifted_maxima(metered.usage.intervals.energies["import"], which, share)
        top = int(metered.usage.intervals.energies["import"][which].max())
        per_hour = Fraction(3600, step_s)
        clock = Fraction(int(max(top - low, high - top, 0)) + 1) * per_hour / 10**9 * _largest_gain(metering)
    return Tolerance(
        parts=(
            *gains(metering, Fraction(highest, 10**9)),
            Part(name="clocks", size=clock, how=f"a quarter-hour shifted by {written(metering.clock_offset_s)} s"),
            _resolution(metering.resolution_kw, "kW"),
            *_unsure_demand(metered, which, Fraction(highest, 10**9)),
        ),
        combination=metering.combination,
    )


def _unsure_demand(metered: FromIntervals, which: Bits, highest_kw: Fraction) -> tuple[Part, ...]:
    """Return by how much the highest demand may stand in a gap or an estimate: none is higher than the highest of the bill."""
    usage = metered.usage
    unsure = int((which & (usage.intervals.quality != 0)).sum())
    if not unsure:
        return ()
    most_kw = Fraction(usage.highest_demand(np.ones(len(usage.intervals), np.bool_)), 10**9)
    how = f"{unsure} intervals missing, estimated or metered in part, as high as the highest of the bill"
    return (Part(name="gaps", size=most_kw - highest_kw, how=how),)


def _shifted_maxima(values: Integers, which: Bits, share: float) -> tuple[float, float]:
    """Return the least and the greatest maximum of a period, its intervals shifted by a share of one either way."""
    plain = values.astype(float)
    early = np.concatenate([plain[:1], plain[:-1]])
    late = np.concatenate([plain[1:], plain[-1:]])
    shifted = [(1 - share) * plain + share * each for each in (early, late)]
    lowest = np.minimum(plain, np.minimum(*shifted))[which].max()
    highest = np.maximum(plain, np.maximum(*shifted))[which].max()
    return float(lowest), float(highest)


def excess_tolerance(metered: FromIntervals, metering: Metering, period: str, span: Span, contracted_kw: Fraction) -> Tolerance:
    """Return the tolerance of the root of the sum of squares of excesses, in kW.

    It is what the root may grow or fall to where every demand errs by its limit and by its clock, all the same way.
    """
    which = metered.usage.chosen(period, *span, by_power=True)
    step_s = metered.usage.intervals.step_ns // NANOSECONDS
    kw = metered.usage.intervals.energies["import"].astype(float) * (3600 / step_s) / 10**9
    share = float(Fraction(metering.clock_offset_s) / step_s)
    early, late = np.concatenate([kw[:1], kw[:-1]]), np.concatenate([kw[1:], kw[-1:]])
    beside = share * np.maximum(np.abs(early - kw), np.abs(late - kw))
    own, theirs = (
        float(each.meter_limit().percent + each.transformer_percent) / 100 for each in (metering.ours, metering.theirs)
    )
    limit = float(contracted_kw)

    def length(demands: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
        return float(np.sqrt((np.maximum(demands[which] - limit, 0.0) ** 2).sum()))

    middle = length(kw)
    by_gain = max(length(kw * (1 + theirs) / (1 - own)) - middle, middle - length(kw * (1 - theirs) / (1 + own)))
    by_clock = max(length(kw + beside) - middle, middle - length(kw - beside))
    return Tolerance(
        parts=(
            Part(name="both meters", size=Fraction(by_gain), how="every demand at the limits of both", is_common=True),
            Part(
                name="clocks",
                size=Fraction(by_clock),
                how=f"every quarter-hour shifted by {written(metering.clock_offset_s)} s",
            ),
            _resolution(metering.resolution_kw, "kW"),
            *_unsure_excess(metered, which, kw, limit, middle),
        ),
        combination=metering.combination,
    )


def _unsure_excess(
    metered: FromIntervals,
    which: Bits,
    demands_kw: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    limit_kw: float,
    root_kw: float,
) -> tuple[Part, ...]:
    """Return what gaps and estimates may add to the root: each as high as the highest of the bill."""
    unsure = int((which & (metered.usage.intervals.quality != 0)).sum())
    if not unsure:
        return ()
    over_kw = max(float(demands_kw.max()) - limit_kw, 0.0)
    how = f"{unsure} intervals missing, estimated or metered in part, as high as the highest of the bill"
    return (Part(name="gaps", size=Fraction(float(np.sqrt(root_kw**2 + unsure * over_kw**2)) - root_kw), how=how),)
