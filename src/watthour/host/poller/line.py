"""One line and its meters: opened when it is needed, read in turn, closed when it fails.

A meter that does not answer costs at most its slot. From then on it is tried after those that live, and with every failure less
often, until it answers again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import cast

from watthour.errors import ExceptionReplyError, NoAnswerError, WatthourError
from watthour.headend.reading import Reading
from watthour.host.lines.mbus_client import MBusMaster, open_master
from watthour.host.lines.modbus_client import open_link
from watthour.host.lines.url import TcpUrl
from watthour.host.poller.config import PolledMeter
from watthour.host.poller.mbus import read_meter
from watthour.host.poller.modbus import ModbusUnits, Stretch

Connection = ModbusUnits | MBusMaster

ROUNDS_SKIPPED_MAXIMUM = 8
"""A dead meter is tried again after 1, 2, 4 and then every 8 rounds."""


@dataclass(slots=True)
class Health:
    """How a meter has answered lately.

    Parameters
    ----------
    failures : int
        In a row.
    wait : int
        Rounds in which it is left alone from now on.
    """

    failures: int = 0
    wait: int = 0
    problem: str = ""

    def answered(self) -> None:
        """Note that it is alive."""
        self.failures = self.wait = 0
        self.problem = ""

    def failed(self, problem: str) -> None:
        """Note that it is not: it is left alone, each time longer."""
        self.failures += 1
        self.wait = min(2 ** (self.failures - 1), ROUNDS_SKIPPED_MAXIMUM) - 1
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What came of reading a meter: a reading, or why there is none."""

    meter: PolledMeter
    reading: Reading | None = None
    problem: str = ""


class Line:
    """A line; `read_round` reads its meters once.

    Parameters
    ----------
    meters : sequence of PolledMeter
        All with the same host and port, or the same tty.
    now_ns : callable
        The wall clock.
    """

    def __init__(self, meters: Sequence[PolledMeter], *, timeout_s: float, slot_s: float, now_ns: Callable[[], int]) -> None:
        self.meters = tuple(meters)
        self.slot_s = slot_s
        self.health = {meter.place: Health() for meter in meters}
        self._timeout_s = timeout_s
        self._now_ns = now_ns
        self._stack: AsyncExitStack | None = None
        self._connection: Connection | None = None

    async def read_round(self, left_s: Callable[[], float]) -> AsyncIterator[Read]:
        """Yield what each meter says: first those that live, then those that do not, as long as there is time.

        Parameters
        ----------
        left_s : callable
            Time until the next round.
        """
        living = [meter for meter in self.meters if not self.health[meter.place].failures]
        failed: dict[str, str] = {}
        for meter in living:
            read = await self._read(meter)
            if read.reading is None:
                failed[meter.place] = read.problem
            else:
                yield read
        for meter in self.meters:
            health = self.health[meter.place]
            if meter not in living and health.wait:
                health.wait -= 1
            elif meter.place in failed or meter not in living:
                if left_s() < self.slot_s:
                    health.failed(failed.get(meter.place) or health.problem)
                    yield Read(meter=meter, problem=health.problem)
                    continue
                yield await self._read(meter, once_more=True)

    async def profile_window(self, meter: PolledMeter, stretch: Stretch) -> None:
        """Read one more window of the load profile of a meter that shows one.

        Raises
        ------
        NoAnswerError, ExceptionReplyError, BadFrameError
            As `watthour.host.poller.modbus.ModbusUnits.profile_window`; and where it takes longer than a slot.
        """
        try:
            async with asyncio.timeout(self.slot_s):
                await cast("ModbusUnits", await self._open(meter)).profile_window(meter.url, stretch)
        except ExceptionReplyError:
            raise
        except WatthourError:
            await self.close()
            raise
        except TimeoutError:
            await self.close()
            msg = f"{meter.url}: no row of its load profile within its slot of {self.slot_s:g} s"
            raise NoAnswerError(msg) from None

    async def _read(self, meter: PolledMeter, *, once_more: bool = False) -> Read:
        health = self.health[meter.place]
        try:
            async with asyncio.timeout(self.slot_s):
                reading = await self._reading(await self._open(meter), meter)
        except (WatthourError, TimeoutError) as problem:
            await self.close()
            words = str(problem) or f"{meter.url}: no reading within its slot of {self.slot_s:g} s"
            if once_more:
                health.failed(words)
            return Read(meter=meter, problem=words)
        health.answered()
        return Read(meter=meter, reading=reading)

    async def _reading(self, connection: Connection, meter: PolledMeter) -> Reading:
        if isinstance(connection, MBusMaster) or meter.device is None:
            master = cast("MBusMaster", connection)
            return await read_meter(master, meter.url, most=meter.telegrams, max_power_w=meter.max_power_w, now_ns=self._now_ns)
        return await connection.read(meter.url, meter.device, meter.max_power_w)

    async def _open(self, meter: PolledMeter) -> Connection:
        if self._connection is not None:
            return self._connection
        async with AsyncExitStack() as stack:
            connection: Connection
            if meter.url.is_mbus:
                timeout_s = self._timeout_s if isinstance(meter.url, TcpUrl) else None
                connection = await stack.enter_async_context(open_master(meter.url, timeout_s=timeout_s))
            else:
                streams, link = await open_link(meter.url, self._timeout_s)
                stack.callback(streams[1].close)
                connection = ModbusUnits(streams, link, self._now_ns)
            self._connection, self._stack = connection, stack.pop_all()
            return connection

    async def close(self) -> None:
        """Close the line; the next read opens it again."""
        stack, self._stack, self._connection = self._stack, None, None
        if stack is not None:
            with suppress(OSError):
                await stack.aclose()
