"""Chance that can be had again: a number for each (seed, purpose, place), without any that came before it.

In: seed, a stream (which load, which purpose) and places (minutes, half-minutes, quarter-hours). Out: evenly spread
numbers from 0 to 1. Noise on samples has a generator of its own in `watthour.waveform.noise`.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_MULTIPLIERS = tuple(np.uint64(factor) for factor in (_GOLDEN, _FIRST, _SECOND))
_SHIFTS = (np.uint64(30), np.uint64(27))


@lru_cache(256)
def _key(seed: int, stream: int) -> int:
    """Return one number for a seed and a stream, spread over all 64 bits."""
    mixed = (seed ^ (stream + 1) * _SECOND) & _MASK
    for factor in (_FIRST, _SECOND):
        mixed = ((mixed ^ mixed >> 29) * factor) & _MASK
    return mixed ^ mixed >> 32


def even_chances(seed: int, stream: int, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each place.

    Parameters
    ----------
    seed : int
        Of the installation, 0 to 2^64 - 1.
    stream : int
        From 0; another stream has other numbers.
    places : ndarray of int64
        Any, also below 0.

    Notes
    -----
    SplitMix64's finalizer over a counter: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number
    generators", OOPSLA 2014, DOI 10.1145/2660193.2660195.
    """
    mixed = places.astype(np.uint64)
    mixed *= _MULTIPLIERS[0]
    mixed += np.uint64(_key(seed, stream))
    for shift, multiplier in zip(_SHIFTS, _MULTIPLIERS[1:], strict=True):
        mixed ^= mixed >> shift
        mixed *= multiplier
    mixed ^= mixed >> np.uint64(31)
    mixed >>= np.uint64(11)
    numbers = mixed.astype(np.float64)
    numbers *= 2.0**-53
    return numbers


def wander(seed: int, stream: int, seconds: NDArray[np.float64], swing_s: float) -> NDArray[np.float64]:
    """Return a smooth number between -1 and 1 for each second: drawn every half swing, and finer every eighth.

    Parameters
    ----------
    seconds : ndarray
        Since the source's first sample, rising.
    swing_s : float
        About how long it takes to and fro.
    """
    return wanders(seed, (stream,), seconds, swing_s)[0]


def wanders(seed: int, streams: Sequence[int], seconds: NDArray[np.float64], swing_s: float) -> list[NDArray[np.float64]]:
    """Return what `wander` does of several streams; where they are drawn is worked out once."""
    totals = [np.zeros_like(seconds) for _ in streams]
    for octave, (size, apart_s) in enumerate(((0.75, swing_s / 2), (0.25, swing_s / 8))):
        place = seconds / apart_s
        below = np.floor(place).astype(np.int64)
        eased = (1 - np.cos(np.pi * (place - below))) / 2
        drawn_at, first = np.arange(below[0], below[-1] + 2), below - below[0]
        rest, second = 1 - eased, first + 1
        for number, stream in enumerate(streams):
            drawn = even_chances(seed, 2 * stream + octave, drawn_at)
            totals[number] += size * (2 * (drawn[first] * rest + drawn[second] * eased) - 1)
    return totals


@lru_cache(64)
def wander_terms(seed: int, stream: int, swing_s: float) -> tuple[tuple[float, float, float], ...]:
    """Return size, period in seconds and phase in radians of three sines whose periods share no multiple.

    Their sum wanders between -1 and 1, and its integral is known at any instant.
    """
    phases = even_chances(seed, stream, np.arange(3)) * 2 * np.pi
    periods_s = (swing_s, swing_s / np.e, swing_s / 7.3)
    return tuple(zip((0.6, 0.3, 0.1), periods_s, phases.tolist(), strict=True))
