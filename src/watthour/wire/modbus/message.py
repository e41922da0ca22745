"""Modbus messages: a PDU's bytes to its meaning and back (Application Protocol V1.1b3, clauses 6 and 7).

In: a PDU of any bytes. Out: a request or a reply that is legal, or which exception an illegal request earns. What stands
at an address, and which addresses there are, is not known here. Register contents stay bytes, high byte first.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from watthour.errors import BadFrameError, UsageError


class Function(IntEnum):
    """Function codes that are spoken."""

    READ_HOLDING_REGISTERS = 0x03
    READ_INPUT_REGISTERS = 0x04
    WRITE_MULTIPLE_REGISTERS = 0x10


class ExceptionCode(IntEnum):
    """Why a station refuses (clause 7)."""

    ILLEGAL_FUNCTION = 0x01
    ILLEGAL_DATA_ADDRESS = 0x02
    ILLEGAL_DATA_VALUE = 0x03
    SERVER_DEVICE_FAILURE = 0x04
    ACKNOWLEDGE = 0x05
    SERVER_DEVICE_BUSY = 0x06
    MEMORY_PARITY_ERROR = 0x08
    GATEWAY_PATH_UNAVAILABLE = 0x0A
    GATEWAY_TARGET_FAILED = 0x0B


READ_MAXIMUM = 125
WRITE_MAXIMUM = 123
"""Registers in one request (6.3, 6.4, 6.12)."""

ADDRESSES = 0x1_0000
"""Registers that an address of 16 bits can name."""

EXCEPTION_FLAG = 0x80
"""Set in the function code of an exception reply."""

_READS = frozenset({Function.READ_HOLDING_REGISTERS, Function.READ_INPUT_REGISTERS})
_SPAN = struct.Struct(">BHH")
"""Function, start, count: the whole of a read request, of a write's reply, and the head of a write."""
_WRITE_HEAD = struct.Struct(">BHHB")
"""Function, start, count, byte count."""
_BYTES_PER_REGISTER = 2
_EXCEPTION_SIZE = 2
_READ_HEAD_SIZE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """Read `count` registers from `start` on: 03 or 04.

    Raises
    ------
    UsageError
        If no PDU can ask for it.
    """

    function: int = Function.READ_HOLDING_REGISTERS
    start: int
    count: int

    def __post_init__(self) -> None:
        if self.function not in _READS:
            msg = f"function {self.function} reads no registers: 3 and 4 do"
            raise UsageError(msg)
        _check_span(self.start, self.count, READ_MAXIMUM)

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return _SPAN.pack(self.function, self.start, self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """Write registers from `start` on: 10h.

    Parameters
    ----------
    data : bytes
        Contents of the registers, two bytes each.

    Raises
    ------
    UsageError
        If no PDU can ask for it.
    """

    start: int
    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) % _BYTES_PER_REGISTER:
            msg = f"{len(self.data)} bytes are no whole registers"
            raise UsageError(msg)
        _check_span(self.start, self.count, WRITE_MAXIMUM)

    @property
    def function(self) -> int:
        """Its function code."""
        return Function.WRITE_MULTIPLE_REGISTERS

    @property
    def count(self) -> int:
        """Registers to write."""
        return len(self.data) // _BYTES_PER_REGISTER

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return _WRITE_HEAD.pack(self.function, self.start, self.count, len(self.data)) + self.data


@dataclass(frozen=True, slots=True, kw_only=True)
class IllegalRequest:
    """A request that no message can hold, and the exception it earns: 01 or 03."""

    function: int
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReply:
    """Contents of the registers asked for, two bytes each."""

    function: int = Function.READ_HOLDING_REGISTERS
    data: bytes

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return bytes((self.function, len(self.data))) + self.data


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReply:
    """The registers are written."""

    start: int
    count: int

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return _SPAN.pack(Function.WRITE_MULTIPLE_REGISTERS, self.start, self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionReply:
    """The request of this function is refused; an unknown code is kept as it is."""

    function: int
    code: int

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return bytes((self.function | EXCEPTION_FLAG, self.code))


Request = ReadRequest | WriteRequest
Reply = ReadReply | WriteReply | ExceptionReply


def _check_span(start: int, count: int, maximum: int) -> None:
    if not 0 <= start < ADDRESSES:
        msg = f"address {start} is outside 0 to {ADDRESSES - 1}"
        raise UsageError(msg)
    if not 1 <= count <= maximum:
        msg = f"{count} registers where one request takes 1 to {maximum}"
        raise UsageError(msg)


def decode_request(pdu: bytes) -> Request | IllegalRequest:
    """Return what a request asks, or the exception it earns.

    The order is that of clause 7: the function is known (else 01), then quantity, byte count and length agree (else 03).

    >>> decode_request(bytes.fromhex("04 0732 0002"))
    ReadRequest(function=4, start=1842, count=2)
    >>> decode_request(bytes.fromhex("03 0000 007E"))
    IllegalRequest(function=3, code=<ExceptionCode.ILLEGAL_DATA_VALUE: 3>)
    """
    function = pdu[0]
    decode = _REQUESTS.get(function)
    if decode is None:
        return IllegalRequest(function=function, code=ExceptionCode.ILLEGAL_FUNCTION)
    return decode(pdu) or IllegalRequest(function=function, code=ExceptionCode.ILLEGAL_DATA_VALUE)


def _read_request(pdu: bytes) -> ReadRequest | None:
    if len(pdu) != _SPAN.size:
        return None
    function, start, count = _SPAN.unpack(pdu)
    return ReadRequest(function=function, start=start, count=count) if 1 <= count <= READ_MAXIMUM else None


def _write_request(pdu: bytes) -> WriteRequest | None:
    if len(pdu) < _WRITE_HEAD.size:
        return None
    _, start, count, size = _WRITE_HEAD.unpack_from(pdu)
    data = pdu[_WRITE_HEAD.size :]
    if not 1 <= count <= WRITE_MAXIMUM or size != count * _BYTES_PER_REGISTER or size != len(data):
        return None
    return WriteRequest(start=start, data=data)


_REQUESTS = MappingProxyType(
    {
        int(Function.READ_HOLDING_REGISTERS): _read_request,
        int(Function.READ_INPUT_REGISTERS): _read_request,
        int(Function.WRITE_MULTIPLE_REGISTERS): _write_request,
    }
)


def decode_reply(pdu: bytes, request: Request) -> Reply:
    """Return what a reply to `request` says.

    Raises
    ------
    BadFrameError
        If it is no reply to that request: another function, another byte count, another echo.
    """
    function = pdu[0]
    if function == request.function | EXCEPTION_FLAG:
        return _exception_reply(pdu)
    if function != request.function:
        msg = f"a reply of function {function:02X}h to a request of function {request.function:02X}h"
        raise BadFrameError(msg)
    return _read_reply(pdu, request) if isinstance(request, ReadRequest) else _write_reply(pdu, request)


def _exception_reply(pdu: bytes) -> ExceptionReply:
    if len(pdu) != _EXCEPTION_SIZE:
        msg = f"an exception of {len(pdu)} bytes, not {_EXCEPTION_SIZE}"
        raise BadFrameError(msg)
    return ExceptionReply(function=pdu[0] & ~EXCEPTION_FLAG, code=pdu[1])


def _read_reply(pdu: bytes, request: ReadRequest) -> ReadReply:
    wanted = request.count * _BYTES_PER_REGISTER
    if len(pdu) != _READ_HEAD_SIZE + wanted or pdu[1] != wanted:
        msg = f"a reply of {len(pdu)} bytes to a read of {request.count} registers, which takes {_READ_HEAD_SIZE + wanted}"
        raise BadFrameError(msg)
    return ReadReply(function=request.function, data=pdu[_READ_HEAD_SIZE:])


def _write_reply(pdu: bytes, request: WriteRequest) -> WriteReply:
    reply = WriteReply(start=request.start, count=request.count)
    if pdu != reply.to_bytes():
        msg = f"a reply that does not echo the write of {request.count} registers at {request.start:04X}h: {pdu.hex(' ')}"
        raise BadFrameError(msg)
    return reply


EXCEPTION_WORDS: Mapping[int, str] = MappingProxyType(
    {
        ExceptionCode.ILLEGAL_FUNCTION: "illegal function, or not allowed for this client",
        ExceptionCode.ILLEGAL_DATA_ADDRESS: "illegal data address",
        ExceptionCode.ILLEGAL_DATA_VALUE: "illegal data value",
        ExceptionCode.SERVER_DEVICE_FAILURE: "the device failed, or the setting is sealed",
        ExceptionCode.ACKNOWLEDGE: "accepted, still being done",
        ExceptionCode.SERVER_DEVICE_BUSY: "the device is busy",
        ExceptionCode.MEMORY_PARITY_ERROR: "memory parity error",
        ExceptionCode.GATEWAY_PATH_UNAVAILABLE: "gateway path unavailable",
        ExceptionCode.GATEWAY_TARGET_FAILED: "gateway target did not respond: no such unit there",
    }
)
"""What the codes mean, for people."""


def exception_words(code: int) -> str:
    """Return an exception code with its meaning.

    >>> exception_words(2)
    'exception 02, illegal data address'
    """
    return f"exception {code:02X}, {EXCEPTION_WORDS.get(code, 'a code of its own')}"
