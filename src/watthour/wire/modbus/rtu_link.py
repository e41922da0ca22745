"""The two ends of a Modbus RTU line: bytes in any pieces to events, messages to bytes (MODBUS over Serial Line V1.02).

In: what a port delivered, and the time. Out: events, and the bytes to send. `RtuStationLink` hears the requests to every
station on the line, `RtuClientLink` the reply to the one request on its way. Neither knows a port, a clock or a register.

A frame has no length field. It ends where its function says that it ends, if the CRC is right there: so it is answered at
once, and a frame that an adapter delivers in two pieces is still one. Where that fails the line is out of step, and only a
silence tells: what stands whole at the end of the burst is a frame, all before it is dropped. A request in the middle of a
burst that makes no sense is not believed, since it may be part of somebody's data. A frame that lost its last character may have got
the first of the next one in its place: a silence that was seen between them gives that back. One machine, `NEXT`::

               HALF                  IDLE    silence, or the last frame was whole
    IDLE ───────────────▶ PARTIAL    PARTIAL a frame has begun
     │ ◀───── WHOLE ────── │         LOST    what came is no frame: wait for silence
     │ NONSENSE            │ NONSENSE
     └──────▶ LOST ◀───────┘         SILENCE leads back to IDLE from everywhere
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from watthour.errors import BadFrameError, UsageError
from watthour.wire.modbus.link import (
    ANSWER_TIMEOUT_S,
    Answered,
    ClientEvent,
    Discarded,
    Overheard,
    Requested,
    StationEvent,
    Unanswered,
    Witness,
)
from watthour.wire.modbus.message import EXCEPTION_FLAG, Reply, Request, decode_reply, decode_request
from watthour.wire.modbus.pdu_size import NeedMore, Size, reply_size, request_size
from watthour.wire.modbus.rtu_frame import (
    ADU_MAXIMUM,
    ADU_MINIMUM,
    BROADCAST,
    CRC,
    SILENT_CHARACTERS,
    UNIT_SIZE,
    RtuFrame,
    Timing,
    has_right_crc,
)
from watthour.wire.receiving import NEXT, Happening, State

AROUND_PDU = UNIT_SIZE + CRC.size


class RtuStream:
    """Cuts what is heard on a line into frames.

    Parameters
    ----------
    timing : Timing
        Silence after which a burst is over, and between two frames.
    sizes : callable
        The sizes that a PDU may have, by its unit and its first bytes, in the order to try them.
    """

    def __init__(self, timing: Timing, sizes: Callable[[int, bytes], Sequence[Size]]) -> None:
        self.state = State.IDLE
        self.deadline: float | None = None
        self._gap_s = timing.gap_s
        self._silence_s = timing.turnaround_s
        self._sizes = sizes
        self._rest = b""
        self._dropped = 0
        self._since_silence = b""
        self._heard_s = 0.0

    def receive(self, data: bytes, now: float) -> Iterator[RtuFrame | Discarded]:
        """Yield what the bytes complete; with no bytes, let time pass. To be taken to its end."""
        if self.deadline is not None and now >= self.deadline:
            yield from self.settle()
        if data:
            self._note(data, now)
            self._rest += data
            self.deadline = now + self._gap_s
            yield from self._cut()

    def spoil(self, now: float) -> Iterator[RtuFrame | Discarded]:
        """Take it that a character came damaged, with a wrong parity or no stop bit: the frame it belongs to is none."""
        if self.deadline is not None and now >= self.deadline:
            yield from self.settle()
        self._dropped += len(self._rest) + 1
        self._rest = self._since_silence = b""
        self.deadline = now + self._gap_s
        self.state = NEXT[self.state, Happening.NONSENSE]

    def settle(self) -> Iterator[RtuFrame | Discarded]:
        """Yield what a silence makes of the bytes that are left: a frame at their end, or nothing.

        Where they hold none, their first ones may have been taken for the end of the frame before, which had lost its own and got others
        that its CRC fits, once in 256 times. Then a frame is believed that began where the port let a silence be seen, and nowhere else:
        without one, a whole frame before one that lost its first character looks the same.
        """
        rest, dropped, since = self._rest, self._dropped, self._since_silence
        self._rest, self._dropped, self._since_silence, self.deadline = b"", 0, b"", None
        self.state = NEXT[self.state, Happening.SILENCE]
        begin = self._begin_of_frame(rest, may_be_any=not dropped)
        if rest and begin == len(rest) and not dropped and self._is_frame(since):
            rest, begin = since, 0
        if begin + dropped:
            yield Discarded(reason=f"{begin + dropped} bytes without a right CRC", data=rest[:begin])
        if begin < len(rest):
            yield RtuFrame.from_bytes(rest[begin:])

    def _cut(self) -> Iterator[RtuFrame | Discarded]:
        """Yield the frames at the front, as long as the line is in step."""
        while self._rest and self.state is not State.LOST:
            size = self._front()
            if size is NeedMore.BYTES:
                self.state = NEXT[self.state, Happening.HALF]
                return
            if not isinstance(size, int):
                self.state = NEXT[self.state, Happening.NONSENSE]
                break
            adu, self._rest = self._rest[:size], self._rest[size:]
            self.state = NEXT[self.state, Happening.WHOLE]
            yield RtuFrame.from_bytes(adu)
        self._forget()

    def _front(self) -> Size:
        """Return the size of the frame at the front; None: there is none."""
        sizes = self._adu_sizes(self._rest)
        for size in sizes:
            if isinstance(size, int) and size <= len(self._rest) and has_right_crc(self._rest[:size]):
                return size
        is_short = any(size is NeedMore.BYTES or (isinstance(size, int) and size > len(self._rest)) for size in sizes)
        return NeedMore.BYTES if is_short else None

    def _adu_sizes(self, burst: bytes) -> list[Size]:
        """Return the sizes that a frame beginning so may have, and that a frame can have at all."""
        sizes = self._sizes(burst[0], burst[UNIT_SIZE:])
        whole = [size + AROUND_PDU if isinstance(size, int) else size for size in sizes]
        return [size for size in whole if not isinstance(size, int) or size <= ADU_MAXIMUM]

    def _begin_of_frame(self, burst: bytes, *, may_be_any: bool) -> int:
        """Return where in a burst the frame begins that ends it; its end where there is none.

        A burst that is one frame from its first byte to its last may have any function.
        """
        if may_be_any and len(burst) <= ADU_MAXIMUM and has_right_crc(burst):
            return 0
        for begin in range(max(0, len(burst) - ADU_MAXIMUM), len(burst) - ADU_MINIMUM + 1):
            if self._is_frame(burst[begin:]):
                return begin
        return len(burst)

    def _is_frame(self, adu: bytes) -> bool:
        """Say whether bytes are one frame of a function that is known."""
        is_long = len(adu) >= ADU_MINIMUM
        return is_long and len(adu) - AROUND_PDU in self._sizes(adu[0], adu[UNIT_SIZE:]) and has_right_crc(adu)

    def _note(self, data: bytes, now: float) -> None:
        """Keep what came since the last silence between frames, as far as a port lets it be seen: what is delivered at once was sent before."""
        sending_s = len(data) * self._silence_s / SILENT_CHARACTERS
        if self._silence_s and now - self._heard_s >= self._silence_s + sending_s:
            self._since_silence = data
        elif self._since_silence:
            self._since_silence += data
        if len(self._since_silence) > ADU_MAXIMUM:
            self._since_silence = b""
        self._heard_s = now

    def _forget(self) -> None:
        """Keep no more of a burst than its last frame can take."""
        if not self._rest and not self._dropped:
            self.deadline = None
        excess = len(self._rest) - ADU_MAXIMUM
        if excess > 0:
            self._rest = self._rest[excess:]
            self._dropped += excess


class RtuStationLink:
    """The station's end of a line that it shares with others.

    Every request is told, to whatever unit: which of them are meant, the station knows. Replies of others are understood and
    passed over, so that a request behind them is not lost.

    Parameters
    ----------
    witness : callable, optional
        Sees what is heard, frame by frame.

    >>> link = RtuStationLink()
    >>> [asked] = link.receive(bytes.fromhex("01 04 0000 0002 71CB"), now=0.0)
    >>> asked.unit, asked.request
    (1, ReadRequest(function=4, start=0, count=2))
    """

    def __init__(self, timing: Timing | None = None, witness: Witness | None = None) -> None:
        timing = timing or Timing()
        self.turnaround_s = timing.turnaround_s
        self._witness = witness
        self._stream = RtuStream(timing, self._sizes)
        self._asked: tuple[int, int] | None = None

    def receive(self, data: bytes, now: float) -> list[StationEvent]:
        """Return what the bytes complete, in order; with no bytes, let time pass."""
        return [self._heard(found) for found in self._stream.receive(data, now)]

    def spoil(self, now: float) -> list[StationEvent]:
        """Take it that a character came damaged, as the port says, and return what came before."""
        return [self._heard(found) for found in self._stream.spoil(now)]

    def end(self) -> list[StationEvent]:
        """Return what the end of the line cuts off, as a silence would."""
        self._asked = None
        return [self._heard(found) for found in self._stream.settle()]

    def send(self, reply: Reply, asked: Requested) -> bytes:
        """Return the bytes of the reply to what was asked."""
        self._asked = None
        return RtuFrame(unit=asked.unit, pdu=reply.to_bytes()).to_bytes()

    def next_deadline(self) -> float | None:
        """Return when to call `receive` at the latest, with no bytes if none have come."""
        return self._stream.deadline

    def _sizes(self, unit: int, pdu: bytes) -> Sequence[Size]:
        """Return the sizes of a frame: that of a request, and behind a request to a unit that of its reply."""
        if not pdu:
            return (NeedMore.BYTES,)
        as_request = None if pdu[0] & EXCEPTION_FLAG else request_size(pdu)
        if self._asked != (unit, pdu[0] & ~EXCEPTION_FLAG):
            return (as_request,)
        return (as_request, reply_size(pdu))

    def _heard(self, found: RtuFrame | Discarded) -> StationEvent:
        """Return what was heard as an event, and let the witness see it."""
        event = self._meaning(found) if isinstance(found, RtuFrame) else found
        if self._witness is not None:
            raw = found.to_bytes() if isinstance(found, RtuFrame) else found.data
            self._witness(raw, isinstance(event, Overheard))
        return event

    def _meaning(self, frame: RtuFrame) -> StationEvent:
        """Return a request, or somebody's reply where the frame can be nothing else."""
        function = frame.pdu[0]
        is_exception = bool(function & EXCEPTION_FLAG)
        if is_exception or len(frame.pdu) == reply_size(frame.pdu) != request_size(frame.pdu):
            self._asked = None
            return Overheard(unit=frame.unit, function=function)
        self._asked = None if frame.unit == BROADCAST else (frame.unit, function)
        return Requested(unit=frame.unit, request=decode_request(frame.pdu))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    unit: int
    request: Request
    deadline: float


class RtuClientLink:
    """The client's end of a line: one request is on its way at a time.

    What is no reply to it — a wrong CRC, another unit, a late answer to something else — is passed over while there is time,
    and named when there is none left.

    Parameters
    ----------
    answer_timeout_s : float
        Time for the reply to a request to come.
    """

    def __init__(self, answer_timeout_s: float = ANSWER_TIMEOUT_S, timing: Timing | None = None) -> None:
        timing = timing or Timing()
        self.turnaround_s = timing.turnaround_s
        self._stream = RtuStream(timing, self._sizes)
        self._answer_timeout_s = answer_timeout_s
        self._pending: _Pending | None = None
        self._heard = ""

    def send(self, request: Request, *, unit: int, now: float) -> bytes:
        """Return the bytes of a request, and wait for its reply from now on."""
        if self._pending is not None:
            msg = "a request is on its way: a serial line takes one at a time"
            raise UsageError(msg)
        list(self._stream.settle())
        self._heard = ""
        self._pending = _Pending(unit=unit, request=request, deadline=now + self._answer_timeout_s)
        return RtuFrame(unit=unit, pdu=request.to_bytes()).to_bytes()

    def receive(self, data: bytes, now: float) -> list[ClientEvent]:
        """Return what the bytes answer, in the order they came; with no bytes, let time pass."""
        events = self._events(self._stream.receive(data, now))
        return [*events, *self._overdue(now)]

    def spoil(self, now: float) -> list[ClientEvent]:
        """Take it that a character came damaged, as the port says, and return what came before."""
        return self._events(self._stream.spoil(now))

    def end(self) -> list[ClientEvent]:
        """Return what the end of the line leaves unanswered."""
        events = self._events(self._stream.settle())
        return [*events, *self._give_up()]

    def next_deadline(self) -> float | None:
        """Return when to call `receive` at the latest, with no bytes if none have come."""
        deadlines = [self._stream.deadline, None if self._pending is None else self._pending.deadline]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def _sizes(self, unit: int, pdu: bytes) -> Sequence[Size]:
        """Return the size of the reply that is waited for."""
        if self._pending is None or unit != self._pending.unit:
            return (None,)
        if pdu and pdu[0] & ~EXCEPTION_FLAG != self._pending.request.function:
            return (None,)
        return (reply_size(pdu),)

    def _events(self, found: Iterator[RtuFrame | Discarded]) -> list[ClientEvent]:
        events = [self._answer(one) if isinstance(one, RtuFrame) else one for one in found]
        for event in events:
            if isinstance(event, Discarded):
                self._heard = event.reason
        return [*events]

    def _answer(self, frame: RtuFrame) -> Answered | Discarded:
        pending = self._pending
        if pending is None:
            return Discarded(reason=f"a frame from unit {frame.unit}, which nobody asked")
        if frame.unit != pending.unit:
            return Discarded(reason=f"a reply from unit {frame.unit} to a request to unit {pending.unit}")
        try:
            reply = decode_reply(frame.pdu, pending.request)
        except BadFrameError as problem:
            return Discarded(reason=str(problem))
        self._pending = None
        return Answered(request=pending.request, reply=reply)

    def _overdue(self, now: float) -> list[ClientEvent]:
        is_late = self._pending is not None and now >= self._pending.deadline
        return self._give_up() if is_late else []

    def _give_up(self) -> list[ClientEvent]:
        pending, self._pending = self._pending, None
        return [] if pending is None else [Unanswered(request=pending.request, heard=self._heard)]
