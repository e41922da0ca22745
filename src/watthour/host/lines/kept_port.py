"""A serial port that is kept open for as long as meters run.

In: how it is to be opened, and what listens on it. Out: the listener on the port as it is open now. A port that disappears is told
once and tried again until it is back; one that is to have another speed is closed, when what was written has left, and opened
anew. What is spoken on it is not known here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from watthour.errors import ListenError
from watthour.host.lines.serial_port import SerialSettings, fitting, open_port, trouble
from watthour.host.lines.shared_line import CLOSING_S

RETRY_S = 1.0
"""Time between two attempts to open a port that has disappeared."""


class PortEnd(asyncio.Protocol):
    """What listens on a port; it tells `KeptPort.lost` when its connection is lost, and sets `closed` then."""

    transport: asyncio.Transport
    closed: asyncio.Future[None]


End = TypeVar("End", bound=PortEnd)


class KeptPort(Generic[End]):
    """A port that is kept open.

    Parameters
    ----------
    settings : SerialSettings
        How it is opened; a pty without parity.
    listen : callable
        Makes what listens on it, each time it is opened, of the settings it is opened with.
    tell : callable
        Told in one line of what happens to it.
    """

    def __init__(self, settings: SerialSettings, listen: Callable[[SerialSettings], End], tell: Callable[[str], None]) -> None:
        self.settings = settings
        self.end: End | None = None
        self._listen = listen
        self._tell = tell
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open it.

        Raises
        ------
        ListenError
            Naming the device and what to do.
        """
        self._fit(self.settings)
        self.end = await self._opened()

    async def close(self, finish: Callable[[], Awaitable[None]]) -> None:
        """Keep it no longer, let what is on its way arrive, and close it."""
        if self._opening is not None:
            self._opening.cancel()
        end, self.end = self.end, None
        await finish()
        if end is not None:
            await _shut(end)

    def move(self, settings: SerialSettings) -> None:
        """Close it, and open it with other settings."""
        self._fit(settings)
        if self.end is not None:
            end, self.end = self.end, None
            self._opening = asyncio.get_running_loop().create_task(self._reopen(0.0, end))

    def lost(self, end: End, problem: Exception | None) -> None:
        """Take it that the port is gone, and look for it again."""
        if end is not self.end:
            return
        self.end = None
        reason = "closed" if problem is None else trouble(problem)
        self._tell(f"{self.settings.device}: the line is gone ({reason}): trying again until it is back")
        self._opening = asyncio.get_running_loop().create_task(self._reopen(RETRY_S))

    def _fit(self, settings: SerialSettings) -> None:
        self.settings, remarks = fitting(settings)
        for remark in remarks:
            self._tell(remark)

    async def _opened(self) -> End:
        settings = self.settings
        _, end = await open_port(settings, lambda: self._listen(settings))
        return end

    async def _reopen(self, wait_s: float, old: End | None = None) -> None:
        if old is not None:
            await _shut(old)
        has_troubles = bool(wait_s)
        while self.end is None:
            await asyncio.sleep(wait_s)
            wait_s, settings = RETRY_S, self.settings
            try:
                end = await self._opened()
            except ListenError as problem:
                if not has_troubles:
                    self._tell(f"{problem}: trying again until it does")
                has_troubles = True
                continue
            if settings is self.settings:
                self.end = end
            else:  # moved meanwhile
                wait_s = 0.0
                await _shut(end)
        if has_troubles:
            self._tell(f"{self.settings.device}: the line is back")


async def _shut(end: PortEnd) -> None:
    """Close a port when what was written has left, or when it has had its time."""
    end.transport.close()
    await asyncio.wait([end.closed], timeout=CLOSING_S)
    end.transport.abort()
