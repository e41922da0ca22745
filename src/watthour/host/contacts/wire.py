"""A wire from one meter's pulse output to another's input, both metered in one run, each on a thread of its own.

In: the instants at which the output closes, and how far that meter has come. Out: edges at the input. Pulses are numbered by
their instants, so that one which is given again after a stop is not counted again. Where the giving meter keeps its state,
its pulses are kept in a file beside it, on the disk before the state that has counted them: the other one finds them there
however far behind it was stopped.

::

    D310 ── output ──> Wire ──> input ── D311      the D311 waits until the D310 has come as far as itself
"""

import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from watthour.host.instants import to_ns
from watthour.pulses import Edge

KEPT_IN = "output.csv"
"""File in the data directory of the meter that gives the pulses."""

_BEFORE_ALL_NS, _AFTER_ALL_NS = -(2**62), 2**62


class Wire:
    """From one output to one input, as both their threads see it."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._reached_ns = _BEFORE_ALL_NS
        self._number = _BEFORE_ALL_NS
        self._pulses: list[tuple[int, int, int]] = []

    def give(self, starts_ns: Sequence[int], *, width_ns: int, reached_ns: int) -> None:
        """Take note of pulses, and that all before `reached_ns` are given."""
        with self._moved:
            for start_ns in starts_ns:
                self._number = max(start_ns, self._number + 2)
                self._pulses.append((self._number, start_ns, width_ns))
            self._reached_ns = reached_ns
            self._moved.notify_all()

    def end(self) -> None:
        """Take note that no more will be given."""
        with self._moved:
            self._reached_ns = _AFTER_ALL_NS
            self._moved.notify_all()

    def wait(self, until_ns: int, longest_s: float) -> bool:
        """Wait until all pulses before an instant are given, and say whether they are."""
        with self._moved:
            return self._moved.wait_for(lambda: self._reached_ns >= until_ns, longest_s)

    def take(self, contact: int) -> list[Edge]:
        """Return the edges of the pulses given since last asked, at the input `contact`."""
        with self._moved:
            pulses, self._pulses = self._pulses, []
        return [
            edge
            for number, start_ns, width_ns in pulses
            for edge in (
                Edge(time_ns=start_ns, contact=contact, closed=True, number=number),
                Edge(time_ns=start_ns + width_ns, contact=contact, closed=False, number=number + 1),
            )
        ]


def kept_starts(path: Path) -> list[int]:
    """Return the instants in a file of pulses."""
    return [_instant(line) for line in path.read_text(encoding="ascii").splitlines()[1:]]


def _instant(line: str) -> int:
    text = line.partition(",")[0]
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return to_ns(datetime.fromisoformat(f"{whole}+00:00")) + int(fraction)
