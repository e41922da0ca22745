"""The reader's clock, watched: by how much it was set, as a clock that nobody sets sees it."""

import time
from collections.abc import Callable

from watthour.host.instants import now_ns

LEAST_NS = 250_000_000
"""A change below it is drift, or the way a time service slews (ours)."""


def running_ns() -> int:
    """Return a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Clock:
    """The wall clock, and how far it was set since the poll began.

    Parameters
    ----------
    wall, steady : callable
        Nanoseconds of the clock that names instants, and of one that is never set.
    """

    def __init__(self, wall: Callable[[], int] = now_ns, steady: Callable[[], int] = running_ns) -> None:
        self._wall = wall
        self._steady = steady
        self._offset_ns = wall() - steady()
        self._stepped_ns = 0

    def now_ns(self) -> int:
        """Return the instant."""
        return self._wall()

    def stepped_ns(self) -> int:
        """Return by how much the clock was set since the poll began; positive: forward.

        Asked about once a second, it tells a step from drift.
        """
        offset_ns = self._wall() - self._steady()
        if abs(offset_ns - self._offset_ns) >= LEAST_NS:
            self._stepped_ns += offset_ns - self._offset_ns
        self._offset_ns = offset_ns
        return self._stepped_ns
