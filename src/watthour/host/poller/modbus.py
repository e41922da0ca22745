"""Reading meters of any kind over Modbus: one open connection, its units in turn, a request at a time.

In: a device and a unit. Out: a `Reading`, rows of a load profile, or one line that says why there are none.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from watthour.errors import BadFrameError, ExceptionReplyError, NoAnswerError
from watthour.headend.device import Contents, Device, reading_from
from watthour.headend.reading import Reading
from watthour.headend.sunspec import locate
from watthour.history import ProfileRow
from watthour.host.lines.modbus_client import ANY_UNIT, READ_BYTES, unit_asked
from watthour.host.lines.reaching import Streams
from watthour.host.lines.url import BusUrl
from watthour.maps.modbus import finest
from watthour.maps.records import ROWS_SHOWN, row_from_registers
from watthour.units import ENERGIES
from watthour.wire.modbus.link import Answered, Broken, ClientLink, Damaged, Unanswered
from watthour.wire.modbus.message import (
    ExceptionReply,
    ReadReply,
    ReadRequest,
    Reply,
    Request,
    WriteRequest,
    exception_words,
)

_ROW_BYTES = 80


@dataclass(slots=True, kw_only=True)
class Stretch:
    """A stretch [begin, end) of a meter's load profile, read window by window from the newest row back.

    Parameters
    ----------
    sums : mapping of int to energies
        Micro-units of what is read so far, by start of interval.
    next_row : int, optional
        Number of the row behind the window that is read next; None before the first.
    is_whole : bool
        There is no more to be read.
    """

    begin_ns: int
    end_ns: int
    step_ns: int
    sums: dict[int, dict[str, int]] = field(default_factory=dict)
    next_row: int | None = None
    is_whole: bool = False

    def add(self, row: ProfileRow) -> None:
        """Take a row in."""
        if self.begin_ns <= row.start_ns < self.end_ns:
            kept = self.sums.setdefault(row.start_ns // self.step_ns * self.step_ns, dict.fromkeys(ENERGIES, 0))
            for energy, micro in zip(ENERGIES, row.energies, strict=True):
                kept[energy] += micro


class ModbusUnits:
    """The units behind one connection."""

    def __init__(self, streams: Streams, link: ClientLink, now_ns: Callable[[], int]) -> None:
        self._reader, self._writer = streams
        self._link = link
        self._now_ns = now_ns
        self._loop = asyncio.get_running_loop()
        self._located: dict[tuple[str, int], Device] = {}

    async def read(self, url: BusUrl, device: Device, max_power_w: int | None) -> Reading:
        """Read a meter once.

        Raises
        ------
        NoAnswerError, ExceptionReplyError, BadFrameError
            As `watthour.host.lines.modbus_client.read_values`.
        """
        unit = unit_asked(url)
        found = await self._at_its_place(url, unit, device)
        contents: list[Contents] = []
        time_ns = within_ns = 0
        for request in found.reads():
            asked_ns = self._now_ns()
            data = await self._fetch(url, unit, request)
            if not contents:
                within_ns = max(0, self._now_ns() - asked_ns) // 2
                time_ns = asked_ns + within_ns
            contents.append(Contents(start=request.start, data=data))
        return reading_from(found, contents, time_ns, max_power_w, within_ns)

    async def profile_window(self, url: BusUrl, stretch: Stretch) -> None:
        """Read one more window of a watthour block's load profile.

        Raises
        ------
        NoAnswerError, ExceptionReplyError, BadFrameError
            As `read`; and where the window shows other rows than were asked for.
        """
        unit = unit_asked(url)
        rows = finest()
        if stretch.next_row is None:
            request = ReadRequest(start=rows["profile_count"].address, count=rows["profile_count"].registers)
            stretch.next_row = int.from_bytes(await self._fetch(url, unit, request))
        first = max(0, stretch.next_row - ROWS_SHOWN)
        await self._ask(url, unit, WriteRequest(start=rows["profile_select"].address, data=first.to_bytes(4)))
        window = rows["profile_window"]
        data = await self._fetch(url, unit, ReadRequest(start=window.address, count=window.registers))
        shown = []
        for place, at in enumerate(range(0, len(data), _ROW_BYTES)):
            numbered = row_from_registers(data[at : at + _ROW_BYTES])
            if numbered is None:
                continue
            number, row = numbered
            if number != first + place:
                msg = f"{url}: row {number} of its load profile where {first + place} was asked for"
                raise BadFrameError(msg)
            if number < stretch.next_row:
                shown.append(row)
        for row in shown:
            stretch.add(row)
        stretch.next_row = first
        stretch.is_whole = not first or not shown or shown[0].start_ns <= stretch.begin_ns

    async def models(self, url: BusUrl) -> dict[int, int]:
        """Return where a SunSpec device keeps its models.

        Raises
        ------
        NoAnswerError, BadFrameError
            As `read`, and where it is no SunSpec device.
        """
        unit = unit_asked(url)
        finding = locate()
        request = next(finding)
        while True:
            try:
                data: bytes | None = await self._fetch(url, unit, request)
            except ExceptionReplyError:
                data = None
            try:
                request = finding.send(data)
            except StopIteration as end:
                return dict(end.value)

    async def _at_its_place(self, url: BusUrl, unit: int, device: Device) -> Device:
        if not device.models:
            return device
        key = (device.name, unit)
        if key not in self._located:
            bases = await self.models(url)
            missing = [model for model in (1, *device.models) if model not in bases]
            if missing:
                msg = f"{url}: no SunSpec model {missing[0]} there; it has {', '.join(map(str, sorted(bases)))}"
                raise BadFrameError(msg)
            self._located[key] = device.at(bases)
        return self._located[key]

    async def _fetch(self, url: BusUrl, unit: int, request: ReadRequest) -> bytes:
        reply = await self._ask(url, unit, request)
        if not isinstance(reply, ReadReply):
            msg = f"{url}: no contents in its answer"
            raise BadFrameError(msg)
        return reply.data

    async def _ask(self, url: BusUrl, unit: int, request: Request) -> Reply:
        """Return the reply to a request; raise what an exception, a silence or noise means."""
        if self._link.turnaround_s:
            await asyncio.sleep(self._link.turnaround_s)
        try:
            self._writer.write(self._link.send(request, unit=unit, now=self._loop.time()))
            while True:
                data = b""
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(self._link.next_deadline()):
                        data = await self._reader.read(READ_BYTES)
                    if not data:
                        msg = f"{url}: it closed the connection without an answer"
                        raise NoAnswerError(msg)
                for event in self._link.receive(data, self._loop.time()):
                    if isinstance(event, Answered) and isinstance(event.reply, ExceptionReply):
                        raise _refused(url, unit, event.reply.code)
                    if isinstance(event, Answered):
                        return event.reply
                    if isinstance(event, Unanswered):
                        msg = f"{url}: no answer in time"
                        raise NoAnswerError(msg)
                    if isinstance(event, Damaged | Broken):
                        msg = f"{url}: no Modbus answer: {event.reason}"
                        raise BadFrameError(msg)
        except OSError as problem:
            msg = f"{url}: the connection broke: {problem.strerror or problem}"
            raise NoAnswerError(msg) from None


def _refused(url: BusUrl, unit: int, code: int) -> ExceptionReplyError:
    whose = "the meter" if unit == ANY_UNIT else f"unit {unit}"
    return ExceptionReplyError(code, f"{url}: {whose} answers: {exception_words(code)}")
