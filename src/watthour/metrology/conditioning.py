"""Samples as a front end delivered them, put right: gain, offset and delay of each channel undone.

In: a delivery and what calibration found. Out: the delivery at the instants it claims. Gain and offset go into a
block's scale and touch no sample. A channel that is late by d samples is read d samples further on, between its
samples, by a filter that is flat to 0.43 of the rate: 65 samples of a Kaiser-windowed sinc (ours)::

    y[k] = Σ h(j - μ) x[k + D + j],   j = -32 ... 32,   d = D + μ,   h(t) = sinc(t) · I0(β √(1 - (t/32.5)²)) / I0(β)

So an output needs samples that are still to come. They are waited for, and a `ChannelHistory` holds what has
arrived. Where a stream begins or ends its samples go on as their mirror image in its first or last point. Every
output is the same sum in the same order however the stream is cut.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from watthour.samples import Block, Delivery, Phasors, Triple

SixFloats = tuple[float, float, float, float, float, float]
_ONES: SixFloats = (1.0,) * 6
_ZEROS: SixFloats = (0.0,) * 6

_HALF = 32
"""Samples on each side of the one that is read."""

_BETA = 14.0
"""Kaiser's: ripple below 2e-7 (measured: 1e-7 of the amplitude up to 0.43 of the rate)."""

_STRIP = 4096
"""Samples filtered at a time, so that they stay in the cache."""

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What undoes the errors of a front end, for V1 V2 V3 I1 I2 I3.

    A corrected value is ``gain · (x(t + delay) - offset)``.

    Parameters
    ----------
    gain : six floats
    offset : six floats
        Volts and amperes that the channel shows without input.
    delay_s : six floats
        How much later than the others it shows its input.
    """

    gain: SixFloats = field(default=_ONES)
    offset: SixFloats = field(default=_ZEROS)
    delay_s: SixFloats = field(default=_ZEROS)

    @property
    def is_neutral(self) -> bool:
        """Whether it changes nothing."""
        return self.gain == _ONES and self.offset == _ZEROS and self.delay_s == _ZEROS


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHistory:
    """Samples of a stream that outputs to come still need.

    Parameters
    ----------
    samples : ndarray of float64, shape (6, n)
        Gain and offset corrected, delays not.
    first_sample : int
        Index of the first; before the stream's beginning where it was mirrored.
    next_sample : int
        Index of the next output; `first_sample` while too few samples have come for any.
    rate_hz : float
    correction : Correction
        With which they were made.
    """

    samples: Rows
    first_sample: int
    next_sample: int
    rate_hz: float
    correction: Correction

    @property
    def end_sample(self) -> int:
        """Index of the sample after the last that has come."""
        return self.first_sample + int(self.samples.shape[1])


def reach_of(correction: Correction, rate_hz: float) -> int:
    """Return how many samples before and after itself an output needs."""
    if not any(correction.delay_s):
        return 0
    return _HALF + max(abs(_whole(delay_s * rate_hz)) for delay_s in correction.delay_s)


def follows(history: ChannelHistory, delivery: Delivery, correction: Correction) -> bool:
    """Tell whether a delivery goes on where the history ends, at the same rate, to be corrected alike."""
    same = history.rate_hz == delivery.rate_hz and history.correction == correction
    return same and isinstance(delivery, Block) and history.end_sample == delivery.first_sample


def condition(
    history: ChannelHistory | None, delivery: Delivery, correction: Correction
) -> tuple[ChannelHistory | None, Delivery]:
    """Return a delivery corrected, as far as it can be yet.

    Parameters
    ----------
    history : ChannelHistory or None
        Of the stream so far, which the delivery `follows`; None where it begins, or nothing is waited for.

    Returns
    -------
    ChannelHistory or None
        None where no channel is late.
    Block or Phasors
        With late channels it ends as many samples before `delivery` as an output reaches ahead.
    """
    if correction.is_neutral:
        return None, delivery
    if isinstance(delivery, Phasors):
        return None, _turned(delivery, correction)
    scaled = _rescaled(delivery, correction)
    reach = reach_of(correction, delivery.rate_hz)
    if reach == 0:
        return None, scaled
    return _advanced(history, scaled, correction, reach)


def rest_of(history: ChannelHistory) -> Block:
    """Return the outputs still owed where a stream ends."""
    reach = reach_of(history.correction, history.rate_hz)
    if history.samples.shape[1] == 0:
        return _outputs(history, history.samples, 0, reach)
    begun = history if history.next_sample > history.first_sample else _mirrored_before(history, reach)
    rows = np.pad(begun.samples, ((0, 0), (0, reach)), mode="reflect", reflect_type="odd")
    return _outputs(begun, rows, history.end_sample - begun.next_sample, reach)


def _whole(samples: float) -> int:
    return math.floor(samples + 0.5)


def _turned(phasors: Phasors, correction: Correction) -> Phasors:
    """Return phasors corrected; an offset is none."""
    orders = np.array(phasors.orders, dtype=np.float64)
    cycles = phasors.frequency_hz[:, np.newaxis, np.newaxis] * np.array(correction.delay_s)[:, np.newaxis] * orders
    factors = np.array(correction.gain)[:, np.newaxis] * np.exp(2j * np.pi * cycles)
    return Phasors(
        voltages=phasors.voltages * factors[:, :3],
        currents=phasors.currents * factors[:, 3:],
        orders=phasors.orders,
        frequency_hz=phasors.frequency_hz,
        first_sample=phasors.first_sample,
    )


def _rescaled(block: Block, correction: Correction) -> Block:
    """Return a block with gain and offset corrected by its scale."""
    gain, offset = correction.gain, correction.offset
    return Block(
        voltages=block.voltages,
        currents=block.currents,
        rate_hz=block.rate_hz,
        first_sample=block.first_sample,
        voltage_scale=_scales(gain[:3], block.voltage_scale),
        voltage_offset=_offsets(gain[:3], block.voltage_offset, offset[:3]),
        current_scale=_scales(gain[3:], block.current_scale),
        current_offset=_offsets(gain[3:], block.current_offset, offset[3:]),
    )


def _scales(gain: Triple, scale: Triple) -> Triple:
    return gain[0] * scale[0], gain[1] * scale[1], gain[2] * scale[2]


def _offsets(gain: Triple, shown: Triple, offset: Triple) -> Triple:
    return gain[0] * (shown[0] - offset[0]), gain[1] * (shown[1] - offset[1]), gain[2] * (shown[2] - offset[2])


def _advanced(
    history: ChannelHistory | None, scaled: Block, correction: Correction, reach: int
) -> tuple[ChannelHistory, Block]:
    """Take a block in, and give out what has all its neighbours."""
    arrived = _values(scaled)
    if history is not None:
        arrived = np.concatenate([history.samples, arrived], axis=1)
    first = scaled.first_sample if history is None else history.first_sample
    following = first if history is None else history.next_sample
    joined = ChannelHistory(
        samples=arrived, first_sample=first, next_sample=following, rate_hz=scaled.rate_hz, correction=correction
    )
    if following == first:
        if arrived.shape[1] <= 2 * reach:
            return joined, _outputs(joined, arrived, 0, reach)
        joined = _mirrored_before(joined, reach)
    ready = joined.samples.shape[1] - 2 * reach
    kept = ChannelHistory(
        samples=joined.samples[:, ready:].copy(),
        first_sample=joined.first_sample + ready,
        next_sample=joined.next_sample + ready,
        rate_hz=joined.rate_hz,
        correction=correction,
    )
    return kept, _outputs(joined, joined.samples, ready, reach)


def _values(block: Block) -> Rows:
    """Return the volts and amperes of a block, shape (6, n)."""
    rows = np.empty((6, len(block)))
    for half, samples, scale, offset in (
        (rows[:3], block.voltages, block.voltage_scale, block.voltage_offset),
        (rows[3:], block.currents, block.current_scale, block.current_offset),
    ):
        np.multiply(samples, np.array(scale)[:, np.newaxis], out=half)
        np.add(half, np.array(offset)[:, np.newaxis], out=half)
    return rows


def _mirrored_before(history: ChannelHistory, reach: int) -> ChannelHistory:
    """Return a history that has not begun with the mirror image before its first sample."""
    return ChannelHistory(
        samples=np.pad(history.samples, ((0, 0), (reach, 0)), mode="reflect", reflect_type="odd"),
        first_sample=history.first_sample - reach,
        next_sample=history.next_sample,
        rate_hz=history.rate_hz,
        correction=history.correction,
    )


def _outputs(history: ChannelHistory, rows: Rows, count: int, reach: int) -> Block:
    """Return `count` outputs, of which the first stands at column `reach` of `rows`."""
    outputs = np.zeros((6, count))
    for channel, delay_s in enumerate(history.correction.delay_s if count else ()):
        advance = delay_s * history.rate_hz
        begin = reach + _whole(advance)
        if advance == 0.0:
            outputs[channel] = rows[channel, reach : reach + count]
        else:
            _interpolate(rows[channel, begin - _HALF : begin + _HALF + count], advance - _whole(advance), outputs[channel])
    return Block(voltages=outputs[:3], currents=outputs[3:], rate_hz=history.rate_hz, first_sample=history.next_sample)


def _interpolate(row: Rows, fraction: float, outputs: Rows) -> None:
    """Fill outputs with a row read `fraction` of a sample later; the first output stands at `_HALF`."""
    taps = interpolation_taps(fraction)
    product = np.empty(_STRIP)
    for begin in range(0, len(outputs), _STRIP):
        strip = outputs[begin : begin + _STRIP]
        for j, tap in enumerate(taps):
            strip += np.multiply(row[begin + j : begin + j + len(strip)], tap, out=product[: len(strip)])


def interpolation_taps(fraction: float) -> Rows:
    """Return the weights of samples -32 ... 32 around one, for a value `fraction` of a sample after it.

    Parameters
    ----------
    fraction : float
        -0.5 to 0.5.

    Notes
    -----
    Windowed-sinc fractional delay: T. I. Laakso et al., "Splitting the unit delay", IEEE Signal Processing Magazine
    13 (1996) 30-60, DOI 10.1109/79.482137. Scaled so that a steady value stays the same.
    """
    t = np.arange(-_HALF, _HALF + 1) - fraction
    taps: Rows = np.sinc(t) * np.i0(_BETA * np.sqrt(np.maximum(0.0, 1.0 - (t / (_HALF + 0.5)) ** 2)))
    taps /= taps.sum()
    return taps
