"""Contacts that do the same again each time: lines of a file, the schedule of a simulated installation.

In: what they do and when. Out: edges, each numbered by its instant, from where a meter left off to wherever it goes. After a
stop a meter is told again and passes over what it has taken, so that its counters are those of a run left alone.
"""

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from watthour.errors import ContactsError
from watthour.host.contacts.line import ContactLine, read_line, require_later
from watthour.pulses import Edge
from watthour.waveform.network import Schedule

_LARGEST_FILE = 1 << 28


class Replay(Protocol):
    """What some contacts do, from any instant to any other."""

    @property
    def inputs(self) -> frozenset[int]:
        """The inputs they are at."""
        ...

    def is_closed(self, number: int, time_ns: int) -> bool:
        """Say whether the contact at an input is closed at an instant."""
        ...

    def edges(self, first_ns: int, last_ns: int) -> list[Edge]:
        """Return what they do in [first, last), in order of time, numbered by their instants."""
        ...


class ScheduledContacts:
    """The schedule of a simulated installation.

    Parameters
    ----------
    schedule : Schedule
    start_ns : int
        Instant of the first sample.
    """

    def __init__(self, schedule: Schedule, start_ns: int) -> None:
        self._schedule = schedule
        self._start_ns = start_ns
        self.inputs = schedule.inputs

    def is_closed(self, number: int, time_ns: int) -> bool:
        """Say whether the contact at an input is closed at an instant."""
        return self._schedule.is_closed(number, time_ns - self._start_ns)

    def edges(self, first_ns: int, last_ns: int) -> list[Edge]:
        """Return what they do in [first, last)."""
        start_ns = self._start_ns
        found = self._schedule.switchings(first_ns - start_ns, last_ns - start_ns)
        return [
            Edge(time_ns=each.time_ns + start_ns, contact=each.number, closed=each.closed, number=each.time_ns + start_ns)
            for each in found
        ]


class WrittenContacts:
    """The lines of a file.

    Parameters
    ----------
    lines : sequence of ContactLine
        Those of each input in order of time.
    """

    def __init__(self, lines: Sequence[ContactLine]) -> None:
        dated = [
            Edge(time_ns=t, contact=line.input, closed=line.closed, number=t)
            for line in lines
            if (t := line.time_ns) is not None
        ]
        self._edges = sorted(dated, key=lambda edge: edge.time_ns)
        self._times = [edge.time_ns for edge in self._edges]
        self.inputs = frozenset(edge.contact for edge in self._edges)

    def is_closed(self, number: int, time_ns: int) -> bool:
        """Say whether the contact at an input is closed at an instant; before the first line it is open."""
        before = self._edges[: bisect_left(self._times, time_ns + 1)]
        return next((edge.closed for edge in reversed(before) if edge.contact == number), False)

    def edges(self, first_ns: int, last_ns: int) -> list[Edge]:
        """Return what they do in [first, last)."""
        return self._edges[bisect_left(self._times, first_ns) : bisect_left(self._times, last_ns)]


def read_contacts(path: Path, start_ns: int) -> WrittenContacts:
    """Return the contacts that a file tells of.

    Parameters
    ----------
    start_ns : int
        Instant of the source's first sample.

    Raises
    ------
    ContactsError
        If it cannot be read, or a line is wrong or out of order; the message names file and line.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ContactsError(str(path), f"larger than {_LARGEST_FILE >> 20} MB: part it, as the recording is parted")
        content = path.read_bytes()
    except OSError as problem:
        raise ContactsError(
            str(path), f"cannot be read: {problem.strerror}; check the path, or make a FIFO with mkfifo"
        ) from None
    found: list[ContactLine] = []
    last: dict[int, int] = {}
    for number, raw in enumerate(content.splitlines(), 1):
        try:
            line = read_line(raw.decode(), start_ns)
            if line is not None:
                require_later(line, last)
        except UnicodeDecodeError:
            raise ContactsError(str(path), "not UTF-8 text", number) from None
        except ValueError as problem:
            raise ContactsError(str(path), str(problem), number) from None
        if line is not None and line.time_ns is None:
            raise ContactsError(str(path), "now is for a FIFO: a file says when", number)
        found += [] if line is None else [line]
    return WrittenContacts(found)
