"""One stream for all who look: each event is written once, and a browser that is slow misses some, never all.

In: a meter. Out: server-sent events, ``live`` with each window and each key, ``waves`` and ``distortion`` a little more seldom.
Somebody who looks is a queue of two; nobody holds up the others or the meter.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from watthour.face import Lcd
from watthour.host.instrument import Shown
from watthour.host.web.showing import Json, distortion, live, waves
from watthour.view import View

RETRY_MS = 400
"""A browser that has lost the stream asks again after this."""

_LOOK_S = 0.02
_WAVES_S = 0.4
_DISTORTION_S = 1.0
_ALIVE_S = 1.0
"""Without news a stream says this often that it is there."""
_KEPT = 6
"""Events that wait for a slow browser; the oldest are dropped."""

Watcher = asyncio.Queue[bytes | None]


def sent(name: str, content: Json) -> bytes:
    """Return an event as it travels.

    >>> sent("live", {"a": 1}).splitlines()
    [b'event: live', b'data: {"a":1}', b'']
    """
    return f"event: {name}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n".encode()


class Broadcast:
    """What is told to all who look at a meter.

    Attributes
    ----------
    watchers : set of Watcher
        Those who look now; what nobody looks at is not made.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._seen: tuple[View, Lcd] | None = None
        self._told_s = 0.0
        self._due_s = {"waves": 0.0, "distortion": 0.0}
        self._finding: dict[str, asyncio.Task[None]] = {}
        self._somebody = asyncio.Event()
        self.watchers: set[Watcher] = set()

    async def run(self) -> None:
        """Look at the meter until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._somebody.wait()
            self._look(loop.time())
            await asyncio.sleep(_LOOK_S)

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield events to one who looks, from what is shown now on."""
        watcher: Watcher = asyncio.Queue()
        self.watchers.add(watcher)
        self._somebody.set()
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            yield sent("live", live(self._shown.port.view(), self._shown.instrument.glass()))
            self._due_s = dict.fromkeys(self._due_s, 0.0)
            while (event := await watcher.get()) is not None:
                yield event
        finally:
            self.watchers.discard(watcher)
            if not self.watchers:
                self._somebody.clear()

    def end(self) -> None:
        """End all streams."""
        for watcher in self.watchers:
            watcher.put_nowait(None)

    def _look(self, now_s: float) -> None:
        view, lcd = self._shown.port.view(), self._shown.instrument.glass()
        is_new = self._seen is None or self._seen[0] is not view
        if is_new or self._seen is None or self._seen[1] != lcd or now_s - self._told_s >= _ALIVE_S:
            self._seen, self._told_s = (view, lcd), now_s
            self._tell("live", live(view, lcd))
        if is_new:
            self._find("waves", _WAVES_S, now_s, lambda: waves(view))
            self._find("distortion", _DISTORTION_S, now_s, lambda: distortion(view))

    def _find(self, name: str, every_s: float, now_s: float, find: Callable[[], Json | None]) -> None:
        """Begin to find what costs something, unless it is being found: neither values nor a bus wait for it."""
        before = self._finding.get(name)
        if now_s < self._due_s[name] or (before is not None and not before.done()):
            return
        self._due_s[name] = now_s + every_s
        self._finding[name] = asyncio.create_task(self._tell_late(name, find))

    async def _tell_late(self, name: str, find: Callable[[], Json | None]) -> None:
        """Tell it when it is found, in a thread of its own."""
        found = await asyncio.to_thread(find)
        if found is not None:
            self._tell(name, found)

    def _tell(self, name: str, content: Json) -> None:
        event = sent(name, content)
        for watcher in self.watchers:
            if watcher.qsize() >= _KEPT:
                with suppress(asyncio.QueueEmpty):
                    watcher.get_nowait()
            watcher.put_nowait(event)
