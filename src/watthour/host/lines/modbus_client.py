"""Reading a meter over Modbus: the other end of the line.

In: a URL. Out: a `Reading`, or one line that says why there is none. One request is on its way at a time, as slow gateways
like it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from watthour.errors import BadFrameError, ExceptionReplyError, NoAnswerError, PeerError
from watthour.host.lines.modbus_server import RTU_GAP_S
from watthour.host.lines.reaching import Streams, reach_serial, reach_tcp
from watthour.host.lines.serial_port import SerialSettings, fitting, trouble
from watthour.host.lines.url import BusUrl, SerialUrl, TcpUrl
from watthour.host.lines.values import Reading, decode, plan_reads, valid_values, wanted_rows
from watthour.parameters import DEFAULTS
from watthour.wire.modbus.link import ANSWER_TIMEOUT_S, Answered, Broken, ClientEvent, ClientLink, Damaged, Unanswered
from watthour.wire.modbus.message import (
    ExceptionCode,
    ExceptionReply,
    ReadReply,
    ReadRequest,
    Request,
    WriteReply,
    WriteRequest,
    exception_words,
)
from watthour.wire.modbus.rtu_frame import Timing
from watthour.wire.modbus.rtu_link import RtuClientLink
from watthour.wire.modbus.tcp_link import TcpClientLink

ANY_UNIT = 255
"""The unit that a meter alone on its port answers, whatever its own (Messaging on TCP/IP V1.0b, 4.4.1.2)."""

READ_BYTES = 4096


class MeterLine:
    """An open connection to a meter; `connect` opens one."""

    def __init__(self, url: BusUrl, streams: Streams, link: ClientLink, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._url = url
        self._unit = unit_asked(url)
        self._timeout_s = timeout_s
        self._reader, self._writer = streams
        self._link = link
        self._loop = asyncio.get_running_loop()

    async def read(self) -> Reading:
        """Read every value once.

        Raises
        ------
        NoAnswerError, ExceptionReplyError, BadFrameError
            As `read_values`.
        """
        rows = wanted_rows()
        contents = {request.start: await self.fetch(request) for request in plan_reads(rows)}
        decoded = decode(rows, contents)
        return Reading(
            url=str(self._url),
            time=datetime.now(UTC),
            model=str(decoded["model"]),
            serial=int(decoded["serial"]),
            ct_primary_a=float(decoded["ct_primary"]),
            values=valid_values(rows, decoded),
        )

    async def fetch(self, request: ReadRequest) -> bytes:
        """Return the contents of registers.

        Raises
        ------
        NoAnswerError, ExceptionReplyError, BadFrameError
            As `read_values`.
        """
        return await self._ask(request)

    async def write(self, start: int, data: bytes) -> None:
        """Write registers from `start` on, function 10h.

        Raises
        ------
        NoAnswerError, ExceptionReplyError, BadFrameError
            As `read_values`.
        """
        await self._ask(WriteRequest(start=start, data=data))

    async def _ask(self, request: ReadRequest | WriteRequest) -> bytes:
        await asyncio.sleep(self._link.turnaround_s)
        try:
            self._writer.write(self._link.send(request, unit=self._unit, now=self._loop.time()))
            while True:
                for event in await self._hear():
                    data = self._contents(event)
                    if data is not None:
                        return data
        except OSError as problem:
            reason = trouble(problem) if isinstance(self._url, SerialUrl) else problem.strerror or problem
            msg = f"{self._url}: the connection broke: {reason}"
            raise NoAnswerError(msg) from None

    async def _hear(self) -> list[ClientEvent]:
        """Return what comes next: replies, a silence, or the end of the connection."""
        deadline = self._link.next_deadline()
        wait_s = None if deadline is None else max(0.0, deadline - self._loop.time())
        try:
            data = await asyncio.wait_for(self._reader.read(READ_BYTES), wait_s)
        except TimeoutError:
            return self._link.receive(b"", self._loop.time())
        if data:
            return self._link.receive(data, self._loop.time())
        msg = f"{self._url}: it closed the connection without an answer"
        raise NoAnswerError(msg)

    def _contents(self, event: ClientEvent) -> bytes | None:
        """Return the contents that an event brings, None where it brings nothing; raise what it means else."""
        if isinstance(event, Answered) and isinstance(event.reply, ReadReply):
            return event.reply.data
        if isinstance(event, Answered) and isinstance(event.reply, WriteReply):
            return b""
        if isinstance(event, Answered) and isinstance(event.reply, ExceptionReply):
            raise self._refused(event.request, event.reply)
        if isinstance(event, Unanswered):
            heard = f" (heard {event.heard})" if event.heard else ""
            msg = f"{self._url}: no answer within {self._timeout_s:g} s{heard}"
            raise NoAnswerError(msg)
        if isinstance(event, Damaged | Broken):
            msg = f"{self._url}: no Modbus answer: {event.reason}"
            raise BadFrameError(msg)
        return None

    def _refused(self, request: Request, reply: ExceptionReply) -> PeerError:
        """Return what an exception means."""
        words = exception_words(reply.code)
        if reply.code == ExceptionCode.GATEWAY_TARGET_FAILED:
            text = f"unit {self._unit} does not answer there ({words}): name the meter's own with ?unit="
        else:
            text = f"unit {self._unit} refused {_asked_words(request)} ({words})"
        return ExceptionReplyError(reply.code, f"{self._url}: {text}")


def _asked_words(request: Request) -> str:
    """Return what was asked, for people."""
    if isinstance(request, ReadRequest):
        return f"to show {request.count} registers from {request.start:04X}h"
    if isinstance(request, WriteRequest):
        return f"to write {request.count} registers from {request.start:04X}h"
    return f"function {request.function:02X}h"


@asynccontextmanager
async def connect(url: BusUrl, *, timeout_s: float = ANSWER_TIMEOUT_S) -> AsyncIterator[MeterLine]:
    """Open a connection to a meter, to be read as often as one likes.

    Raises
    ------
    NoAnswerError
        If it cannot be reached.
    """
    streams, link = await open_link(url, timeout_s)
    try:
        yield MeterLine(url, streams, link, timeout_s=timeout_s)
    finally:
        streams[1].close()
        with suppress(OSError):
            await streams[1].wait_closed()


async def open_link(url: BusUrl, timeout_s: float) -> tuple[Streams, ClientLink]:
    """Open a connection, and the link that speaks over it.

    Raises
    ------
    NoAnswerError
        If it cannot be reached.
    """
    return await (_open_tcp(url, timeout_s) if isinstance(url, TcpUrl) else _open_serial(url, timeout_s))


def unit_asked(url: BusUrl) -> int:
    """Return the unit to ask for where a URL may name none."""
    if url.unit is not None:
        return url.unit
    return ANY_UNIT if isinstance(url, TcpUrl) and not url.is_rtu else int(str(DEFAULTS["bus_address"]))


async def _open_tcp(url: TcpUrl, timeout_s: float) -> tuple[Streams, ClientLink]:
    if url.is_rtu:
        timing = Timing(gap_s=RTU_GAP_S if url.gap_ms is None else url.gap_ms / 1000)
        return await reach_tcp(url, timeout_s), RtuClientLink(answer_timeout_s=timeout_s, timing=timing)
    link = TcpClientLink(answer_timeout_s=timeout_s, frame_timeout_s=timeout_s)
    return await reach_tcp(url, timeout_s), link


async def _open_serial(url: SerialUrl, timeout_s: float) -> tuple[Streams, ClientLink]:
    settings, _ = fitting(SerialSettings.of(url))
    return await reach_serial(settings), RtuClientLink(answer_timeout_s=timeout_s, timing=settings.timing)


async def read_values(url: BusUrl, *, timeout_s: float = ANSWER_TIMEOUT_S) -> Reading:
    """Read every value of a meter once, in few long reads.

    Parameters
    ----------
    timeout_s : float
        Time for the connection, and for each answer.

    Raises
    ------
    NoAnswerError
        If it cannot be reached, does not answer in time, or closes the connection.
    ExceptionReplyError
        If it answers with an exception: a unit that is not there (0Bh), a meter that lacks the watthour block (02).
    BadFrameError
        If what it sends is no answer.
    """
    async with connect(url, timeout_s=timeout_s) as line:
        return await line.read()
