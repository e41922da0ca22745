"""How long a PDU is, by its first bytes (Application Protocol V1.1b3, clause 6): what a serial line has instead of a length.

In: the beginning of a PDU. Out: its size as a request, or as a reply; the wish for more bytes; or None for a function whose
size its first bytes do not tell. The functions of other stations are known too, since a shared line carries them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from watthour.wire.modbus.about import identification_size
from watthour.wire.modbus.codes import EXCEPTION_FLAG, Function

EXCEPTION_SIZE = 2


class NeedMore(Enum):
    """What has come so far is the beginning of a frame."""

    BYTES = "need more bytes"


@dataclass(frozen=True, slots=True)
class Counted:
    """A PDU that says how many bytes follow its head.

    Parameters
    ----------
    at : int
        Place of the byte count.
    head : int
        Bytes that are not counted.
    """

    at: int
    head: int


Shape = int | Counted
Size = int | NeedMore | None

_REQUESTS: Mapping[int, Shape] = MappingProxyType(
    {
        0x01: 5,
        0x02: 5,
        0x03: 5,
        0x04: 5,
        0x05: 5,
        0x06: 5,
        0x07: 1,
        0x08: 5,
        0x0B: 1,
        0x0C: 1,
        0x0F: Counted(5, 6),
        0x10: Counted(5, 6),
        0x11: 1,
        0x14: Counted(1, 2),
        0x15: Counted(1, 2),
        0x16: 7,
        0x17: Counted(9, 10),
        0x18: 3,
        0x2B: 4,
    }
)
"""Function to shape. Of 08h every sub-function but 00 has this size, of 2Bh the device identification."""

_REPLIES: Mapping[int, Shape] = MappingProxyType(
    {
        0x01: Counted(1, 2),
        0x02: Counted(1, 2),
        0x03: Counted(1, 2),
        0x04: Counted(1, 2),
        0x05: 5,
        0x06: 5,
        0x07: 2,
        0x08: 5,
        0x0B: 5,
        0x0C: Counted(1, 2),
        0x0F: 5,
        0x10: 5,
        0x11: Counted(1, 2),
        0x14: Counted(1, 2),
        0x15: Counted(1, 2),
        0x16: 7,
        0x17: Counted(1, 2),
    }
)


def request_size(pdu: bytes) -> Size:
    r"""Return the size of a request that begins so.

    >>> request_size(bytes.fromhex("03")), request_size(bytes.fromhex("10 0000 0002 04")), request_size(b"\x41")
    (5, 10, None)
    """
    return _size(_REQUESTS, pdu)


def reply_size(pdu: bytes) -> Size:
    """Return the size of a reply that begins so; an exception is one.

    >>> reply_size(bytes.fromhex("03 18")), reply_size(bytes.fromhex("83")), reply_size(bytes.fromhex("03"))
    (26, 2, <NeedMore.BYTES: 'need more bytes'>)
    """
    if pdu[:1] and pdu[0] & EXCEPTION_FLAG:
        return EXCEPTION_SIZE
    if pdu[:1] and pdu[0] == Function.ENCAPSULATED_INTERFACE:
        return identification_size(pdu) or NeedMore.BYTES
    return _size(_REPLIES, pdu)


def _size(shapes: Mapping[int, Shape], pdu: bytes) -> Size:
    if not pdu:
        return NeedMore.BYTES
    shape = shapes.get(pdu[0])
    if not isinstance(shape, Counted):
        return shape
    return shape.head + pdu[shape.at] if len(pdu) > shape.at else NeedMore.BYTES
