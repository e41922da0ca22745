"""Both ends of an M-Bus line: bytes in any pieces to frames, frames to bytes (EN 13757-2, clause 5).

In: what a port delivered, and the time. Out: events. `MBusReceiver` cuts frames out of what is heard and stays silent about what
is damaged; a gap longer than 22 bit times drops a half frame. Who asks and who answers is told apart by ``message`` and
``telegram``: the receiver serves both. Timing is that of the speed in force: a reply begins 11 to 330 bit times + 50 ms after
the request's last bit.

::

             first byte               last byte, right
    IDLE ───────────────▶ PARTIAL ───────────────────▶ IDLE + Heard
     ▲                      │  │
     │  gap of 22 bit times │  │ wrong byte, checksum, stop
     └───────────────────── ┘  ▼
     └──── gap ───────────── LOST    everything is passed over until the line is silent
"""

from dataclasses import dataclass

from watthour.wire.mbus.frame import LENGTH_MAXIMUM, LONG_OVERHEAD, Frame, Malformed, NeedMore, parse
from watthour.wire.receiving import NEXT, Happening, State

BITS_PER_CHARACTER = 11
"""Start, eight data, even parity, stop."""
GAP_BITS = 22
REPLY_EARLIEST_BITS = 11
REPLY_LATEST_BITS = 330
REPLY_LATEST_MORE_S = 0.050
ADU_MAXIMUM = LENGTH_MAXIMUM + LONG_OVERHEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The times of a line.

    Parameters
    ----------
    baudrate : int
        Bits a second.
    slack_s : float
        What an adapter may hold bytes back, added to the gap within a frame.
    """

    baudrate: int = 2400
    slack_s: float = 0.0

    @property
    def gap_s(self) -> float:
        """Silence that ends a half frame."""
        return GAP_BITS / self.baudrate + self.slack_s

    @property
    def reply_earliest_s(self) -> float:
        """Silence before a reply."""
        return REPLY_EARLIEST_BITS / self.baudrate

    @property
    def reply_latest_s(self) -> float:
        """Silence after which no reply comes any more."""
        return REPLY_LATEST_BITS / self.baudrate + REPLY_LATEST_MORE_S

    def duration_s(self, size: int) -> float:
        """Return how long so many bytes take."""
        return size * BITS_PER_CHARACTER / self.baudrate


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A whole frame."""

    frame: Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """Bytes are dropped; nobody answers them."""

    reason: str


Event = Heard | Discarded


class MBusReceiver:
    """What one end hears.

    Parameters
    ----------
    timing : Timing
        Of the line; may be changed when its speed is.

    >>> receiver = MBusReceiver(Timing())
    >>> receiver.receive(bytes.fromhex("10 7B 01"), now=0.0), len(receiver.receive(bytes.fromhex("7C 16"), now=0.001))
    ([], 1)
    """

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self.state = State.IDLE
        self._rest = b""
        self._deadline: float | None = None

    def receive(self, data: bytes, now: float, *, parity_error: bool = False) -> list[Event]:
        """Return what the bytes complete, in order; with no bytes, let time pass.

        Parameters
        ----------
        parity_error : bool
            Whether the port found a wrong parity among these bytes: whatever they belong to is dropped.
        """
        events: list[Event] = []
        if self._deadline is not None and now >= self._deadline:
            events += self._settle()
        if not data:
            return events
        self._deadline = now + self.timing.gap_s
        if parity_error:
            self.state, self._rest = State.LOST, b""
            events.append(Discarded(reason="wrong parity"))
        elif self.state is not State.LOST:
            self._rest += data
            events += self._cut()
        return events

    def next_deadline(self) -> float | None:
        """Return when to call `receive` at the latest, with no bytes if none have come."""
        return self._deadline

    def _settle(self) -> list[Event]:
        """Return what a silence makes of the bytes that are left."""
        rest, self._rest, self._deadline = self._rest, b"", None
        self.state = NEXT[self.state, Happening.SILENCE]
        return [Discarded(reason=f"{len(rest)} bytes of a frame that does not go on")] if rest else []

    def _cut(self) -> list[Event]:
        events: list[Event] = []
        at = 0
        while at < len(self._rest):
            found = parse(self._rest, at)
            if isinstance(found, NeedMore):
                self.state = NEXT[self.state, Happening.HALF]
                break
            if isinstance(found, Malformed):
                self.state = NEXT[self.state, Happening.NONSENSE]
                events.append(Discarded(reason=found.reason))
                at = len(self._rest)
                break
            self.state = NEXT[self.state, Happening.WHOLE]
            events.append(Heard(frame=found))
            at += found.size
        self._rest = self._rest[at:]
        if not self._rest and self.state is State.IDLE:
            self._deadline = None
        return events
