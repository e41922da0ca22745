"""Meters as slaves on an M-Bus line: a TCP port of a level converter's kind, or a serial port.

In: bytes. Out: replies, in their time: on a serial line not before 11 bit times have passed. What a master writes is acknowledged
at once and then carried to the meter; data asked for meanwhile wait for its outcome as long as a master waits, and tell of a
refusal.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from watthour.errors import UsageError
from watthour.host.lines.kept_port import KeptPort, PortEnd
from watthour.host.lines.modbus_server import CONNECTIONS, not_opened
from watthour.host.lines.port import MeterPort
from watthour.host.lines.serial_port import SerialSettings, is_pty
from watthour.host.lines.shared_line import CLOSING_S, check_own
from watthour.host.lines.url import SerialUrl, TcpUrl
from watthour.parameters import DEFAULTS, MBUS_BAUD_RATES, Interface, Setting
from watthour.station.mbus import Answer, Ask, MBusStation
from watthour.view import WriteSettings
from watthour.wire.mbus.frame import Frame
from watthour.wire.mbus.link import Heard, MBusReceiver, Timing
from watthour.wire.mbus.message import PRIMARY, Foreign, RequestData, decode_request

MBUS_FRAMING = "8E1"
TCP_GAP_S = 1.0
"""A frame that has begun on a TCP connection ends within it: packets are not characters."""
FALL_BACK_S = 120.0
"""Without a valid frame at a new speed the line goes back to the one before."""
LATE_S = 0.04
"""Of the time a master waits, this is left for the reply to begin in."""
_TCP_TIMING = Timing(baudrate=38400, slack_s=TCP_GAP_S)


def mbus_settings(url: SerialUrl, settings: Mapping[str, Setting] = DEFAULTS) -> SerialSettings:
    """Return how an M-Bus line is opened: as the URL says, completed by a meter's settings; the framing is always 8E1."""
    baudrate = int(str(settings["mbus_baudrate"])) if url.baudrate is None else url.baudrate
    gap_s = None if url.gap_ms is None else url.gap_ms / 1000
    return SerialSettings(device=url.device, baudrate=baudrate, framing=MBUS_FRAMING, gap_s=gap_s)


def mbus_timing(settings: SerialSettings) -> Timing:
    """Return the times of an open line; adapters hand bytes over in batches, so a gap is given some slack."""
    return Timing(baudrate=settings.baudrate, slack_s=0.02 if settings.gap_s is None else settings.gap_s)


class MBusLine:
    """The meters on a line, whatever carries it."""

    def __init__(self, ports: Sequence[MeterPort], station: MBusStation) -> None:
        self._ports = tuple(ports)
        self._station = station
        self._asking: set[asyncio.Task[None]] = set()

    def answer(self, frame: Frame) -> Answer:
        """Return what a frame gets, and begin to carry what it asks for."""
        request = decode_request(frame)
        if isinstance(request, Foreign):
            return Answer()
        answer = self._station.answer(request, [port.view() for port in self._ports])
        for ask in answer.asks:
            task = asyncio.get_running_loop().create_task(self._carry(ask))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return answer

    async def _carry(self, ask: Ask) -> None:
        self._station.settle(ask, await self._ports[ask.meter].ask(ask.command))

    @property
    def is_asking(self) -> bool:
        """Whether a meter has not answered yet what was asked of it."""
        return bool(self._asking)

    async def settled(self, timeout_s: float) -> None:
        """Wait until the meters have answered, or the time is over."""
        await asyncio.wait(self._asking, timeout=timeout_s)

    async def keep_speed(self, baudrate: int) -> None:
        """Let the meters keep a speed that has proved right, where it is one of theirs."""
        if str(baudrate) in MBUS_BAUD_RATES:
            command = WriteSettings(settings={"mbus_baudrate": str(baudrate)}, interface=Interface.BUS)
            await asyncio.gather(*(port.ask(command) for port in self._ports))

    async def close(self) -> None:
        """Let commands on their way arrive, and give up those that do not."""
        if self._asking:
            await asyncio.wait(self._asking, timeout=CLOSING_S)
        for task in self._asking:
            task.cancel()


class MBusConversation(PortEnd):
    """What is asked and answered over one connection, or over the serial port as it is open now.

    Parameters
    ----------
    delays : bool
        Whether a reply waits for 11 bit times.
    is_paced : bool
        Whether a reply takes the time of its bits, in which nothing is heard; on a pty it takes none.
    made, lost : callable
        Told when it begins and ends.
    change_speed, heard : callable, optional
        Told of another speed to go on at, and of each valid frame.
    """

    def __init__(
        self,
        line: MBusLine,
        timing: Timing,
        *,
        delays: bool,
        is_paced: bool = False,
        made: "Callable[[MBusConversation], None]",
        lost: "Callable[[MBusConversation, Exception | None], None]",
        change_speed: Callable[[int], None] | None = None,
        heard: Callable[[], None] | None = None,
    ) -> None:
        self._line = line
        self._receiver = MBusReceiver(timing)
        self._delays = delays
        self._is_paced = is_paced
        self._made = made
        self._lost = lost
        self._change_speed = change_speed
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Task[None] | None = None
        self._sent_at = 0.0
        self.closed = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a stream protocol is handed
        self.transport = transport
        self._made(self)

    def connection_lost(self, problem: Exception | None) -> None:
        """End."""
        if self._waiting is not None:
            self._waiting.cancel()
        self.closed.set_result(None)
        self._lost(self, problem)

    def data_received(self, data: bytes) -> None:
        """Hear, and answer what is whole; on a serial line not what is asked while a reply is still leaving."""
        for event in self._receiver.receive(data, self._loop.time()):
            if isinstance(event, Heard) and not (self._is_paced and self._loop.time() < self._sent_at):
                self._take(event.frame)

    def _take(self, frame: Frame) -> None:
        if self._heard is not None:
            self._heard()
        if self._line.is_asking and isinstance(decode_request(frame), RequestData):
            self._waiting = self._loop.create_task(self._answer_late(frame))
        else:
            self._answer(frame)

    async def _answer_late(self, frame: Frame) -> None:
        """Answer when what was asked of the meters has an outcome, in time for the master."""
        timing = self._receiver.timing
        await self._line.settled(max(timing.reply_latest_s - LATE_S, 0.0) if self._delays else TCP_GAP_S)
        self._answer(frame)

    def _answer(self, frame: Frame) -> None:
        answer = self._line.answer(frame)
        timing = self._receiver.timing
        delay_s = timing.reply_earliest_s if self._delays else 0.0
        if answer.reply and delay_s:
            self._loop.call_later(delay_s, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        if self.transport.is_closing():
            return
        if answer.reply:
            self._sent_at = self._loop.time() + self._receiver.timing.duration_s(len(answer.reply))
            self.transport.write(answer.reply)
        if answer.baudrate is not None and self._change_speed is not None:
            sent_s = self._receiver.timing.duration_s(len(answer.reply))
            self._loop.call_later(sent_s + 0.01, self._change_speed, answer.baudrate)


class MBusTcpServer:
    """An open port; `serve_mbus_tcp` opens one."""

    def __init__(self, line: MBusLine) -> None:
        self._line = line
        self._ends: set[MBusConversation] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        assert self._server is not None  # noqa: S101 - asked of an open one
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def open(self, url: TcpUrl) -> None:
        """Begin to listen.

        Raises
        ------
        ListenError
            Naming the port and what to do.
        """
        loop = asyncio.get_running_loop()

        def end() -> MBusConversation:
            return MBusConversation(
                self._line, _TCP_TIMING, delays=False, made=self._ends.add, lost=lambda end, _: self._ends.discard(end)
            )

        try:
            self._server = await loop.create_server(end, url.host, url.port, backlog=CONNECTIONS)
        except OSError as problem:
            raise not_opened(url, problem) from None

    async def close(self) -> None:
        """Stop listening, let what is on its way arrive, and close every connection."""
        if self._server is None:
            return
        self._server.close()
        await self._line.close()
        ends = tuple(self._ends)
        for end in ends:
            end.transport.close()
        if ends:
            await asyncio.wait([end.closed for end in ends], timeout=CLOSING_S)
        for end in tuple(self._ends):
            end.transport.abort()
        self._server = None


class MBusSerialServer:
    """An open serial line; `serve_mbus_serial` opens one.

    A master may ask for another speed: the line changes once the acknowledgement has left, and goes back where nothing valid
    is heard at the new one for two minutes. A speed that has proved right is kept as the meters' own.
    """

    def __init__(self, line: MBusLine, settings: SerialSettings, tell: Callable[[str], None]) -> None:
        self._line = line
        self._tell = tell
        self._port = KeptPort(settings, self._listen, tell)
        self._before: int | None = None
        self._fall_back: asyncio.TimerHandle | None = None
        self._keeping: asyncio.Task[None] | None = None

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

    async def close(self) -> None:
        """Answer no more, let what is on its way arrive, and close the port."""
        if self._fall_back is not None:
            self._fall_back.cancel()
        await self._port.close(self._line.close)

    def change_speed(self, baudrate: int) -> None:
        """Go on at another speed, for as long as frames are heard at it."""
        if baudrate == self.settings.baudrate:
            return
        if self._fall_back is None:
            self._before = self.settings.baudrate
        else:
            self._fall_back.cancel()
        self._fall_back = asyncio.get_running_loop().call_later(FALL_BACK_S, self._go_back)
        self._move(baudrate)

    def _heard(self) -> None:
        """Take it that the speed is right: a valid frame was heard."""
        if self._fall_back is not None:
            self._fall_back.cancel()
            self._fall_back, self._before = None, None
            self._keeping = asyncio.get_running_loop().create_task(self._line.keep_speed(self.settings.baudrate))

    def _go_back(self) -> None:
        before, self._before, self._fall_back = self._before, None, None
        if before is not None:
            self._tell(f"{self.settings.device}: nothing heard at {self.settings.baudrate} Bd: back to {before} Bd")
            self._move(before)

    def _move(self, baudrate: int) -> None:
        self._port.move(replace(self.settings, baudrate=baudrate))

    def _listen(self, settings: SerialSettings) -> MBusConversation:
        return MBusConversation(
            self._line,
            mbus_timing(settings),
            delays=True,
            is_paced=not is_pty(settings.device),
            made=lambda _: None,
            lost=self._port.lost,
            change_speed=self.change_speed,
            heard=self._heard,
        )


def check_addresses(url: TcpUrl | SerialUrl, addresses: Sequence[int | None]) -> None:
    """Refuse addresses that no meter has, or that stand for two.

    Raises
    ------
    UsageError
    """
    check_own(url, addresses, PRIMARY, "address")
    if url.secondary is not None:
        msg = f"{url}: a listener has its own secondary address: leave it out"
        raise UsageError(msg)


async def serve_mbus_tcp(url: TcpUrl, ports: Sequence[MeterPort], addresses: Sequence[int | None]) -> MBusTcpServer:
    """Listen for M-Bus over TCP and answer for meters until the server is closed.

    Parameters
    ----------
    ports : sequence of MeterPort
        The meters that share the line.
    addresses : sequence of int or None
        The primary address of each; None follows the meter's ``mbus_address``.

    Raises
    ------
    UsageError
        If an address is no meter's, or stands for two.
    ListenError
        If the port cannot be opened.
    """
    check_addresses(url, addresses)
    server = MBusTcpServer(MBusLine(ports, MBusStation(addresses)))
    await server.open(url)
    return server


async def serve_mbus_serial(
    url: SerialUrl, ports: Sequence[MeterPort], addresses: Sequence[int | None], tell: Callable[[str], None]
) -> MBusSerialServer:
    """Answer for meters on a serial M-Bus line until the server is closed; as `serve_mbus_tcp`.

    Parameters
    ----------
    tell : callable
        Told in one line of what happens to the port.
    """
    check_addresses(url, addresses)
    settings = mbus_settings(url, ports[0].view().parameters)
    server = MBusSerialServer(MBusLine(ports, MBusStation(addresses)), settings, tell)
    await server.open()
    return server
