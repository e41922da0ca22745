"""Parquet recordings: named columns of numbers, one row per instant.

In: an open binary object. Out: channels, a track and chunks of rows, a batch at a time whatever the size of the
file's row groups. Types that metrology takes are kept. A column ``time_s`` tells the rate and shows gaps; a null is a
sample that is missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow.parquet import ParquetFile

from watthour.errors import RecordingError, SampleError
from watthour.samples import SAMPLE_TYPES
from watthour.waveform.channels import Channel
from watthour.waveform.finite import require_finite
from watthour.waveform.scaling import Scaling
from watthour.waveform.stamps import RATE_ROWS, Clock
from watthour.waveform.table import TIME_COLUMN
from watthour.waveform.track import Chunk, Stretch, Track, joined, require_rate, stamped_rate

_BATCH_ROWS = 1 << 15
_BUFFER_BYTES = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What the file says of itself.

    Parameters
    ----------
    channels : tuple of Channel
        Its columns but for the time, numbered from 1.
    types : dict of str to numpy.dtype
        Of the columns that hold numbers.
    time_column : str or None
        As it is written.
    """

    channels: tuple[Channel, ...]
    types: dict[str, np.dtype[Any]]
    time_column: str | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where the rows are and how they are read."""

    track: Track
    time_column: str | None
    dtype: np.dtype[Any]


def read_schema(file: str, data: BinaryIO) -> Schema:
    """Return the schema of a Parquet file.

    Raises
    ------
    RecordingError
        If it is none, or was cut off.
    """
    reader = _opened(file, data)
    fields = list(reader.schema_arrow)
    time_column = next((field.name for field in fields if field.name.casefold() == TIME_COLUMN), None)
    names = [field.name for field in fields if field.name != time_column]
    types = {field.name: np.dtype(field.type.to_pandas_dtype()) for field in fields if _is_number(field.type)}
    if time_column is not None and time_column not in types:
        raise RecordingError(file, f"column {time_column!r} holds no numbers: write it in seconds, or drop it and say rate_hz")
    channels = tuple(Channel(number=k, name=name) for k, name in enumerate(names, 1))
    return Schema(channels=channels, types=types, time_column=time_column, rows=reader.metadata.num_rows)


def sample_type(file: str, schema: Schema, six: Sequence[Channel]) -> np.dtype[Any]:
    """Return the type that holds all six columns without loss: one that metrology takes, float64 for what is wider.

    Raises
    ------
    RecordingError
        If a column holds no numbers, or its name is not its own.
    """
    for channel in six:
        if channel.name not in schema.types:
            raise RecordingError(file, f"{channel} holds no numbers: choose another channel")
        if sum(other.name == channel.name for other in schema.channels) > 1:
            raise RecordingError(file, f"{channel} shares its name with another column: rename it")
    narrowest = np.result_type(np.int16, *(schema.types[channel.name] for channel in six))
    return narrowest if narrowest.name in SAMPLE_TYPES else np.dtype(np.float64)


def has_integers(schema: Schema, six: Sequence[Channel]) -> bool:
    """Tell whether any of the columns holds integers, and so no physical unit."""
    return any(schema.types[channel.name].kind in "iu" for channel in six)


def open_columns(
    file: str, data: BinaryIO, schema: Schema, six: Sequence[Channel], *, scaling: Scaling, rate_hz: float | None
) -> Columns:
    """Return how to read the rows of a Parquet file.

    Raises
    ------
    RecordingError, SampleError
        If there is no row, or no rate, or one too low.
    """
    if schema.time_column is None and rate_hz is None:
        raise RecordingError(file, "its sampling rate is unknown: say rate_hz = 8000 in [source], or add a column time_s")
    if not schema.rows:
        raise RecordingError(file, "there is not one row of samples in it: record again or name another file")
    has_stamps = schema.time_column is not None
    track = Track(
        file=file,
        channels=tuple(six),
        scaling=scaling,
        stretches=(Stretch(first_row=0, end_row=schema.rows, rate_hz=rate_hz or 0.0, has_stamps=has_stamps),),
        clock=Clock(tick_s=1.0, wrap=None, is_integer=False),
        row_word="row",
    )
    columns = Columns(track=track, time_column=schema.time_column, dtype=sample_type(file, schema, six))
    return _rated(columns, data, rate_hz)


def column_chunks(columns: Columns, data: BinaryIO, first_row: int) -> Iterator[Chunk]:
    """Yield the rows from `first_row` on.

    Raises
    ------
    RecordingError, SampleError
        If the file is damaged, or naming row and column of a float that is no number.
    """
    track = columns.track
    reader = _opened(track.file, data)
    group, row = _group_of(reader, first_row)
    names = list(dict.fromkeys(channel.name for channel in track.channels))
    names += [] if columns.time_column is None else [columns.time_column]
    groups = range(group, reader.num_row_groups)
    batches = reader.iter_batches(_BATCH_ROWS, row_groups=groups, columns=names, use_threads=False)
    while row < track.rows:
        try:
            batch = next(batches)
        except (pa.ArrowException, OSError, StopIteration) as error:
            what = str(error).splitlines()[0] if str(error) else "there are no more rows"
            raise RecordingError(track.file, f"it is damaged at or after {track.place(row)} ({what}): record again") from None
        chunk = _chunk(columns, row, batch).part(first_row, track.rows)
        row += batch.num_rows
        if chunk.samples.shape[1]:
            yield chunk


def _opened(file: str, data: BinaryIO) -> ParquetFile:
    data.seek(0)
    try:
        return ParquetFile(data, buffer_size=_BUFFER_BYTES, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        what = str(error).splitlines()[0]
        raise RecordingError(file, f"it is no whole Parquet file ({what}): record again or name another file") from None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _group_of(reader: ParquetFile, row: int) -> tuple[int, int]:
    """Return the row group that holds a row, and its first row."""
    first = 0
    for group in range(reader.num_row_groups):
        rows = reader.metadata.row_group(group).num_rows
        if row < first + rows:
            return group, first
        first += rows
    return reader.num_row_groups, first


def _chunk(columns: Columns, row: int, batch: pa.RecordBatch) -> Chunk:
    track = columns.track
    found = [batch.column(channel.name) for channel in track.channels]
    samples = np.stack([_numbers(column).astype(columns.dtype) for column in found])
    missing = np.any([_nulls(column) for column in found], axis=0) if any(column.null_count for column in found) else None
    if missing is not None:
        samples[:, missing] = 0
    if columns.dtype.kind == "f":
        require_finite(track, row, cast("NDArray[np.floating[Any]]", samples))
    stamps = None if columns.time_column is None else _stamps(track, row, batch.column(columns.time_column))
    return Chunk(first_row=row, samples=samples, stamps=stamps, missing=missing)


def _numbers(column: pa.Array) -> NDArray[Any]:
    """Return a column's numbers, 0 where there is none."""
    return cast("NDArray[Any]", (column.fill_null(0) if column.null_count else column).to_numpy(zero_copy_only=False))


def _nulls(column: pa.Array) -> NDArray[np.bool_]:
    return cast("NDArray[np.bool_]", column.is_null().to_numpy(zero_copy_only=False))


def _stamps(track: Track, row: int, column: pa.Array) -> NDArray[np.float64]:
    if column.null_count:
        place = track.place(row + int(np.flatnonzero(_nulls(column))[0]))
        msg = f"{track.file}: {place}, time stamp: no value: mend it, or drop the column and say rate_hz in [source]"
        raise SampleError(msg)
    return _numbers(column).astype(np.float64)


def _rated(columns: Columns, data: BinaryIO, rate_hz: float | None) -> Columns:
    """Return the same with its rate known and found high enough."""
    track, (stretch,) = columns.track, columns.track.stretches
    if stretch.has_stamps:
        head = replace(columns, track=replace(track, stretches=(replace(stretch, end_row=min(stretch.end_row, RATE_ROWS)),)))
        remedy = "mend the column time_s, or drop it and say rate_hz in [source]"
        found_hz = stamped_rate(track, joined(column_chunks(head, data, 0)), rate_hz, remedy)
    else:
        found_hz = require_rate(track.file, rate_hz or 0.0)
    return replace(columns, track=replace(track, stretches=(replace(stretch, rate_hz=found_hz),)))
