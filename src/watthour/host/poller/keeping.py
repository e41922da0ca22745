"""Keeping in the background what lines read: in order, in few transactions, and again where the store is away.

Readings wait in memory while the store does not answer, as many as the limit says; beyond it the oldest are let go with a word, and
their place has a gap whose sum the next reading still bounds.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from watthour.errors import StoreError
from watthour.headend.counting import Grid
from watthour.host.archive.database import Archive, is_passing
from watthour.host.archive.recording import LettersOf, Observation, Recorded, record

WAITING_MAXIMUM = 100_000
BATCH_MAXIMUM = 1000
_RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class Keeping:
    """A queue in front of an archive."""

    def __init__(
        self,
        archive: Archive,
        grid: Grid,
        *,
        kept: Callable[[Recorded], None],
        tell: Callable[[str], None],
        letters_of: LettersOf | None = None,
    ) -> None:
        self._archive = archive
        self._grid = grid
        self._kept = kept
        self._tell = tell
        self._letters_of = letters_of
        self._waiting: deque[Observation] = deque()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, observation: Observation) -> None:
        """Take an observation to be kept."""
        if len(self._waiting) >= WAITING_MAXIMUM:
            lost = self._waiting.popleft()
            self._tell(f"{lost.place}: the store is away for too long: a reading is let go")
        self._waiting.append(observation)
        self._idle.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Keep what comes, for ever.

        Raises
        ------
        StoreError
            If the store refuses for good.
        """
        while True:
            await self._arrived.wait()
            while self._waiting:
                await self._keep()
            self._arrived.clear()
            self._idle.set()

    async def drained(self, timeout_s: float) -> bool:
        """Wait until everything is kept; whether it is."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def _keep(self) -> None:
        """Keep the oldest that wait, and forget them only when they are kept."""
        batch = [self._waiting[n] for n in range(min(len(self._waiting), BATCH_MAXIMUM))]
        for attempt in range(10**9):
            try:
                found = await asyncio.to_thread(record, self._archive, batch, self._grid, self._letters_of)
            except StoreError as problem:
                if not is_passing(problem):
                    raise
                if attempt == 0:
                    self._tell(f"{problem}; readings wait in memory")
                await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
                continue
            if attempt:
                self._tell(f"{self._archive.shown}: the store answers again")
            break
        for _ in batch:
            self._waiting.popleft()
        for each in found:
            self._kept(each)
