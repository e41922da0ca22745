"""Requests for registers and their replies: 03, 04, 06, 10h, 17h (Application Protocol V1.1b3, 6.3, 6.4, 6.6, 6.12, 6.17).

In: a PDU whose function code is known. Out: a request that is legal, or None; the reply to a request, or what is wrong with it.
Contents stay bytes, two a register, high byte first.
"""

import struct
from dataclasses import dataclass

from watthour.errors import BadFrameError, UsageError
from watthour.wire.modbus.codes import (
    BYTES_PER_REGISTER,
    READ_MAXIMUM,
    READ_WRITE_MAXIMUM,
    WRITE_MAXIMUM,
    EchoReply,
    Function,
    check_span,
)

_READS = frozenset({Function.READ_HOLDING_REGISTERS, Function.READ_INPUT_REGISTERS})
_WRITES = frozenset({Function.WRITE_SINGLE_REGISTER, Function.WRITE_MULTIPLE_REGISTERS})
_SPAN = struct.Struct(">BHH")
"""Function, start, count: the whole of a read request, of a write's reply, and the head of a write."""
_WRITE_HEAD = struct.Struct(">BHHB")
"""Function, start, count, byte count."""
_SINGLE_HEAD = struct.Struct(">BH")
"""Function, address."""
_READ_WRITE_HEAD = struct.Struct(">BHHHHB")
"""Function, start and count of the read, start, count and byte count of the write."""
_READ_HEAD_SIZE = 2


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
    """The registers of a 10h are written."""

    start: int
    count: int

    @property
    def function(self) -> int:
        """Its function code."""
        return Function.WRITE_MULTIPLE_REGISTERS

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return _SPAN.pack(self.function, self.start, self.count)


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
        check_span(self.start, self.count, READ_MAXIMUM)

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return _SPAN.pack(self.function, self.start, self.count)

    @classmethod
    def from_pdu(cls, pdu: bytes) -> "ReadRequest | None":
        """Return what a PDU asks; None where quantity or length are illegal."""
        if len(pdu) != _SPAN.size:
            return None
        function, start, count = _SPAN.unpack(pdu)
        return cls(function=function, start=start, count=count) if 1 <= count <= READ_MAXIMUM else None

    def reply_from(self, pdu: bytes) -> ReadReply:
        """Return what the PDU of a reply says.

        Raises
        ------
        BadFrameError
            If it is of another length.
        """
        return _contents(self.function, self.count, pdu)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """Write registers from `start` on: 10h, or one register: 06.

    Parameters
    ----------
    data : bytes
        Contents of the registers, two bytes each.

    Raises
    ------
    UsageError
        If no PDU can ask for it.
    """

    function: int = Function.WRITE_MULTIPLE_REGISTERS
    start: int
    data: bytes

    def __post_init__(self) -> None:
        if self.function not in _WRITES:
            msg = f"function {self.function} writes no registers: 6 and 16 do"
            raise UsageError(msg)
        _check_contents(self.data)
        check_span(self.start, self.count, 1 if self.function == Function.WRITE_SINGLE_REGISTER else WRITE_MAXIMUM)

    @property
    def count(self) -> int:
        """Registers to write."""
        return len(self.data) // BYTES_PER_REGISTER

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        if self.function == Function.WRITE_SINGLE_REGISTER:
            return _SINGLE_HEAD.pack(self.function, self.start) + self.data
        return _WRITE_HEAD.pack(self.function, self.start, self.count, len(self.data)) + self.data

    @classmethod
    def from_pdu(cls, pdu: bytes) -> "WriteRequest | None":
        """Return what a PDU asks; None where quantity, byte count and length disagree."""
        if pdu[0] == Function.WRITE_SINGLE_REGISTER:
            head = _SINGLE_HEAD.size
            if len(pdu) != head + BYTES_PER_REGISTER:
                return None
            return cls(function=pdu[0], start=_SINGLE_HEAD.unpack_from(pdu)[1], data=pdu[head:])
        if len(pdu) < _WRITE_HEAD.size:
            return None
        _, start, count, size = _WRITE_HEAD.unpack_from(pdu)
        data = pdu[_WRITE_HEAD.size :]
        return cls(start=start, data=data) if _agree(count, size, data, WRITE_MAXIMUM) else None

    def done(self) -> EchoReply | WriteReply:
        """Return the reply when it is carried out."""
        if self.function == Function.WRITE_SINGLE_REGISTER:
            return EchoReply(pdu=self.to_bytes())
        return WriteReply(start=self.start, count=self.count)

    def reply_from(self, pdu: bytes) -> EchoReply | WriteReply:
        """Return what the PDU of a reply says.

        Raises
        ------
        BadFrameError
            If it echoes another write.
        """
        reply = self.done()
        if pdu != reply.to_bytes():
            msg = f"a reply that does not echo the write of {self.count} registers at {self.start:04X}h: {pdu[:10].hex(' ')}"
            raise BadFrameError(msg)
        return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWriteRequest:
    """Write registers, then read registers: 17h.

    Parameters
    ----------
    start, count : int
        Of the read.
    write_start : int
    data : bytes
        What to write, two bytes a register.

    Raises
    ------
    UsageError
        If no PDU can ask for it.
    """

    start: int
    count: int
    write_start: int
    data: bytes

    def __post_init__(self) -> None:
        check_span(self.start, self.count, READ_MAXIMUM)
        _check_contents(self.data)
        check_span(self.write_start, self.write_count, READ_WRITE_MAXIMUM)

    @property
    def function(self) -> int:
        """Its function code."""
        return Function.READ_WRITE_MULTIPLE_REGISTERS

    @property
    def write_count(self) -> int:
        """Registers to write."""
        return len(self.data) // BYTES_PER_REGISTER

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        head = (self.function, self.start, self.count, self.write_start, self.write_count, len(self.data))
        return _READ_WRITE_HEAD.pack(*head) + self.data

    @classmethod
    def from_pdu(cls, pdu: bytes) -> "ReadWriteRequest | None":
        """Return what a PDU asks; None where quantities, byte count and length disagree."""
        if len(pdu) < _READ_WRITE_HEAD.size:
            return None
        _, start, count, write_start, write_count, size = _READ_WRITE_HEAD.unpack_from(pdu)
        data = pdu[_READ_WRITE_HEAD.size :]
        if not 1 <= count <= READ_MAXIMUM or not _agree(write_count, size, data, READ_WRITE_MAXIMUM):
            return None
        return cls(start=start, count=count, write_start=write_start, data=data)

    def reply_from(self, pdu: bytes) -> ReadReply:
        """Return what the PDU of a reply says.

        Raises
        ------
        BadFrameError
            If it is of another length.
        """
        return _contents(self.function, self.count, pdu)


def _agree(count: int, size: int, data: bytes, maximum: int) -> bool:
    return 1 <= count <= maximum and size == count * BYTES_PER_REGISTER == len(data)


def _check_contents(data: bytes) -> None:
    if len(data) % BYTES_PER_REGISTER:
        msg = f"{len(data)} bytes are no whole registers"
        raise UsageError(msg)


def _contents(function: int, count: int, pdu: bytes) -> ReadReply:
    wanted = count * BYTES_PER_REGISTER
    if len(pdu) != _READ_HEAD_SIZE + wanted or pdu[1] != wanted:
        msg = f"a reply of {len(pdu)} bytes to a read of {count} registers, which takes {_READ_HEAD_SIZE + wanted}"
        raise BadFrameError(msg)
    return ReadReply(function=function, data=pdu[_READ_HEAD_SIZE:])
