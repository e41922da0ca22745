"""The newest of every place, for whoever shows it: what was read last, and whether it still holds.

A value that is older than two intervals is unavailable, and so is all of a meter that does not answer; nothing ever becomes 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from watthour.headend.counting import LONG, Count
from watthour.headend.reading import Interval, Reading
from watthour.host.archive.recording import Recorded
from watthour.units import ENERGIES, MICRO, energy_name
from watthour.view import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """What is known of a place.

    Parameters
    ----------
    problem : str
        Why the last try gave no reading; empty: it did.
    """

    place: str
    reading: Reading | None = None
    count: Count | None = None
    interval: Interval | None = None
    problem: str = ""
    events: int = 0
    failures: int = 0

    def is_available(self, now_ns: int, step_ns: int) -> bool:
        """Whether its values still hold."""
        return self.reading is not None and not self.problem and now_ns - self.reading.time_ns <= LONG * step_ns

    def values(self) -> dict[str, Number]:
        """Return the values of the last reading, counters included."""
        if self.reading is None:
            return {}
        shown = {energy_name(e): self.reading.counters[e].micro / MICRO for e in ENERGIES if e in self.reading.counters}
        return {**self.reading.values, **shown}


class Latest:
    """The newest of every place."""

    def __init__(self, counts: Mapping[str, Count]) -> None:
        self.places = {name: Newest(place=name, count=count) for name, count in counts.items()}

    def recorded(self, told: Recorded) -> None:
        """Take in what was read and kept."""
        before = self.places[told.place]
        self.places[told.place] = replace(
            before,
            reading=told.reading,
            count=told.count,
            interval=told.intervals[-1] if told.intervals else before.interval,
            problem="",
            events=before.events + len(told.events),
            failures=0,
        )

    def answered(self, place: str, reading: Reading) -> None:
        """Take in what was read and is not kept yet."""
        self.places[place] = replace(self.places[place], reading=reading, problem="", failures=0)

    def failed(self, place: str, problem: str) -> None:
        """Take in that a meter did not answer."""
        before = self.places[place]
        self.places[place] = replace(before, problem=problem, failures=before.failures + 1)
