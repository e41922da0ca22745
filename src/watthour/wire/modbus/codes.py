"""Function and exception codes, the limits of a request, and the replies that every function may get.

Application Protocol V1.1b3, clauses 4.1, 6 and 7. What a function's own request says is in ``registers``, ``bits`` and ``about``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from watthour.errors import BadFrameError, UsageError


class Function(IntEnum):
    """Function codes that are spoken."""

    READ_COILS = 0x01
    READ_DISCRETE_INPUTS = 0x02
    READ_HOLDING_REGISTERS = 0x03
    READ_INPUT_REGISTERS = 0x04
    WRITE_SINGLE_COIL = 0x05
    WRITE_SINGLE_REGISTER = 0x06
    DIAGNOSTICS = 0x08
    WRITE_MULTIPLE_REGISTERS = 0x10
    REPORT_SERVER_ID = 0x11
    READ_WRITE_MULTIPLE_REGISTERS = 0x17
    ENCAPSULATED_INTERFACE = 0x2B


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
READ_WRITE_MAXIMUM = 121
"""Registers that 17h may write (6.17); it reads as many as 03."""
READ_BITS_MAXIMUM = 2000
"""Bits in one request (6.1, 6.2)."""

PDU_MAXIMUM = 253
"""Bytes of a PDU (4.1)."""

ADDRESSES = 0x1_0000
"""Registers, or bits, that an address of 16 bits can name."""

EXCEPTION_FLAG = 0x80
"""Set in the function code of an exception reply."""

BYTES_PER_REGISTER = 2
_EXCEPTION_SIZE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class IllegalRequest:
    """A request that no message can hold, and the exception it earns: 01 or 03."""

    function: int
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionReply:
    """The request of this function is refused; an unknown code is kept as it is."""

    function: int
    code: int

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return bytes((self.function | EXCEPTION_FLAG, self.code))

    @classmethod
    def from_bytes(cls, pdu: bytes) -> "ExceptionReply":
        """Return what the PDU of an exception says.

        Raises
        ------
        BadFrameError
            If it is longer or shorter than one.
        """
        if len(pdu) != _EXCEPTION_SIZE:
            msg = f"an exception of {len(pdu)} bytes, not {_EXCEPTION_SIZE}"
            raise BadFrameError(msg)
        return cls(function=pdu[0] & ~EXCEPTION_FLAG, code=pdu[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoReply:
    """The request itself, as its own reply: of 05, 06 and 08/00.

    Parameters
    ----------
    pdu : bytes
        The whole of it.
    """

    pdu: bytes

    @property
    def function(self) -> int:
        """Its function code."""
        return self.pdu[0]

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return self.pdu


def echo_of(sent: bytes, pdu: bytes) -> EchoReply:
    """Return a reply that must be the request itself.

    Raises
    ------
    BadFrameError
        If it is anything else.
    """
    if pdu != sent:
        msg = f"a reply that does not echo its request: {pdu[:10].hex(' ')}"
        raise BadFrameError(msg)
    return EchoReply(pdu=pdu)


def check_span(start: int, count: int, maximum: int, what: str = "registers") -> None:
    """Refuse a span that no request can hold.

    Raises
    ------
    UsageError
    """
    if not 0 <= start < ADDRESSES:
        msg = f"address {start} is outside 0 to {ADDRESSES - 1}"
        raise UsageError(msg)
    if not 1 <= count <= maximum:
        msg = f"{count} {what} where one request takes 1 to {maximum}"
        raise UsageError(msg)


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
