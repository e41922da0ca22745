"""How much of its power each load has, second by second.

In: hours of the installation's time. Out: factors, one a second. Each is a closed function of time, seed and the
load's own stream of chance, so that any hour is made without those before it, and the same alone or among others.
What happens inside a second (burst firing) is a `Gate`, which counts cycles.
"""

from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from watthour.waveform.network.chance import even_chances
from watthour.waveform.network.times import DAY_S, HOUR_S, MINUTE_S, OnTimes, WeekCurve
from watthour.waveform.network.weather import Panels, output

Floats = NDArray[np.float64]
WEATHER_STREAM = 1 << 20
"""All panels of an installation are under the same clouds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Consecutive hours of an installation.

    Parameters
    ----------
    first_s : int
        Second of the source they begin with, a multiple of 3600; below 0 before the first sample.
    local_s : int
        The local clock then, seconds since 1970-01-01 00:00.
    seed : int
    count : int
        How many: no more than a week has.
    """

    first_s: int
    local_s: int
    seed: int
    count: int = 1

    @property
    def seconds(self) -> int:
        """How many seconds they have."""
        return self.count * HOUR_S

    @property
    def minutes(self) -> NDArray[np.int64]:
        """The minutes of the source at which they begin and pass, their end included."""
        return self.first_s // MINUTE_S + np.arange(self.seconds // MINUTE_S + 1)


def between_knots(knots: Floats, apart_s: int) -> Floats:
    """Return a value each second from knots so many seconds apart, on straight lines; the last knot is left out."""
    rises = knots[1:] - knots[:-1]
    values = rises[:, np.newaxis] * _steps(apart_s)
    values += knots[:-1, np.newaxis]
    return values.ravel()


@cache
def _steps(count: int) -> Floats:
    return np.arange(count) / count


def along(curve: WeekCurve, hours: Hours) -> Floats:
    """Return the factors of a curve; of a smooth one on straight lines from minute to minute."""
    if curve.smooth:
        return between_knots(curve.factors(hours.local_s, len(hours.minutes), MINUTE_S), MINUTE_S)
    return curve.factors(hours.local_s, hours.seconds)


class Level(Protocol):
    """Factors of the seconds of hours."""

    def factors(self, hours: Hours) -> Floats:
        """Return a factor for each second; 1 is the power that is written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Always:
    """A load that never changes."""

    def factors(self, hours: Hours) -> Floats:
        """Return ones."""
        return np.ones(hours.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """Hours, profile and chance together.

    Parameters
    ----------
    on : OnTimes, optional
    curve : WeekCurve, optional
    varies : float
        Most that the factor strays from 1, drawn anew each minute.
    stream : int
        Of chance.
    """

    on: OnTimes | None = None
    curve: WeekCurve | None = None
    varies: float = 0.0
    stream: int = 0

    def factors(self, hours: Hours) -> Floats:
        """Return what the three make of it."""
        on = None if self.on is None else self.on.mask(hours.local_s, hours.seconds)
        if on is not None and not on.any():
            return np.zeros(hours.seconds)
        factors = np.ones(hours.seconds)
        if self.curve is not None:
            factors *= along(self.curve, hours)
        if self.varies:
            chances = even_chances(hours.seed, self.stream, hours.minutes)
            factors *= between_knots(1 + self.varies * (2 * chances - 1), MINUTE_S)
        if on is not None:
            factors *= on
        return factors


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A motor: its habit once it has started, or 1 while it starts.

    Parameters
    ----------
    habit : Habit
    run_s, rest_s : int
        In turns by the local clock; no turns if `rest_s` is 0.
    starting_s : int
    starting : bool
        Whether these are the factors of the starting current.
    """

    habit: Habit
    run_s: int = 1
    rest_s: int = 0
    starting_s: int = 0
    starting: bool = False

    def factors(self, hours: Hours) -> Floats:
        """Return the factors of the starting or of the running motor; together they are on as the habit says."""
        on = self._on(hours.local_s - self.starting_s, hours.seconds + self.starting_s)
        if not on.any():
            return np.zeros(hours.seconds)
        seconds_on = np.concatenate([[0], np.cumsum(on)])
        before = seconds_on[self.starting_s : -1] - seconds_on[: hours.seconds]
        now = on[self.starting_s :]
        is_starting = now & (before < self.starting_s)
        if self.starting:
            return np.asarray(is_starting, dtype=np.float64)
        return np.asarray(self.habit.factors(hours) * (now & ~is_starting))

    def _on(self, local_s: int, count: int) -> NDArray[np.bool_]:
        on = np.ones(count, dtype=np.bool_) if self.habit.on is None else self.habit.on.mask(local_s, count)
        if self.rest_s:
            turn = (local_s % DAY_S + np.arange(count)) % DAY_S % (self.run_s + self.rest_s)
            on &= turn < self.run_s
        return on


@dataclass(frozen=True, slots=True, kw_only=True)
class Sunshine:
    """What panels give of their peak."""

    panels: Panels

    def factors(self, hours: Hours) -> Floats:
        """Return the output under sun and clouds, drawn by the minute."""
        local_s = hours.local_s + MINUTE_S * np.arange(len(hours.minutes))
        share = output(self.panels, local_s, hours.minutes, hours.seed, WEATHER_STREAM)
        return between_knots(share, MINUTE_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycles:
    """Instants of an installation as cycles of L1's voltage since the first sample.

    Parameters
    ----------
    before : int
        Cycles left out of `since`: a multiple of every gate's pattern.
    since : ndarray
    seed : int
    """

    before: int
    since: Floats
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Whole cycles on and off in a pattern, counted on L1's voltage from the first sample.

    Parameters
    ----------
    on_cycles, pattern_cycles : int
    share : float
        Of the patterns that are used at all.
    together : int
        Consecutive patterns that are used or not used together.
    stream : int
        Of chance.
    """

    on_cycles: int
    pattern_cycles: int
    share: float = 1.0
    together: int = 1
    stream: int = 0

    def openness(self, cycles: Cycles, cycles_per_sample: float) -> Floats:
        """Return, for each sample, the share of it in which current flows: between 0 and 1 where it switches.

        Parameters
        ----------
        cycles : Cycles
            At each sample.
        cycles_per_sample : float
            What a sample stands for, half before it and half after it. A hard edge would be wrong by up to one sample
            each time, and always to the same side where pattern and sampling fall into step.
        """
        patterns = np.floor(cycles.since / self.pattern_cycles)
        place = cycles.since - patterns * self.pattern_cycles
        opened, closed, again = (
            np.clip((place - edge) / cycles_per_sample + 0.5, 0.0, 1.0) for edge in (0, self.on_cycles, self.pattern_cycles)
        )
        used, following = self._used(cycles, patterns), self._used(cycles, patterns + 1)
        if self.on_cycles in {0, self.pattern_cycles}:
            return np.asarray(used * (self.on_cycles > 0))
        return np.asarray(used * (opened - closed) + following * again)

    def shares(self, cycles: Cycles) -> Floats:
        """Return, between consecutive instants, the share of the cycles in which current flows."""
        patterns = np.floor(cycles.since / self.pattern_cycles)
        rest = np.minimum(cycles.since - patterns * self.pattern_cycles, self.on_cycles)
        every = np.arange(patterns[0], patterns[-1] + 1)
        used = self._used(cycles, every)
        place = (patterns - patterns[0]).astype(np.int64)
        counted = np.concatenate([[0.0], np.cumsum(used)])[place] * self.on_cycles + used[place] * rest
        return np.asarray(np.diff(counted) / np.diff(cycles.since))

    def _used(self, cycles: Cycles, patterns: Floats) -> Floats:
        """Say by 1 or 0 which patterns are used."""
        if self.share >= 1.0:
            return np.ones(len(patterns))
        runs = (patterns.astype(np.int64) + cycles.before // self.pattern_cycles) // self.together
        return (even_chances(cycles.seed, self.stream, runs) < self.share).astype(np.float64)
