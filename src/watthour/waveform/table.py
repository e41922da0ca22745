"""CSV recordings: a header row of names, then one row of numbers per instant.

In: an open binary object. Out: channels, a track and chunks of rows. Comma or semicolon separates columns; with
semicolons a decimal comma is understood. A column ``time_s`` tells the rate and shows gaps; an empty field is a
sample that is missing.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from watthour.errors import RecordingError
from watthour.waveform.channels import Channel
from watthour.waveform.lines import Columns, Text, header_text, measure, text_chunks
from watthour.waveform.scaling import Scaling
from watthour.waveform.stamps import RATE_ROWS, Clock
from watthour.waveform.track import Chunk, Stretch, Track, joined, require_rate, stamped_rate

TIME_COLUMN = "time_s"

_LONGEST_HEADER = 1 << 16
_HEADER_LINES = 2  # row 0 stands on line 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line: channels are its columns but for the time, numbered from 1.

    Parameters
    ----------
    columns : tuple of int
        Where each channel stands, from 0.
    end : int
        First byte after the line.
    """

    channels: tuple[Channel, ...]
    columns: tuple[int, ...]
    time_column: int | None
    delimiter: bytes
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where the rows are and how they are read."""

    track: Track
    rows: Text
    remarks: tuple[str, ...]


def read_header(file: str, data: BinaryIO) -> Header:
    """Return the header of a CSV.

    Raises
    ------
    RecordingError
        If the first line holds no names.
    """
    data.seek(0)
    line = data.readline(_LONGEST_HEADER)
    text = header_text(line).strip()
    delimiter = ";" if text.count(";") > text.count(",") else ","
    names = _names(text, delimiter)
    if not line.endswith(b"\n") or not any(names) or any(_is_number(name) for name in names):
        expected = "time_s,v1,v2,v3,i1,i2,i3"
        raise RecordingError(
            file, f"line 1: {text[:40]!r} is no header of column names: begin the file with one, such as {expected}"
        )
    time_column = next((k for k, name in enumerate(names) if name.casefold() == TIME_COLUMN), None)
    columns = tuple(k for k in range(len(names)) if k != time_column)
    channels = tuple(Channel(number=n, name=names[k]) for n, k in enumerate(columns, 1))
    return Header(channels=channels, columns=columns, time_column=time_column, delimiter=delimiter.encode(), end=len(line))


def _names(text: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([text], delimiter=delimiter), [])]
    except csv.Error:  # a line end inside the line
        return []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def open_table(
    file: str, data: BinaryIO, header: Header, six: Sequence[Channel], *, scaling: Scaling, rate_hz: float | None
) -> Table:
    """Return how to read the rows below a header.

    Raises
    ------
    RecordingError, SampleError
        If there is no whole row, or no rate, or one too low.
    """
    if header.time_column is None and rate_hz is None:
        raise RecordingError(file, "its sampling rate is unknown: say rate_hz = 8000 in [source], or add a time_s column")
    text = Text(extent=measure(data, header.end), columns=_columns(header, six))
    rows, remarks = _whole_rows(file, text)
    stretch = Stretch(first_row=0, end_row=rows, rate_hz=rate_hz or 0.0, has_stamps=header.time_column is not None)
    track = Track(
        file=file,
        channels=tuple(six),
        scaling=scaling,
        stretches=(stretch,),
        clock=Clock(tick_s=1.0, wrap=None, is_integer=False),
        row_word="line",
        row_shift=_HEADER_LINES,
    )
    return _rated(Table(track=track, rows=text, remarks=remarks), data, rate_hz)


def table_chunks(table: Table, data: BinaryIO, first_row: int) -> Iterator[Chunk]:
    """Yield the rows from `first_row` on."""
    return text_chunks(table.track, data, table.rows, first_row)


def _columns(header: Header, six: Sequence[Channel]) -> Columns:
    return Columns(
        delimiter=header.delimiter,
        count=len(header.columns) + (header.time_column is not None),
        samples=tuple(header.columns[channel.number - 1] for channel in six),
        stamp=header.time_column,
        has_blanks=True,
    )


def _whole_rows(file: str, text: Text) -> tuple[int, tuple[str, ...]]:
    """Return how many rows are whole, and a remark where the last one is cut off."""
    extent = text.extent
    is_cut = bool(extent.rows) and not extent.is_ended and not text.columns.is_whole(extent.last_line)
    rows = extent.rows - is_cut
    if not rows:
        raise RecordingError(file, "there is not one whole row of samples below its header: record again or name another file")
    remark = f"{file}: truncated: its last line is cut off; metered to the {rows} whole rows before it"
    return rows, (remark,) if is_cut else ()


def _rated(table: Table, data: BinaryIO, rate_hz: float | None) -> Table:
    """Return the same with its rate known and found high enough."""
    track, (stretch,) = table.track, table.track.stretches
    if stretch.has_stamps:
        head = replace(table, track=replace(track, stretches=(replace(stretch, end_row=min(stretch.end_row, RATE_ROWS)),)))
        remedy = "mend the column time_s, or drop it and say rate_hz in [source]"
        found_hz = stamped_rate(track, joined(table_chunks(head, data, 0)), rate_hz, remedy)
    else:
        found_hz = require_rate(track.file, rate_hz or 0.0)
    return replace(table, track=replace(track, stretches=(replace(stretch, rate_hz=found_hz),)))
