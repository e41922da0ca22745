"""A meter on a bus as the panel has it: looked at again and again over one connection, as far as its bus tells.

Over Modbus keys set what the map has writable; over M-Bus a meter is only read.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import Protocol

from watthour.errors import ExceptionReplyError, OutOfRangeError, ParameterError, PeerError, UsageError
from watthour.host.instrument import Instrument, Shown
from watthour.host.lines import BusUrl, MeterLine, connect
from watthour.host.lines.mbus_client import open_master
from watthour.host.lines.mbus_view import MBusView
from watthour.host.lines.modbus_view import ModbusView
from watthour.host.lines.writing import COMMANDS, encoded
from watthour.host.terminal.panel.app import Panel
from watthour.view import Command, Outcome, ResetPartial, Verdict, View, WriteSettings
from watthour.wire.modbus.message import ExceptionCode

_EVERY_S = 1.0
_READ_ONLY = Outcome(verdict=Verdict.READ_ONLY, message="this meter is only read from here")
_VERDICTS: Mapping[int, Verdict] = MappingProxyType(
    {
        ExceptionCode.ILLEGAL_FUNCTION: Verdict.READ_ONLY,
        ExceptionCode.ILLEGAL_DATA_ADDRESS: Verdict.READ_ONLY,
        ExceptionCode.ILLEGAL_DATA_VALUE: Verdict.OUT_OF_RANGE,
        ExceptionCode.SERVER_DEVICE_FAILURE: Verdict.NOT_KEPT,
    }
)
"""What a meter of ours means by an exception; any other is `Verdict.REFUSED`."""

LACKING: Mapping[bool, Mapping[str, str]] = MappingProxyType(
    {
        False: {
            "waves": "Modbus carries no samples: harmonics in their place",
            "curve": "no quarter of an hour has been fetched from this meter yet",
            "log": "Modbus carries how many events there were, and the head of their chain (page Identity),\n"
            "not the events: watthour log DIR, or the meter's own page, shows them.",
        },
        True: {
            "waves": "M-Bus carries no samples and no harmonics",
            "curve": "M-Bus carries no load profile",
            "log": "M-Bus carries no events; a D312 tells the head of their chain (page Identity):\n"
            "watthour log DIR, or the meter's own page, shows them.",
            "lamps": "LEDs: this meter does not tell its transformers",
        },
    }
)
"""What to say in place of what a bus does not carry, Modbus (False) or M-Bus (True)."""


class Viewer(Protocol):
    """Whatever looks at a meter over an open line."""

    async def look(self) -> View:
        """Return the meter as it is now."""


class FarMeter:
    """The port of a meter on a bus.

    Attributes
    ----------
    trouble : str
        Why it could not be looked at last time; empty where it could.
    """

    def __init__(self, url: BusUrl) -> None:
        self._url = url
        self._open = AsyncExitStack()
        self._viewer: Viewer | None = None
        self._line: MeterLine | None = None
        self._turn = asyncio.Lock()
        self._shown: View | None = None
        self.trouble = ""

    def view(self) -> View:
        """Return what was seen last; there is something once `look` has returned."""
        assert self._shown is not None  # noqa: S101 - as said
        return self._shown

    def sample_time_s(self) -> float:
        """Return nothing: a bus does not tell."""
        return 0.0

    async def look(self) -> None:
        """Look at the meter, over a new connection where there is none.

        Raises
        ------
        NoAnswerError, ExceptionReplyError, BadFrameError
            If it does not answer.
        """
        async with self._turn:
            try:
                viewer = self._viewer or await self._reach()
                self._shown = await viewer.look()
            except PeerError:
                await self._shut()
                raise

    async def ask(self, command: Command) -> Outcome:
        """Write what a key has set, where the bus can; the meter's answer is the outcome."""
        async with self._turn:
            if self._line is None:
                return _READ_ONLY
            outcome = await self._write(self._line, command)
        await self._look_again()
        return outcome

    async def switch(self, _contact: int, _closed: bool) -> Outcome:  # noqa: FBT001 - it is what the contact would do
        """Refuse: contacts are wires, not values."""
        return Outcome(verdict=Verdict.REFUSED, message="no bus closes a contact")

    async def follow(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self._look_again()

    async def close(self) -> None:
        """Give the line back."""
        async with self._turn:
            await self._shut()

    async def _look_again(self) -> None:
        try:
            await self.look()
            self.trouble = ""
        except PeerError as problem:
            self.trouble = str(problem)

    async def _reach(self) -> Viewer:
        if self._url.is_mbus:
            self._viewer = MBusView(await self._open.enter_async_context(open_master(self._url)), self._url)
        else:
            self._line = await self._open.enter_async_context(connect(self._url))
            self._viewer = ModbusView(self._line)
        return self._viewer

    async def _shut(self) -> None:
        self._viewer = self._line = None
        await self._open.aclose()

    async def _write(self, line: MeterLine, command: Command) -> Outcome:
        try:
            for start, data in _written(command):
                await line.write(start, data)
        except OutOfRangeError as problem:
            return Outcome(verdict=Verdict.OUT_OF_RANGE, message=str(problem))
        except (ParameterError, UsageError) as problem:
            return Outcome(verdict=Verdict.READ_ONLY, message=str(problem))
        except ExceptionReplyError as problem:
            return Outcome(verdict=_VERDICTS.get(problem.code, Verdict.REFUSED), message=str(problem))
        except PeerError as problem:
            await self._shut()
            return Outcome(verdict=Verdict.REFUSED, message=str(problem))
        return Outcome(verdict=Verdict.DONE)


def _written(command: Command) -> list[tuple[int, bytes]]:
    """Return what is to be written where for a command of the keys to be carried out.

    Raises
    ------
    UsageError, OutOfRangeError
        As `watthour.host.lines.writing.encoded`.
    """
    match command:
        case WriteSettings(settings=settings):
            return encoded(settings)
        case ResetPartial():
            row = COMMANDS["partial_reset"]
            return [(row.address, row.to_bytes(1))]
        case _:
            message = "not asked over a bus from here"
            raise UsageError(message)


async def show_far_meter(url: BusUrl) -> None:
    """Show a meter on a bus until the panel is left.

    Raises
    ------
    NoAnswerError, ExceptionReplyError, BadFrameError
        If it does not answer at first.
    """
    port = FarMeter(url)
    try:
        await port.look()
        shown = Shown(port=port, instrument=Instrument(port), source=str(url), calendar=None, switch=port.switch)
        following = asyncio.create_task(port.follow())
        try:
            await Panel(shown, trouble=lambda: port.trouble, lacking=LACKING[url.is_mbus]).run_async()
        finally:
            following.cancel()
    finally:
        await port.close()
