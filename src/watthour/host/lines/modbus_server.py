"""Meters listening on a Modbus TCP port.

In: connections. Out: each one's requests answered in their order. What one client does, the others do not notice.
"""

import asyncio
import errno
import resource
import socket
from collections.abc import Sequence

from watthour.errors import ListenError
from watthour.host.lines.conversation import Conversation
from watthour.host.lines.port import MeterPort
from watthour.host.lines.shared_line import CLOSING_S, SharedLine, TellFault, check_units
from watthour.host.lines.url import TcpUrl
from watthour.station.modbus import TCP_PORT, Station
from watthour.wire.modbus.faults import FaultInjector
from watthour.wire.modbus.tcp_link import FRAME_TIMEOUT_S, TcpStationLink

CONNECTIONS = 2048
"""Connections that are to be possible at once."""

OTHER_FILES = 256
"""Files that the rest of the program may have open beside them (ours)."""

READ_BYTES = 4096
"""Bytes taken from a client at a time, some 340 requests: the bound on how long one client holds the others up."""


class ModbusTcpServer:
    """An open port; `serve_modbus_tcp` opens one."""

    def __init__(self, line: SharedLine, frame_timeout_s: float) -> None:
        self.line = line
        self.frame_timeout_s = frame_timeout_s
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on; where the URL said port 0, the one that the system chose."""
        sockets = self._server.sockets if self._server is not None else ()
        if not sockets:
            msg = "this port is closed"
            raise ListenError(msg)
        host, port = sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def open(self, url: TcpUrl) -> None:
        """Begin to listen."""
        allow_connections(CONNECTIONS)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), url.host, url.port, backlog=CONNECTIONS)
        except OSError as problem:
            raise not_opened(url, problem) from None

    async def close(self) -> None:
        """Stop listening, let what is on its way arrive, and close every connection."""
        if self._server is None:
            return
        self._server.close()
        await self.line.close()
        for connection in tuple(self.connections):
            connection.close()
        await self._part()
        self._server = None

    async def _part(self) -> None:
        """Wait for the connections to flush; cut off those that do not."""
        lost = [connection.lost for connection in self.connections]
        if lost:
            await asyncio.wait(lost, timeout=CLOSING_S)
        for connection in tuple(self.connections):
            connection.abort()
        await asyncio.sleep(0)  # connection_lost is called by the loop


async def serve_modbus_tcp(
    url: TcpUrl,
    ports: Sequence[MeterPort],
    *,
    units: Sequence[int | None] | None = None,
    injector: FaultInjector | None = None,
    tell_fault: TellFault | None = None,
    frame_timeout_s: float = FRAME_TIMEOUT_S,
) -> ModbusTcpServer:
    """Listen for Modbus TCP and answer for meters until the server is closed.

    Parameters
    ----------
    ports : sequence of MeterPort
        The meters that share the port.
    units : sequence of int or None, optional
        The unit of each; None follows the meter's ``bus_address``. Left out: the URL's for all of them.
    injector : FaultInjector, optional
        The faults that befall the port, and `tell_fault` who is told of them.
    frame_timeout_s : float
        Time for a frame to end once it has begun.

    Raises
    ------
    UsageError
        If a unit is no station's, or stands for two meters.
    ListenError
        If the port cannot be opened; the line names it and what to do.
    """
    chosen = tuple(units) if units is not None else (url.unit,) * len(ports)
    check_units(url, chosen)
    server = ModbusTcpServer(SharedLine(ports, Station(chosen, TCP_PORT), injector, tell_fault), frame_timeout_s)
    await server.open(url)
    return server


def allow_connections(wanted: int) -> None:
    """Raise this process's limit on open files so that many connections fit, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        reachable = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))


_REMEDIES = {
    errno.EADDRINUSE: "in use: stop the program that listens there, or choose another port",
    errno.EACCES: "not allowed: ports below 1024 belong to the system; choose another, such as 1502",
    errno.EADDRNOTAVAIL: "no address of this machine: listen on 127.0.0.1, or on 0.0.0.0 for every network",
}


def not_opened(url: TcpUrl, problem: OSError) -> ListenError:
    """Return what a failed attempt to listen means."""
    if isinstance(problem, socket.gaierror):
        remedy = "no such host"
    else:
        remedy = _REMEDIES.get(problem.errno or 0, problem.strerror or str(problem))
    return ListenError(f"{url.host}:{url.port}: {remedy}")


class _Connection(asyncio.BufferedProtocol):
    """One client."""

    def __init__(self, server: ModbusTcpServer) -> None:
        self._server = server
        self._buffer = bytearray(READ_BYTES)
        self.transport: asyncio.Transport
        self.conversation: Conversation
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server hands to a stream protocol
        self.transport = transport
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        link = TcpStationLink(self._server.frame_timeout_s)
        self.conversation = Conversation(self._server.line, link, transport, transport.abort)
        self._server.connections.add(self)

    def connection_lost(self, _problem: Exception | None) -> None:
        self._server.connections.discard(self)
        self.conversation.drop()
        self.lost.set_result(None)

    def get_buffer(self, _size_hint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.conversation.hear(bytes(self._buffer[:nbytes]))

    def eof_received(self) -> bool:
        """Close when the replies are flushed: nothing is read, so not this either, while a reply is on its way."""
        self.conversation.end()
        return False

    def pause_writing(self) -> None:
        self.conversation.pause()

    def resume_writing(self) -> None:
        self.conversation.resume()

    def close(self) -> None:
        """Close when what is written is sent."""
        self.transport.close()

    def abort(self) -> None:
        """Cut the client off."""
        self.transport.abort()
