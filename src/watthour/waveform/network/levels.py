"""How much of its power each load has, second by second, hour by hour.

In: an hour of the installation's time. Out: 3600 factors, one a second. Each is a closed function of time, seed and
the load's own stream of chance, so that any hour is made without those before it. What happens inside a second
(burst firing) is a `Gate`, which counts cycles.
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
MINUTES = HOUR_S // MINUTE_S
WEATHER_STREAM = 1 << 20
"""All panels of an installation are under the same clouds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """3600 seconds of an installation.

    Parameters
    ----------
    first_s : int
        Second of the source it begins with, a multiple of 3600; below 0 before the first sample.
    local_s : int
        The local clock then, seconds since 1970-01-01 00:00.
    seed : int
    """

    first_s: int
    local_s: int
    seed: int


def between_knots(knots: Floats, apart_s: int) -> Floats:
    """Return a value each second from knots so many seconds apart, on straight lines; the last knot is left out."""
    rises = knots[1:] - knots[:-1]
    values = rises[:, np.newaxis] * _steps(apart_s)
    values += knots[:-1, np.newaxis]
    return values.ravel()


@cache
def _steps(count: int) -> Floats:
    return np.arange(count) / count


def along(curve: WeekCurve, hour: Hour) -> Floats:
    """Return the factors of a curve; of a smooth one on straight lines from minute to minute."""
    if curve.smooth:
        return between_knots(curve.factors(hour.local_s, MINUTES + 1, MINUTE_S), MINUTE_S)
    return curve.factors(hour.local_s, HOUR_S)


class Level(Protocol):
    """Factors of an hour's seconds."""

    def factors(self, hour: Hour) -> Floats:
        """Return 3600 factors; 1 is the power that is written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Always:
    """A load that never changes."""

    def factors(self, hour: Hour) -> Floats:  # noqa: ARG002 - any hour is like another
        """Return ones."""
        return np.ones(HOUR_S)


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

    def factors(self, hour: Hour) -> Floats:
        """Return what the three make of it."""
        on = None if self.on is None else self.on.mask(hour.local_s, HOUR_S)
        if on is not None and not on.any():
            return np.zeros(HOUR_S)
        factors = np.ones(HOUR_S)
        if self.curve is not None:
            factors *= along(self.curve, hour)
        if self.varies:
            minutes = hour.first_s // MINUTE_S + np.arange(MINUTES + 1)
            factors *= between_knots(1 + self.varies * (2 * even_chances(hour.seed, self.stream, minutes) - 1), MINUTE_S)
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

    def factors(self, hour: Hour) -> Floats:
        """Return the factors of the starting or of the running motor; together they are on as the habit says."""
        on = self._on(hour.local_s - self.starting_s, HOUR_S + self.starting_s)
        if not on.any():
            return np.zeros(HOUR_S)
        seconds_on = np.concatenate([[0], np.cumsum(on)])
        before = seconds_on[self.starting_s : -1] - seconds_on[:HOUR_S]
        now = on[self.starting_s :]
        is_starting = now & (before < self.starting_s)
        if self.starting:
            return np.asarray(is_starting, dtype=np.float64)
        return np.asarray(self.habit.factors(hour) * (now & ~is_starting))

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

    def factors(self, hour: Hour) -> Floats:
        """Return the output under sun and clouds, drawn by the minute."""
        minutes = np.arange(MINUTES + 1)
        local_s = hour.local_s + minutes * MINUTE_S
        share = output(self.panels, local_s, hour.first_s // MINUTE_S + minutes, hour.seed, WEATHER_STREAM)
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
