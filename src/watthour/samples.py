"""What a source delivers: simultaneous samples of three voltages and three currents, or a phasor of each a second.

In: whatever a decoder or a simulation made. Out: planar arrays a kernel can run over. A block knows its
rate and its place in the stream; it knows nothing of files, of time of day, or of the meter.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from watthour.errors import SampleError

MINIMUM_RATE_HZ = 800.0
"""Below this the fundamental of 65 Hz has fewer than 12.3 samples a cycle (ours)."""

SAMPLE_TYPES = ("int16", "int32", "float32", "float64")
"""Types that metrology takes without conversion; anything else is converted by its decoder."""

_DTYPES = frozenset(np.dtype(name).str for name in SAMPLE_TYPES)
"""The same as numpy writes them, byte order and all."""

PHASORS = "phasors"
"""What a source calls its samples that are no samples but seconds."""

Triple = tuple[float, float, float]
ONES: Triple = (1.0, 1.0, 1.0)
ZEROS: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive samples at the meter's terminals (secondary volts and amperes once scaled).

    A sample x of a channel stands for ``scale * x + offset``. Phases are L1, L2, L3. Current is positive
    when energy flows from the grid to the load (import).

    Parameters
    ----------
    voltages, currents : ndarray, shape (3, n)
        Planar, each row C-contiguous; all six rows of one of `SAMPLE_TYPES`, in the machine's byte order.
    rate_hz : float
        Samples per second, at least `MINIMUM_RATE_HZ`.
    first_sample : int
        Index of the first sample in its source. A jump against the block before is a gap.
    voltage_scale, voltage_offset : three floats
        Volts per step, and volts at step 0.
    current_scale, current_offset : three floats
        Amperes per step, and amperes at step 0.

    Raises
    ------
    SampleError
        If the shapes or types do not agree, a row is not contiguous, or the rate is too low.
    """

    voltages: NDArray[np.generic]
    currents: NDArray[np.generic]
    rate_hz: float
    first_sample: int
    voltage_scale: Triple = field(default=ONES)
    voltage_offset: Triple = field(default=ZEROS)
    current_scale: Triple = field(default=ONES)
    current_offset: Triple = field(default=ZEROS)

    def __post_init__(self) -> None:
        v, i = self.voltages, self.currents
        if v.ndim != 2 or v.shape[0] != 3 or v.shape != i.shape:  # noqa: PLR2004 - three phases
            msg = f"a block needs voltages and currents of shape (3, n), got {v.shape} and {i.shape}"
            raise SampleError(msg)
        if len(self) > 1 and (v.strides[1] != v.itemsize or i.strides[1] != i.itemsize):
            msg = "a block is planar: the samples of a channel lie side by side, not interleaved"
            raise SampleError(msg)
        if v.dtype != i.dtype or v.dtype.str not in _DTYPES:
            msg = f"a block's samples are all of one of {', '.join(SAMPLE_TYPES)}, got {v.dtype} and {i.dtype}"
            raise SampleError(msg)
        if not self.rate_hz >= MINIMUM_RATE_HZ:
            msg = f"{self.rate_hz:g} samples/s is too slow: the meter needs at least {MINIMUM_RATE_HZ:g} samples/s"
            raise SampleError(msg)

    def __len__(self) -> int:
        return int(self.voltages.shape[1])

    @property
    def end_sample(self) -> int:
        """Index, in the source, of the sample after the last."""
        return self.first_sample + len(self)

    def part(self, start: int, stop: int) -> "Block":
        """Return samples [start, stop) of this block, without copying."""
        return Block(
            voltages=self.voltages[:, start:stop],
            currents=self.currents[:, start:stop],
            rate_hz=self.rate_hz,
            first_sample=self.first_sample + start,
            voltage_scale=self.voltage_scale,
            voltage_offset=self.voltage_offset,
            current_scale=self.current_scale,
            current_offset=self.current_offset,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Phasors:
    """Consecutive seconds of an installation in steady state, each as phasors: the fast way for simulated months.

    Row k stands for second ``first_sample + k`` of its source, so a stream of rows is one of 1 sample a second.

    Parameters
    ----------
    voltages, currents : ndarray of complex128, shape (n, 3, h)
        Rms phasors at the terminals (secondary volts and amperes) of L1, L2, L3 and each order; all of one row
        turn by the same reference.
    orders : tuple of int
        The h orders; the first is 1, the fundamental.
    frequency_hz : ndarray of float64, shape (n,)
        Of the fundamental.
    first_sample : int
        Index of the first second in its source. A jump against the rows before is a gap.

    Raises
    ------
    SampleError
        If the shapes or types do not agree, or the first order is not the fundamental.
    """

    voltages: NDArray[np.complex128]
    currents: NDArray[np.complex128]
    orders: tuple[int, ...]
    frequency_hz: NDArray[np.float64]
    first_sample: int

    def __post_init__(self) -> None:
        shape = (len(self.frequency_hz), 3, len(self.orders))
        if self.voltages.shape != shape or self.currents.shape != shape:
            msg = f"phasors need voltages and currents of shape {shape}, got {self.voltages.shape} and {self.currents.shape}"
            raise SampleError(msg)
        if self.voltages.dtype != np.complex128 or self.currents.dtype != np.complex128:
            msg = f"phasors are complex128, got {self.voltages.dtype} and {self.currents.dtype}"
            raise SampleError(msg)
        if self.orders[:1] != (1,):
            msg = f"the first order of phasors is 1, the fundamental, got {self.orders[:1]}"
            raise SampleError(msg)

    def __len__(self) -> int:
        return len(self.frequency_hz)

    @property
    def rate_hz(self) -> float:
        """Rows per second."""
        return 1.0

    @property
    def end_sample(self) -> int:
        """Index, in the source, of the second after the last."""
        return self.first_sample + len(self)

    def part(self, start: int, stop: int) -> "Phasors":
        """Return rows [start, stop), without copying."""
        return Phasors(
            voltages=self.voltages[start:stop],
            currents=self.currents[start:stop],
            orders=self.orders,
            frequency_hz=self.frequency_hz[start:stop],
            first_sample=self.first_sample + start,
        )


Delivery = Block | Phasors
"""What a source delivers at a time, of one kind or the other."""
