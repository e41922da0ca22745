"""Requests for coils and discrete inputs and their replies: 01, 02, 05 (Application Protocol V1.1b3, 6.1, 6.2, 6.5).

In: a PDU whose function code is known. Out: a request that is legal, or None; the reply to a request, or what is wrong with it.
"""

import struct
from dataclasses import dataclass

from watthour.errors import BadFrameError, UsageError
from watthour.wire.modbus.codes import READ_BITS_MAXIMUM, EchoReply, Function, check_span, echo_of

_READS = frozenset({Function.READ_COILS, Function.READ_DISCRETE_INPUTS})
_SPAN = struct.Struct(">BHH")
"""Function, start, count of a read; function, address, value of a write."""
_ON, _OFF = 0xFF00, 0x0000
_BITS_PER_BYTE = 8
_READ_HEAD_SIZE = 2


def _bytes_for(count: int) -> int:
    return -(-count // _BITS_PER_BYTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBitsReply:
    """States of the bits asked for; the first is the lowest of the first byte, what is left of the last byte is 0."""

    function: int = Function.READ_COILS
    bits: tuple[bool, ...]

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        size = _bytes_for(len(self.bits))
        number = sum(1 << place for place, bit in enumerate(self.bits) if bit)
        return bytes((self.function, size)) + number.to_bytes(size, "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBitsRequest:
    """Read `count` coils (01) or discrete inputs (02) from `start` on.

    Raises
    ------
    UsageError
        If no PDU can ask for it.
    """

    function: int = Function.READ_COILS
    start: int
    count: int

    def __post_init__(self) -> None:
        if self.function not in _READS:
            msg = f"function {self.function} reads no bits: 1 and 2 do"
            raise UsageError(msg)
        check_span(self.start, self.count, READ_BITS_MAXIMUM, "bits")

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return _SPAN.pack(self.function, self.start, self.count)

    @classmethod
    def from_pdu(cls, pdu: bytes) -> "ReadBitsRequest | None":
        """Return what a PDU asks; None where quantity or length are illegal."""
        if len(pdu) != _SPAN.size:
            return None
        function, start, count = _SPAN.unpack(pdu)
        return cls(function=function, start=start, count=count) if 1 <= count <= READ_BITS_MAXIMUM else None

    def reply_from(self, pdu: bytes) -> ReadBitsReply:
        """Return what the PDU of a reply says.

        Raises
        ------
        BadFrameError
            If it is of another length, or says something of bits that nobody asked for.
        """
        wanted = _bytes_for(self.count)
        if len(pdu) != _READ_HEAD_SIZE + wanted or pdu[1] != wanted:
            msg = f"a reply of {len(pdu)} bytes to a read of {self.count} bits, which takes {_READ_HEAD_SIZE + wanted}"
            raise BadFrameError(msg)
        number = int.from_bytes(pdu[_READ_HEAD_SIZE:], "little")
        if number >> self.count:
            msg = f"a reply that sets bits beyond the {self.count} asked for"
            raise BadFrameError(msg)
        return ReadBitsReply(function=self.function, bits=tuple(bool(number >> place & 1) for place in range(self.count)))


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBitRequest:
    """Switch one coil: 05.

    Raises
    ------
    UsageError
        If no PDU can ask for it.
    """

    start: int
    is_on: bool

    def __post_init__(self) -> None:
        check_span(self.start, 1, 1, "bits")

    @property
    def function(self) -> int:
        """Its function code."""
        return Function.WRITE_SINGLE_COIL

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return _SPAN.pack(self.function, self.start, _ON if self.is_on else _OFF)

    @classmethod
    def from_pdu(cls, pdu: bytes) -> "WriteBitRequest | None":
        """Return what a PDU asks; None where it is of another length, or its value is neither on nor off."""
        if len(pdu) != _SPAN.size:
            return None
        _, start, value = _SPAN.unpack(pdu)
        return cls(start=start, is_on=value == _ON) if value in {_ON, _OFF} else None

    def done(self) -> EchoReply:
        """Return the reply when it is carried out."""
        return EchoReply(pdu=self.to_bytes())

    def reply_from(self, pdu: bytes) -> EchoReply:
        """Return what the PDU of a reply says.

        Raises
        ------
        BadFrameError
            If it echoes another write.
        """
        return echo_of(self.to_bytes(), pdu)
