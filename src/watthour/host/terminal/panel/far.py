"""A meter on a bus as the panel has it: read again and again, as far as its bus tells."""

import asyncio
from types import MappingProxyType

from watthour.errors import PeerError
from watthour.host.instants import to_ns
from watthour.host.instrument import Instrument, Shown
from watthour.host.lines import BusUrl, Reading, read_values
from watthour.host.terminal.panel.app import Panel
from watthour.view import Command, Outcome, Verdict, View

_EVERY_S = 1.0
_READ_ONLY = Outcome(verdict=Verdict.READ_ONLY, message="this meter is only read from here")


def view_of(reading: Reading) -> View:
    """Return what a reading tells as a view; what it does not tell is not there."""
    return View(
        model=reading.model,
        serial=reading.serial,
        time_ns=to_ns(reading.time),
        samples=0,
        duration_s=0.0,
        powered=True,
        values=MappingProxyType(dict(reading.values)),
        exact=MappingProxyType({}),
        parameters=MappingProxyType({}),
        seal_open=True,
    )


class FarMeter:
    """The port of a meter on a bus.

    Attributes
    ----------
    trouble : str
        Why it was not read last time; empty where it was.
    """

    def __init__(self, url: BusUrl, first: Reading) -> None:
        self._url = url
        self._view = view_of(first)
        self.trouble = ""

    def view(self) -> View:
        """Return the last reading."""
        return self._view

    def sample_time_s(self) -> float:
        """Return nothing: a bus does not tell."""
        return 0.0

    async def ask(self, _command: Command) -> Outcome:
        """Refuse."""
        return _READ_ONLY

    async def switch(self, _contact: int, _closed: bool) -> Outcome:  # noqa: FBT001 - it is what the contact would do
        """Refuse."""
        return _READ_ONLY

    async def follow(self) -> None:
        """Read again and again, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                self._view, self.trouble = view_of(await read_values(self._url)), ""
            except PeerError as problem:
                self.trouble = str(problem)


async def show_far_meter(url: BusUrl) -> None:
    """Show a meter on a bus until the panel is left.

    Raises
    ------
    NoAnswerError, ExceptionReplyError, BadFrameError
        If it does not answer at first.
    """
    port = FarMeter(url, await read_values(url))
    shown = Shown(port=port, instrument=Instrument(port, may_set=False), source=str(url), calendar=None, switch=port.switch)
    following = asyncio.create_task(port.follow())
    try:
        await Panel(shown, trouble=lambda: port.trouble).run_async()
    finally:
        following.cancel()
