"""Who may do what on a line: by where it is open, and by the role in a client's certificate.

In: a URL, what the configuration says of it, and the role of a client. Out: rights; and of what was refused one line, the same one
not again within a minute.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watthour.host.lines.url import BusUrl, TcpUrl
from watthour.station.modbus import Denied
from watthour.station.rights import EVERYTHING, NOTHING, READ_ONLY, Rights, rights_of
from watthour.wire.modbus.link import Requested

COMMANDS = ("partial_reset", "close_period", "rate_select", "select_t*")

DEFAULT_ROLES = (
    rights_of("reader", ["*"], []),
    rights_of("operator", ["*"], COMMANDS),
    rights_of("engineer", ["*"], ["*"]),
)
"""The role table where a configuration has none (ours)."""

TOLD_AGAIN_S = 60.0
_REMEMBERED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAccess:
    """What a configuration says of who may do what on a line.

    Parameters
    ----------
    writable : bool
        Whether a port that others on the network reach may be written without TLS.
    roles : tuple of Rights
        Of TLS: what each role may do; a client whose certificate names none of them may do nothing.
    """

    writable: bool = False
    roles: tuple[Rights, ...] = DEFAULT_ROLES

    def rights_at(self, url: BusUrl) -> Rights:
        """Return what any client may do there, before it shows a certificate."""
        if not isinstance(url, TcpUrl):
            return EVERYTHING
        if url.is_tls:
            return NOTHING
        return EVERYTHING if self.writable or is_loopback(url.host) else READ_ONLY

    def rights_of(self, role: str) -> Rights:
        """Return what a role may do."""
        return next(
            (rights for rights in self.roles if rights.role == role), Rights(role=role, read=frozenset(), write=frozenset())
        )


OPEN = LineAccess()


def is_loopback(host: str) -> bool:
    """Tell whether nobody but this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Refusals:
    """Tells of what roles were refused, each refusal at most once a minute.

    Parameters
    ----------
    tell : callable
        Told in one line.
    """

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._told: OrderedDict[object, float] = OrderedDict()

    def __call__(self, denied: Denied, asked: Requested, who: str) -> None:
        """Tell of a refusal."""
        request = asked.request
        key = (denied.role, who.rpartition(":")[0], request.function, denied.what)
        now_s = self._clock()
        if now_s - self._told.pop(key, -TOLD_AGAIN_S) < TOLD_AGAIN_S:
            self._told[key] = now_s
            return
        self._told[key] = now_s
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        self._tell(f"refused: {who}, role {denied.role or '(none)'}, function {request.function:02X}h{_words(denied.what)}")


def _words(names: Sequence[str]) -> str:
    few = 3
    if not names:
        return ""
    return f", {', '.join(names[:few])}{' …' if len(names) > few else ''}"
