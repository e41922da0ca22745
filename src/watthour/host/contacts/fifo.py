"""Contacts told by a FIFO while a meter runs: lines as whoever writes them sends them.

In: bytes, whenever there are some, with the moment at which they came. Out: edges. A line that says nothing sensible is
passed over and told with its number; the meter goes on. Writers may come and go. What is told while no meter listens is lost.
"""

import os
import queue
import select
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from watthour.errors import ContactsError
from watthour.host.contacts.line import ContactLine, read_line, require_later
from watthour.pulses import Edge

_READ_BYTES = 1 << 16
_LONGEST_LINE = 1 << 10
_MOST_WAITING = 64
"""Reads that wait for the meter; beyond these whoever writes waits too."""
_LOOK_S = 0.2
_MOST_TOLD = 5
"""Lines passed over that are told one by one, of those that came together; of the rest the number is told."""


def is_fifo(path: Path) -> bool:
    """Say whether there is a FIFO at a path."""
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except OSError:
        return False


class ContactFifo:
    """A FIFO, read on a thread of its own until `close`, so that each line has the moment at which it came.

    Parameters
    ----------
    path : Path
    start_ns : int
        Instant of the source's first sample, from which plain seconds count.
    foreign : frozenset of int
        Inputs that somebody else closes.

    Raises
    ------
    ContactsError
        If it cannot be opened.
    """

    def __init__(self, path: Path, start_ns: int, foreign: frozenset[int] = frozenset()) -> None:
        self._path = path
        self._start_ns = start_ns
        self._foreign = foreign
        self._rest = b""
        self._lines = 0
        self._last: dict[int, int] = {}
        self._problems: list[str] = []
        try:  # for writing too: so it has no end when a writer closes it
            self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as problem:
            raise ContactsError(str(path), f"cannot be opened: {problem.strerror}; a meter reads and writes a FIFO") from None
        self._came: queue.Queue[tuple[float, bytes]] = queue.Queue(_MOST_WAITING)
        self._closing = threading.Event()
        self._listening = threading.Thread(target=self._listen, name="contacts", daemon=True)
        self._listening.start()

    def take(self, instant_of: Callable[[float], int]) -> list[Edge]:
        """Return what was told since last asked.

        Parameters
        ----------
        instant_of : callable
            Sample time of a moment of `time.monotonic`: what ``now`` was.
        """
        return [
            Edge(time_ns=instant_of(came_s) if line.time_ns is None else line.time_ns, contact=line.input, closed=line.closed)
            for came_s, raw in self._whole_lines()
            if (line := self._understood(raw)) is not None
        ]

    def take_remarks(self) -> list[str]:
        """Return the lines that were passed over since last asked, and why."""
        problems, self._problems = self._problems, []
        more = len(problems) - _MOST_TOLD
        return problems[:_MOST_TOLD] + ([f"{self._path}: {more} more lines passed over"] if more > 0 else [])

    def close(self) -> None:
        """Let go of it."""
        if not self._closing.is_set():
            self._closing.set()
            self._listening.join()
            os.close(self._file)

    def _listen(self) -> None:
        """Read as bytes come, until closed."""
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        while not self._closing.is_set():
            if poll.poll(1000 * _LOOK_S):
                came = time.monotonic(), os.read(self._file, _READ_BYTES)
                while not self._closing.is_set():
                    with suppress(queue.Full):
                        self._came.put(came, timeout=_LOOK_S)
                        break

    def _whole_lines(self) -> Iterator[tuple[float, bytes]]:
        """Yield the lines that are whole, with when they came; of one without end only its beginning is kept."""
        while not self._came.empty():
            came_s, data = self._came.get()
            *lines, rest = (self._rest + data).split(b"\n")
            self._rest = rest[: _LONGEST_LINE + 1]
            for line in lines:
                self._lines += 1
                yield came_s, line

    def _understood(self, raw: bytes) -> ContactLine | None:
        try:
            line = read_line(raw.decode(), self._start_ns)
            if line is not None:
                self._require_in_order(line)
        except UnicodeDecodeError:
            self._problems.append(f"{self._path}:{self._lines}: not UTF-8 text; passed over")
        except ValueError as problem:
            self._problems.append(f"{self._path}:{self._lines}: {problem}; passed over")
        else:
            return line
        return None

    def _require_in_order(self, line: ContactLine) -> None:
        if line.input in self._foreign:
            msg = f"input {line.input} is closed by something else in this run"
            raise ValueError(msg)
        require_later(line, self._last)
