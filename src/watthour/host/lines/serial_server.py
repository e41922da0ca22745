"""Meters answering on a serial line, Modbus RTU.

In: a port. Out: the requests on it that are for these meters, answered in their order. A port that disappears does not stop them.
"""

import asyncio
from collections.abc import Callable, Sequence

from watthour.host.lines.conversation import Conversation
from watthour.host.lines.kept_port import KeptPort, PortEnd
from watthour.host.lines.port import MeterPort
from watthour.host.lines.serial_port import Marks, SerialSettings, mark_damage
from watthour.host.lines.shared_line import TRUSTED, SharedLine, TellFault, check_units
from watthour.host.lines.trace import LineTrace, TraceFile
from watthour.host.lines.url import SerialUrl
from watthour.station.modbus import SERIAL_LINE, Station
from watthour.wire.modbus.faults import FaultInjector
from watthour.wire.modbus.rtu_link import RtuStationLink

FOLLOW_S = 0.1
"""Time between two looks at whether a meter's speed or framing was changed."""


def _unheard(_text: str) -> None:
    """Tell nobody."""


class ModbusRtuServer:
    """An open line; `serve_modbus_rtu` opens one.

    Parameters
    ----------
    wanted : callable
        How the port is to be opened now, as URL and meters say.
    tell : callable
        Told in one line of what happens to the port.
    traced : LineTrace, optional
        Where all that is heard and sent is written.
    """

    def __init__(
        self,
        line: SharedLine,
        wanted: Callable[[], SerialSettings],
        tell: Callable[[str], None] = _unheard,
        traced: LineTrace | None = None,
    ) -> None:
        self.line = line
        self.traced = traced
        self._wanted = wanted
        self._asked_for = wanted()
        self._tell = tell
        self._following: asyncio.Task[None] | None = None
        self._port = KeptPort(self._asked_for, self._listen, tell)

    @property
    def settings(self) -> SerialSettings:
        """How the port is open now."""
        return self._port.settings

    async def open(self) -> None:
        """Open the port.

        Raises
        ------
        ListenError
            Naming the device and what to do.
        """
        await self._port.open()
        self._following = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        """Answer no more, let what is on its way arrive, and close the port."""
        if self._following is not None:
            self._following.cancel()
        await self._port.close(self.line.close)

    def _listen(self, settings: SerialSettings) -> "_Wire":
        return _Wire(self, settings, self._port.lost)

    async def _follow(self) -> None:
        """Open the port anew when its speed or framing is changed, once the replies at the old speed have left."""
        while True:
            await asyncio.sleep(FOLLOW_S)
            wanted, wire = self._wanted(), self._port.end
            if wanted == self._asked_for or wire is None or not wire.is_quiet:
                continue
            await asyncio.sleep(FOLLOW_S)  # what an adapter holds, it sends at the old speed
            if not wire.is_quiet or wire is not self._port.end:
                continue
            self._asked_for = wanted
            self._tell(f"{wanted.device}: from now on {wanted.baudrate} {wanted.framing}")
            self._port.move(wanted)


async def serve_modbus_rtu(
    url: SerialUrl,
    ports: Sequence[MeterPort],
    *,
    units: Sequence[int | None] | None = None,
    injector: FaultInjector | None = None,
    tell_fault: TellFault | None = None,
    tell: Callable[[str], None] = _unheard,
    trace: TraceFile | None = None,
) -> ModbusRtuServer:
    """Answer for meters on a serial line until the server is closed.

    Parameters
    ----------
    ports : sequence of MeterPort
        The meters that share the line; where the URL is silent, the first one's settings say how it is opened, and it moves to
        another speed or framing when all of them have been set to it.
    units : sequence of int or None, optional
        The unit of each; None follows the meter's ``bus_address``. Left out: the URL's for all of them.
    injector : FaultInjector, optional
        The faults that befall the line, and `tell_fault` who is told of them.
    tell : callable
        Told in one line of what happens to the port.
    trace : TraceFile, optional
        Where all that is heard and sent is written.

    Raises
    ------
    UsageError
        If a unit is no station's, or stands for two meters.
    ListenError
        If the port cannot be opened; the line names it and what to do.
    """
    chosen = tuple(units) if units is not None else (url.unit,) * len(ports)
    check_units(url, chosen)
    line = SharedLine(ports, Station(chosen, SERIAL_LINE), injector, tell_fault)
    server = ModbusRtuServer(line, _agreement(url, ports), tell, None if trace is None else trace.line(is_rtu=True))
    await server.open()
    return server


def _agreement(url: SerialUrl, ports: Sequence[MeterPort]) -> Callable[[], SerialSettings]:
    """Return what tells how a line is to be opened: as before, until all its meters want the same."""
    agreed = SerialSettings.of(url, ports[0].view().parameters)

    def wanted() -> SerialSettings:
        nonlocal agreed
        first, *others = (SerialSettings.of(url, port.view().parameters) for port in ports)
        if all(other == first for other in others):
            agreed = first
        return agreed

    return wanted


class _Wire(PortEnd):
    """The port as it is open now."""

    def __init__(
        self, server: ModbusRtuServer, settings: SerialSettings, lost: "Callable[[_Wire, Exception | None], None]"
    ) -> None:
        self._server = server
        self._settings = settings
        self._lost = lost
        self._marks = Marks(are_set=False)
        self.conversation: Conversation
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what serialx hands to a protocol
        self.transport = transport
        self._marks = Marks(are_set=mark_damage(self._settings))  # after the port is set up, which clears it
        traced = self._server.traced
        link = RtuStationLink(self._settings.timing, None if traced is None else traced.heard)
        self.conversation = Conversation(self._server.line, link, transport, client=TRUSTED, cut=_stay_silent, trace=traced)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is asked, and all replies have left the port."""
        return not self.conversation.is_busy and not self.transport.get_write_buffer_size() and not _unsent(self.transport)

    def connection_lost(self, problem: Exception | None) -> None:
        self.conversation.drop()
        self.closed.set_result(None)
        self._lost(self, problem)

    def data_received(self, data: bytes) -> None:
        """Hear what came; where the port marks damaged characters, each of them spoils its frame."""
        if not self._marks.are_set:
            self.conversation.hear(data)
            return
        for piece in self._marks.split(data):
            if piece is None:
                self.conversation.spoil()
            else:
                self.conversation.hear(piece)

    def pause_writing(self) -> None:
        self.conversation.pause()

    def resume_writing(self) -> None:
        self.conversation.resume()


def _unsent(transport: asyncio.Transport) -> int:
    """Return how many bytes a port still holds; 0 where it does not say."""
    port = transport.get_extra_info("serial")
    try:
        return int(port.num_unwritten_bytes())
    except (OSError, AttributeError):
        return 0


def _stay_silent() -> None:
    """Do what a cut does to a station on a serial line: for the others it is silent."""
