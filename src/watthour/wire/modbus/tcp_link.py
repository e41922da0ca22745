"""The two ends of a Modbus TCP connection: bytes in any pieces to events, messages to bytes.

In: what a socket delivered, and the time. Out: events, and the bytes to send. `TcpStationLink` hears requests, `TcpClientLink`
matches replies to what it asked. Neither knows a socket, a clock or a register.

One machine, `NEXT`, says what becomes of the receiving side::

               HALF                  IDLE    nothing of a frame has come
    IDLE ───────────────▶ PARTIAL    PARTIAL a frame has begun; it has `frame_timeout_s` to end
      ▲                      │       CLOSED  nothing more is heard
      └──────── WHOLE ───────┘
    LATE, NONSENSE, END: ▶ CLOSED

A frame that can be skipped (another protocol, no function code) is `Discarded` and the next one is heard. A length that cannot
be leaves no way to find the next frame: `Broken`, and whoever owns the connection closes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from watthour.errors import BadFrameError, UsageError
from watthour.wire.modbus.link import (
    ANSWER_TIMEOUT_S,
    Answered,
    Broken,
    ClientEvent,
    Damaged,
    Discarded,
    Requested,
    StationEvent,
    Unanswered,
    Witness,
)
from watthour.wire.modbus.message import Reply, Request, decode_reply, decode_request
from watthour.wire.modbus.pdu_size import NeedMore
from watthour.wire.modbus.tcp_frame import OutOfStep, TcpFrame, parse

FRAME_TIMEOUT_S = 20.0
"""Time for a frame to end once it has begun (ours): a read request may take it at one byte a second."""

TRANSACTIONS = 0x1_0000


class State(Enum):
    """What the receiving side waits for."""

    IDLE = "idle"
    PARTIAL = "partial"
    CLOSED = "closed"


class Happening(Enum):
    """What can happen to the receiving side."""

    WHOLE = "the bytes end where a frame ends"
    HALF = "the bytes end inside a frame"
    LATE = "a frame did not end in time"
    NONSENSE = "no next frame can be found"
    END = "the other end sends no more"


NEXT: Mapping[tuple[State, Happening], State] = MappingProxyType(
    {
        (State.IDLE, Happening.WHOLE): State.IDLE,
        (State.IDLE, Happening.HALF): State.PARTIAL,
        (State.IDLE, Happening.LATE): State.IDLE,
        (State.IDLE, Happening.NONSENSE): State.CLOSED,
        (State.IDLE, Happening.END): State.CLOSED,
        (State.PARTIAL, Happening.WHOLE): State.IDLE,
        (State.PARTIAL, Happening.HALF): State.PARTIAL,
        (State.PARTIAL, Happening.LATE): State.CLOSED,
        (State.PARTIAL, Happening.NONSENSE): State.CLOSED,
        (State.PARTIAL, Happening.END): State.CLOSED,
        (State.CLOSED, Happening.WHOLE): State.CLOSED,
        (State.CLOSED, Happening.HALF): State.CLOSED,
        (State.CLOSED, Happening.LATE): State.CLOSED,
        (State.CLOSED, Happening.NONSENSE): State.CLOSED,
        (State.CLOSED, Happening.END): State.CLOSED,
    }
)
"""The whole machine: every state has an answer to everything that can happen."""


class FrameStream:
    """Cuts a stream of bytes into frames.

    Parameters
    ----------
    frame_timeout_s : float
        Time for a frame to end once it has begun.
    """

    def __init__(self, frame_timeout_s: float = FRAME_TIMEOUT_S) -> None:
        self.state = State.IDLE
        self.deadline: float | None = None
        self._frame_timeout_s = frame_timeout_s
        self._rest = b""

    def receive(self, data: bytes, now: float) -> list[TcpFrame | Discarded | Broken]:
        """Return what the bytes complete; with no bytes, let time pass."""
        if self.state is State.CLOSED:
            return []
        buffer = self._rest + data
        events: list[TcpFrame | Discarded | Broken] = []
        at = 0
        while not isinstance(found := parse(buffer, at), NeedMore):
            if isinstance(found, OutOfStep):
                self._close(Happening.NONSENSE)
                return [*events, Broken(reason=found.reason)]
            dropped = b"" if isinstance(found, TcpFrame) else buffer[at : at + found.size]
            events.append(found if isinstance(found, TcpFrame) else Discarded(reason=found.reason, data=dropped))
            at += found.size
        self._rest = buffer[at:]
        if self._rest and not at and self.deadline is not None and now >= self.deadline:
            self._close(Happening.LATE)
            return [Broken(reason=f"a frame did not end within {self._frame_timeout_s:g} s")]
        self._await_rest(now, is_new=at > 0)
        return events

    def end(self) -> list[Discarded]:
        """Return what the end of the stream cuts off."""
        cut_off = [Discarded(reason=f"closed after {len(self._rest)} bytes of a frame")] if self._rest else []
        self._close(Happening.END)
        return cut_off

    def _await_rest(self, now: float, *, is_new: bool) -> None:
        """Give a frame that has begun its time to end."""
        if not self._rest:
            self.deadline = None
        elif is_new or self.deadline is None:
            self.deadline = now + self._frame_timeout_s
        self.state = NEXT[self.state, Happening.HALF if self._rest else Happening.WHOLE]

    def _close(self, happening: Happening) -> None:
        self.state = NEXT[self.state, happening]
        self._rest, self.deadline = b"", None


class TcpStationLink:
    """The station's end of a connection.

    Parameters
    ----------
    frame_timeout_s : float
        Time for a frame to end once it has begun.
    witness : callable, optional
        Sees what is heard, frame by frame.

    >>> link = TcpStationLink()
    >>> [asked] = link.receive(bytes.fromhex("0007 0000 0006 01 03 0000 0002"), now=0.0)
    >>> asked.unit, asked.request
    (1, ReadRequest(function=3, start=0, count=2))
    """

    turnaround_s = 0.0

    def __init__(self, frame_timeout_s: float = FRAME_TIMEOUT_S, witness: Witness | None = None) -> None:
        self._stream = FrameStream(frame_timeout_s)
        self._witness = witness

    def receive(self, data: bytes, now: float) -> list[StationEvent]:
        """Return the requests that the bytes complete, in order; with no bytes, let time pass."""
        heard = self._stream.receive(data, now)
        if self._witness is not None:
            for found in heard:
                if not isinstance(found, Broken):
                    self._witness(found.to_bytes() if isinstance(found, TcpFrame) else found.data, False)  # noqa: FBT003
        return [_request_of(found) if isinstance(found, TcpFrame) else found for found in heard]

    def spoil(self, now: float) -> list[StationEvent]:
        """Let time pass: TCP delivers what was sent, or nothing."""
        return self.receive(b"", now)

    def end(self) -> list[StationEvent]:
        """Return what the client's end of sending cuts off; replies can still be sent."""
        return [*self._stream.end()]

    def send(self, reply: Reply, asked: Requested) -> bytes:
        """Return the bytes of the reply to what was asked."""
        return TcpFrame(transaction=asked.transaction, unit=asked.unit, pdu=reply.to_bytes()).to_bytes()

    def next_deadline(self) -> float | None:
        """Return when to call `receive` at the latest, with no bytes if none have come."""
        return self._stream.deadline


def _request_of(frame: TcpFrame) -> Requested:
    return Requested(transaction=frame.transaction, unit=frame.unit, request=decode_request(frame.pdu))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    unit: int
    request: Request
    deadline: float


class TcpClientLink:
    """The client's end of a connection: many requests may be on their way at once.

    Parameters
    ----------
    answer_timeout_s : float
        Time for the reply to a request to come.
    """

    turnaround_s = 0.0

    def __init__(self, answer_timeout_s: float = ANSWER_TIMEOUT_S, frame_timeout_s: float = FRAME_TIMEOUT_S) -> None:
        self._stream = FrameStream(frame_timeout_s)
        self._answer_timeout_s = answer_timeout_s
        self._pending: dict[int, _Pending] = {}
        self._last = 0

    def send(self, request: Request, *, unit: int, now: float) -> bytes:
        """Return the bytes of a request, and wait for its reply from now on."""
        transaction = self._free_transaction()
        self._pending[transaction] = _Pending(unit=unit, request=request, deadline=now + self._answer_timeout_s)
        return TcpFrame(transaction=transaction, unit=unit, pdu=request.to_bytes()).to_bytes()

    def receive(self, data: bytes, now: float) -> list[ClientEvent]:
        """Return what the bytes answer, in the order they came; with no bytes, let time pass."""
        heard = self._stream.receive(data, now)
        answers = [self._answer(found) if isinstance(found, TcpFrame) else found for found in heard]
        return [*answers, *self._overdue(now)]

    def end(self) -> list[ClientEvent]:
        """Return what the end of the connection leaves unanswered."""
        left = [Unanswered(transaction=number, request=item.request) for number, item in self._pending.items()]
        self._pending.clear()
        return [*self._stream.end(), *left]

    def next_deadline(self) -> float | None:
        """Return when to call `receive` at the latest, with no bytes if none have come."""
        deadlines = [item.deadline for item in self._pending.values()]
        if self._stream.deadline is not None:
            deadlines.append(self._stream.deadline)
        return min(deadlines, default=None)

    def _free_transaction(self) -> int:
        if len(self._pending) == TRANSACTIONS:
            msg = f"{TRANSACTIONS} requests are unanswered: no transaction is free"
            raise UsageError(msg)
        self._last = (self._last + 1) % TRANSACTIONS
        while self._last in self._pending:
            self._last = (self._last + 1) % TRANSACTIONS
        return self._last

    def _answer(self, frame: TcpFrame) -> ClientEvent:
        waiting = self._pending.get(frame.transaction)
        if waiting is None:
            return Discarded(reason=f"a reply to transaction {frame.transaction}, which nobody asked or waits for")
        if waiting.unit != frame.unit:
            return Discarded(reason=f"a reply from unit {frame.unit} to a request to unit {waiting.unit}")
        del self._pending[frame.transaction]
        try:
            reply = decode_reply(frame.pdu, waiting.request)
        except BadFrameError as problem:
            return Damaged(transaction=frame.transaction, request=waiting.request, reason=str(problem))
        return Answered(transaction=frame.transaction, request=waiting.request, reply=reply)

    def _overdue(self, now: float) -> list[ClientEvent]:
        late = [number for number, item in self._pending.items() if now >= item.deadline]
        return [Unanswered(transaction=number, request=self._pending.pop(number).request) for number in late]
