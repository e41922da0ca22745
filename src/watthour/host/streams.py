"""A raw stream as a source: samples from standard input or a FIFO, as fast as whoever writes them sends.

In: what the configuration says of the bytes. Out: blocks as they arrive, and an empty one a few times a second while
nothing does, so that whoever meters may stop or answer meanwhile; nothing here waits longer than that. What was read
cannot be read again: every run begins at sample 0. The bytes carry no time, so silence is measured by the clock:
longer than a second it is a gap of that length.

::

      samples          silence > 1 s           samples             writer closes
    |---------|..............................|---------|... .|---|
    0         n    "samples stopped" told    n + gap         end; a row cut off is dropped and told
"""

import contextlib
import fcntl
import math
import os
import secrets
import select
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from watthour.errors import RecordingError
from watthour.host.instants import now_ns
from watthour.host.recordings.recording import unreadable
from watthour.samples import Block
from watthour.units import Ratio
from watthour.view import Event, EventKind
from watthour.waveform.channels import TERMINALS, Channel, Side, terminals_among
from watthour.waveform.finite import require_finite
from watthour.waveform.interleaved import Interleave
from watthour.waveform.scaling import require_scale, scaling_of
from watthour.waveform.stamps import Clock
from watthour.waveform.track import Stretch, Track, block_of, require_rate

STANDARD_INPUT = Path("-")

NAME_EACH = "name what each column of the stream is: V1, V2, V3, I1, I2, I3 once each, any other word for one to pass over"

SILENCE_S = 1.0
"""A writer that is silent longer has left a gap (ours)."""

_TICK_S = 0.05
"""Samples wait no longer than this to be metered, and a stop no longer to be noticed."""

_REST_S = 0.005
"""Between reads from a writer that sends a few samples at a time."""

_BUFFER_BYTES = 1 << 20
_PORTION_BYTES = 1 << 14
_ENDLESS = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Whole rows that arrived together, maybe none, and how long it was silent before them."""

    rows: memoryview
    silent_s: float


class _Pipe:
    """Bytes of an open descriptor as whole rows."""

    def __init__(self, descriptor: int, row_bytes: int, portion_bytes: int) -> None:
        self._descriptor = descriptor
        self._row_bytes = row_bytes
        self._portion_bytes = portion_bytes
        self._buffer = memoryview(bytearray(_BUFFER_BYTES - _BUFFER_BYTES % row_bytes))
        self._taken = 0
        self._filled = 0
        self._gap_s = 0.0
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self.silent_s = 0.0
        self.ended = False

    @property
    def rest_bytes(self) -> int:
        """Bytes of a row that is not yet whole."""
        return self._filled - self._taken

    def take(self) -> Portion:
        """Return the rows that arrive within a tick, sooner if they make a portion; good until the next call."""
        rest = self._buffer[self._taken : self._filled]
        self._buffer[: len(rest)] = rest
        self._taken, self._filled = 0, len(rest)
        deadline_s = time.monotonic() + _TICK_S
        while self._filled < self._portion_bytes and not self.ended:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not self._wait(left_s):
                break
            self._read()
            if self._filled < self._portion_bytes and not self.ended:
                time.sleep(_REST_S)
        self._taken = self._filled - self._filled % self._row_bytes
        gap_s, self._gap_s = (self._gap_s, 0.0) if self._taken else (0.0, self._gap_s)
        return Portion(rows=self._buffer[: self._taken], silent_s=gap_s)

    def _wait(self, longest_s: float) -> bool:
        """Wait for bytes or the end, and count the time of silence."""
        begun_s = time.monotonic()
        is_ready = bool(self._poll.poll(math.ceil(1000 * longest_s)))
        self.silent_s += time.monotonic() - begun_s
        return is_ready

    def _read(self) -> None:
        try:
            count = os.readv(self._descriptor, [self._buffer[self._filled :]])
        except BlockingIOError:
            return
        self.ended = not count
        self._filled += count
        if count:
            self._gap_s = max(self._gap_s, self.silent_s)
            self.silent_s = 0.0


class Stream:
    """Samples of a live writer, once.

    Parameters
    ----------
    path : Path
        Of a FIFO, or `STANDARD_INPUT`.
    track : Track
        What the samples mean; its only rate is the stream's.
    interleave : Interleave
    """

    def __init__(self, path: Path, track: Track, interleave: Interleave) -> None:
        self._path = path
        self._track = track
        self._interleave = interleave
        self._events: list[Event] = []
        self.name = track.file
        self.identity = secrets.token_hex(32)  # no two runs read the same samples
        self.start_ns: int | None = None
        self.rate_hz = track.stretches[0].rate_hz
        self.sample_type = interleave.dtype.newbyteorder("=").name
        self.samples: int | None = None
        self.remarks = (f"{self.name}: live: metered as its writer sends; what is not metered now cannot be metered again",)

    def take_events(self) -> tuple[Event, ...]:
        """Return what happened to the stream since last asked, on wall time."""
        events, self._events = tuple(self._events), []
        return events

    def blocks(self, first_sample: int = 0) -> Iterator[Block]:
        """Yield blocks as they arrive, empty ones while none do.

        Parameters
        ----------
        first_sample : int
            The index that the next sample to arrive shall have.

        Raises
        ------
        RecordingError
            If the stream cannot be read, or ends before its first whole row.
        SampleError
            Naming the sample that is no number.
        """
        yield self._block(Portion(rows=memoryview(b""), silent_s=0.0), first_sample)  # the meter warms before it reads
        try:
            with _opened(self._path) as descriptor:
                yield from self._blocks(descriptor, first_sample)
        except OSError as error:
            raise unreadable(self.name, error) from None

    def _blocks(self, descriptor: int, first_sample: int) -> Iterator[Block]:
        row_bytes = self._interleave.row_bytes
        portion_rows = max(1, min(int(_TICK_S * self.rate_hz), _PORTION_BYTES // row_bytes))
        pipe = _Pipe(descriptor, row_bytes, portion_rows * row_bytes)
        place, rows, is_told = first_sample, 0, False
        while not pipe.ended:
            portion = pipe.take()
            if portion.rows:
                place += self._gap(portion) if rows else 0
                block = self._block(portion, place)
                place, rows, is_told = block.end_sample, rows + len(block), False
                yield block
                continue
            if rows and pipe.silent_s > SILENCE_S and not is_told:
                self._note(EventKind.SOURCE_GAP, state="samples stopped", silent_s=f"{pipe.silent_s:.1f}")
                is_told = True
            yield self._block(portion, place)
        if not rows:
            raise RecordingError(self.name, "it ended before one whole row of samples came: check what writes into it")
        dropped = {"dropped_bytes": str(pipe.rest_bytes)} if pipe.rest_bytes else {}
        self._note(EventKind.SOURCE_ENDED, samples=str(rows), **dropped)

    def _gap(self, portion: Portion) -> int:
        """Return how many samples a silence has cost."""
        return round(portion.silent_s * self.rate_hz) if portion.silent_s > SILENCE_S else 0

    def _block(self, portion: Portion, place: int) -> Block:
        samples = self._interleave.samples(portion.rows)
        if samples.size and samples.dtype.kind == "f":
            require_finite(self._track, place, cast("NDArray[np.floating[Any]]", samples))
        return block_of(self._track.scaling, samples, rate_hz=self.rate_hz, first_sample=place)

    def _note(self, kind: EventKind, **detail: str) -> None:
        self._events.append(Event(time_ns=now_ns(), kind=kind, detail=detail))


def open_stream(
    path: Path,
    *,
    format: str,  # noqa: A002 - the configuration's word
    channels: Sequence[str | int] | None,
    values: Side | None,
    ct: Ratio,
    vt: Ratio,
    scale: Sequence[float] | None,
    rate_hz: float,
) -> Stream:
    """Return a raw stream as a source of samples at the meter's terminals.

    Parameters
    ----------
    path : Path
        Of a FIFO, or `STANDARD_INPUT`.
    format : str
        ``int16``, ``int32`` or ``float32``, little endian.
    channels : sequence of str, optional
        What each column of a row is: V1 ... I3 once each, any other word for one to pass over. Without it a row is V1,
        V2, V3, I1, I2, I3.
    values, ct, vt, scale
        As of a recording.
    rate_hz : float
        Samples per second.

    Raises
    ------
    RecordingError, SampleError
        One line naming what is wrong and what to do.
    """
    name = "standard input" if path == STANDARD_INPUT else str(path)
    names = channels or TERMINALS
    columns = terminals_among(names)
    if columns is None:
        raise RecordingError(name, NAME_EACH)
    if format.startswith("int"):
        require_scale(name, scale)
    six = tuple(Channel(number=column + 1, name=str(names[column])) for column in columns)
    scaling, _ = scaling_of(name, six, values=values, ct=ct, vt=vt, scale=scale)
    stretch = Stretch(first_row=0, end_row=_ENDLESS, rate_hz=require_rate(name, rate_hz))
    clock = Clock(tick_s=1.0, wrap=None, is_integer=False)
    track = Track(file=name, channels=six, scaling=scaling, stretches=(stretch,), clock=clock)
    _require_readable(path, name)
    return Stream(path, track, Interleave(format=format, width=len(names), columns=columns))


def _require_readable(path: Path, name: str) -> None:
    """Refuse what can be seen to be no stream before it is opened."""
    if path == STANDARD_INPUT:
        if sys.stdin is None or sys.stdin.closed:
            raise RecordingError(name, "it is closed: pipe samples into the program")
        if sys.stdin.isatty():
            raise RecordingError(name, "it is a terminal: pipe samples into the program")
        return
    try:
        if path.is_dir():
            raise IsADirectoryError
        path.stat()
    except OSError as error:
        raise unreadable(name, error) from None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Yield a descriptor; a FIFO is opened without waiting for its writer."""
    own = path != STANDARD_INPUT
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC) if own else sys.stdin.fileno()
    with contextlib.suppress(OSError):  # no pipe, or more than this user may have
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _BUFFER_BYTES)
    try:
        yield descriptor
    finally:
        if own:
            os.close(descriptor)
