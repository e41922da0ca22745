"""Modbus on the wire: frames, messages, and the links that carry them (Application Protocol V1.1b3)."""

from watthour.wire.modbus.frame import TcpFrame
from watthour.wire.modbus.link import (
    Answered,
    Broken,
    ClientEvent,
    ClientLink,
    Damaged,
    Discarded,
    Requested,
    StationEvent,
    StationLink,
    Unanswered,
)
from watthour.wire.modbus.message import (
    ExceptionCode,
    ExceptionReply,
    Function,
    IllegalRequest,
    ReadReply,
    ReadRequest,
    Reply,
    Request,
    WriteReply,
    WriteRequest,
)

__all__ = [
    "Answered",
    "Broken",
    "ClientEvent",
    "ClientLink",
    "Damaged",
    "Discarded",
    "ExceptionCode",
    "ExceptionReply",
    "Function",
    "IllegalRequest",
    "ReadReply",
    "ReadRequest",
    "Reply",
    "Request",
    "Requested",
    "StationEvent",
    "StationLink",
    "TcpFrame",
    "Unanswered",
    "WriteReply",
    "WriteRequest",
]
