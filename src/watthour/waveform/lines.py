"""Text rows of a recording, read in chunks of whole lines and parsed by columns.

In: an open binary object. Out: how many whole rows there are, and planar float64 columns. Used for ASCII
COMTRADE and for CSV; knows neither header. Lines end in LF or CR LF; blanks and a DOS end mark (0x1A) may follow
the last one.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from watthour.errors import RecordingError, SampleError
from watthour.waveform.finite import require_finite
from watthour.waveform.track import Chunk, Track

CHUNK_BYTES = 1 << 20
"""Read at a time; a line longer than this is no row of samples."""

_BLANKS = b" \t\r\n\x1a\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Where rows lie: bytes [start, stop) hold `rows` lines; `is_ended` if a line end follows the last."""

    start: int
    stop: int
    rows: int
    is_ended: bool
    last_line: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How a row is read.

    Parameters
    ----------
    count : int
        How many columns it has at least.
    samples, stamp
        Which are wanted, from 0.
    has_blanks : bool
        Whether an empty field is a sample that is missing, instead of a mistake.
    """

    delimiter: bytes
    count: int
    samples: tuple[int, ...]
    stamp: int | None
    has_blanks: bool = False

    def is_whole(self, line: bytes) -> bool:
        """Whether a line has all of its columns."""
        return line.count(self.delimiter) + 1 >= self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Rows of text: where they lie and how each is read."""

    extent: Extent
    columns: Columns


def header_text(content: bytes) -> str:
    """Return the text of a header: UTF-8 with or without a mark, else Latin-1 as older recorders write it."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def measure(data: BinaryIO, start: int) -> Extent:
    """Return the extent of the rows from `start` to the end; one pass that only counts."""
    position, stop, ends, ends_at_stop = start, start, 0, 0
    data.seek(start)
    while piece := data.read(CHUNK_BYTES):
        content = len(piece.rstrip(_BLANKS))
        if content:
            stop, ends_at_stop = position + content, ends + piece.count(b"\n", 0, content)
        ends += piece.count(b"\n")
        position += len(piece)
    rows = ends_at_stop + 1 if stop > start else 0
    return Extent(start=start, stop=stop, rows=rows, is_ended=ends > ends_at_stop, last_line=_last_line(data, start, stop))


def _last_line(data: BinaryIO, start: int, stop: int) -> bytes:
    begin = max(start, stop - CHUNK_BYTES)
    data.seek(begin)
    return data.read(stop - begin).rpartition(b"\n")[2]


def line_chunks(file: str, data: BinaryIO, extent: Extent, first_row: int, end_row: int) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines from `first_row` to `end_row` as (row, bytes with the last line's end cut off).

    Raises
    ------
    RecordingError
        If a line is longer than `CHUNK_BYTES`, or the file has become shorter.
    """
    row, carried, position = 0, b"", extent.start
    data.seek(extent.start)
    while max(row, first_row) < end_row and position < extent.stop:
        piece = data.read(min(CHUNK_BYTES, extent.stop - position))
        if not piece:
            raise RecordingError(file, f"row {row + 1}: the file became shorter while it was read: run it again")
        position += len(piece)
        whole, end, rest = (carried + piece).rpartition(b"\n") if position < extent.stop else (carried + piece, b"\n", b"")
        carried = rest
        if not end:
            if len(carried) > CHUNK_BYTES:
                raise RecordingError(file, f"row {row + 1} has no end within {CHUNK_BYTES} bytes: this is no text of samples")
            continue
        count = whole.count(b"\n") + 1
        if row + count > first_row:
            yield _between(whole, row, count, first_row, end_row)
        row += count


def _between(whole: bytes, row: int, count: int, first_row: int, end_row: int) -> tuple[int, bytes]:
    if row >= first_row and row + count <= end_row:
        return row, whole
    start = max(first_row, row)
    return start, b"\n".join(whole.split(b"\n")[start - row : end_row - row])


def text_chunks(track: Track, data: BinaryIO, rows: Text, first_row: int) -> Iterator[Chunk]:
    """Yield the wanted columns of the rows from `first_row` on, as float64; 0 where a sample is missing.

    Raises
    ------
    RecordingError, SampleError
        Naming file, row and column of what is no number.
    """
    columns = rows.columns
    wanted = (*columns.samples, *(() if columns.stamp is None else (columns.stamp,)))
    for row, content in line_chunks(track.file, data, rows.extent, first_row, track.rows):
        text = content.decode("latin-1")
        text = text.replace(",", ".") if columns.delimiter == b";" else text
        numbers, missing = _columns(text, columns, wanted), None
        if numbers is None:
            numbers, missing = _rows(track, row, text, columns, wanted)
        samples = np.ascontiguousarray(numbers[: len(columns.samples)])
        require_finite(track, row, samples)
        stamps = None if columns.stamp is None else numbers[-1]
        yield Chunk(first_row=row, samples=samples, stamps=stamps, missing=missing)


def _columns(text: str, columns: Columns, wanted: Sequence[int]) -> NDArray[np.float64] | None:
    """Return the wanted columns of lines that are all alike, whole columns at a time; None where one is not."""
    delimiter = columns.delimiter.decode()
    width = text.partition("\n")[0].count(delimiter) + 1
    cells = text.replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)
    rows = (len(cells) + 1) // (width + 1)
    is_alike = len(cells) == rows * (width + 1) - 1 and cells[width :: width + 1].count("\n") == rows - 1
    if width < columns.count or not is_alike or "_" in text:
        return None
    try:
        return np.array([[float(cell) for cell in cells[column :: width + 1]] for column in wanted])
    except ValueError:
        return None


def _rows(
    track: Track, row: int, text: str, columns: Columns, wanted: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Return the same line by line, and which rows lack a sample: slow, and finds the place of what is no number."""
    lines = text.split("\n")
    rows = [_numbers(track, row + k, line, columns, wanted) for k, line in enumerate(lines)]
    missing = np.array([not is_whole for _, is_whole in rows])
    return np.array([numbers for numbers, _ in rows]).T, missing if missing.any() else None


def _numbers(track: Track, row: int, line: str, columns: Columns, wanted: Sequence[int]) -> tuple[list[float], bool]:
    """Return a row's numbers and whether it has them all; zeros where it has not."""
    cells = line.split(columns.delimiter.decode())
    if columns.has_blanks and columns.stamp is not None and not line.strip():
        return [*(0.0 for _ in columns.samples), float("nan")], False
    if len(cells) < columns.count:
        found = f"{len(cells)} columns where {columns.count} are due" if line.strip() else "the line is blank"
        raise RecordingError(track.file, f"{track.place(row)}: {found}: mend the row or cut the recording there")
    if columns.has_blanks and not all(cells[column].strip() for column in columns.samples):
        stamp = [] if columns.stamp is None else [_number(track, row, columns.stamp, columns, cells[columns.stamp].strip())]
        return [*(0.0 for _ in columns.samples), *stamp], False
    return [_number(track, row, column, columns, cells[column].strip()) for column in wanted], True


def _number(track: Track, row: int, column: int, columns: Columns, cell: str) -> float:
    if "_" not in cell:  # float() would pass over it
        with contextlib.suppress(ValueError):
            return float(cell)
    what = "time stamp" if column == columns.stamp else str(track.channels[columns.samples.index(column)])
    found = f"{cell[:40]!r} is not a number" if cell else "no value"
    msg = f"{track.file}: {track.place(row)}, {what}: {found}: mend it or cut the recording there"
    raise SampleError(msg)
