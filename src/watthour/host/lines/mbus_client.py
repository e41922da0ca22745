"""Reading meters over M-Bus: the master's end of a line.

In: an open line. Out: telegrams of one meter, or which meters are there. One request is on its way at a time; what is damaged or
missing is asked for again with the same frame count bit, so that no telegram is skipped or taken twice.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from watthour.errors import BadFrameError, NoAnswerError, TelegramError
from watthour.host.lines.mbus_server import mbus_settings, mbus_timing
from watthour.host.lines.mbus_values import values_of
from watthour.host.lines.reaching import Streams, reach_serial, reach_tcp
from watthour.host.lines.serial_port import fitting
from watthour.host.lines.url import BusUrl, TcpUrl
from watthour.host.lines.values import Reading
from watthour.wire.mbus.frame import Acknowledge, Frame, LongFrame
from watthour.wire.mbus.link import Discarded, Heard, MBusReceiver, Timing
from watthour.wire.mbus.message import EVERYONE, SELECTED, Ci, RequestData, ResetLink, SendData
from watthour.wire.mbus.telegram import ApplicationError, Header, Telegram, decode_response, manufacturer_letters

READ_BYTES = 4096
RETRIES = 2
TELEGRAMS_MAXIMUM = 64
"""A meter that always has more to say is stopped here (ours)."""
TCP_ANSWER_S = 2.0
_LATE_S = 0.001

ANY = "F"
DIGITS = "0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """Something was heard, and it is no frame: noise, or several meters at once."""

    reason: str


class MBusMaster:
    """An open line; `open_master` opens one."""

    def __init__(self, name: str, streams: Streams, timing: Timing, answer_s: float) -> None:
        self._name = name
        self._reader, self._writer = streams
        self._timing = timing
        self._answer_s = answer_s
        self._may_be_late = False
        self._loop = asyncio.get_running_loop()

    async def exchange(self, frame: Frame) -> Frame | Damaged | None:
        """Send a frame and return what is heard after it; None: silence.

        Raises
        ------
        NoAnswerError
            If the line breaks.
        """
        adu = frame.to_bytes()
        receiver = MBusReceiver(self._timing)
        try:
            await self._forget_what_is_late()
            self._writer.write(adu)
            await self._writer.drain()
            deadline = self._loop.time() + self._timing.duration_s(len(adu)) + self._answer_s
            heard = await self._hear(receiver, deadline, own=frame)
        except OSError as problem:
            msg = f"{self._name}: the connection broke: {problem.strerror or problem}"
            raise NoAnswerError(msg) from None
        self._may_be_late = heard is None or isinstance(heard, Damaged)
        return heard

    async def _forget_what_is_late(self) -> None:
        """Drop what came after an exchange was given up: it is no answer to what is asked next."""
        while self._may_be_late and await self._read(self._loop.time() + _LATE_S):
            continue

    async def _read(self, until: float) -> bytes:
        """Return what comes, at the latest by then; empty: nothing does.

        Raises
        ------
        NoAnswerError
            If the other end closes the line.
        """
        try:
            async with asyncio.timeout_at(until):
                data = await self._reader.read(READ_BYTES)
        except TimeoutError:
            return b""
        if not data:
            msg = f"{self._name}: it closed the connection"
            raise NoAnswerError(msg)
        return data

    async def _hear(self, receiver: MBusReceiver, deadline: float, own: Frame) -> Frame | Damaged | None:
        """Return what is heard; after damage only when the line has been silent as long as a reply may be due.

        What is left of a damaged reply is not seen where the port drops damaged characters: whoever asks again at once asks
        into the middle of it.
        """
        damage: Damaged | None = None
        while True:
            half = receiver.next_deadline()
            data = await self._read(deadline if half is None else max(half, self._loop.time()))
            for event in receiver.receive(data, self._loop.time()):
                if isinstance(event, Heard) and event.frame != own:  # a level converter may echo
                    return event.frame
                if isinstance(event, Discarded):
                    damage = Damaged(reason=event.reason)
            if data and damage:
                deadline = self._loop.time() + self._answer_s
            if not data and receiver.next_deadline() is None and self._loop.time() >= deadline:
                return damage

    async def acknowledged(self, frame: Frame) -> bool | None:
        """Send a frame that is to be acknowledged; None: something else was heard, as of several meters."""
        heard = await self.exchange(frame)
        return True if isinstance(heard, Acknowledge) else None if heard is not None else False

    async def reset(self, address: int) -> bool:
        """Begin a meter's link anew; whether it answers."""
        for _ in range(1 + RETRIES):
            if await self.acknowledged(ResetLink(address=address).to_frame()):
                return True
        return False

    async def select(self, mask: bytes) -> bool | None:
        """Select the meters that a mask means; as `acknowledged`."""
        return await self.acknowledged(SendData(address=SELECTED, ci=Ci.SELECT, data=mask).to_frame())

    async def telegram(self, address: int, *, fcb: bool, retries: int = RETRIES) -> Telegram | ApplicationError:
        """Ask for a telegram, again where it does not come whole.

        Raises
        ------
        NoAnswerError
            If nothing comes.
        BadFrameError
            If what comes is no telegram.
        """
        heard: Frame | Damaged | None = None
        for _ in range(1 + retries):
            heard = await self.exchange(RequestData(address=address, fcb=fcb).to_frame())
            if isinstance(heard, LongFrame):
                response = decode_response(heard)
                if isinstance(response, Telegram | ApplicationError):
                    return response
        if heard is None:
            msg = f"{self._name}: no answer from address {address}"
            raise NoAnswerError(msg)
        reason = heard.reason if isinstance(heard, Damaged) else "no data"
        msg = f"{self._name}: no telegram from address {address}: {reason}"
        raise BadFrameError(msg)

    async def telegrams(self, address: int) -> list[Telegram]:
        """Return all telegrams of a meter, the first one first.

        Raises
        ------
        NoAnswerError, BadFrameError
            As `telegram`, and where the meter tells an application error.
        """
        found: list[Telegram] = []
        fcb = True
        while len(found) < TELEGRAMS_MAXIMUM:
            response = await self.telegram(address, fcb=fcb)
            if isinstance(response, ApplicationError):
                msg = f"{self._name}: the meter at address {address} answers: {response.text}"
                raise BadFrameError(msg)
            found.append(response)
            if not response.content.more_follow:
                break
            fcb = not fcb
        return found


@asynccontextmanager
async def open_master(url: BusUrl, *, timeout_s: float | None = None) -> AsyncIterator[MBusMaster]:
    """Open a line as its master.

    Raises
    ------
    NoAnswerError
        If it cannot be opened or reached.
    """
    if isinstance(url, TcpUrl):
        answer_s = timeout_s or TCP_ANSWER_S
        streams, timing = await reach_tcp(url, answer_s), Timing(baudrate=38400, slack_s=0.2)
    else:
        settings, _ = fitting(mbus_settings(url))
        streams, timing = await reach_serial(settings), mbus_timing(settings)
        answer_s = timeout_s or timing.reply_latest_s + timing.slack_s
    try:
        yield MBusMaster(str(url), streams, timing, answer_s)
    finally:
        streams[1].close()
        with suppress(OSError):
            await streams[1].wait_closed()


def mask_of(secondary: str) -> bytes:
    """Return the mask of a secondary address as people write it: identification, then manufacturer, version, medium, or not.

    >>> mask_of("12345678").hex(" ")
    '78 56 34 12 ff ff ff ff'
    """
    digits = secondary.ljust(16, ANY)
    return bytes.fromhex(digits[:8])[::-1] + bytes.fromhex(digits[8:])


async def read_mbus(url: BusUrl) -> Reading:
    """Read every value of a meter once.

    Raises
    ------
    NoAnswerError
        If it cannot be reached, or does not answer.
    BadFrameError
        If what it sends is no telegram.
    """
    async with open_master(url) as master:
        telegrams = await master.telegrams(await find_meter(master, url))
    header = telegrams[0].header
    return Reading(
        url=str(url),
        time=datetime.now(UTC),
        model=model_by(header),
        serial=serial_by(header),
        values=values_of(telegrams),
    )


async def find_meter(master: MBusMaster, url: BusUrl) -> int:
    """Begin a meter's link anew, selected where the URL names a secondary address, and return where to ask for its telegrams.

    Raises
    ------
    NoAnswerError
        If no meter answers, or several do.
    """
    if url.secondary is not None:
        await master.exchange(ResetLink(address=SELECTED).to_frame())
        if not await master.select(mask_of(url.secondary)):
            msg = f"{url}: no meter has this secondary address, or several have"
            raise NoAnswerError(msg)
        return SELECTED
    address = EVERYONE if url.address is None else url.address
    if not await master.reset(address):
        msg = f"{url}: no answer from address {address}"
        raise NoAnswerError(msg)
    return address


def model_by(header: Header | None) -> str:
    """Return what a header says of the model: maker and version."""
    return "M-Bus meter" if header is None else f"{manufacturer_letters(header.manufacturer)} version {header.version}"


def serial_by(header: Header | None) -> int:
    """Return the serial number that a header says; 0 where it says none."""
    return int(header.serial) if header is not None and header.serial.isdecimal() else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A meter on a line.

    Parameters
    ----------
    address : int, optional
        Primary, where it was found by it.
    header : Header, optional
        None where it answers, but tells no header.
    remark : str
        What is odd about it.
    """

    address: int | None = None
    header: Header | None = None
    remark: str = ""


async def scan_primary(master: MBusMaster, addresses: Iterable[int], tell: Callable[[int, int], None]) -> list[Found]:
    """Return who answers at each primary address; `tell` hears address and number found so far."""
    found: list[Found] = []
    for address in addresses:
        tell(address, len(found))
        there = await master.acknowledged(ResetLink(address=address).to_frame())
        if there is False:
            continue
        try:
            response = await master.telegram(address, fcb=True)
        except (BadFrameError, NoAnswerError):
            found.append(Found(address=address, remark="several meters, or noise"))
            continue
        header = response.header if isinstance(response, Telegram) else None
        found.append(Found(address=address, header=header))
    return found


async def scan_secondary(master: MBusMaster, tell: Callable[[str, int], None]) -> list[Found]:
    """Return every meter by secondary address: digit after digit of the identification, where several answer at once.

    `tell` hears the mask and the number found so far.
    """
    found: list[Found] = []
    due = list(reversed(DIGITS))
    there: bool | None = None
    while due:
        prefix = due.pop()
        tell(prefix.ljust(8, ANY), len(found))
        if there is not False:  # a selection that nobody answers leaves nobody selected
            await master.exchange(ResetLink(address=SELECTED).to_frame())
        there = await master.select(mask_of(prefix.ljust(8, ANY)))
        if there is False:
            continue
        one = await _alone(master) if there else None
        if one is not None:
            found.append(one)
        elif len(prefix) < 8:  # noqa: PLR2004 - digits of an identification
            due += [prefix + digit for digit in reversed(DIGITS)]
        else:
            found.append(Found(remark=f"several meters with identification {prefix}"))
    await master.exchange(ResetLink(address=SELECTED).to_frame())
    return found


async def _alone(master: MBusMaster) -> Found | None:
    """Return the meter that is selected; None where several answer."""
    try:
        response = await master.telegram(SELECTED, fcb=True, retries=1)
    except (BadFrameError, NoAnswerError, TelegramError):
        return None
    return Found(header=response.header if isinstance(response, Telegram) else None)
