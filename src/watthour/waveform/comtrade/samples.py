"""Samples of a COMTRADE recording as a track: which rows there are, at which rates, and how to read them.

In: a `Configuration`, the six channels, and an open binary object. Out: the stretches of one rate and chunks of
rows. The header's rate is the authority; time stamps count only where it is 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from watthour.errors import RecordingError
from watthour.waveform.channels import Channel
from watthour.waveform.comtrade.binary import SAMPLE_TYPES, Rows, binary_chunks
from watthour.waveform.comtrade.configuration import Configuration
from watthour.waveform.finite import refuse_first
from watthour.waveform.lines import Columns, Text, measure, text_chunks
from watthour.waveform.scaling import Scaling
from watthour.waveform.stamps import RATE_ROWS, Clock
from watthour.waveform.track import Chunk, Stretch, Track, joined, require_rate, stamped_rate

_WRAP = 2.0**32
_TEXT_MISSING = 99999
_LEADING = 2  # sample number and time stamp stand before the channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where the samples are and how they are read."""

    track: Track
    rows: Rows | Text
    remarks: tuple[str, ...]

    @property
    def sample_type(self) -> str:
        """What the samples of a block are: those of a text are read as float64."""
        return np.dtype(SAMPLE_TYPES[self.rows.format]).name if isinstance(self.rows, Rows) else "float64"


def open_data(
    file: str,
    data: BinaryIO,
    configuration: Configuration,
    six: tuple[Channel, ...],
    *,
    scaling: Scaling,
    offset: int,
    length: int,
    rate_hz: float | None,
) -> Data:
    """Return how to read the samples that lie at `offset`, `length` bytes of them.

    Raises
    ------
    RecordingError, SampleError
        If there is no whole sample, the rate is too low, or `rate_hz` contradicts the header.
    """
    promised = configuration.rates[-1][1]
    rows = _text(data, configuration, six, offset) if configuration.format == "ASCII" else _rows(configuration, six, offset)
    whole = length // rows.dtype.itemsize if isinstance(rows, Rows) else _whole_lines(rows, promised)
    if not whole:
        raise RecordingError(file, "there is not one whole sample in it: record again or name another file")
    track = _track(file, configuration, six, scaling, min(whole, promised or whole))
    unrated = Data(track=track, rows=rows, remarks=_remarks(file, promised, six, whole))
    return _rated(unrated, data, rate_hz)


def chunks_of(data: Data, file: BinaryIO, first_row: int) -> Iterator[Chunk]:
    """Yield the rows from `first_row` on."""
    if isinstance(data.rows, Rows):
        yield from binary_chunks(data.track, file, data.rows, first_row)
        return
    for chunk in text_chunks(data.track, file, data.rows, first_row):
        _refuse_missing(data.track, chunk)
        yield chunk


def _rows(configuration: Configuration, six: tuple[Channel, ...], offset: int) -> Rows:
    return Rows(
        format=configuration.format,
        analog_count=len(configuration.channels),
        digital_count=configuration.digital_count,
        columns=tuple(channel.number - 1 for channel in six),
        offset=offset,
    )


def _text(data: BinaryIO, configuration: Configuration, six: tuple[Channel, ...], offset: int) -> Text:
    columns = Columns(
        delimiter=b",",
        count=_LEADING + len(configuration.channels) + configuration.digital_count,
        samples=tuple(_LEADING + channel.number - 1 for channel in six),
        stamp=1 if any(rate_hz == 0 for rate_hz, _ in configuration.rates) else None,
    )
    return Text(extent=measure(data, offset), columns=columns)


def _whole_lines(text: Text, promised: int) -> int:
    """Return how many lines are whole: the last one, without a line end, may have lost digits or columns."""
    extent, has_all = text.extent, text.columns.is_whole(text.extent.last_line)
    is_whole = has_all and (extent.is_ended or extent.rows >= promised)
    return extent.rows if is_whole else max(extent.rows - 1, 0)


def _track(file: str, configuration: Configuration, six: tuple[Channel, ...], scaling: Scaling, rows: int) -> Track:
    stretches, first = [], 0
    for rate_hz, end in configuration.rates:
        end_row = min(end or rows, rows)
        if end_row > first:
            stretches.append(Stretch(first_row=first, end_row=end_row, rate_hz=rate_hz, has_stamps=rate_hz == 0))
        first = end_row
    clock = Clock(tick_s=configuration.tick_s, wrap=_WRAP, is_integer=True)
    return Track(file=file, channels=six, scaling=scaling, stretches=tuple(stretches), clock=clock)


def _rated(data: Data, file: BinaryIO, rate_hz: float | None) -> Data:
    """Return the same with the rate of every stretch known and found high enough."""
    stretches = tuple(replace(s, rate_hz=_rate(data, file, s, rate_hz)) for s in data.track.stretches)
    return replace(data, track=replace(data.track, stretches=stretches))


def _rate(data: Data, file: BinaryIO, stretch: Stretch, rate_hz: float | None) -> float:
    name = data.track.file
    if not stretch.has_stamps:
        if rate_hz is not None and rate_hz != stretch.rate_hz:
            raise RecordingError(name, f"its header says {stretch.rate_hz:g} samples/s, rate_hz says {rate_hz:g}: drop rate_hz")
        return require_rate(name, stretch.rate_hz)
    end_row = min(stretch.end_row, stretch.first_row + RATE_ROWS)
    head = replace(data, track=replace(data.track, stretches=(replace(stretch, end_row=end_row),)))
    first = joined(chunks_of(head, file, stretch.first_row))
    return stamped_rate(data.track, first, rate_hz, "mend them, or write the rate into the header")


def _remarks(file: str, promised: int, six: tuple[Channel, ...], whole: int) -> tuple[str, ...]:
    remarks = []
    if whole < promised:
        remarks.append(
            f"{file}: truncated: {whole} of the {promised} samples that its header promises are whole; metered to the last of them"
        )
    if promised and whole > promised:
        remarks.append(f"{file}: holds {whole} samples, its header promises {promised}: metered to the last one promised")
    if len({channel.skew_us for channel in six}) > 1:
        skews = ", ".join(f"{channel.skew_us:g}" for channel in six)
        remarks.append(f"{file}: its channels are sampled {skews} µs apart from the row's instant: not corrected")
    return tuple(remarks)


def _refuse_missing(track: Track, chunk: Chunk) -> None:
    """Refuse 99999, unless the header's own range of the channel holds it (1999: missing; 2013: a blank is)."""
    if chunk.samples.max() < _TEXT_MISSING:
        return
    admits = np.array([[channel.maximum is not None and channel.maximum >= _TEXT_MISSING] for channel in track.channels])
    is_missing = (chunk.samples == _TEXT_MISSING) & ~admits
    if is_missing.any():
        refuse_first(track, chunk.first_row, is_missing, "the value is missing")
