"""Addresses of buses as users write them: ``modbus+tcp://HOST:PORT?unit=1``, ``modbus+rtu:///dev/ttyUSB0?baudrate=9600``.

In: text. Out: its parts, checked, or one line that says what is wrong. No name is looked up, nothing is opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from watthour.errors import UsageError
from watthour.parameters import FRAMINGS

MODBUS_TCP = "modbus+tcp"
MODBUS_RTU = "modbus+rtu"
PLANNED = ("modbus+tls", "modbus+rtuovertcp", "mbus+tcp", "mbus+serial")
"""Schemes that are recognised and not there yet."""

EXAMPLE = f"{MODBUS_TCP}://127.0.0.1:1502?unit=1"
SERIAL_EXAMPLE = f"{MODBUS_RTU}:///dev/ttyUSB0?baudrate=9600&framing=8N1&unit=1"
_EXAMPLES = {MODBUS_TCP: EXAMPLE, MODBUS_RTU: SERIAL_EXAMPLE}

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
    """

    scheme: str
    host: str
    port: int
    unit: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{_query(unit=self.unit)}"


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
    """

    scheme: str
    device: str
    baudrate: int | None = None
    framing: str | None = None
    unit: int | None = None
    gap_ms: int | None = None

    def __str__(self) -> str:
        query = _query(baudrate=self.baudrate, framing=self.framing, unit=self.unit, gap_ms=self.gap_ms)
        return f"{self.scheme}://{quote(self.device)}{query}"


BusUrl = TcpUrl | SerialUrl
"""One end of a bus."""


def _query(**words: object) -> str:
    given = "&".join(f"{name}={word}" for name, word in words.items() if word is not None)
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
    if parts.scheme == MODBUS_RTU:
        return _serial(text, parts)
    if not parts.hostname:
        raise _wrong(text, "no host")
    if port is None:
        raise _wrong(text, "no port")
    if parts.path not in {"", "/"} or parts.fragment or parts.username is not None:
        raise _wrong(text, "only host, port and ?unit= belong there")
    words = _words(text, parts.query, ("unit",))
    return TcpUrl(scheme=parts.scheme, host=parts.hostname, port=port, unit=_number(text, words, "unit"))


def _serial(text: str, parts: SplitResult) -> SerialUrl:
    device = unquote(parts.path)
    if parts.netloc:
        raise _wrong(text, f"{parts.netloc!r} is no part of a serial port: the path begins with a third slash")
    if parts.fragment:
        raise _wrong(text, "only device and query belong there")
    if not device.rstrip("/"):
        raise _wrong(text, "no device")
    words = _words(text, parts.query, ("baudrate", "framing", "unit", "gap_ms"))
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
    )


def _check_scheme(text: str, parts: SplitResult) -> None:
    if parts.scheme in PLANNED:
        msg = f"{text}: {parts.scheme} is planned and not there yet; there are {EXAMPLE} and {SERIAL_EXAMPLE}"
        raise UsageError(msg)
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
    {"unit": range(UNIT_MAXIMUM + 1), "baudrate": BAUDRATES, "gap_ms": GAPS_MS},
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
