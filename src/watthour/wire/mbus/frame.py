"""M-Bus link frames: bytes to frame and back (EN 13757-2, clause 5; format class FT1.2 of IEC 60870-5-1).

::

    acknowledge   E5
    short         10 C A CS 16
    long          68 L L 68 C A CI data... CS 16        L bytes from C to the last of the data; without data, a control frame

In: bytes, cut anywhere. Out: a frame, the wish for more bytes, or what is wrong. A frame holds any C, A and CI; what they mean
is for ``message`` to say. CS is the sum of the bytes from C on, modulo 256.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
from zlib import adler32

ACKNOWLEDGE = 0xE5
SHORT_START = 0x10
LONG_START = 0x68
STOP = 0x16

SHORT_SIZE = 5
LONG_OVERHEAD = 6
"""Two starts, two lengths, checksum and stop."""
LENGTH_MINIMUM = 3
"""C, A and CI."""
LENGTH_MAXIMUM = 255
DATA_MAXIMUM = LENGTH_MAXIMUM - LENGTH_MINIMUM
_HEAD = 4
_TAIL = 2


class NeedMore(Enum):
    """What is there so far may become a frame."""

    BYTES = "more bytes"


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The single character E5."""

    size = 1

    def to_bytes(self) -> bytes:
        """Return the frame as it travels."""
        return bytes([ACKNOWLEDGE])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortFrame:
    """A frame of control and address alone.

    Parameters
    ----------
    control, address : int
        C and A, 0 to 255.
    """

    control: int
    address: int

    @property
    def size(self) -> int:
        """Bytes it takes on the wire."""
        return SHORT_SIZE

    def to_bytes(self) -> bytes:
        """Return the frame as it travels."""
        body = bytes([self.control, self.address])
        return bytes([SHORT_START, *body, checksum(body), STOP])


class LongFrame(NamedTuple):
    """A frame with a control information field and data; with none, the control frame. A tuple, as telegrams are many.

    Parameters
    ----------
    control, address, ci : int
        C, A and CI, 0 to 255.
    data : bytes
        At most 252.
    """

    control: int
    address: int
    ci: int
    data: bytes = b""

    @property
    def size(self) -> int:
        """Bytes it takes on the wire."""
        return LONG_OVERHEAD + LENGTH_MINIMUM + len(self.data)

    def to_bytes(self) -> bytes:
        """Return the frame as it travels.

        Raises
        ------
        ValueError
            If the data are too long for the length field.
        """
        if len(self.data) > DATA_MAXIMUM:
            msg = f"{len(self.data)} bytes of data: a frame holds {DATA_MAXIMUM}"
            raise ValueError(msg)
        body = bytes([self.control, self.address, self.ci]) + self.data
        return bytes([LONG_START, len(body), len(body), LONG_START]) + body + bytes([checksum(body), STOP])


Frame = Acknowledge | ShortFrame | LongFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """Bytes that begin no frame; the next may begin one byte on."""

    reason: str


def checksum(body: bytes) -> int:
    """Return the sum of the bytes from C to the last of the data, at most 255, modulo 256.

    Adler-32 begun at 0 has the sum modulo 65521 in its lower half, which 255 bytes do not reach, and finds it ten times as fast.

    >>> f"{checksum(bytes.fromhex('40 01')):02X}"
    '41'
    """
    return adler32(body, 0) & 0xFF


def parse(buffer: bytes, at: int = 0) -> Frame | Malformed | NeedMore:
    """Return the frame that begins at `at`, what is wrong with it, or that more bytes are needed.

    >>> parse(bytes.fromhex("10 7B 01 7C 16"))
    ShortFrame(control=123, address=1)
    >>> parse(bytes.fromhex("10 7B 01 7D 16"))
    Malformed(reason='checksum 7D where 7C is right')
    """
    if at >= len(buffer):
        return NeedMore.BYTES
    start = buffer[at]
    if start == ACKNOWLEDGE:
        return Acknowledge()
    if start == SHORT_START:
        return _short(buffer[at : at + SHORT_SIZE])
    if start == LONG_START:
        return _long(buffer, at)
    return Malformed(reason=f"{start:02X} begins no frame")


def _short(adu: bytes) -> ShortFrame | Malformed | NeedMore:
    if len(adu) < SHORT_SIZE:
        return NeedMore.BYTES
    body = adu[1:3]
    if checksum(body) != adu[3] or adu[4] != STOP:
        return _wrong_end(body, adu[3], adu[4])
    return ShortFrame(control=body[0], address=body[1])


def _long(buffer: bytes, at: int) -> LongFrame | Malformed | NeedMore:
    head = buffer[at : at + _HEAD]
    if len(head) < _HEAD or head[1] != head[2] or head[1] < LENGTH_MINIMUM or head[3] != LONG_START:
        return _wrong_head(head)
    begin = at + _HEAD
    end = begin + head[1]
    if len(buffer) < end + _TAIL:
        return NeedMore.BYTES
    body = buffer[begin:end]
    if checksum(body) != buffer[end] or buffer[end + 1] != STOP:
        return _wrong_end(body, buffer[end], buffer[end + 1])
    return LongFrame(body[0], body[1], body[2], body[LENGTH_MINIMUM:])


def _wrong_head(head: bytes) -> Malformed | NeedMore:
    """Return what is wrong with the four bytes before a long frame's body, or that they are not all there."""
    if len(head) >= _HEAD - 1 and head[1] != head[2]:
        return Malformed(reason=f"two lengths, {head[1]} and {head[2]}")
    if len(head) > 1 and head[1] < LENGTH_MINIMUM:
        return Malformed(reason=f"a length of {head[1]} where {LENGTH_MINIMUM} to {LENGTH_MAXIMUM} is possible")
    if len(head) == _HEAD and head[3] != LONG_START:
        return Malformed(reason=f"{head[3]:02X} where the second 68 is due")
    return NeedMore.BYTES


def _wrong_end(body: bytes, given: int, stop: int) -> Malformed:
    """Return what is wrong with a frame's checksum or stop."""
    if given != checksum(body):
        return Malformed(reason=f"checksum {given:02X} where {checksum(body):02X} is right")
    return Malformed(reason=f"{stop:02X} where the stop 16 is due")
