"""What a master asks of a meter on M-Bus: frame to meaning and back (EN 13757-2, clause 5; EN 13757-3:2018, clauses 6, 7 and 12).

In: a short or long frame from a master. Out: a `Request` of one kind, or `Foreign`: a frame that no master sends to a meter,
such as another meter's reply. Addresses are kept as they came; whom they mean is for the station to know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from watthour.wire.mbus.frame import Frame, LongFrame, ShortFrame

FRAME_COUNT_BIT = 0x20
FRAME_COUNT_VALID = 0x10

_RESET = 0x40
_SEND = 0x53
_REQUEST_DATA = 0x5B
_REQUEST_ALARM = 0x5A

UNCONFIGURED = 0
SELECTED = 253
EVERYONE = 254
BROADCAST = 255
PRIMARY = range(251)
"""Addresses that a meter may have; 0 until it is given one."""

MASK_SIZE = 8
"""Identification, manufacturer, version, medium."""


class Ci(IntEnum):
    """Control information of a master's frame, as far as this meter knows them."""

    APPLICATION_RESET = 0x50
    DATA_SEND = 0x51
    SELECT = 0x52
    SYNCHRONISE_OF_OLD = 0x54
    DESELECT = 0x56
    SYNCHRONISE = 0x5C


BAUD_RATES: Mapping[int, int] = MappingProxyType(
    {0xB8: 300, 0xB9: 600, 0xBA: 1200, 0xBB: 2400, 0xBC: 4800, 0xBD: 9600, 0xBE: 19200, 0xBF: 38400}
)
"""CI that ask for another speed."""
BAUD_CODES: Mapping[int, int] = MappingProxyType({baud: ci for ci, baud in BAUD_RATES.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetLink:
    """SND_NKE: the link begins anew; acknowledged."""

    address: int

    def to_frame(self) -> ShortFrame:
        """Return the frame that carries it."""
        return ShortFrame(control=_RESET, address=self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestData:
    """REQ_UD2: send your data. With the frame count bit of the last time the same again, with the other the next.

    Parameters
    ----------
    fcb : bool
        Frame count bit.
    has_fcb : bool
        FCV: whether it counts.
    """

    address: int
    fcb: bool = True
    has_fcb: bool = True

    def to_frame(self) -> ShortFrame:
        """Return the frame that carries it."""
        return ShortFrame(control=_counted(_REQUEST_DATA, fcb=self.fcb, has_fcb=self.has_fcb), address=self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAlarm:
    """REQ_UD1: tell an alarm, if you have one."""

    address: int
    fcb: bool = True
    has_fcb: bool = True

    def to_frame(self) -> ShortFrame:
        """Return the frame that carries it."""
        return ShortFrame(control=_counted(_REQUEST_ALARM, fcb=self.fcb, has_fcb=self.has_fcb), address=self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendData:
    """SND_UD: do this; acknowledged, and done once for each turn of the frame count bit.

    Parameters
    ----------
    ci : int
        What it is: a `Ci`, a key of `BAUD_RATES`, or another that this meter does not know.
    """

    address: int
    ci: int
    data: bytes = b""
    fcb: bool = True
    has_fcb: bool = True

    def to_frame(self) -> LongFrame:
        """Return the frame that carries it."""
        control = _counted(_SEND, fcb=self.fcb, has_fcb=self.has_fcb)
        return LongFrame(control=control, address=self.address, ci=self.ci, data=self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A frame that is nothing a master asks: another meter's reply, an acknowledgement, an unknown function."""

    reason: str


Request = ResetLink | RequestData | RequestAlarm | SendData


def _counted(control: int, *, fcb: bool, has_fcb: bool) -> int:
    """Return a C field with its frame count bits."""
    bare = control & ~(FRAME_COUNT_BIT | FRAME_COUNT_VALID)
    return bare | (FRAME_COUNT_BIT if fcb else 0) | (FRAME_COUNT_VALID if has_fcb else 0)


_BARE_SEND = _counted(_SEND, fcb=False, has_fcb=False)
_SHORT_REQUESTS: Mapping[int, type[RequestData | RequestAlarm]] = MappingProxyType(
    {
        _counted(_REQUEST_DATA, fcb=False, has_fcb=False): RequestData,
        _counted(_REQUEST_ALARM, fcb=False, has_fcb=False): RequestAlarm,
    }
)
"""By their control field without frame count bits."""


def decode_request(frame: Frame) -> Request | Foreign:
    """Return what a frame asks.

    >>> decode_request(ShortFrame(control=0x7B, address=1))
    RequestData(address=1, fcb=True, has_fcb=True)
    """
    if not isinstance(frame, ShortFrame | LongFrame):
        return Foreign(reason="an acknowledgement")
    control = frame.control
    bare = control & ~(FRAME_COUNT_BIT | FRAME_COUNT_VALID)
    fcb, has_fcb = bool(control & FRAME_COUNT_BIT), bool(control & FRAME_COUNT_VALID)
    if isinstance(frame, LongFrame) and bare == _BARE_SEND:
        return SendData(address=frame.address, ci=frame.ci, data=frame.data, fcb=fcb, has_fcb=has_fcb)
    if isinstance(frame, ShortFrame) and control == _RESET:
        return ResetLink(address=frame.address)
    if isinstance(frame, ShortFrame) and bare in _SHORT_REQUESTS:
        return _SHORT_REQUESTS[bare](address=frame.address, fcb=fcb, has_fcb=has_fcb)
    return Foreign(reason=f"a frame with control field {control:02X}")


def matches(mask: bytes, own: bytes) -> bool:
    """Tell whether a mask of secondary addressing selects a meter.

    Parameters
    ----------
    mask, own : bytes
        Identification (4), manufacturer (2), version, medium; a mask that is shorter selects by what it has. In the
        identification each digit F is any, elsewhere each byte FF.

    >>> matches(bytes.fromhex("FFFF3412 FFFF FF FF"), bytes.fromhex("78563412 320D 01 02"))
    True
    """
    if len(mask) > MASK_SIZE:
        return False
    return all(
        _digits_match(wanted, have) if place < _IDENTIFICATION else wanted in {0xFF, have}
        for place, (wanted, have) in enumerate(zip(mask, own, strict=False))
    )


_IDENTIFICATION = 4
_ANY_DIGIT = 0xF


def _digits_match(wanted: int, have: int) -> bool:
    high, low = wanted >> 4, wanted & _ANY_DIGIT
    return high in {_ANY_DIGIT, have >> 4} and low in {_ANY_DIGIT, have & _ANY_DIGIT}
