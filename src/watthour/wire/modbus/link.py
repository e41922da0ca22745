"""What a link is, whatever carries it: bytes and time in, events out, messages to bytes.

A link is one end of a conversation, without a port or a clock. `StationLink` hears requests, `ClientLink` matches replies to
what it asked; each has a form for TCP (`tcp_link`) and one for a serial line (`rtu_link`), and whoever owns the bytes does not
care which.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from watthour.wire.modbus.message import IllegalRequest, Reply, Request

ANSWER_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A station is asked something; an `IllegalRequest` earns its exception.

    Parameters
    ----------
    transaction : int
        Of TCP; a serial line has none.
    """

    transaction: int = 0
    unit: int
    request: Request | IllegalRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A request has its reply."""

    transaction: int = 0
    request: Request
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A request got what is no reply to it."""

    transaction: int = 0
    request: Request
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A request got no reply in time; a later one is discarded.

    Parameters
    ----------
    heard : str
        What was heard instead, if anything.
    """

    transaction: int = 0
    request: Request
    heard: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheard:
    """A reply of another station on the line."""

    unit: int
    function: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """Bytes are dropped, the next frame is heard.

    Parameters
    ----------
    data : bytes
        What is left of them.
    """

    reason: str
    data: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Nothing more can be heard on this connection: close it."""

    reason: str


Witness = Callable[[bytes, bool], None]
"""Sees each frame that a station hears, or the bytes that were none, as they came; and whether it is somebody's reply."""

StationEvent = Requested | Overheard | Discarded | Broken
ClientEvent = Answered | Damaged | Unanswered | Discarded | Broken


class StationLink(Protocol):
    """A station's end.

    Attributes
    ----------
    turnaround_s : float
        Silence between a request and its reply.
    """

    turnaround_s: float

    def receive(self, data: bytes, now: float) -> list[StationEvent]:
        """Return what the bytes complete, in order; with no bytes, let time pass."""

    def spoil(self, now: float) -> list[StationEvent]:
        """Take it that a character came damaged, as a serial port says."""

    def end(self) -> list[StationEvent]:
        """Return what the end of the bytes cuts off; replies can still be sent."""

    def send(self, reply: Reply, asked: Requested) -> bytes:
        """Return the bytes of the reply to what was asked."""

    def next_deadline(self) -> float | None:
        """Return when to call `receive` at the latest, with no bytes if none have come."""


class ClientLink(Protocol):
    """A client's end.

    Attributes
    ----------
    turnaround_s : float
        Silence between a reply and the next request.
    """

    turnaround_s: float

    def send(self, request: Request, *, unit: int, now: float) -> bytes:
        """Return the bytes of a request, and wait for its reply from now on."""

    def receive(self, data: bytes, now: float) -> list[ClientEvent]:
        """Return what the bytes answer, in the order they came; with no bytes, let time pass."""

    def end(self) -> list[ClientEvent]:
        """Return what the end of the bytes leaves unanswered."""

    def next_deadline(self) -> float | None:
        """Return when to call `receive` at the latest, with no bytes if none have come."""
