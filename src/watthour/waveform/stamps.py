"""What time stamps tell where no rate is given: the rate, and the gaps.

In: stamps in ticks (or seconds), in order. Out: samples per second, and how many samples are missing before each
row. Knows nothing of channels or files; its refusals are told to whoever asked.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GAP_SAMPLES = 1.5
"""A step of more than this many samples is a gap."""

COARSEST_STEP = 4
"""Fewer ticks to a sample tell neither rate nor gap (ours)."""

RATE_ROWS = 16384
"""So many first rows tell the rate."""

_ROUNDING = 1e-6
_UNKNOWN = 0xFFFFFFFF


class StampError(ValueError):
    """Stamps that tell no time; `row` is the place among those given, None where it is all of them."""

    def __init__(self, problem: str, row: int | None = None) -> None:
        super().__init__(problem)
        self.row = row


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How a recording writes its stamps.

    Parameters
    ----------
    tick_s : float
        Seconds per unit of a stamp.
    wrap : float or None
        Stamps begin anew at this value: 2^32 of a COMTRADE file.
    is_integer : bool
        Stamps are whole ticks, each rounded by up to half of one.
    """

    tick_s: float
    wrap: float | None
    is_integer: bool


def steps_between(clock: Clock, stamps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the step from each stamp to the next, across a wrap.

    Raises
    ------
    StampError
        At the row whose stamp is before that of the row above.
    """
    steps = np.diff(stamps)
    if clock.wrap is not None:
        steps[steps <= -clock.wrap / 2] += clock.wrap
    backwards = np.flatnonzero(~(steps >= 0))
    if backwards.size:
        msg = "the time stamp runs backwards"
        raise StampError(msg, int(backwards[0]) + 1)
    return steps


def missing_after(clock: Clock, stamps: NDArray[np.float64], step: float) -> NDArray[np.int64]:
    """Return how many samples are missing between each stamp and the next: 0 up to a step of 1.5 samples.

    Raises
    ------
    StampError
        At a row whose stamp runs backwards, or has the COMTRADE value for an unknown one.
    """
    samples = steps_between(clock, stamps) / step
    missing = np.where(samples > GAP_SAMPLES + _ROUNDING, np.rint(samples) - 1, 0).astype(np.int64)
    unknown = np.flatnonzero((missing > 0) & (stamps[1:] == _UNKNOWN)) if clock.wrap is not None else missing[:0]
    if unknown.size:
        msg = "the time stamp is missing"
        raise StampError(msg, int(unknown[0]) + 1)
    return missing


def rate_of(clock: Clock, stamps: NDArray[np.float64]) -> float:
    """Return the samples per second that the first stamps of a recording show.

    The mean of the steps that are no gap; their median only tells which those are, since a median of stamps rounded
    to whole ticks is wrong by up to half a tick (833 µs for 1200/s: 0.04 %). Where the rounding leaves room for a whole
    number of samples per second, it is that number.

    Raises
    ------
    StampError
        If there are no two stamps, or their step is too small to tell.
    """
    steps = steps_between(clock, stamps)
    median = float(np.median(steps)) if steps.size else 0.0
    if median <= 0 or (clock.is_integer and median < COARSEST_STEP):
        msg = "the time stamps do not tell the rate"
        raise StampError(msg)
    regular = steps[steps <= GAP_SAMPLES * median]
    mean = float(regular.mean())
    rate_hz = 1.0 / (mean * clock.tick_s)
    rounding = 1.0 if clock.is_integer else float(np.ptp(regular))
    doubt = max(rounding * (1 + steps.size - regular.size) / (regular.size * mean), 1e-9)
    nearest = float(round(rate_hz))
    return nearest if abs(nearest - rate_hz) <= doubt * rate_hz else rate_hz
