"""Where a page is: a host and a port, and whether others than this machine can reach it."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from watthour.errors import UsageError

DEFAULT_PORT = 8311
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A host and a port."""

    host: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host in LOCAL_NAMES

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"


def parse_address(text: str) -> WebAddress:
    """Return the place written ``HOST:PORT``.

    Raises
    ------
    UsageError
        If it is not written so.

    >>> parse_address("127.0.0.1:8311"), parse_address("[::1]:80").host, parse_address("0.0.0.0:8311").is_local
    (WebAddress(host='127.0.0.1', port=8311), '::1', False)
    """
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.netloc != text or "@" in text:
        msg = f"{text}: no address of a page: write HOST:PORT, such as 127.0.0.1:{DEFAULT_PORT}"
        raise UsageError(msg)
    return WebAddress(host, port)
