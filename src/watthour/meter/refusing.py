"""Samples that no meter can count: what is not a number, and what is beyond all measure.

In: a block just measured, its windows, and what it left open. Out: nothing, or one line naming the sample and its
channel. Every sample is judged in the step that brings it, so what a meter remembers can always be counted.

A window passes while Σu² and Σi² of each phase are at most `LARGEST` squared: no sample above it hides there, and
its energy is far inside 63 bits. What is still open may be twice as large, for a sample that lies under the taper
between two windows counts half in each; so a cut refuses nothing that a whole window would not.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watthour.errors import SampleError
from watthour.metrology import Rows
from watthour.metrology.compiling import kernel
from watthour.samples import Block, Delivery, Phasors, Triple

LARGEST = 1e8
"""Volts or amperes."""

_LARGEST_WS = 2**62 / 1e6 * 3600.0
_MOST_STEPS = {np.dtype(np.int16): 2.0**15, np.dtype(np.int32): 2.0**31}
"""What no sample of a type exceeds."""
_CHANNELS = ("V1", "V2", "V3", "I1", "I2", "I3")


def require_countable(delivery: Delivery, windows: Rows, left_open: tuple[Block, ...]) -> None:
    """Refuse what cannot be counted.

    Parameters
    ----------
    windows : ndarray of `WINDOW`
        Measured from it.
    left_open : tuple of Block
        None, or one: its samples that are in no window yet, and maybe some before them.

    Raises
    ------
    SampleError
        Naming the first sample that is not a number, or too large.
    """
    if len(windows) and not are_countable(windows):
        _refuse(delivery, LARGEST)
    for block in left_open:
        if not _are_small(block, 2.0 * LARGEST) and _beyond(block, 2.0 * LARGEST).any():
            _refuse(block, 2.0 * LARGEST)


def require_each_countable(delivery: Delivery) -> None:
    """Refuse samples that are no number or too large one by one, before a filter would spread them.

    Raises
    ------
    SampleError
        Naming the first.
    """
    if isinstance(delivery, Phasors) or not _are_small(delivery, LARGEST):
        bad = _beyond(delivery, LARGEST)
        if bad.any():
            _refuse(delivery, LARGEST)


@kernel
def are_countable(windows: Rows) -> bool:
    """Tell whether all that registers and displays take from these windows is a number, and together fits integers."""
    energies_ws = 0.0
    for k in range(windows.shape[0]):
        row = windows[k]
        root = math.sqrt(row["samples"])
        for p in range(3):
            energies_ws += abs(row["active_ws"][p]) + abs(row["reactive_vars"][p])
            if not (row["voltage_v"][p] * root <= LARGEST and row["current_a"][p] * root <= LARGEST):
                return False
    return bool(energies_ws < _LARGEST_WS)


def _refuse(delivery: Delivery, largest: float) -> None:
    """Refuse a delivery by its first sample, or second, beyond `largest`."""
    what = "sample" if isinstance(delivery, Block) else "second"
    bad = np.argwhere(_beyond(delivery, largest).T)
    place = (
        f"{what} {delivery.first_sample + bad[0][0]} of {_CHANNELS[bad[0][1]]}" if len(bad) else f"the energy of these {what}s"
    )
    msg = f"{place} is not a number, or beyond {LARGEST:g} V or A: mend the recording, its scale, or leave the channel out"
    raise SampleError(msg)


def _halves(block: Block) -> tuple[tuple[NDArray[Any], Triple, Triple], ...]:
    return (
        (block.voltages, block.voltage_scale, block.voltage_offset),
        (block.currents, block.current_scale, block.current_offset),
    )


def _are_small(block: Block, largest: float) -> bool:
    """Tell quickly whether all samples are numbers within `largest`; a block may be good without passing."""
    for samples, scale, offset in _halves(block):
        gain, shift = max(map(abs, scale)), max(map(abs, offset))
        if _MOST_STEPS.get(samples.dtype, math.inf) * gain + shift <= largest:
            continue
        peak = max(float(samples.max(initial=0)), -float(samples.min(initial=0)))
        if not peak * gain + shift <= largest:
            return False
    return True


def _beyond(delivery: Delivery, largest: float) -> NDArray[np.bool_]:
    """Return which of (6, n) samples, or seconds of phasors, are no number, or too large."""
    with np.errstate(over="ignore", invalid="ignore"):
        if isinstance(delivery, Phasors):
            values = [np.abs(half).sum(axis=2).T for half in (delivery.voltages, delivery.currents)]
        else:
            values = [np.asarray(scale)[:, None] * x + np.asarray(offset)[:, None] for x, scale, offset in _halves(delivery)]
    return np.asarray(~(np.abs(np.concatenate(values)) <= largest))
