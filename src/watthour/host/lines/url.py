"""Addresses of buses as users write them: ``modbus+tcp://HOST:PORT?unit=1``.

In: text. Out: its parts, checked, or one line that says what is wrong. No name is looked up, nothing is opened.
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

from watthour.errors import UsageError

MODBUS_TCP = "modbus+tcp"
PLANNED = ("modbus+tls", "modbus+rtuovertcp", "modbus+rtu", "mbus+tcp", "mbus+serial")
"""Schemes that are recognised and not there yet."""

EXAMPLE = f"{MODBUS_TCP}://127.0.0.1:1502?unit=1"
UNIT_MAXIMUM = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class BusUrl:
    """One end of a bus.

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
        query = "" if self.unit is None else f"?unit={self.unit}"
        return f"{self.scheme}://{host}:{self.port}{query}"


def parse_url(text: str) -> BusUrl:
    """Return the parts of a bus URL.

    Raises
    ------
    UsageError
        Naming the part that is wrong, and how it is written.

    >>> parse_url("modbus+tcp://127.0.0.1:1502?unit=1").unit
    1
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as problem:
        raise _wrong(text, str(problem)) from None
    _check_scheme(text, parts)
    if not parts.hostname:
        raise _wrong(text, "no host")
    if port is None:
        raise _wrong(text, "no port")
    if parts.path not in {"", "/"} or parts.fragment or parts.username is not None:
        raise _wrong(text, "only host, port and ?unit= belong there")
    return BusUrl(scheme=parts.scheme, host=parts.hostname, port=port, unit=_unit(text, parts.query))


def _check_scheme(text: str, parts: SplitResult) -> None:
    if parts.scheme in PLANNED:
        msg = f"{text}: {parts.scheme} is planned and not there yet; there is {EXAMPLE}"
        raise UsageError(msg)
    if parts.scheme != MODBUS_TCP:
        raise _wrong(text, f"{parts.scheme!r} is no bus that is known" if parts.scheme else "no scheme")


def _unit(text: str, query: str) -> int | None:
    """Return the unit of a query, None where it names none."""
    pairs = parse_qsl(query, keep_blank_values=True)
    unknown = [key for key, _ in pairs if key != "unit"]
    if unknown:
        raise _wrong(text, f"{unknown[0]!r} is not known in a query; unit is")
    if len(pairs) > 1:
        raise _wrong(text, "more than one unit")
    if not pairs:
        return None
    word = pairs[0][1]
    if not (word.isascii() and word.isdigit() and int(word) <= UNIT_MAXIMUM):
        raise _wrong(text, f"unit {word!r} is none of 0 to {UNIT_MAXIMUM}")
    return int(word)


def _wrong(text: str, problem: str) -> UsageError:
    return UsageError(f"{text}: {problem}; write it as {EXAMPLE}")
