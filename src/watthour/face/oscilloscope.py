"""Waveforms as an oscilloscope shows them: a few cycles, begun where the reference voltage rises through zero."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watthour.view import Waves

_CYCLES = 2
_POINTS = 160
"""Enough for the 40th harmonic of two cycles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Some cycles of six channels.

    Parameters
    ----------
    duration_s : float
        From the first point to the last.
    voltages_v, currents_a : three rows of points
        Primary, at equal distances in time.
    """

    duration_s: float
    voltages_v: tuple[tuple[float, ...], ...]
    currents_a: tuple[tuple[float, ...], ...]


def trace(waves: Waves, frequency_hz: float | None) -> Trace:
    """Return the last whole cycles of a window, at most two.

    Parameters
    ----------
    frequency_hz : float or None
        Of the fundamental; None where no voltage gives one: then the window's end is shown as it stands.
    """
    voltages, currents = waves.voltages_v, waves.currents_a
    count = voltages.shape[1]
    wanted = min(count - 1, round(_CYCLES * waves.rate_hz / (frequency_hz or 50.0)))
    begin = _rise(voltages, count - 1 - wanted)
    at = begin + np.linspace(0.0, wanted, _POINTS)
    return Trace(
        duration_s=wanted / waves.rate_hz,
        voltages_v=tuple(_points(row, at, 2) for row in voltages),
        currents_a=tuple(_points(row, at, 4) for row in currents),
    )


def _rise(voltages: NDArray[np.float64], latest: int) -> float:
    """Return the last place up to `latest` where the first phase that has a voltage rises through zero, between samples."""
    live = [row for row in voltages if np.abs(row).max(initial=0.0) > 0.0]
    if not live or latest <= 0:
        return max(0.0, float(latest))
    row = live[0]
    rises = np.flatnonzero((row[:-1] < 0.0) & (row[1:] >= 0.0))
    rises = rises[rises < latest]
    if not len(rises):
        return float(latest)
    before = int(rises[-1])
    return before + float(-row[before] / (row[before + 1] - row[before]))


def _points(row: NDArray[np.float64], at: NDArray[np.float64], decimals: int) -> tuple[float, ...]:
    return tuple(np.interp(at, np.arange(len(row)), row).round(decimals).tolist())
