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
from watthour.waveform.stamps import RATE_TOLERANCE, Clock, StampError, missing_after, rate_of, require_steady


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
    """Consecutive rows.

    Parameters
    ----------
    samples : ndarray, shape (6, n)
    stamps : ndarray, shape (n,), optional
        Where they were asked for.
    missing : ndarray of bool, shape (n,), optional
        Rows without a sample; one that has no stamp either (NaN) is no row at all.
    """

    first_row: int
    samples: NDArray[np.generic]
    stamps: NDArray[np.float64] | None = None
    missing: NDArray[np.bool_] | None = None

    def part(self, start: int, stop: int) -> "Chunk":
        """Return rows [start, stop) of the recording, as far as they are here."""
        low, high = max(start - self.first_row, 0), max(stop - self.first_row, 0)
        return Chunk(
            first_row=self.first_row + low,
            samples=self.samples[:, low:high],
            stamps=None if self.stamps is None else self.stamps[low:high],
            missing=None if self.missing is None else self.missing[low:high],
        )

    @property
    def stamped(self) -> NDArray[np.intp]:
        """Which rows have a stamp, from the first of these."""
        count = self.samples.shape[1]
        if self.stamps is None or self.missing is None:
            return np.arange(count)
        return np.flatnonzero(~(self.missing & np.isnan(self.stamps)))


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
    rows = first.stamped
    stamps = np.zeros(0) if first.stamps is None else first.stamps[rows]
    try:
        shown_hz = rate_of(track.clock, stamps)
        require_steady(track.clock, stamps, 1.0 / (shown_hz * track.clock.tick_s))
    except StampError as error:
        place = "" if error.row is None else f"{track.place(first.first_row + int(rows[error.row]))}: "
        raise RecordingError(track.file, f"{place}{error}: {error.remedy or remedy}") from None
    if rate_hz is not None and abs(shown_hz - rate_hz) > RATE_TOLERANCE * rate_hz:
        raise RecordingError(
            track.file, f"its time stamps show {shown_hz:g} samples/s, rate_hz says {rate_hz:g}: drop rate_hz or mend it"
        )
    return require_rate(track.file, shown_hz if rate_hz is None else rate_hz)


def joined(chunks: Iterable[Chunk]) -> Chunk:
    """Return consecutive chunks, not none of them, as one: for the few first rows that tell a rate."""
    parts = list(chunks)
    stamps = [part.stamps for part in parts if part.stamps is not None]
    missing = [np.zeros(part.samples.shape[1], np.bool_) if part.missing is None else part.missing for part in parts]
    return Chunk(
        first_row=parts[0].first_row,
        samples=np.concatenate([part.samples for part in parts], axis=1),
        stamps=np.concatenate(stamps) if stamps else None,
        missing=np.concatenate(missing),
    )


def blocks_of(track: Track, chunks: Iterator[Chunk], first_sample: int) -> Iterator[Block]:
    """Yield the blocks of chunks in order, from `first_sample` on.

    Where no stamps count, sample and row are one, and chunks may begin at `first_sample`; else they must begin at
    row 0, since only the stamps before a row tell how many samples are missing before it.

    Raises
    ------
    RecordingError
        If the stamps are out of order or keep no constant rate, or not one row has all of its six values.
    """
    place: int | None = None
    last_stamp: NDArray[np.float64] | None = None
    has_samples = first_sample > 0
    for chunk in chunks:
        place = chunk.first_row if place is None else place
        for stretch, part in _by_stretch(track.stretches, chunk):
            if part.first_row == stretch.first_row or not stretch.has_stamps:
                last_stamp = None
            places = _places(track, stretch, part, last_stamp, place)
            for run, start in _runs(part, places, place):
                has_samples = True
                yield from _block(track, stretch, run, start, first_sample)
            place = place + part.samples.shape[1] if places is None else max(place, int(places.max()) + 1)
            last_stamp = _last_stamp(part, last_stamp)
    if not has_samples and place is not None:
        raise RecordingError(track.file, "not one of its rows has all six values: choose other channels")


def _by_stretch(stretches: Sequence[Stretch], chunk: Chunk) -> Iterator[tuple[Stretch, Chunk]]:
    for stretch in stretches:
        part = chunk.part(stretch.first_row, stretch.end_row)
        if part.samples.shape[1]:
            yield stretch, part


def _places(
    track: Track, stretch: Stretch, part: Chunk, last_stamp: NDArray[np.float64] | None, place: int
) -> NDArray[np.int64] | None:
    """Return which sample each row of a part is, -1 for one that is none at all; None where all follow from `place` on."""
    count = part.samples.shape[1]
    if not stretch.has_stamps or part.stamps is None:
        return None if part.missing is None else np.arange(place, place + count)
    rows = part.stamped
    gaps = _gaps(track, stretch, part, last_stamp)
    if part.missing is None and not gaps.any():
        return None
    places = np.full(count, -1)
    places[rows] = place + np.arange(rows.size) + np.cumsum(gaps)
    return places


def _runs(part: Chunk, places: NDArray[np.int64] | None, place: int) -> Iterator[tuple[Chunk, int]]:
    """Yield the rows between gaps, each with the sample that its first one is."""
    if places is None:
        yield part, place
        return
    there = np.flatnonzero(places >= 0 if part.missing is None else (places >= 0) & ~part.missing)
    cuts = np.flatnonzero((np.diff(places[there]) != 1) | (np.diff(there) != 1)) + 1
    for low, high in itertools.pairwise([0, *cuts.tolist(), there.size]):
        if high > low:
            first = part.first_row + int(there[low])
            yield part.part(first, first + high - low), int(places[there[low]])


def _gaps(track: Track, stretch: Stretch, part: Chunk, last_stamp: NDArray[np.float64] | None) -> NDArray[np.int64]:
    """Return how many samples are missing before each row that has a stamp."""
    rows = part.stamped
    own = np.zeros(0) if part.stamps is None else part.stamps[rows]
    stamps = own if last_stamp is None else np.concatenate([last_stamp, own])
    before = stamps.size - own.size
    step = 1.0 / (stretch.rate_hz * track.clock.tick_s)
    try:
        gaps = missing_after(track.clock, stamps, step)
        require_steady(track.clock, stamps, step)
    except StampError as error:
        place = track.place(part.first_row + int(rows[(error.row or before) - before]))
        raise RecordingError(track.file, f"{place}: {error}: {error.remedy or 'mend it or cut the recording there'}") from None
    return gaps if before else np.concatenate([np.zeros(min(own.size, 1), np.int64), gaps])


def _last_stamp(part: Chunk, before: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    rows = part.stamped[-1:]
    return part.stamps[rows] if part.stamps is not None and rows.size else before


def _block(track: Track, stretch: Stretch, run: Chunk, start: int, first_sample: int) -> Iterator[Block]:
    skipped = max(first_sample - start, 0)
    rows = run.samples[:, skipped:]
    if rows.shape[1]:
        yield block_of(track.scaling, rows, rate_hz=stretch.rate_hz, first_sample=start + skipped)


def block_of(scaling: Scaling, rows: NDArray[np.generic], *, rate_hz: float, first_sample: int) -> Block:
    """Return six planar rows as a block."""
    return Block(
        voltages=rows[:3],
        currents=rows[3:],
        rate_hz=rate_hz,
        first_sample=first_sample,
        voltage_scale=scaling.voltage_scale,
        voltage_offset=scaling.voltage_offset,
        current_scale=scaling.current_scale,
        current_offset=scaling.current_offset,
    )
