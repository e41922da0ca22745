"""What happens to supply and wiring, and when: an hour as stretches in which nothing of it changes.

In: the events and wiring faults of a description. Out: for any hour, stretches [start, end) in seconds with the
voltage that is left on each phase and what the wiring makes of voltages and currents; and a list of all that
happens, for logs and pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from watthour.waveform.network.supply import SupplyEvent
from watthour.waveform.network.vocabulary import PHASE_NAMES
from watthour.waveform.network.wiring import Turn, WiringFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happens.

    Parameters
    ----------
    begin_s, end_s : float
        Seconds since the source's first sample; the end may be infinite.
    what : str
        In words.
    is_wiring : bool
        Whether it is a fault of the wiring, not an event of the supply.
    """

    begin_s: float
    end_s: float
    what: str
    is_wiring: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of time in which supply and wiring stay as they are.

    Parameters
    ----------
    begin_s, end_s : float
        Seconds since the source's first sample.
    remaining : tuple of three floats
        Share of each phase's voltage that is there.
    voltage_turn, current_turn : ndarray, shape (3, 3), or None
        What the wiring makes of them; None: nothing is wrong.
    """

    begin_s: float
    end_s: float
    remaining: tuple[float, float, float] = (1.0, 1.0, 1.0)
    voltage_turn: Turn | None = None
    current_turn: Turn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """All that a description says happens.

    Parameters
    ----------
    events : sequence of SupplyEvent
    wiring : sequence of WiringFault
    local_zero_s : int
        Local clock at the first sample, seconds since 1970-01-01 00:00.
    """

    events: Sequence[SupplyEvent]
    wiring: Sequence[WiringFault]
    local_zero_s: int

    def happenings(self, first_s: int, last_s: int) -> list[Happening]:
        """Return what touches [first_s, last_s), in the order of its beginning."""
        found = [
            Happening(begin_s=begin, end_s=end, what=str(row), is_wiring=isinstance(row, WiringFault))
            for row in (*self.events, *self.wiring)
            for begin, end in row.spans(first_s, last_s, self.local_zero_s)
        ]
        return sorted(found, key=lambda happening: happening.begin_s)

    def stretches(self, first_s: int, last_s: int) -> list[Stretch]:
        """Return [first_s, last_s) cut where something begins or ends."""
        causes: tuple[SupplyEvent | WiringFault, ...] = (*self.events, *self.wiring)
        rows = [(begin, end, row) for row in causes for begin, end in row.spans(first_s, last_s, self.local_zero_s)]
        inner = {edge for begin, end, _ in rows for edge in (begin, end) if first_s < edge < last_s}
        edges = [float(first_s), *sorted(inner), float(last_s)]
        return [
            self._stretch(begin, end, [row for since, until, row in rows if since <= begin and until >= end])
            for begin, end in pairwise(edges)
        ]

    def _stretch(self, begin_s: float, end_s: float, rows: Sequence[SupplyEvent | WiringFault]) -> Stretch:
        """Return a stretch with all that is the matter in it."""
        remaining, voltage_turn, current_turn = [1.0, 1.0, 1.0], np.eye(3), np.eye(3)
        for row in rows:
            if isinstance(row, WiringFault):
                voltage_turn = row.voltage_turn() @ voltage_turn
                current_turn = row.current_turn() @ current_turn
            else:
                for phase in row.phases:
                    remaining[PHASE_NAMES.index(phase)] *= row.factor
        l1, l2, l3 = remaining
        is_wrong = any(isinstance(row, WiringFault) for row in rows)
        return Stretch(
            begin_s=begin_s,
            end_s=end_s,
            remaining=(l1, l2, l3),
            voltage_turn=voltage_turn if is_wrong else None,
            current_turn=current_turn if is_wrong else None,
        )
