"""Six planar rows with their places, cut into blocks of one rate, with gaps where rows are missing.

In: chunks as a decoder reads them. Out: blocks at the meter's terminals, from any sample on. A chunk knows rows;
a block knows samples: the two differ by what gaps left out.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watthour.errors import RecordingError, SampleError
from watthour.samples import MINIMUM_RATE_HZ, Block
from watthour.waveform.channels import Channel
from watthour.waveform.scaling import Scaling
from watthour.waveform.stamps import Clock, StampError, missing_after, rate_of

_RATE_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Rows of one rate: [first_row, end_row). Where `has_stamps`, steps of the stamps show gaps."""

    first_row: int
    end_row: int
    rate_hz: float
    has_stamps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Six channels of a recording: what its chunks mean.

    Parameters
    ----------
    file : str
        The file of the samples, as messages call it.
    row_word, row_shift
        How a message names row k: ``sample k + 1``, or ``line k + 2`` below a header.
    """

    file: str
    channels: tuple[Channel, ...]
    scaling: Scaling
    stretches: tuple[Stretch, ...]
    clock: Clock
    row_word: str = "sample"
    row_shift: int = 1

    @property
    def rows(self) -> int:
        """How many rows are metered."""
        return self.stretches[-1].end_row

    @property
    def has_stamps(self) -> bool:
        """Whether time stamps count anywhere."""
        return any(stretch.has_stamps for stretch in self.stretches)

    def place(self, row: int) -> str:
        """Return what a message calls a row."""
        return f"{self.row_word} {row + self.row_shift}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Consecutive rows: `samples` of shape (6, n), and stamps where they were asked for."""

    first_row: int
    samples: NDArray[np.generic]
    stamps: NDArray[np.float64] | None = None

    def part(self, start: int, stop: int) -> "Chunk":
        """Return rows [start, stop) of the recording, as far as they are here."""
        low, high = max(start - self.first_row, 0), max(stop - self.first_row, 0)
        stamps = None if self.stamps is None else self.stamps[low:high]
        return Chunk(first_row=self.first_row + low, samples=self.samples[:, low:high], stamps=stamps)


def require_rate(file: str, rate_hz: float) -> float:
    """Return the rate if a meter can use it.

    Raises
    ------
    SampleError
        Below `MINIMUM_RATE_HZ`, naming the file.
    """
    if not rate_hz >= MINIMUM_RATE_HZ:
        msg = f"{file}: {rate_hz:g} samples/s is too slow: record at {MINIMUM_RATE_HZ:g} samples/s or more"
        raise SampleError(msg)
    return rate_hz


def stamped_rate(track: Track, first: Chunk, rate_hz: float | None, remedy: str) -> float:
    """Return the rate where the header gives none: the user's, else what the first stamps show.

    Raises
    ------
    RecordingError
        If the stamps do not tell, with `remedy`, or tell another rate than the user.
    """
    try:
        shown_hz = rate_of(track.clock, np.zeros(0) if first.stamps is None else first.stamps)
    except StampError as error:
        place = "" if error.row is None else f"{track.place(first.first_row + error.row)}: "
        raise RecordingError(track.file, f"{place}{error}: {remedy}") from None
    if rate_hz is not None and abs(shown_hz - rate_hz) > _RATE_TOLERANCE * rate_hz:
        raise RecordingError(
            track.file, f"its time stamps show {shown_hz:g} samples/s, rate_hz says {rate_hz:g}: drop rate_hz or mend it"
        )
    return require_rate(track.file, shown_hz if rate_hz is None else rate_hz)


def joined(chunks: Iterable[Chunk]) -> Chunk:
    """Return consecutive chunks, not none of them, as one: for the few first rows that tell a rate."""
    parts = list(chunks)
    stamps = [part.stamps for part in parts if part.stamps is not None]
    samples = np.concatenate([part.samples for part in parts], axis=1)
    return Chunk(first_row=parts[0].first_row, samples=samples, stamps=np.concatenate(stamps) if stamps else None)


def blocks_of(track: Track, chunks: Iterator[Chunk], first_sample: int) -> Iterator[Block]:
    """Yield the blocks of chunks in order, from `first_sample` on.

    Where no stamps count, sample and row are one, and chunks may begin at `first_sample`; else they must begin at
    row 0, since only the stamps before a row tell how many samples are missing before it.
    """
    missing = 0
    last_stamp: NDArray[np.float64] | None = None
    for chunk in chunks:
        for stretch, part in _by_stretch(track.stretches, chunk):
            if part.first_row == stretch.first_row or part.stamps is None:
                last_stamp = None
            for run, gap in _runs(track, stretch, part, last_stamp):
                missing += gap
                yield from _block(track, stretch, run, missing, first_sample)
            last_stamp = None if part.stamps is None else part.stamps[-1:]


def _by_stretch(stretches: Sequence[Stretch], chunk: Chunk) -> Iterator[tuple[Stretch, Chunk]]:
    for stretch in stretches:
        part = chunk.part(stretch.first_row, stretch.end_row)
        if part.samples.shape[1]:
            yield stretch, part


def _runs(track: Track, stretch: Stretch, part: Chunk, last_stamp: NDArray[np.float64] | None) -> Iterator[tuple[Chunk, int]]:
    """Yield the rows between gaps, each with how many samples are missing before it."""
    if not stretch.has_stamps or part.stamps is None:
        yield part, 0
        return
    before = part.stamps[:1] if last_stamp is None else last_stamp
    gaps = _gaps(track, stretch, part, np.concatenate([before, part.stamps]))
    starts = np.flatnonzero(gaps)
    edges = [0, *(int(k) for k in starts if k), part.samples.shape[1]]
    for low, high in itertools.pairwise(edges):
        yield part.part(part.first_row + low, part.first_row + high), int(gaps[low])


def _gaps(track: Track, stretch: Stretch, part: Chunk, stamps: NDArray[np.float64]) -> NDArray[np.int64]:
    try:
        return missing_after(track.clock, stamps, 1.0 / (stretch.rate_hz * track.clock.tick_s))
    except StampError as error:
        place = track.place(part.first_row + (error.row or 1) - 1)
        raise RecordingError(track.file, f"{place}: {error}: mend it or cut the recording there") from None


def _block(track: Track, stretch: Stretch, run: Chunk, missing: int, first_sample: int) -> Iterator[Block]:
    start = run.first_row + missing
    skipped = max(first_sample - start, 0)
    rows = run.samples[:, skipped:]
    if rows.shape[1]:
        yield Block(
            voltages=rows[:3],
            currents=rows[3:],
            rate_hz=stretch.rate_hz,
            first_sample=start + skipped,
            voltage_scale=track.scaling.voltage_scale,
            voltage_offset=track.scaling.voltage_offset,
            current_scale=track.scaling.current_scale,
            current_offset=track.scaling.current_offset,
        )
