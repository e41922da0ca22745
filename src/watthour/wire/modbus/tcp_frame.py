"""Modbus TCP frames: bytes to frame and back (MODBUS Messaging on TCP/IP V1.0b, 3.1.3).

::

    0             2             4             6      7
    ├─ transaction ┼── protocol ─┼─── length ──┼ unit ┼──── PDU ────
                                               └── length bytes ────

In: bytes, cut anywhere. Out: a frame, the wish for more bytes, or what is wrong. The length field is the authority on where
a frame ends. A frame holds any PDU; whether that means something is for ``message`` to say.
"""

import struct
from dataclasses import dataclass

from watthour.wire.modbus.pdu_size import NeedMore

HEADER = struct.Struct(">HHHB")
"""Transaction, protocol, length, unit."""

TRANSACTION_SIZE = 2
"""Bytes of the transaction, which a reply echoes."""

LENGTH_END = 6
"""Bytes up to the end of the length field; the length counts what comes behind it."""

PROTOCOL_MODBUS = 0

PDU_MAXIMUM = 253
LENGTH_MINIMUM = 2
"""Unit and a function code."""
LENGTH_MAXIMUM = 1 + PDU_MAXIMUM


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpFrame:
    """One MODBUS TCP/IP ADU, whatever its PDU says.

    Parameters
    ----------
    transaction : int
        Chosen by the client, echoed by the station.
    unit : int
        Address of the station, 0 to 255.
    pdu : bytes
        Function code and data.
    """

    transaction: int
    unit: int
    pdu: bytes

    def to_bytes(self) -> bytes:
        """Return the frame as it travels."""
        return HEADER.pack(self.transaction, PROTOCOL_MODBUS, len(self.pdu) + 1, self.unit) + self.pdu

    @property
    def size(self) -> int:
        """Bytes it takes on the wire."""
        return HEADER.size + len(self.pdu)


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """A frame to be dropped; the next one begins `size` bytes on."""

    reason: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfStep:
    """Bytes behind which no next frame can be found."""

    reason: str


def parse(buffer: bytes, at: int = 0) -> TcpFrame | Malformed | OutOfStep | NeedMore:
    r"""Return the frame that begins at `at`, what is wrong with it, or that more bytes are needed.

    >>> parse(bytes.fromhex("0007 0000 0006 01 03 0000 0002"))
    TcpFrame(transaction=7, unit=1, pdu=b'\x03\x00\x00\x00\x02')
    >>> parse(bytes.fromhex("0007 0000 FFFF"))
    OutOfStep(reason='a length of 65535 where 2 to 254 is possible')
    """
    have = len(buffer) - at
    if have < LENGTH_END:
        return NeedMore.BYTES
    if have < HEADER.size:
        return _without_unit(buffer, at)
    transaction, protocol, length, unit = HEADER.unpack_from(buffer, at)
    if length > LENGTH_MAXIMUM or length < LENGTH_MINIMUM:
        return _impossible(length)
    if have < LENGTH_END + length:
        return NeedMore.BYTES
    if protocol != PROTOCOL_MODBUS:
        return Malformed(reason=f"protocol {protocol}, not 0", size=LENGTH_END + length)
    return TcpFrame(transaction=transaction, unit=unit, pdu=buffer[at + HEADER.size : at + LENGTH_END + length])


def _without_unit(buffer: bytes, at: int) -> Malformed | OutOfStep | NeedMore:
    """Return what a bare header up to its length field already tells."""
    length = int.from_bytes(buffer[at + LENGTH_END - 2 : at + LENGTH_END], "big")
    return NeedMore.BYTES if 0 < length <= LENGTH_MAXIMUM else _impossible(length)


def _impossible(length: int) -> Malformed | OutOfStep:
    """Return what a length that cannot be leaves to do: too short a frame has an end, too long a one is not believed."""
    reason = f"a length of {length} where {LENGTH_MINIMUM} to {LENGTH_MAXIMUM} is possible"
    return Malformed(reason=reason, size=LENGTH_END + length) if length < LENGTH_MINIMUM else OutOfStep(reason=reason)
