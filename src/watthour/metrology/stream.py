"""Blocks of any length in, windows of the meter's own choosing out.

Between blocks an `OpenWindow` keeps the raw samples of the window that is not yet whole, and where the tracker
stands: that is all there is to save. A long block is measured where it lies; only the window that straddles two
blocks is put together from its pieces. What breaks a stream (a gap, another rate or scale) is decided by who
steps it.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from watthour.metrology.harmonics import samples_of_window
from watthour.metrology.records import TRACKER, WINDOW, Conditions, Rows, Samples, Scratch, six_of
from watthour.metrology.seconds import measure_seconds
from watthour.metrology.sums import EDGE_SAMPLES, FRINGE, SUMS
from watthour.metrology.tracking import LOWEST_HZ, NOMINAL_HZ, window_cycles
from watthour.metrology.windows import measure_rest, measure_windows
from watthour.samples import Block, Delivery, Phasors

_SHORTEST_WINDOW_S = 0.15
"""No window is shorter: 10 cycles of 66 Hz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Least voltage of a phase that is on, least current of a phase that begins to count (secondary)."""

    present_v: float
    cutoff_a: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWindow:
    """What has arrived and is not yet measured.

    Parameters
    ----------
    tracker : ndarray of `TRACKER`, shape (1,)
        Where the next window begins, and the frequency it will be cut with.
    pieces : tuple of Block
        Consecutive samples from the fringe before the tracker's start on.
    scratch : Scratch
    window : Block or Phasors, optional
        What the last row measured was measured from, the samples under its tapers included: where its spectrum lies.
    """

    tracker: Rows
    pieces: tuple[Block, ...]
    scratch: Scratch
    window: Delivery | None = None


def longest_window(rate_hz: float) -> int:
    """Return the samples of the longest window, its fringes included."""
    return math.ceil(window_cycles(LOWEST_HZ) * rate_hz / LOWEST_HZ) + 2 * FRINGE + 2


def scratch_for(rate_hz: float) -> Scratch:
    """Return working space for windows of a stream of this rate."""
    return Scratch(
        table=np.zeros((2, longest_window(rate_hz))),
        filled_hz=np.zeros(1),
        hard=np.zeros((3, SUMS)),
        tapered=np.zeros((3, SUMS)),
        early=np.zeros((3, SUMS)),
        fringe=np.zeros((8, 2 * EDGE_SAMPLES)),
        weights=np.zeros(2 * EDGE_SAMPLES),
        tones=np.zeros(6, np.complex128),
    )


_NO_SCRATCH = scratch_for(0.0)
"""Of phasors, which need none."""


def open_window(delivery: Delivery, before: Rows | None = None) -> OpenWindow:
    """Return the state of a stream that begins with `delivery`, which is not yet taken in.

    Parameters
    ----------
    before : ndarray of `TRACKER`, optional
        Tracker of the stream before a break: its frequency, cut-off states and reactive power are kept.
    """
    tracker = np.zeros(1, TRACKER) if before is None else before.copy()
    if before is None:
        tracker["frequency_hz"] = NOMINAL_HZ
    tracker["table_hz"] = 0.0
    tracker["first_sample"] = delivery.first_sample
    tracker["start"] = delivery.first_sample + FRINGE
    tracker["edge"] = -0.5
    scratch = _NO_SCRATCH if isinstance(delivery, Phasors) else scratch_for(delivery.rate_hz)
    return OpenWindow(tracker=tracker, pieces=(), scratch=scratch)


def continues(opened: OpenWindow, delivery: Delivery) -> bool:
    """Tell whether `delivery` follows what is open without a gap, of the same kind, rate, type and scale."""
    if not opened.pieces:
        return bool(opened.tracker["first_sample"][0] == delivery.first_sample)
    last = opened.pieces[-1]
    if isinstance(delivery, Phasors) or last.end_sample != delivery.first_sample:
        return False
    same_numbers = last.rate_hz == delivery.rate_hz and last.voltages.dtype == delivery.voltages.dtype
    return same_numbers and _scales(last) == _scales(delivery)


def measure(opened: OpenWindow, delivery: Delivery, thresholds: Thresholds) -> tuple[OpenWindow, Rows]:
    """Take in what a source delivered and measure every window that is whole.

    Parameters
    ----------
    opened : OpenWindow
        Left as it is; the new state is returned.
    delivery : Block or Phasors
        Must continue it.

    Returns
    -------
    OpenWindow
        What is left open.
    ndarray of `WINDOW`
        The windows measured, in order; of phasors, the seconds.
    """
    if isinstance(delivery, Phasors):
        return _measure_seconds(opened, delivery, thresholds)
    return _measure_block(opened, delivery, thresholds)


def _measure_seconds(opened: OpenWindow, phasors: Phasors, thresholds: Thresholds) -> tuple[OpenWindow, Rows]:
    """Measure seconds; nothing of them stays open."""
    tracker = opened.tracker.copy()
    rows = np.empty(len(phasors), WINDOW)
    voltages, currents = (np.ascontiguousarray(rows_of) for rows_of in (phasors.voltages, phasors.currents))
    frequency_hz = np.ascontiguousarray(phasors.frequency_hz)
    measure_seconds(voltages, currents, frequency_hz, thresholds.present_v, thresholds.cutoff_a, tracker[0], rows)
    last = _second(phasors, len(phasors) - 1) if len(phasors) else opened.window
    return OpenWindow(tracker=tracker, pieces=(), scratch=opened.scratch, window=last), rows


def _second(phasors: Phasors, place: int) -> Phasors:
    """Return one second with arrays of its own."""
    one = phasors.part(place, place + 1)
    return replace(one, voltages=one.voltages.copy(), currents=one.currents.copy(), frequency_hz=one.frequency_hz.copy())


def _measure_block(opened: OpenWindow, block: Block, thresholds: Thresholds) -> tuple[OpenWindow, Rows]:
    tracker = opened.tracker.copy()
    if block.end_sample < end_of_window(tracker, block.rate_hz):
        kept = _own(block)
        return replace(opened, tracker=tracker, pieces=(*opened.pieces, kept)), np.zeros(0, WINDOW)
    found = []
    rest, joined = block, None
    last = opened.window
    if opened.pieces:
        enough = 2 * longest_window(block.rate_hz)
        head = block if len(block) <= enough else block.part(0, enough)
        joined = _join((*opened.pieces, head))
        found.append(_measure_whole(joined, tracker, opened.scratch, thresholds))
        if len(found[-1]):
            last = _last_window(joined, found[-1])
        if _kept_from(tracker) < block.first_sample:
            rest = joined if len(head) == len(block) else _join((joined, block.part(len(head), len(block))))
    if rest.end_sample >= end_of_window(tracker, rest.rate_hz):
        found.append(_measure_whole(rest, tracker, opened.scratch, thresholds))
        if len(found[-1]):
            last = _own(_last_window(rest, found[-1]))
    tail = rest.part(_kept_from(tracker) - rest.first_sample, len(rest))
    kept = tail if rest is joined else _own(tail)  # what was joined belongs to nobody else, and is a few windows long
    rows = found[0] if len(found) == 1 else np.concatenate(found)
    return OpenWindow(tracker=tracker, pieces=(kept,), scratch=opened.scratch, window=last), rows


def _last_window(block: Block, rows: Rows) -> Block:
    """Return the samples of the last of these rows, which were measured from `block`, without copying."""
    first, end = samples_of_window(rows[-1])
    return block.part(max(first - block.first_sample, 0), min(end - block.first_sample, len(block)))


def measure_end(opened: OpenWindow, thresholds: Thresholds) -> tuple[OpenWindow, Rows]:
    """Measure the rest of a stream that ends or breaks here: no row, or one."""
    tracker = opened.tracker.copy()
    rows = np.zeros(1, WINDOW)
    if not opened.pieces:
        return opened, rows[:0]
    block = _join(opened.pieces)
    count = measure_rest(six_of(block), block.first_sample, _conditions(block, thresholds), tracker[0], opened.scratch, rows)
    return OpenWindow(tracker=tracker, pieces=(), scratch=opened.scratch), rows[:count]


def _measure_whole(block: Block, tracker: Rows, scratch: Scratch, thresholds: Thresholds) -> Rows:
    rows = np.zeros(int(len(block) / (_SHORTEST_WINDOW_S * block.rate_hz)) + 1, WINDOW)
    count = measure_windows(six_of(block), block.first_sample, _conditions(block, thresholds), tracker[0], scratch, rows)
    return rows[:count]


def end_of_window(tracker: Rows, rate_hz: float) -> int:
    """Return the index of the sample after the last that the next window needs, as far as is known now."""
    _, start, edge, frequency_hz, *_ = tracker.item()
    length = window_cycles(frequency_hz) * rate_hz / frequency_hz
    return int(start) + math.floor(edge + length + 0.5) + FRINGE + 1


def _kept_from(tracker: Rows) -> int:
    """Return the index of the first sample that a later window still needs."""
    first_sample, start, *_ = tracker.item()
    return int(min(first_sample, start - FRINGE))


def _scales(block: Block) -> tuple[float, ...]:
    return (*block.voltage_scale, *block.current_scale, *block.voltage_offset, *block.current_offset)


def _conditions(block: Block, thresholds: Thresholds) -> Conditions:
    return _same_conditions(float(block.rate_hz), _scales(block), thresholds)


@lru_cache
def _same_conditions(rate_hz: float, scales: tuple[float, ...], thresholds: Thresholds) -> Conditions:
    """Return the conditions of a stream, made once: kernels only read them."""
    gain_and_offset = np.array(scales, dtype=np.float64)
    return Conditions(rate_hz, gain_and_offset[:6], gain_and_offset[6:], thresholds.present_v, thresholds.cutoff_a)


def _own(block: Block) -> Block:
    """Return a block with samples of its own, so that it does not keep its source's buffer alive."""
    return _with_samples(block, block.voltages.copy(), block.currents.copy())


def _join(pieces: tuple[Block, ...]) -> Block:
    if len(pieces) == 1:
        return pieces[0]
    voltages = np.concatenate([piece.voltages for piece in pieces], axis=1)
    currents = np.concatenate([piece.currents for piece in pieces], axis=1)
    return _with_samples(pieces[0], voltages, currents)


def _with_samples(block: Block, voltages: Samples, currents: Samples) -> Block:
    return Block(
        voltages=voltages,
        currents=currents,
        rate_hz=block.rate_hz,
        first_sample=block.first_sample,
        voltage_scale=block.voltage_scale,
        voltage_offset=block.voltage_offset,
        current_scale=block.current_scale,
        current_offset=block.current_offset,
    )
