"""Whether the meter was on in each window: self-powered by the voltages that it measures, or by an auxiliary supply.

In: windows, and whether it was on before them. Out: which of them it was on in, and for how long. What that means for
registers and events is decided elsewhere.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watthour.metrology import Rows
from watthour.metrology.compiling import kernel
from watthour.units import NANOSECONDS

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """In which of some windows the meter was on.

    Parameters
    ----------
    on : ndarray of bool
        Of each window.
    always : bool
        Whether it was on in all of them.
    samples : int
        Of all windows.
    operating_ns : int
        Time with voltage on any phase.
    """

    on: Flags
    always: bool
    samples: int
    operating_ns: int


def presence_of(windows: Rows, *, powered: bool, auxiliary: bool, rate_hz: float) -> Presence:
    """Return where the meter was on.

    Parameters
    ----------
    windows : ndarray of `WINDOW`
    powered : bool
        Whether it was on before them.
    auxiliary : bool
        Whether it has a supply of its own.
    rate_hz : float
    """
    on = np.empty(len(windows), np.bool_)
    samples, operating_ns, always = fill_presence(windows, powered, auxiliary, NANOSECONDS / rate_hz, on)
    return Presence(on=on, always=always, samples=samples, operating_ns=operating_ns)


@kernel
def fill_presence(windows: Rows, powered: bool, auxiliary: bool, sample_ns: float, on: Flags) -> tuple[int, int, bool]:  # noqa: FBT001 - compiled kernels take positions
    """Fill where the meter was on; return the samples of all windows, the nanoseconds with voltage on, and whether it was on in all.

    Less than a cycle says nothing about voltage: near its zero crossing any looks small.
    """
    samples = 0
    operating_ns = 0
    always = True
    for k in range(windows.shape[0]):
        row = windows[k]
        live = row["powered"] != 0 or (row["cycles"] == 0 and powered)
        on[k] = live or auxiliary
        always = always and on[k]
        samples += row["samples"]
        if live:
            operating_ns += round(row["samples"] * sample_ns)
    return samples, operating_ns, always


def without_energy(windows: Rows, presence: Presence) -> Rows:
    """Return the windows with no energy where the meter was off."""
    if presence.always:
        return windows
    counted = windows.copy()
    counted["active_ws"][~presence.on] = 0.0
    counted["reactive_vars"][~presence.on] = 0.0
    return counted


def turns(presence: Presence, *, powered: bool) -> list[int]:
    """Return the windows in which the meter went on or off; `powered`: whether it was on before them."""
    on = presence.on
    if presence.always and powered:
        return []
    before = np.concatenate([[powered], on[:-1]])
    return [int(k) for k in np.flatnonzero(on != before)]
