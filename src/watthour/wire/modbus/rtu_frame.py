"""Modbus RTU frames: bytes to frame and back, and the silences between them (MODBUS over Serial Line V1.02, 2.5.1).

::

    0      1
    ├ unit ┼──── PDU ──── ┼─ CRC, low byte first ─┤      4 to 256 bytes, silence of 3.5 characters on both sides

In: the bytes of one frame. Out: a frame, or why they are none. Where in a stream of bytes a frame ends is for ``rtu_link``.
"""

import struct
from dataclasses import dataclass

from watthour.errors import BadFrameError

ADU_MINIMUM = 4
ADU_MAXIMUM = 256
UNIT_SIZE = 1
CRC = struct.Struct("<H")

BROADCAST = 0
"""The unit that means every station; none replies to it."""

_CRC_SEED = 0xFFFF
_CRC_POLYNOMIAL = 0xA001
"""Reflected: bits are shifted out to the right."""

_CHARACTER_BITS = 11
"""Bits of a character as the silences count them, whatever the framing."""
SILENT_CHARACTERS = 3.5
_FASTEST_COUNTED_BAUD = 19200
_FAST_SILENCE_S = 0.00175
"""Above that speed the silence is fixed."""

GAP_S = 0.020
"""Silence after which a frame that has begun is over (ours): adapters on USB hold bytes back for up to 16 ms."""


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ _CRC_POLYNOMIAL if byte & 1 else byte >> 1
    return byte


_REMAINDERS = tuple(_remainder(byte) for byte in range(256))


def crc_of(data: bytes) -> int:
    """Return the CRC-16 of some bytes (Serial Line V1.02, 6.2.2).

    >>> f"{crc_of(bytes.fromhex('01 04 00 00 00 02')):04X}"
    'CB71'
    """
    crc = _CRC_SEED
    for byte in data:
        crc = crc >> 8 ^ _REMAINDERS[(crc ^ byte) & 0xFF]
    return crc


def has_right_crc(adu: bytes) -> bool:
    """Say whether the last two bytes are the CRC of those before."""
    return len(adu) >= ADU_MINIMUM and crc_of(adu[: -CRC.size]) == CRC.unpack(adu[-CRC.size :])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RtuFrame:
    """One RTU ADU, whatever its PDU says.

    Parameters
    ----------
    unit : int
        Address of the station asked or answering; 0 is a broadcast.
    pdu : bytes
        Function code and data.
    """

    unit: int
    pdu: bytes

    def to_bytes(self) -> bytes:
        """Return the frame as it travels."""
        content = bytes((self.unit,)) + self.pdu
        return content + CRC.pack(crc_of(content))

    @classmethod
    def from_bytes(cls, adu: bytes) -> "RtuFrame":
        """Return the frame that some bytes are, all of them.

        Raises
        ------
        BadFrameError
            If they are too few, too many, or the CRC is another.
        """
        if not ADU_MINIMUM <= len(adu) <= ADU_MAXIMUM:
            msg = f"{len(adu)} bytes where a frame has {ADU_MINIMUM} to {ADU_MAXIMUM}"
            raise BadFrameError(msg)
        if not has_right_crc(adu):
            right = CRC.pack(crc_of(adu[: -CRC.size])).hex(" ").upper()
            msg = f"a CRC of {adu[-CRC.size :].hex(' ').upper()} where {right} is right"
            raise BadFrameError(msg)
        return cls(unit=adu[0], pdu=adu[UNIT_SIZE : -CRC.size])


def silent_interval_s(baudrate: int) -> float:
    """Return the silence between two frames, 3.5 characters (Serial Line V1.02, 2.5.1.1).

    >>> round(silent_interval_s(9600), 6), silent_interval_s(38400)
    (0.00401, 0.00175)
    """
    if baudrate > _FASTEST_COUNTED_BAUD:
        return _FAST_SILENCE_S
    return SILENT_CHARACTERS * _CHARACTER_BITS / baudrate


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The silences of a line.

    Parameters
    ----------
    gap_s : float
        Silence after which a frame that has begun is over.
    turnaround_s : float
        Silence to keep before sending.
    """

    gap_s: float = GAP_S
    turnaround_s: float = 0.0

    @classmethod
    def at(cls, baudrate: int, gap_s: float | None = None) -> "Timing":
        """Return the silences of a real port at a speed; the gap is never below the turnaround."""
        silence_s = silent_interval_s(baudrate)
        return cls(gap_s=max(silence_s, GAP_S if gap_s is None else gap_s), turnaround_s=silence_s)
