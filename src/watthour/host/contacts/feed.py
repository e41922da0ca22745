"""All that closes the inputs of one meter, brought together: a schedule, a file or a FIFO, wires from other meters.

In: where the meter is and what comes next. Out: the edges of it, in time for the samples that they fall into.
"""

import time
from collections.abc import Mapping, Sequence

from watthour.host.contacts.fifo import ContactFifo
from watthour.host.contacts.replayed import Replay
from watthour.host.contacts.wire import Wire
from watthour.pulses import INPUTS, Contacts, Edge
from watthour.units import NANOSECONDS

_AHEAD_NS = 2 * 10**6
"""Edges are handed over this much before their samples: a meter's clock may be off by a millisecond (`SAME_CLOCK_NS`)."""


class ContactFeed:
    """What closes the inputs of one meter.

    Parameters
    ----------
    replays : sequence of Replay
        What does the same again each time.
    fifo : ContactFifo, optional
    wires : mapping of int to Wire
        By the input that they come to.
    """

    def __init__(
        self, replays: Sequence[Replay] = (), fifo: ContactFifo | None = None, wires: Mapping[int, Wire] | None = None
    ) -> None:
        self._replays = replays
        self._fifo = fifo
        self._wires = dict(wires or {})
        self._first_ns = 0
        self._told_ns: int | None = None

    @property
    def is_live(self) -> bool:
        """Whether something is told once and not again."""
        return self._fifo is not None

    def wait(self, until_ns: int, longest_s: float) -> bool:
        """Wait until all that comes by wire before an instant is there, and say whether it is."""
        return all(wire.wait(until_ns + _AHEAD_NS, longest_s) for wire in self._wires.values())

    def take(self, contacts: Contacts, begin_ns: int, end_ns: int, *, speed: float | None = None) -> list[Edge]:
        """Return the edges that a meter needs before it meters [begin, end).

        Parameters
        ----------
        contacts : Contacts
            Its inputs as they are.
        speed : float, optional
            Seconds of samples per second of time: the last of them is taken just now. None: all of them are.
        """
        edges: list[Edge] = []
        last_ns = end_ns + _AHEAD_NS
        since_ns = self._told_ns
        if since_ns is None:
            since_ns = self._first_ns = begin_ns if contacts.time_ns is None else contacts.time_ns
            edges += self._standing(contacts, since_ns)
        if last_ns > since_ns:
            edges += [edge for replay in self._replays for edge in replay.edges(since_ns, last_ns)]
            self._told_ns = last_ns
        edges += self._wired(contacts)
        if self._fifo is not None:
            now_s = time.monotonic()
            edges += self._fifo.take(
                lambda came_s: begin_ns if speed is None else end_ns - round((now_s - came_s) * speed * NANOSECONDS)
            )
        return edges

    def take_remarks(self) -> list[str]:
        """Return what is wrong with what was told since last asked."""
        return [] if self._fifo is None else self._fifo.take_remarks()

    def close(self) -> None:
        """Let go of what is open."""
        if self._fifo is not None:
            self._fifo.close()

    def _standing(self, contacts: Contacts, at_ns: int) -> list[Edge]:
        """Return how the contacts stand where the meter is, as far as it does not know; what they did before is over."""
        is_begun = contacts.time_ns is not None
        return [
            Edge(time_ns=at_ns, contact=number, closed=replay.is_closed(number, at_ns), number=at_ns)
            for replay in self._replays
            for number in replay.inputs
            if not (is_begun and contacts.inputs[INPUTS.index(number)].is_touching == replay.is_closed(number, at_ns - 1))
        ]

    def _wired(self, contacts: Contacts) -> list[Edge]:
        """Return what came by wire; to an input that has never had a pulse, those before this run are none of its own."""
        edges: list[Edge] = []
        for number, wire in self._wires.items():
            is_new = contacts.inputs[INPUTS.index(number)].number is None
            edges += [edge for edge in wire.take(number) if not is_new or edge.time_ns >= self._first_ns]
        return edges
