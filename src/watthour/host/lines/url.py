"""Addresses of buses as users write them: ``modbus+tcp://HOST:PORT?unit=1``, ``modbus+rtu:///dev/ttyUSB0?baudrate=9600``.

In: text. Out: its parts, checked, or one line that says what is wrong. No name is looked up, nothing is opened.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from watthour.errors import UsageError
from watthour.parameters import FRAMINGS

MODBUS_TCP = "modbus+tcp"
MODBUS_RTU = "modbus+rtu"
MBUS_TCP = "mbus+tcp"
MBUS_SERIAL = "mbus+serial"
MODBUS_TLS = "modbus+tls"
MODBUS_RTU_OVER_TCP = "modbus+rtuovertcp"
TLS_PORT = 802
"""Where Modbus/TCP Security listens, where a URL names no port."""

EXAMPLE = f"{MODBUS_TCP}://127.0.0.1:1502?unit=1"
SERIAL_EXAMPLE = f"{MODBUS_RTU}:///dev/ttyUSB0?baudrate=9600&framing=8N1&unit=1"
_EXAMPLES = {
    MODBUS_TCP: EXAMPLE,
    MODBUS_RTU: SERIAL_EXAMPLE,
    MODBUS_TLS: f"{MODBUS_TLS}://127.0.0.1:802?certificate=station.pem&key=station.key&ca=ca.pem",
    MODBUS_RTU_OVER_TCP: f"{MODBUS_RTU_OVER_TCP}://127.0.0.1:4001?unit=1",
    MBUS_TCP: f"{MBUS_TCP}://127.0.0.1:10001?address=1",
    MBUS_SERIAL: f"{MBUS_SERIAL}:///dev/ttyUSB0?baudrate=2400&address=1",
}
_SERIAL = frozenset({MODBUS_RTU, MBUS_SERIAL})
_MBUS = frozenset({MBUS_TCP, MBUS_SERIAL})

UNIT_MAXIMUM = 255
BAUDRATES = range(300, 4_000_001)
GAPS_MS = range(1, 1001)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpUrl:
    """A TCP port.

    Parameters
    ----------
    port : int
        0 lets the system choose one to listen on.
    unit : int, optional
        None where the URL names none: a listener answers at the meter's own address, a reader asks for unit 255,
        which a meter alone on its port answers.
    address : int, optional
        M-Bus primary address; None: a listener answers at the meter's own, a reader asks for 254, which every meter answers.
    secondary : str, optional
        M-Bus secondary address, 8 or 16 hexadecimal digits, as people write them; F is any.
    gap_ms : int, optional
        Of serial frames over TCP: silence after which a frame that has begun is over.
    certificate, key, ca : str, optional
        Of TLS: files of this end's certificate, of its key, and of who vouches for the other end.
    """

    scheme: str
    host: str
    port: int
    unit: int | None = None
    address: int | None = None
    secondary: str | None = None
    gap_ms: int | None = None
    certificate: str | None = None
    key: str | None = None
    ca: str | None = None

    @property
    def is_mbus(self) -> bool:
        """Whether it is an M-Bus line."""
        return self.scheme in _MBUS

    @property
    def is_rtu(self) -> bool:
        """Whether frames on it have a CRC, and a broadcast is one."""
        return self.scheme == MODBUS_RTU_OVER_TCP

    @property
    def is_tls(self) -> bool:
        """Whether both ends show certificates."""
        return self.scheme == MODBUS_TLS

    def within(self, folder: PurePath) -> "TcpUrl":
        """Return the same, with the files it names relative to a folder."""
        certificate, key, ca = (None if file is None else str(folder / file) for file in (self.certificate, self.key, self.ca))
        return replace(self, certificate=certificate, key=key, ca=ca)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        query = _query(
            unit=self.unit,
            address=self.address,
            secondary=self.secondary,
            gap_ms=self.gap_ms,
            certificate=self.certificate,
            key=self.key,
            ca=self.ca,
        )
        return f"{self.scheme}://{host}:{self.port}{query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialUrl:
    """A serial port.

    Parameters
    ----------
    device : str
        Absolute path.
    baudrate, framing, unit : optional
        None where the URL names none: a listener does as the meter's own settings say, a reader as those of a new meter.
    gap_ms : int, optional
        Silence after which a frame that has begun is over.
    address, secondary : optional
        Of an M-Bus line, as in `TcpUrl`.
    rs485 : bool
        Whether the port's driver is to switch the transmitter.
    """

    scheme: str
    device: str
    baudrate: int | None = None
    framing: str | None = None
    unit: int | None = None
    gap_ms: int | None = None
    address: int | None = None
    secondary: str | None = None
    rs485: bool = False

    @property
    def is_mbus(self) -> bool:
        """Whether it is an M-Bus line."""
        return self.scheme in _MBUS

    @property
    def is_rtu(self) -> bool:
        """Whether frames on it have a CRC, and a broadcast is one."""
        return self.scheme == MODBUS_RTU

    def within(self, _folder: PurePath) -> "SerialUrl":
        """Return the same: it names no files."""
        return self

    def __str__(self) -> str:
        query = _query(
            baudrate=self.baudrate,
            framing=self.framing,
            unit=self.unit,
            gap_ms=self.gap_ms,
            address=self.address,
            secondary=self.secondary,
            rs485="on" if self.rs485 else None,
        )
        return f"{self.scheme}://{quote(self.device)}{query}"


BusUrl = TcpUrl | SerialUrl
"""One end of a bus."""


def _query(**words: object) -> str:
    given = "&".join(f"{name}={quote(str(word))}" for name, word in words.items() if word is not None)
    return f"?{given}" if given else ""


def parse_url(text: str) -> BusUrl:
    """Return the parts of a bus URL.

    Raises
    ------
    UsageError
        Naming the part that is wrong, and how it is written.

    >>> parse_url("modbus+tcp://127.0.0.1:1502?unit=1").unit
    1
    >>> parse_url("modbus+rtu:///dev/ttyUSB0?baudrate=19200").device
    '/dev/ttyUSB0'
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as problem:
        raise _wrong(text, str(problem)) from None
    _check_scheme(text, parts)
    if parts.scheme in _SERIAL:
        return _serial(text, parts)
    if not parts.hostname:
        raise _wrong(text, "no host")
    if port is None and parts.scheme == MODBUS_TLS:
        port = TLS_PORT
    if port is None:
        raise _wrong(text, "no port")
    if parts.path not in {"", "/"} or parts.fragment or parts.username is not None:
        raise _wrong(text, "only host, port and query belong there")
    if parts.scheme == MBUS_TCP:
        words = _words(text, parts.query, ("address", "secondary"))
        address, secondary = _mbus_words(text, words)
        return TcpUrl(scheme=parts.scheme, host=parts.hostname, port=port, address=address, secondary=secondary)
    words = _words(text, parts.query, _TCP_WORDS[parts.scheme])
    return TcpUrl(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        unit=_number(text, words, "unit"),
        gap_ms=_number(text, words, "gap_ms"),
        certificate=words.get("certificate"),
        key=words.get("key"),
        ca=words.get("ca"),
    )


_TCP_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        MODBUS_TCP: ("unit",),
        MODBUS_RTU_OVER_TCP: ("unit", "gap_ms"),
        MODBUS_TLS: ("unit", "certificate", "key", "ca"),
    }
)
"""What a query may say."""


_SECONDARY = re.compile("[0-9a-fA-F]{8}(?:[0-9a-fA-F]{8})?")


def _mbus_words(text: str, words: Mapping[str, str]) -> tuple[int | None, str | None]:
    """Return primary and secondary address of an M-Bus URL."""
    secondary = words.get("secondary")
    if secondary is not None and "address" in words:
        raise _wrong(text, "address or secondary, not both")
    if secondary is not None and not _SECONDARY.fullmatch(secondary):
        raise _wrong(text, f"secondary {secondary!r} has not 8 or 16 hexadecimal digits")
    return _number(text, words, "address"), secondary


def _serial(text: str, parts: SplitResult) -> SerialUrl:
    device = unquote(parts.path)
    if parts.netloc:
        raise _wrong(text, f"{parts.netloc!r} is no part of a serial port: the path begins with a third slash")
    if parts.fragment:
        raise _wrong(text, "only device and query belong there")
    if not device.rstrip("/"):
        raise _wrong(text, "no device")
    if parts.scheme == MBUS_SERIAL:
        words = _words(text, parts.query, ("baudrate", "address", "secondary", "gap_ms"))
        address, secondary = _mbus_words(text, words)
        return SerialUrl(
            scheme=parts.scheme,
            device=device,
            baudrate=_number(text, words, "baudrate"),
            gap_ms=_number(text, words, "gap_ms"),
            address=address,
            secondary=secondary,
        )
    words = _words(text, parts.query, ("baudrate", "framing", "unit", "gap_ms", "rs485"))
    if words.get("rs485", "on") != "on":
        raise _wrong(text, "rs485 is on, or left out")
    framing = words.get("framing")
    if framing is not None and framing not in FRAMINGS:
        raise _wrong(text, f"framing {framing!r} is none of {', '.join(FRAMINGS)}")
    return SerialUrl(
        scheme=parts.scheme,
        device=device,
        baudrate=_number(text, words, "baudrate"),
        framing=framing,
        unit=_number(text, words, "unit"),
        gap_ms=_number(text, words, "gap_ms"),
        rs485="rs485" in words,
    )


def _check_scheme(text: str, parts: SplitResult) -> None:
    if parts.scheme not in _EXAMPLES:
        raise _wrong(text, f"{parts.scheme!r} is no bus that is known" if parts.scheme else "no scheme")


def _words(text: str, query: str, known: tuple[str, ...]) -> dict[str, str]:
    """Return what a query says, each word once."""
    words: dict[str, str] = {}
    for key, word in parse_qsl(query, keep_blank_values=True):
        if key not in known:
            raise _wrong(text, f"{key!r} is not known in a query; known: {', '.join(known)}")
        if key in words:
            raise _wrong(text, f"more than one {key}")
        words[key] = word
    return words


_RANGES: Mapping[str, range] = MappingProxyType(
    {"unit": range(UNIT_MAXIMUM + 1), "baudrate": BAUDRATES, "gap_ms": GAPS_MS, "address": range(255)},
)
_LONGEST_NUMBER = 8


def _number(text: str, words: Mapping[str, str], name: str) -> int | None:
    """Return the number that a query gives, None where it gives none."""
    word = words.get(name)
    if word is None:
        return None
    allowed = _RANGES[name]
    if not (word.isascii() and word.isdigit() and len(word) <= _LONGEST_NUMBER and int(word) in allowed):
        raise _wrong(text, f"{name} {word!r} is none of {allowed[0]} to {allowed[-1]}")
    return int(word)


def _wrong(text: str, problem: str) -> UsageError:
    scheme = text.partition(":")[0].lower()
    return UsageError(f"{text}: {problem}; write it as {_EXAMPLES.get(scheme, EXAMPLE)}")
