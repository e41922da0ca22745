"""Meters listening on a Modbus TCP port.

In: connections. Out: each one's requests answered in their order. What one client does, the others do not notice.
"""

import asyncio
import errno
import resource
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from watthour.errors import ListenError
from watthour.host.lines.access import OPEN, LineAccess
from watthour.host.lines.conversation import Conversation
from watthour.host.lines.port import HostAndPort, MeterPort
from watthour.host.lines.secure import role_of, station_context
from watthour.host.lines.shared_line import CLOSING_S, Client, SharedLine, TellDenied, TellFault, check_units
from watthour.host.lines.trace import TraceFile
from watthour.host.lines.url import TcpUrl
from watthour.station.modbus import SERIAL_LINE, TCP_PORT, Station
from watthour.wire.modbus.faults import FaultInjector
from watthour.wire.modbus.rtu_frame import Timing
from watthour.wire.modbus.rtu_link import RtuStationLink
from watthour.wire.modbus.tcp_link import FRAME_TIMEOUT_S, TcpStationLink

CONNECTIONS = 2048
"""Connections that are to be possible at once."""

OTHER_FILES = 256
"""Files that the rest of the program may have open beside them (ours)."""

IDLE_TIMEOUT_S = 600.0
"""Silence after which a connection is closed (ours): longer than pollers pause, short enough for those that vanished."""

SWEEPS = 10
"""Looks at silent connections within that time."""

RTU_GAP_S = 0.1
"""Silence after which a serial frame over TCP that has begun is over (ours): packets come in bursts."""

READ_BYTES = 4096
"""Bytes taken from a client at a time, some 340 requests: the bound on how long one client holds the others up."""


class ModbusTcpServer:
    """An open port; `serve_modbus_tcp` opens one."""

    def __init__(self, line: SharedLine, url: TcpUrl, options: "TcpOptions") -> None:
        self.line = line
        self.url = url
        self.options = options
        self.rights = options.access.rights_at(url)
        self.connections: dict[_Connection, None] = {}
        self._server: asyncio.Server | None = None
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on; where the URL said port 0, the one that the system chose."""
        sockets = self._server.sockets if self._server is not None else ()
        if not sockets:
            msg = "this port is closed"
            raise ListenError(msg)
        host, port = sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def open(self) -> None:
        """Begin to listen."""
        allow_connections(self.options.connections)
        loop = asyncio.get_running_loop()
        words: dict[str, Any] = {"backlog": self.options.connections}
        if self.url.is_tls:
            words |= {"ssl": station_context(self.url), "ssl_handshake_timeout": self.options.frame_timeout_s}
        try:
            self._server = await loop.create_server(lambda: _Connection(self), self.url.host, self.url.port, **words)
        except OSError as problem:
            raise not_opened(self.url, problem) from None
        self._sweeping = loop.create_task(self._sweep())

    def make_room(self) -> None:
        """Close the connection that has been silent longest where there are more than are allowed (Messaging, 4.2.1)."""
        if len(self.connections) > self.options.connections:
            min(self.connections, key=lambda connection: connection.conversation.heard_s).abort()

    async def _sweep(self) -> None:
        """Close connections that have been silent too long."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self.options.idle_timeout_s / SWEEPS)
            latest_s = clock() - self.options.idle_timeout_s
            for connection in tuple(self.connections):
                if connection.conversation.heard_s < latest_s:
                    connection.abort()

    async def close(self) -> None:
        """Stop listening, let what is on its way arrive, and close every connection."""
        if self._server is None:
            return
        if self._sweeping is not None:
            self._sweeping.cancel()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpOptions:
    """How a port treats its clients.

    Parameters
    ----------
    access : LineAccess
        Who may do what.
    frame_timeout_s : float
        Time for a frame to end once it has begun, and for a TLS handshake.
    idle_timeout_s : float
        Silence after which a connection is closed.
    connections : int
        How many there may be at once; one more closes the one that has been silent longest.
    trace : TraceFile, optional
        Where all that is heard and sent is written.
    """

    access: LineAccess = OPEN
    frame_timeout_s: float = FRAME_TIMEOUT_S
    idle_timeout_s: float = IDLE_TIMEOUT_S
    connections: int = CONNECTIONS
    trace: TraceFile | None = None


async def serve_modbus_tcp(
    url: TcpUrl,
    ports: Sequence[MeterPort],
    *,
    units: Sequence[int | None] | None = None,
    injector: FaultInjector | None = None,
    tell_fault: TellFault | None = None,
    tell_denied: TellDenied | None = None,
    options: TcpOptions | None = None,
) -> ModbusTcpServer:
    """Listen for Modbus over TCP, plain, in TLS or in serial frames, and answer for meters until the server is closed.

    Parameters
    ----------
    ports : sequence of MeterPort
        The meters that share the port.
    units : sequence of int or None, optional
        The unit of each; None follows the meter's ``bus_address``. Left out: the URL's for all of them.
    injector : FaultInjector, optional
        The faults that befall the port, and `tell_fault` who is told of them.
    tell_denied : callable, optional
        Told of requests that a client's role does not allow.
    options : TcpOptions, optional

    Raises
    ------
    UsageError
        If a unit is no station's, or stands for two meters, or a certificate cannot be used.
    ListenError
        If the port cannot be opened; the line names it and what to do.
    """
    chosen = tuple(units) if units is not None else (url.unit,) * len(ports)
    check_units(url, chosen)
    station = Station(chosen, SERIAL_LINE if url.is_rtu else TCP_PORT)
    line = SharedLine(ports, station, injector, tell_fault, tell_denied)
    server = ModbusTcpServer(line, url, options or TcpOptions())
    await server.open()
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


def not_opened(url: HostAndPort, problem: OSError) -> ListenError:
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
        self._buffer = memoryview(bytearray(READ_BYTES))
        self.transport: asyncio.Transport
        self.conversation: Conversation
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport = cast(
            "asyncio.Transport", transport
        )  # what a loop, not only asyncio's own, hands to a stream
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        server, url = self._server, self._server.url
        peer = transport.get_extra_info("peername")
        traced = (
            None
            if server.options.trace is None
            else server.options.trace.line(is_rtu=url.is_rtu, peer=peer[:2], station=transport.get_extra_info("sockname")[0])
        )
        witness = None if traced is None else traced.heard
        link = (
            RtuStationLink(Timing(gap_s=RTU_GAP_S if url.gap_ms is None else url.gap_ms / 1000), witness)
            if url.is_rtu
            else TcpStationLink(server.options.frame_timeout_s, witness)
        )
        rights = server.options.access.rights_of(role_of(transport)) if url.is_tls else server.rights
        client = Client(name=f"{peer[0]}:{peer[1]}", rights=rights)
        self.conversation = Conversation(
            server.line,
            link,
            transport,
            client=client,
            cut=transport.abort,
            trace=traced,
            plain_reads=None if url.is_rtu or traced is not None else server.line.plain_reads(rights),
        )
        server.connections[self] = None
        server.make_room()

    def connection_lost(self, _problem: Exception | None) -> None:
        self._server.connections.pop(self, None)
        self.conversation.drop()
        self.lost.set_result(None)

    def get_buffer(self, _size_hint: int) -> memoryview:
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
