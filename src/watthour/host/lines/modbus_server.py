"""Meters listening on a Modbus TCP port.

In: connections. Out: what the station answers, each connection's requests in their order. While a command is on its way to the
meter, or a client does not read its replies, nothing more is read from that client; the others do not notice.
"""

import asyncio
import errno
import resource
import socket
from collections import deque
from collections.abc import Sequence

from watthour.errors import ListenError, UsageError
from watthour.host.lines.port import MeterPort
from watthour.host.lines.url import BusUrl
from watthour.station.modbus import Ask, Station
from watthour.wire.modbus.link import Broken, Requested, StationEvent
from watthour.wire.modbus.tcp_link import FRAME_TIMEOUT_S, TcpStationLink

CONNECTIONS = 2048
"""Connections that are to be possible at once."""

OTHER_FILES = 256
"""Files that the rest of the program may have open beside them (ours)."""

READ_BYTES = 4096
"""Bytes taken from a client at a time, some 340 requests: the bound on how long one client holds the others up."""

CLOSING_S = 1.0
"""Time for commands and replies on their way when the server closes."""

OWN_UNITS = range(1, 248)
"""Addresses a station may have (Serial Line V1.02, 2.2)."""


class ModbusTcpServer:
    """An open port; `serve_modbus_tcp` opens one."""

    def __init__(self, ports: Sequence[MeterPort], station: Station, frame_timeout_s: float) -> None:
        self.ports = tuple(ports)
        self.station = station
        self.frame_timeout_s = frame_timeout_s
        self.connections: set[_Connection] = set()
        self.asking: set[asyncio.Task[None]] = set()
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

    async def open(self, url: BusUrl) -> None:
        """Begin to listen."""
        allow_connections(CONNECTIONS)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), url.host, url.port, backlog=CONNECTIONS)
        except OSError as problem:
            raise _not_opened(url, problem) from None

    async def close(self) -> None:
        """Stop listening, let what is on its way arrive, and close every connection."""
        if self._server is None:
            return
        self._server.close()
        if self.asking:
            await asyncio.wait(self.asking, timeout=CLOSING_S)
        for task in self.asking:
            task.cancel()
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
    url: BusUrl,
    ports: Sequence[MeterPort],
    *,
    units: Sequence[int | None] | None = None,
    frame_timeout_s: float = FRAME_TIMEOUT_S,
) -> ModbusTcpServer:
    """Listen for Modbus TCP and answer for meters until the server is closed.

    Parameters
    ----------
    ports : sequence of MeterPort
        The meters that share the port.
    units : sequence of int or None, optional
        The unit of each; None follows the meter's ``bus_address``. Left out: the URL's for all of them.
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
    _check_units(url, chosen)
    server = ModbusTcpServer(ports, Station(chosen), frame_timeout_s)
    await server.open(url)
    return server


def _check_units(url: BusUrl, units: Sequence[int | None]) -> None:
    fixed = [unit for unit in units if unit is not None]
    for unit in fixed:
        if unit not in OWN_UNITS:
            msg = f"{url}: a meter's unit is {OWN_UNITS[0]} to {OWN_UNITS[-1]}, not {unit}"
            raise UsageError(msg)
        if fixed.count(unit) > 1:
            msg = f"{url}: unit {unit} stands for more than one meter: give each its own"
            raise UsageError(msg)


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


def _not_opened(url: BusUrl, problem: OSError) -> ListenError:
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
        self._loop = asyncio.get_running_loop()
        self._link = TcpStationLink(server.frame_timeout_s)
        self._buffer = bytearray(READ_BYTES)
        self._queue: deque[Requested] = deque()
        self._asking = False
        self._is_broken = False
        self._is_full = False
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server hands to a stream protocol
        self._transport = transport
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._server.connections.add(self)

    def connection_lost(self, _problem: Exception | None) -> None:
        self._server.connections.discard(self)
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
        self.lost.set_result(None)

    def get_buffer(self, _size_hint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._hear(self._link.receive(bytes(self._buffer[:nbytes]), self._loop.time()))

    def eof_received(self) -> bool:
        """Close when the replies are flushed: nothing is read, so not this either, while a command is on its way."""
        self._link.end()
        return False

    def pause_writing(self) -> None:
        self._is_full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_full = False
        self._go_on()

    def close(self) -> None:
        """Close when what is written is sent."""
        self._transport.close()

    def abort(self) -> None:
        """Cut the client off."""
        self._transport.abort()

    def _hear(self, events: Sequence[StationEvent]) -> None:
        """Take what the link heard: requests to answer, or that no more can be heard."""
        for event in events:
            if isinstance(event, Requested):
                self._queue.append(event)
            elif isinstance(event, Broken):
                self._is_broken = True
        self._answer()
        deadline = self._link.next_deadline()
        if deadline is not None and self._timer is None:
            self._timer = self._loop.call_at(deadline, self._wait_no_longer)

    def _answer(self) -> None:
        """Answer what is asked, in order, up to a command that the meter must be asked."""
        replies = []
        while self._queue and not self._asking:
            asked = self._queue.popleft()
            answer = self._server.station.answer(asked.unit, asked.request, [port.view() for port in self._server.ports])
            if isinstance(answer, Ask):
                self._ask(answer, asked)
            elif answer is not None:
                replies.append(self._link.send(answer, asked))
        if replies:
            self._transport.write(b"".join(replies))
        if self._is_broken and not self._asking:
            self._transport.close()

    def _ask(self, ask: Ask, asked: Requested) -> None:
        """Send a command on its way to the meter, and hear no more until its outcome is there."""
        self._asking = True
        self._transport.pause_reading()
        task = self._loop.create_task(self._carry(ask, asked))
        self._server.asking.add(task)
        task.add_done_callback(self._server.asking.discard)

    async def _carry(self, ask: Ask, asked: Requested) -> None:
        try:
            reply = ask.reply(await self._server.ports[ask.meter].ask(ask.command))
        except Exception as problem:  # noqa: BLE001 - whatever failed, the client gets its exception and the log its cause
            self._loop.call_exception_handler({"message": "a command could not be carried to the meter", "exception": problem})
            reply = ask.failed()
        self._asking = False
        if not self._transport.is_closing():
            self._transport.write(self._link.send(reply, asked))
            self._answer()
            self._go_on()

    def _go_on(self) -> None:
        """Read on where nothing speaks against it."""
        if not self._asking and not self._is_full:
            self._transport.resume_reading()

    def _wait_no_longer(self) -> None:
        self._timer = None
        self._hear(self._link.receive(b"", self._loop.time()))
