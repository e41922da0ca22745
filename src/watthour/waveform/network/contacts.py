"""Contacts of an installation that close and open by a schedule: what the digital inputs of its meter see.

In: ``[[contact]]`` rows of a network file. Out: for any stretch of time, when the contact at an input closes and opens, to
the nanosecond since the first sample. Rows of the same input are contacts in parallel: it is closed while any of them is.
What a meter makes of it is not known here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from watthour.units import NANOSECONDS
from watthour.waveform.network.times import WEEK_S, Occasion, OnLines, on_times, second_of_week
from watthour.waveform.network.vocabulary import Table, refusal

InputNumber = Annotated[Literal[1, 2], Field(alias="input")]
Interval = tuple[int, int]
"""Closed from the first instant on, open from the second on; nanoseconds since the first sample."""


class HoursContact(Table):
    """A contact that is closed in some hours of the week, by the installation's clock."""

    kind: Literal["hours"]
    number: InputNumber
    closed: OnLines

    def intervals(self, first_ns: int, last_ns: int, local_zero_s: int) -> Iterator[Interval]:
        """Yield the intervals that touch [first, last], their ends included."""
        first_s, last_s = first_ns // NANOSECONDS, -(-last_ns // NANOSECONDS)
        monday_s = first_s - second_of_week(local_zero_s + first_s) - WEEK_S
        for start, end in on_times(self.closed).intervals:
            for week_s in range(monday_s, last_s + 1, WEEK_S):
                yield (week_s + start) * NANOSECONDS, (week_s + end) * NANOSECONDS


class MomentContact(Occasion):
    """A contact that is closed for a while: once, or each day."""

    kind: Literal["moment"]
    number: InputNumber

    def intervals(self, first_ns: int, last_ns: int, local_zero_s: int) -> Iterator[Interval]:
        """Yield the intervals that touch [first, last], their ends included."""
        first_s, last_s = first_ns // NANOSECONDS - 1, last_ns // NANOSECONDS + 2
        for begin_s, end_s in self.spans(first_s, last_s, local_zero_s):
            yield _nanoseconds(begin_s), _nanoseconds(end_s)


class PulsesContact(Table):
    """A contact that pulses without end, such as that of another meter.

    Parameters
    ----------
    every_s : float
        From the start of a pulse to that of the next.
    closed_s : float
        How long it is closed for each.
    first_s : float
        Start of the first pulse, seconds since the first sample.
    """

    kind: Literal["pulses"]
    number: InputNumber
    every_s: Annotated[float, Field(ge=0.01, le=1e9)]
    closed_s: Annotated[float, Field(gt=0, le=1e9)] = 0.1
    first_s: Annotated[float, Field(ge=0, le=1e12)] = 0.0

    @model_validator(mode="after")
    def _opens_again(self) -> Self:
        if self.closed_s >= self.every_s:
            raise refusal(["closed_s"], f"it must open again before the next pulse; write less than every_s = {self.every_s:g}")
        return self

    def intervals(self, first_ns: int, last_ns: int, local_zero_s: int) -> Iterator[Interval]:  # noqa: ARG002 - goes by no clock
        """Yield the intervals that touch [first, last], their ends included."""
        begin_ns, every, closed_ns = _nanoseconds(self.first_s), _exact(self.every_s), _nanoseconds(self.closed_s)
        number = max(0, (first_ns - begin_ns - closed_ns) // every)
        while (start_ns := begin_ns + round(number * every)) <= last_ns:
            yield start_ns, start_ns + closed_ns
            number += 1


AnyContact = Annotated[HoursContact | MomentContact | PulsesContact, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching:
    """A contact that closes or opens.

    Parameters
    ----------
    time_ns : int
        Nanoseconds since the first sample.
    number : int
        Of the input, 1 or 2.
    closed : bool
        As it is from then on.
    """

    time_ns: int
    number: int
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The contacts of an installation.

    Parameters
    ----------
    rows : tuple of contacts
    local_zero_s : int
        Local clock at the first sample, seconds since 1970-01-01 00:00.
    """

    rows: tuple[HoursContact | MomentContact | PulsesContact, ...] = ()
    local_zero_s: int = 0

    @property
    def inputs(self) -> frozenset[int]:
        """The inputs that have a contact."""
        return frozenset(row.number for row in self.rows)

    def is_closed(self, number: int, time_ns: int) -> bool:
        """Say whether the contact at an input is closed."""
        return any(begin <= time_ns < end for begin, end in self._closed(number, time_ns, time_ns))

    def switchings(self, first_ns: int, last_ns: int) -> list[Switching]:
        """Return what closes and opens in [first, last), in order of time."""
        found = [
            Switching(time_ns=edge_ns, number=number, closed=closed)
            for number in self.inputs
            for interval in self._closed(number, first_ns, last_ns)
            for edge_ns, closed in zip(interval, (True, False), strict=True)
            if first_ns <= edge_ns < last_ns
        ]
        return sorted(found, key=lambda switching: (switching.time_ns, switching.number))

    def _closed(self, number: int, first_ns: int, last_ns: int) -> list[Interval]:
        """Return when a contact is closed, in order, none touching the next."""
        rows = [row for row in self.rows if row.number == number]
        return _merged([each for row in rows for each in row.intervals(first_ns, last_ns, self.local_zero_s)])


def _merged(intervals: Sequence[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _exact(seconds: float) -> Fraction:
    """Return nanoseconds of the decimal number as written."""
    return Fraction(repr(seconds)) * NANOSECONDS


def _nanoseconds(seconds: float) -> int:
    return round(_exact(seconds))
