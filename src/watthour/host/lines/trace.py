"""What lines carry, written as a capture file that tshark and Wireshark take apart by themselves.

In: frames as they were heard and sent, with their instants. Out: a pcap file of the link type "Wireshark upper PDU" (252): each
record names its dissector, Modbus/TCP or Modbus RTU, and both ends. The station's end has port 502 there, whatever its own, which
is how the dissectors tell a reply from a request. What TLS hides stands in it in the clear.
"""

import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Self

from watthour.errors import UsageError
from watthour.host.instants import now_ns

_MAGIC_NANOSECONDS = 0xA1B23C4D
_VERSION = (2, 4)
_LINKTYPE_WIRESHARK_UPPER_PDU = 252
_SNAP_LENGTH = 0x40000
_FILE_HEAD = struct.Struct("<IHHiIII")
_RECORD_HEAD = struct.Struct("<IIII")
_TAG_HEAD = struct.Struct(">HH")
_WORD = struct.Struct(">I")

_DISSECTOR, _IPV4_SOURCE, _IPV4_TARGET, _IPV6_SOURCE, _IPV6_TARGET = 12, 20, 21, 22, 23
_PORT_TYPE, _SOURCE_PORT, _TARGET_PORT, _END = 24, 25, 26, 0
_PORT_TYPE_TCP = 2
STATION_PORT = 502

End = tuple[str, int]
"""Address and port of one end; a serial line has the address 0.0.0.0."""

SERIAL_MASTER: End = ("0.0.0.0", 1)  # noqa: S104 - nobody listens there: it stands for a line without addresses


class TraceFile:
    """An open capture file.

    Raises
    ------
    UsageError
        If it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file: BinaryIO = path.open("wb")
        except OSError as problem:
            msg = f"--trace {path}: {problem.strerror or problem}"
            raise UsageError(msg) from None
        head = (_MAGIC_NANOSECONDS, *_VERSION, 0, 0, _SNAP_LENGTH, _LINKTYPE_WIRESHARK_UPPER_PDU)
        self._file.write(_FILE_HEAD.pack(*head))
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def line(self, *, is_rtu: bool, peer: End = SERIAL_MASTER, station: str = SERIAL_MASTER[0]) -> "LineTrace":
        """Return where one connection, or one serial line, writes what it carries."""
        return LineTrace(self.record, dissector="mbrtu" if is_rtu else "mbtcp", peer=peer, station=(station, STATION_PORT))

    def record(self, content: bytes) -> None:
        """Write one record, of now."""
        if self._file.closed:
            return
        seconds, nanoseconds = divmod(now_ns(), 10**9)
        self._file.write(_RECORD_HEAD.pack(seconds, nanoseconds, len(content), len(content)) + content)
        self._file.flush()


class LineTrace:
    """What one connection, or one serial line, carries."""

    def __init__(self, record: Callable[[bytes], None], *, dissector: str, peer: End, station: End) -> None:
        self._record = record
        self._asking = _tags(dissector, peer, station)
        self._replying = _tags(dissector, station, peer)

    def heard(self, frame: bytes, is_reply: bool) -> None:  # noqa: FBT001 - the witness of a link
        """Write what was heard; a reply is another station's."""
        self._record((self._replying if is_reply else self._asking) + frame)

    def sent(self, frame: bytes) -> None:
        """Write what left."""
        self._record(self._replying + frame)


def _tags(dissector: str, source: End, target: End) -> bytes:
    """Return what stands before each frame in one direction."""
    families = (_IPV6_SOURCE, _IPV6_TARGET) if ":" in source[0] else (_IPV4_SOURCE, _IPV4_TARGET)
    family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
    tags = [(_DISSECTOR, dissector.encode())]
    tags += [(tag, socket.inet_pton(family, end[0])) for tag, end in zip(families, (source, target), strict=True)]
    tags += [(_PORT_TYPE, _WORD.pack(_PORT_TYPE_TCP))]
    tags += [(_SOURCE_PORT, _WORD.pack(source[1])), (_TARGET_PORT, _WORD.pack(target[1])), (_END, b"")]
    return b"".join(_tag(number, content) for number, content in tags)


def _tag(number: int, content: bytes) -> bytes:
    padded = content + bytes(-len(content) % 4)
    return _TAG_HEAD.pack(number, len(padded)) + padded
