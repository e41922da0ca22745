"""Rows of BINARY, BINARY32 and FLOAT32: read into one buffer, six columns gathered into planar arrays.

In: an open binary object. Out: chunks whose samples keep the type of the file. Digital channels and sample numbers
are passed over. Little endian, as C37.111 clause 8.6 has it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from watthour.errors import RecordingError
from watthour.waveform.finite import refuse_first, require_finite
from watthour.waveform.interleaved import planar
from watthour.waveform.track import Chunk, Track

SAMPLE_TYPES = {"BINARY": "<i2", "BINARY32": "<i4", "FLOAT32": "<f4"}

_CHUNK_BYTES = 1 << 21
_MOST_ROWS = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """How a row is laid out, and where the first begins.

    Parameters
    ----------
    columns : six ints
        Which analog channels, from 0.
    """

    format: str
    analog_count: int
    digital_count: int
    columns: tuple[int, ...]
    offset: int

    @property
    def dtype(self) -> np.dtype[np.void]:
        """A row: sample number, time stamp, analog channels, digital channels in words of 16."""
        words = (self.digital_count + 15) // 16
        analog = (SAMPLE_TYPES[self.format], (self.analog_count,))
        return np.dtype([("number", "<u4"), ("stamp", "<u4"), ("analog", *analog), ("digital", "<u2", (words,))])


def binary_chunks(track: Track, data: BinaryIO, rows: Rows, first_row: int) -> Iterator[Chunk]:
    """Yield the rows from `first_row` on.

    Raises
    ------
    RecordingError
        If the file ends before the rows it had when it was opened.
    SampleError
        Naming file, sample and channel of a value that is missing or no number.
    """
    dtype = rows.dtype
    at_once = max(1, min(_MOST_ROWS, _CHUNK_BYTES // dtype.itemsize))
    buffer = memoryview(bytearray(at_once * dtype.itemsize))
    data.seek(rows.offset + first_row * dtype.itemsize)
    for row in range(first_row, track.rows, at_once):
        count = min(at_once, track.rows - row)
        wanted = buffer[: count * dtype.itemsize]
        if data.readinto(wanted) != len(wanted):  # type: ignore[attr-defined]  # every binary file object has it
            raise RecordingError(track.file, f"{track.place(row)}: the file became shorter while it was read: run it again")
        table = np.frombuffer(wanted, dtype=dtype)
        samples = planar(table["analog"], rows.columns)
        _require_values(track, row, samples)
        yield Chunk(first_row=row, samples=samples, stamps=table["stamp"].astype(np.float64) if track.has_stamps else None)


def _require_values(track: Track, row: int, samples: NDArray[np.generic]) -> None:
    """Refuse what is missing: 8000 hex, 80000000 hex (1999 8.6; 2013), or no number.

    The FFFF hex of 1991 is also -1 and is taken as that: it cannot be told from a sample near zero.
    """
    if np.issubdtype(samples.dtype, np.floating):
        require_finite(track, row, cast("NDArray[np.floating[Any]]", samples))
        return
    marker = np.iinfo(samples.dtype).min  # type: ignore[type-var]  # integers of two or four bytes
    if samples.min() == marker:
        refuse_first(track, row, samples == marker, "the value is missing")
