"""Modbus on the wire: frames, messages, and the links that carry them over TCP and serial lines."""

from watthour.wire.modbus.link import (
    Answered,
    Broken,
    ClientEvent,
    ClientLink,
    Damaged,
    Discarded,
    Overheard,
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
from watthour.wire.modbus.rtu_frame import RtuFrame, Timing
from watthour.wire.modbus.rtu_link import RtuClientLink, RtuStationLink
from watthour.wire.modbus.tcp_frame import TcpFrame
from watthour.wire.modbus.tcp_link import TcpClientLink, TcpStationLink

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
    "Overheard",
    "ReadReply",
    "ReadRequest",
    "Reply",
    "Request",
    "Requested",
    "RtuClientLink",
    "RtuFrame",
    "RtuStationLink",
    "StationEvent",
    "StationLink",
    "TcpClientLink",
    "TcpFrame",
    "TcpStationLink",
    "Timing",
    "Unanswered",
    "WriteReply",
    "WriteRequest",
]
