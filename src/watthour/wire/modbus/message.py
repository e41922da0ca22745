"""Modbus messages: a PDU's bytes to its meaning and back (Application Protocol V1.1b3, clauses 6 and 7).

In: a PDU of any bytes. Out: a request or a reply that is legal, or which exception an illegal request earns. What stands
at an address, and which addresses there are, is not known here. The functions are in ``registers``, ``bits`` and ``about``.
"""

from collections.abc import Mapping
from types import MappingProxyType

from watthour.errors import BadFrameError
from watthour.wire.modbus.about import (
    DiagnosticMessage,
    IdentificationReply,
    IdentificationRequest,
    ServerIdReply,
    ServerIdRequest,
)
from watthour.wire.modbus.bits import ReadBitsReply, ReadBitsRequest, WriteBitRequest
from watthour.wire.modbus.codes import (
    ADDRESSES,
    EXCEPTION_FLAG,
    EXCEPTION_WORDS,
    READ_BITS_MAXIMUM,
    READ_MAXIMUM,
    READ_WRITE_MAXIMUM,
    WRITE_MAXIMUM,
    EchoReply,
    ExceptionCode,
    ExceptionReply,
    Function,
    IllegalRequest,
    exception_words,
)
from watthour.wire.modbus.registers import ReadReply, ReadRequest, ReadWriteRequest, WriteReply, WriteRequest

__all__ = [
    "ADDRESSES",
    "EXCEPTION_FLAG",
    "EXCEPTION_WORDS",
    "READ_BITS_MAXIMUM",
    "READ_MAXIMUM",
    "READ_WRITE_MAXIMUM",
    "WRITE_MAXIMUM",
    "DiagnosticMessage",
    "EchoReply",
    "ExceptionCode",
    "ExceptionReply",
    "Function",
    "IdentificationReply",
    "IdentificationRequest",
    "IllegalRequest",
    "ReadBitsReply",
    "ReadBitsRequest",
    "ReadReply",
    "ReadRequest",
    "ReadWriteRequest",
    "Reply",
    "Request",
    "ServerIdReply",
    "ServerIdRequest",
    "WriteBitRequest",
    "WriteReply",
    "WriteRequest",
    "decode_reply",
    "decode_request",
    "exception_words",
]

Request = (
    ReadRequest
    | WriteRequest
    | ReadWriteRequest
    | ReadBitsRequest
    | WriteBitRequest
    | DiagnosticMessage
    | ServerIdRequest
    | IdentificationRequest
)
Reply = (
    ReadReply
    | WriteReply
    | ReadBitsReply
    | EchoReply
    | DiagnosticMessage
    | ServerIdReply
    | IdentificationReply
    | ExceptionReply
)

_REQUESTS: Mapping[int, type[Request]] = MappingProxyType(
    {
        int(Function.READ_COILS): ReadBitsRequest,
        int(Function.READ_DISCRETE_INPUTS): ReadBitsRequest,
        int(Function.READ_HOLDING_REGISTERS): ReadRequest,
        int(Function.READ_INPUT_REGISTERS): ReadRequest,
        int(Function.WRITE_SINGLE_COIL): WriteBitRequest,
        int(Function.WRITE_SINGLE_REGISTER): WriteRequest,
        int(Function.DIAGNOSTICS): DiagnosticMessage,
        int(Function.WRITE_MULTIPLE_REGISTERS): WriteRequest,
        int(Function.REPORT_SERVER_ID): ServerIdRequest,
        int(Function.READ_WRITE_MULTIPLE_REGISTERS): ReadWriteRequest,
        int(Function.ENCAPSULATED_INTERFACE): IdentificationRequest,
    }
)
"""What is asked by each function."""


def decode_request(pdu: bytes) -> Request | IllegalRequest:
    """Return what a request asks, or the exception it earns.

    The order is that of clause 7: the function is known (else 01), then quantity, byte count and length agree (else 03).

    >>> decode_request(bytes.fromhex("04 0732 0002"))
    ReadRequest(function=4, start=1842, count=2)
    >>> decode_request(bytes.fromhex("03 0000 007E"))
    IllegalRequest(function=3, code=<ExceptionCode.ILLEGAL_DATA_VALUE: 3>)
    """
    function = pdu[0]
    asks = _REQUESTS.get(function)
    if asks is None:
        return IllegalRequest(function=function, code=ExceptionCode.ILLEGAL_FUNCTION)
    return asks.from_pdu(pdu) or IllegalRequest(function=function, code=ExceptionCode.ILLEGAL_DATA_VALUE)


def decode_reply(pdu: bytes, request: Request) -> Reply:
    """Return what a reply to `request` says.

    Raises
    ------
    BadFrameError
        If it is no reply to that request: another function, another byte count, another echo.
    """
    function = pdu[0]
    if function == request.function | EXCEPTION_FLAG:
        return ExceptionReply.from_bytes(pdu)
    if function != request.function:
        msg = f"a reply of function {function:02X}h to a request of function {request.function:02X}h"
        raise BadFrameError(msg)
    return request.reply_from(pdu)
