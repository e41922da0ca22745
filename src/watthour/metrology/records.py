"""Records that kernels read and write: where the tracker stands, what a window gave, under which conditions.

They are numpy records and named tuples because compiled loops take those; what leaves ``metrology/`` for people
is `watthour.metrology.quantities.Quantities`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watthour.samples import Block

Samples = NDArray[np.generic]
Floats = NDArray[np.float64]

Rows = NDArray[np.void]
"""Structured rows of `WINDOW` or `TRACKER`."""

Record = Any
"""One record of such rows; its fields are typed by the dtype."""

Six = tuple[Samples, Samples, Samples, Samples, Samples, Samples]
"""V1 V2 V3 I1 I2 I3, shape (n,) each, C-contiguous."""

Edges = tuple[float, float, float]
"""Beginning, middle and end of a window, in samples after the tracker's ``start``."""

TRACKER = np.dtype(
    [
        ("first_sample", "i8"),  # index in the stream of the first sample whose energy is not yet counted
        ("start", "i8"),  # index in the stream of the whole sample nearest to the window's beginning
        ("edge", "f8"),  # the beginning itself, in samples after `start`, in [-0.5, 0.5)
        ("frequency_hz", "f8"),  # what the next window is cut with
        ("table_hz", "f8"),  # the oscillator's, a little behind the frequency; 0: none yet
        ("known", "i1"),  # 1 once a frequency was found in this stream
        ("counting", "i1", (3,)),  # 1 while a phase is above cut-off
        ("reactive_var", "f8", (3,)),  # of the window before, held where a rest has no whole cycle
    ]
)

WINDOW = np.dtype(
    [
        ("first_sample", "i8"),
        ("samples", "i8"),  # whole samples whose energy the row holds
        ("begin", "f8"),  # beginning of the tapered window, in samples after `first_sample`
        ("length", "f8"),  # of the tapered window, in samples; 0: too short, or of phasors
        ("cycles", "i4"),  # 0: too short for a phasor
        ("frequency_hz", "f8"),  # NaN where no voltage gives one
        ("powered", "i1"),  # 1 with voltage on any phase
        ("counting", "i1", (3,)),
        ("voltage_v", "f8", (3,)),
        ("line_voltage_v", "f8", (3,)),  # L1-L2, L2-L3, L3-L1
        ("current_a", "f8", (3,)),
        ("neutral_current_a", "f8"),
        ("power_w", "f8", (3,)),
        ("reactive_var", "f8", (3,)),
        ("voltage_phasor_v", "c16", (3,)),  # rms phasors of the fundamental
        ("current_phasor_a", "c16", (3,)),
        ("active_ws", "f8", (3,)),  # energy of the row's samples; 0 below cut-off
        ("reactive_vars", "f8", (3,)),
    ]
)


class Conditions(NamedTuple):
    """Under which conditions samples are measured.

    Parameters
    ----------
    rate_hz : float
        Samples per second.
    gain, offset : ndarray, shape (6,)
        Volts or amperes a step, and at step 0, of V1 V2 V3 I1 I2 I3.
    present_v : float
        Least voltage of a phase that is on.
    cutoff_a : float
        Least current of a phase that begins to count.
    """

    rate_hz: float
    gain: Floats
    offset: Floats
    present_v: float
    cutoff_a: float


class Scratch(NamedTuple):
    """Working space of the kernels, made anew at any time; what it holds decides nothing.

    Parameters
    ----------
    table : ndarray, shape (2, n)
        The oscillator: cosine and sine at `filled_hz`.
    filled_hz : ndarray, shape (1,)
        What the table was filled for; 0: nothing yet. Several trackers may share a table, so it says so itself.
    hard, tapered, early : ndarray, shape (3, 11)
        Sums of each phase: over whole samples, with tapered edges, and of the first half.
    fringe : ndarray, shape (8, 16)
        Samples of V1 V2 V3 I1 I2 I3 that two edges touch, and the oscillator's cosine and sine at them.
    weights : ndarray, shape (16,)
        Of these samples.
    tones : ndarray of complex128, shape (6,)
        Fundamental of V1 V2 V3 I1 I2 I3, half its amplitude in size.
    """

    table: Floats
    filled_hz: Floats
    hard: Floats
    tapered: Floats
    early: Floats
    fringe: Floats
    weights: Floats
    tones: NDArray[np.complex128]


def six_of(block: Block) -> Six:
    """Return the channels of a block as kernels take them."""
    v, i = block.voltages, block.currents
    return _row(v[0]), _row(v[1]), _row(v[2]), _row(i[0]), _row(i[1]), _row(i[2])


def _row(samples: Samples) -> Samples:
    """Return a row of the one kind that kernels are compiled for: side by side, aligned, not to be written.

    Strided samples compile to other machine code, and give other bits; mixed kinds do not compile at all.
    """
    flags = samples.flags
    is_plain = flags.c_contiguous and flags.aligned
    if is_plain and not flags.writeable:
        return samples
    row = (samples if is_plain else np.require(samples, requirements=["C", "A"])).view()
    row.flags.writeable = False
    return row
