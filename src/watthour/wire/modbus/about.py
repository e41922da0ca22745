"""What a station says of itself and of its line: 08, 11h, 2Bh/0Eh (Application Protocol V1.1b3, 6.8, 6.13, 6.21).

In: a PDU whose function code is known. Out: a request that is legal, or None, or the exception it earns; the reply to a request,
or what is wrong with it. What the counters count, and which objects there are, is not known here.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from watthour.errors import BadFrameError, UsageError
from watthour.wire.modbus.codes import PDU_MAXIMUM, ExceptionCode, Function, IllegalRequest

_SUB = struct.Struct(">BH")
"""Function and sub-function of a diagnostic."""
_WORD = 2


class Diagnostic(IntEnum):
    """Sub-functions of 08 that are spoken."""

    RETURN_QUERY_DATA = 0x00
    CLEAR_COUNTERS = 0x0A
    BUS_MESSAGES = 0x0B
    BUS_COMMUNICATION_ERRORS = 0x0C
    SERVER_EXCEPTIONS = 0x0D
    SERVER_MESSAGES = 0x0E
    SERVER_NO_RESPONSES = 0x0F
    CHARACTER_OVERRUNS = 0x12


_SUBS = frozenset(Diagnostic)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticMessage:
    """A diagnostic, or its reply: they look alike.

    Parameters
    ----------
    sub : int
        Sub-function.
    data : bytes
        What `Diagnostic.RETURN_QUERY_DATA` gives back, an even number of bytes; else one word: 0 in a request, what was counted
        in a reply.

    Raises
    ------
    UsageError
        If no PDU can hold it.
    """

    sub: int
    data: bytes = b"\0\0"

    def __post_init__(self) -> None:
        if self.sub not in _SUBS or not self._fits:
            msg = f"diagnostic {self.sub:02X}h with {len(self.data)} bytes of data"
            raise UsageError(msg)

    @property
    def _fits(self) -> bool:
        size = len(self.data)
        if self.sub == Diagnostic.RETURN_QUERY_DATA:
            return 0 < size <= PDU_MAXIMUM - _SUB.size and size % _WORD == 0
        return size == _WORD

    @property
    def function(self) -> int:
        """Its function code."""
        return Function.DIAGNOSTICS

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return _SUB.pack(self.function, self.sub) + self.data

    @classmethod
    def from_pdu(cls, pdu: bytes) -> "DiagnosticMessage | IllegalRequest | None":
        """Return what a PDU asks; 01 where the sub-function is none of ours, None where its data are illegal."""
        if len(pdu) < _SUB.size:
            return None
        _, sub = _SUB.unpack_from(pdu)
        data = pdu[_SUB.size :]
        if sub not in _SUBS:
            return IllegalRequest(function=pdu[0], code=ExceptionCode.ILLEGAL_FUNCTION)
        if sub != Diagnostic.RETURN_QUERY_DATA:
            return cls(sub=sub) if data == bytes(_WORD) else None
        return cls(sub=sub, data=data) if data and not len(data) % _WORD else None

    def reply_from(self, pdu: bytes) -> "DiagnosticMessage":
        """Return what the PDU of a reply says.

        Raises
        ------
        BadFrameError
            If it is of another sub-function, or its data are not those it must give back.
        """
        data = pdu[_SUB.size :]
        gives_back = self.sub in {Diagnostic.RETURN_QUERY_DATA, Diagnostic.CLEAR_COUNTERS}
        if (
            pdu[: _SUB.size] != self.to_bytes()[: _SUB.size]
            or len(data) != len(self.data)
            or (gives_back and data != self.data)
        ):
            msg = f"a reply that is none to diagnostic {self.sub:02X}h: {pdu[:10].hex(' ')}"
            raise BadFrameError(msg)
        return DiagnosticMessage(sub=self.sub, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerIdReply:
    """What a station calls itself; the layout behind the byte count is each maker's own."""

    content: bytes

    @property
    def function(self) -> int:
        """Its function code."""
        return Function.REPORT_SERVER_ID

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return bytes((self.function, len(self.content))) + self.content


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerIdRequest:
    """Ask a station what it is: 11h."""

    @property
    def function(self) -> int:
        """Its function code."""
        return Function.REPORT_SERVER_ID

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return bytes((self.function,))

    @classmethod
    def from_pdu(cls, pdu: bytes) -> "ServerIdRequest | None":
        """Return what a PDU asks; None where it says more than its function."""
        return cls() if len(pdu) == 1 else None

    def reply_from(self, pdu: bytes) -> ServerIdReply:
        """Return what the PDU of a reply says.

        Raises
        ------
        BadFrameError
            If its byte count is another.
        """
        head = 2
        if len(pdu) <= head or pdu[1] != len(pdu) - head:
            msg = f"a server identification of {len(pdu)} bytes whose byte count says otherwise"
            raise BadFrameError(msg)
        return ServerIdReply(content=pdu[head:])


MEI_DEVICE_IDENTIFICATION = 0x0E
_IDENTIFY = struct.Struct(">BBBB")
"""Function, MEI type, ReadDevId code, object."""
_IDENTIFY_REPLY = struct.Struct(">BBBBBBB")
"""Function, MEI type, ReadDevId code, conformity level, more follows, next object, number of objects."""
_OBJECT_HEAD = 2
_MORE, _NO_MORE = 0xFF, 0x00
IDENTIFICATION_ROOM = PDU_MAXIMUM - _IDENTIFY_REPLY.size
"""Bytes of objects, with two of head each, that one reply takes."""


class Access(IntEnum):
    """ReadDevId codes: how much is asked for."""

    BASIC = 1
    REGULAR = 2
    EXTENDED = 3
    SINGLE = 4


_ACCESSES = frozenset(Access)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentificationReply:
    """Objects of a device identification, each whole.

    Parameters
    ----------
    access : int
        As it was asked for.
    conformity : int
        What the device can do: 01 to 03, with 80h where single objects can be asked for.
    next_object : int, optional
        Where to ask on; None: there is no more.
    objects : tuple of (int, bytes)
    """

    access: int
    conformity: int
    next_object: int | None = None
    objects: tuple[tuple[int, bytes], ...]

    @property
    def function(self) -> int:
        """Its function code."""
        return Function.ENCAPSULATED_INTERFACE

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        more = _NO_MORE if self.next_object is None else _MORE
        head = (
            self.function,
            MEI_DEVICE_IDENTIFICATION,
            self.access,
            self.conformity,
            more,
            self.next_object or 0,
            len(self.objects),
        )
        return _IDENTIFY_REPLY.pack(*head) + b"".join(bytes((number, len(text))) + text for number, text in self.objects)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentificationRequest:
    """Ask for a device identification: 2Bh/0Eh.

    Parameters
    ----------
    access : int
    object_id : int
        The single object, or where in the stream to begin.

    Raises
    ------
    UsageError
        If no PDU can ask for it.
    """

    access: int = Access.BASIC
    object_id: int = 0

    def __post_init__(self) -> None:
        if self.access not in _ACCESSES or not 0 <= self.object_id <= 0xFF:  # noqa: PLR2004 - a byte
            msg = f"device identification {self.access}, object {self.object_id}"
            raise UsageError(msg)

    @property
    def function(self) -> int:
        """Its function code."""
        return Function.ENCAPSULATED_INTERFACE

    def to_bytes(self) -> bytes:
        """Return the PDU."""
        return _IDENTIFY.pack(self.function, MEI_DEVICE_IDENTIFICATION, self.access, self.object_id)

    @classmethod
    def from_pdu(cls, pdu: bytes) -> "IdentificationRequest | IllegalRequest | None":
        """Return what a PDU asks; 01 where the MEI type is another, None where code or length are illegal."""
        if len(pdu) > 1 and pdu[1] != MEI_DEVICE_IDENTIFICATION:
            return IllegalRequest(function=pdu[0], code=ExceptionCode.ILLEGAL_FUNCTION)
        if len(pdu) != _IDENTIFY.size or pdu[2] not in _ACCESSES:
            return None
        return cls(access=pdu[2], object_id=pdu[3])

    def reply_from(self, pdu: bytes) -> IdentificationReply:
        """Return what the PDU of a reply says.

        Raises
        ------
        BadFrameError
            If it answers something else, or its objects do not fill it exactly.
        """
        msg = f"no device identification: {pdu[:10].hex(' ')}"
        if len(pdu) < _IDENTIFY_REPLY.size:
            raise BadFrameError(msg)
        _, mei, access, conformity, more, next_object, count = _IDENTIFY_REPLY.unpack_from(pdu)
        objects, at = [], _IDENTIFY_REPLY.size
        for _ in range(count):
            head = pdu[at : at + _OBJECT_HEAD]
            end = at + _OBJECT_HEAD + (head[1] if len(head) == _OBJECT_HEAD else len(pdu))
            objects.append((head[0] if head else 0, pdu[at + _OBJECT_HEAD : end]))
            at = end
        told = IdentificationReply(
            access=access, conformity=conformity, next_object=next_object if more == _MORE else None, objects=tuple(objects)
        )
        if mei != MEI_DEVICE_IDENTIFICATION or access != self.access or at != len(pdu) or told.to_bytes() != pdu:
            raise BadFrameError(msg)
        return told


def identification_size(pdu: bytes) -> int | None:
    """Return the size of a reply to 2Bh/0Eh that begins so, as far as its beginning tells; None where it needs more bytes."""
    at = _IDENTIFY_REPLY.size
    if len(pdu) < at:
        return None
    for _ in range(pdu[at - 1]):
        if len(pdu) < at + _OBJECT_HEAD:
            return None
        at += _OBJECT_HEAD + pdu[at + 1]
    return at
