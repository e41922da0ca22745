"""What time stamps tell where no rate is given: the rate, and the gaps.

In: stamps in ticks (or seconds), in order. Out: samples per second, and how many samples are missing before each
row; or the place where there is no constant rate. Knows nothing of channels or files; its refusals are told to
whoever asked.
"""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

_LONGEST_GAP = 1e15
"""Samples; no gap between two stamps is longer (ours: 3000 years at 10 kHz)."""

GAP_SAMPLES = 1.5
"""A step of more than this many samples is a gap."""

COARSEST_STEP = 4
"""Fewer ticks to a sample tell neither rate nor gap (ours)."""

RATE_ROWS = 16384
"""So many first rows tell the rate."""

RATE_TOLERANCE = 0.01
"""By this part a rate may differ from another that is meant to be the same (ours)."""

LEAST_STEP = 0.5
"""A row that follows sooner, in samples, is no sample of a constant rate (ours)."""

OFF_GRID = 0.25
"""A step that misses a whole number of samples by more is irregular (ours): jitter of stamps stays below."""

IRREGULAR_PART = 0.1
"""So many steps that are irregular or gaps, among rows read together, are no constant rate (ours)."""

_IRREGULAR_LEAST = 8
_MEAN_LEAST = 100
_RESAMPLE = "resample to a constant rate, or, if it was sampled at one, drop the time stamps and say rate_hz in [source]"
_ROUNDING = 1e-6
_UNKNOWN = 0xFFFFFFFF


class StampError(ValueError):
    """Stamps that tell no time.

    Parameters
    ----------
    row : int or None
        The place among those given; None where it is all of them.
    remedy : str
        What to do; empty where whoever asked knows better.
    """

    def __init__(self, problem: str, row: int | None = None, remedy: str = "") -> None:
        super().__init__(problem)
        self.row = row
        self.remedy = remedy


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
    endless = np.flatnonzero(~(samples < _LONGEST_GAP))
    if endless.size:
        msg = "the time stamp is no instant of this recording"
        raise StampError(msg, int(endless[0]) + 1)
    missing = np.where(samples > GAP_SAMPLES + _ROUNDING, np.rint(samples) - 1, 0).astype(np.int64)
    unknown = np.flatnonzero((missing > 0) & (stamps[1:] == _UNKNOWN)) if clock.wrap is not None else missing[:0]
    if unknown.size:
        msg = "the time stamp is missing"
        raise StampError(msg, int(unknown[0]) + 1)
    return missing


def require_steady(clock: Clock, stamps: NDArray[np.float64], step: float) -> None:
    """Refuse stamps that keep no constant rate; gaps of whole samples and some jitter are no offence.

    Stamps in whole ticks are let pass: their rounding hides what is asked here.

    Raises
    ------
    StampError
        At the first row that follows too soon, that lies between samples where many do, or from where the rate is
        another.
    """
    if clock.is_integer:
        return
    samples = steps_between(clock, stamps) / step
    soon = np.flatnonzero(samples < LEAST_STEP - _ROUNDING)
    if soon.size:
        _refuse_step(samples, int(soon[0]))
    is_gap = samples > GAP_SAMPLES
    irregular = np.flatnonzero(is_gap | (np.abs(samples - np.rint(samples)) > OFF_GRID + _ROUNDING))
    if irregular.size >= max(_IRREGULAR_LEAST, IRREGULAR_PART * samples.size):
        _refuse_step(samples, int(irregular[0]))
    _require_mean(np.flatnonzero(~is_gap), samples[~is_gap], 1.0 / (step * clock.tick_s))


def _require_mean(rows: NDArray[np.intp], samples: NDArray[np.float64], rate_hz: float) -> None:
    """Refuse steps that are not one sample in the mean, from where their sum bends."""
    if rows.size < _MEAN_LEAST or abs(samples.mean() - 1.0) <= RATE_TOLERANCE:
        return
    bend = int(np.argmax(np.abs(np.cumsum(samples - samples.mean()))))
    then_hz = rate_hz / float(samples[bend:].mean())
    msg = f"from about here there are {then_hz:.0f} samples/s, not the {rate_hz:g} of the first rows"
    raise StampError(msg, int(rows[bend]) + 1, _RESAMPLE)


def _refuse_step(samples: NDArray[np.float64], step: int) -> NoReturn:
    msg = f"no constant rate: the row follows the one before by {samples[step]:.2f} samples"
    raise StampError(msg, step + 1, _RESAMPLE)


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
