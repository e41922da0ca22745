"""The count of consecutive windows on the clock: to which rate, interval, demand period and billing period each part belongs.

In: a state, a timetable, and windows that follow one another without a gap. Out: the state after them, and what was closed.
The windows are cut into **spans** at every sample where a rate changes, an interval or a demand step ends, or a period is
closed; a window that lies across such an edge is shared by its samples (`watthour.registers.count_stretches`). Between two
edges all windows are counted at once, so an hour by the second costs no more than its edges.

::

    samples   |--- w ---|--- w ---|--- w ---|--- w ---|
    edges           ^ 10:00 P2 to P1, interval ends
    spans     [-----)[----------------------------------)

Edges are samples: sample k belongs to the side on which its instant lies, an instant on the edge to the later one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import sub
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watthour.history import PLAIN, Closing, ClosingCause, RowFlag, Six
from watthour.meter.powering import Presence
from watthour.meter.state import Anchor, Mark, MeterState, demand_rule_of, primary_ratio, summation_of
from watthour.meter.timetable import Timetable
from watthour.metrology import Rows
from watthour.registers import (
    Registers,
    add_counts,
    add_to_interval,
    add_to_step,
    close_period,
    close_step,
    count_stretches,
    disturb,
    open_interval,
    open_step,
    row_of,
    with_demand,
)
from watthour.registers.intervals import PROFILE_NS
from watthour.units import NANOSECONDS

FIRST_RATE = 1
"""Where the calendar is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Samples [begin, end) that belong together.

    Parameters
    ----------
    begin_ns, end_ns : int
        Instants of `begin`, and of `end` by the same clock.
    is_covered : bool
        Whether the calendar has a rate for it.
    closes : bool
        Whether a billing period is closed, on command, before it.
    """

    begin: int
    end: int
    begin_ns: int
    end_ns: int
    rate: int
    is_covered: bool = True
    closes: bool = False


def count_on_the_clock(state: MeterState, timetable: Timetable, windows: Rows, presence: Presence) -> "Tally":
    """Return what windows add to a state, which `Tally.into` makes of it.

    Parameters
    ----------
    windows : ndarray of `WINDOW`
        At least one; without energy where the meter was off. All begin under the clock in force.
    presence : Presence
        Where the meter was on.
    """
    assert state.anchor is not None  # noqa: S101 - windows were measured from a block
    first, last = windows[0], windows[-1]
    begin, end = int(first["first_sample"]), int(last["first_sample"] + last["samples"])
    spans = list(_spans(state, state.anchor, timetable, begin, end))
    counts, carry = count_stretches(windows, state.carry, [span.end for span in spans], summation_of(state.settings))
    tally = Tally(state, timetable, was_off=not presence.always)
    metered = _metered(windows, presence, spans, state.anchor)
    for span, counted, seconds in zip(spans, counts, metered, strict=True):
        tally.add(span, counted, seconds)
    done = [mark for mark in state.marks if mark.sample < end]
    tally.carry, tally.marks, tally.selected_rate = carry, state.marks[len(done) :], _selected(done, state)
    return tally


def heed_marks(state: MeterState, timetable: Timetable) -> tuple[MeterState, tuple[Closing, ...]]:
    """Return the state after all that was asked for, where nothing is left to be counted, and the closings."""
    tally = Tally(state, timetable)
    for mark in state.marks:
        if mark.rate is None:
            tally.close(state.time_ns, ClosingCause.COMMAND)
    tally.marks, tally.selected_rate = (), state.requested_rate
    return tally.into(), tuple(tally.closed)


def _selected(marks: Sequence[Mark], state: MeterState) -> int:
    """Return the rate that the last of some marks selects, or the one before."""
    return next((mark.rate for mark in reversed(marks) if mark.rate is not None), state.selected_rate)


def after_clock_set(state: MeterState) -> MeterState:
    """Return the state after the clock jumped: what is open is flagged, and so is what comes next."""
    interval = state.interval
    flagged = None if interval is None else replace(interval, flags=interval.flags | RowFlag.CLOCK_SET)
    return replace(state, interval=flagged, demand=disturb(state.demand), clock_was_set=True, period_flags=RowFlag.CLOCK_SET)


def active_rate(state: MeterState, timetable: Timetable) -> tuple[int, bool]:
    """Return the rate that would count now, and whether the calendar covers this instant."""
    if state.settings["rate_source"] != "calendar":
        return state.selected_rate, True
    rate = timetable.at(state.time_ns).rate
    return (FIRST_RATE, False) if rate is None else (rate, True)


def _spans(state: MeterState, anchor: Anchor, timetable: Timetable, begin: int, end: int) -> Iterator[Span]:
    """Yield the parts of samples [begin, end) between edges."""
    by_calendar = state.settings["rate_source"] == "calendar"
    step_ns = demand_rule_of(state.settings).step_min * 60 * NANOSECONDS
    closing_day = int(str(state.settings["closing_day"]))
    marks, at = [mark for mark in state.marks if mark.sample < end], begin
    while at < end:
        now_ns = anchor.time_of(at)
        due = [mark for mark in marks if mark.sample <= at]
        marks = marks[len(due) :]
        state = replace(state, selected_rate=_selected(due, state)) if due else state
        edges = [now_ns // PROFILE_NS * PROFILE_NS + PROFILE_NS, now_ns // step_ns * step_ns + step_ns]
        rate: int | None = state.selected_rate
        if by_calendar:
            _, until_ns, rate = timetable.at(now_ns)
            edges.append(until_ns)
        closing_ns = timetable.closing_after(now_ns, closing_day)
        edges += [] if closing_ns is None else [closing_ns]
        stop = min(anchor.sample_at(min(edges)), end, *(mark.sample for mark in marks[:1]))
        yield Span(
            begin=at,
            end=stop,
            begin_ns=now_ns,
            end_ns=anchor.time_of(stop),
            rate=FIRST_RATE if rate is None else rate,
            is_covered=rate is not None,
            closes=any(mark.rate is None for mark in due),
        )
        at = stop


def _metered(windows: Rows, presence: Presence, spans: Sequence[Span], anchor: Anchor) -> list[Fraction]:
    """Return how many seconds of each span the meter was on."""
    numerator, denominator = anchor.rate_hz.as_integer_ratio()
    if presence.always:
        return [Fraction((span.end - span.begin) * denominator, numerator) for span in spans]
    begins = windows["first_sample"]
    ends = begins + windows["samples"]
    held = [np.minimum(ends, span.end) - np.maximum(begins, span.begin) for span in spans]
    return [Fraction(int(samples[presence.on].clip(0).sum()) * denominator, numerator) for samples in held]


class Tally:
    """What grows while spans are added to a state.

    Parameters
    ----------
    was_off : bool
        Whether the meter was off in some of the windows to come.

    Attributes
    ----------
    registers : Registers
    time_ns : int
        Instant that the clock has come to.
    closings : History of Closing
    closed : list of Closing
        The billing periods that were closed.
    carry, marks, selected_rate
        As in the state; what the count leaves of them.
    """

    def __init__(self, state: MeterState, timetable: Timetable, *, was_off: bool = False) -> None:
        self._state = state
        self._was_off = was_off
        self._timetable = timetable
        self._ratio = primary_ratio(state.settings)
        self._rule = demand_rule_of(state.settings)
        self.registers: Registers = state.registers
        self._interval = state.interval
        self._demand = state.demand
        self._step = state.demand.running
        self.time_ns = state.time_ns
        self._closed_ns = state.closed_ns
        self._flags = RowFlag.CLOCK_SET if state.clock_was_set else PLAIN
        self._is_new = state.samples == 0
        self._sample = Fraction(1) if state.anchor is None else state.anchor.sample_s
        self._profile = state.profile
        self.closings = state.closings
        self._period_flags = state.period_flags
        self.closed: list[Closing] = []
        self.carry, self.marks, self.selected_rate = state.carry, state.marks, state.selected_rate

    def add(self, span: Span, counts: NDArray[np.int64], metered: Fraction) -> None:
        """Count one span."""
        if self._is_new:
            self.time_ns, self._is_new = span.begin_ns, False
        self._pass_to(span.begin_ns)
        if span.closes:
            self.close(span.begin_ns, ClosingCause.COMMAND)
        before = self.registers.total
        self.registers = add_counts(self.registers, counts, ratio=self._ratio, rate=span.rate)
        amounts = tuple(map(sub, self.registers.total, before))
        self._add_to_interval(span, amounts, metered)
        self._add_to_demand(span, amounts, metered)
        self._flags = PLAIN
        self._pass_to(span.end_ns)

    def close(self, time_ns: int, cause: ClosingCause) -> None:
        """Close the billing period as it stands."""
        closing, self._demand = close_period(self.registers, self._demand, time_ns, cause, self._period_flags)
        self._period_flags = PLAIN
        self.closings = self.closings.append(closing)
        self.closed.append(closing)

    def into(self, **more: Any) -> MeterState:
        """Return the state after all that was added, with other fields changed that no count touches."""
        return replace(
            self._state,
            carry=self.carry,
            marks=self.marks,
            selected_rate=self.selected_rate,
            registers=self.registers,
            interval=self._interval,
            demand=replace(self._demand, running=self._step),
            time_ns=self.time_ns,
            closed_ns=self._closed_ns,
            clock_was_set=self._flags != PLAIN,
            profile=self._profile,
            closings=self.closings,
            period_flags=self._period_flags,
            **more,
        )

    def _add_to_interval(self, span: Span, amounts: Six, metered: Fraction) -> None:
        interval = self._interval or open_interval(span.begin_ns)
        flags = self._flags if span.is_covered else self._flags | RowFlag.CALENDAR_MISSING
        if self._was_off and metered < (span.end - span.begin) * self._sample:
            flags |= RowFlag.POWER_FAILED
        self._interval = add_to_interval(interval, amounts, rate=span.rate, metered=metered, flags=flags)

    def _add_to_demand(self, span: Span, amounts: Six, metered: Fraction) -> None:
        was_set = RowFlag.CLOCK_SET in self._flags
        step = self._step or open_step(span.begin_ns, span.rate, self._rule, is_disturbed=was_set)
        self._step = add_to_step(step, amounts[0], is_metered=bool(metered))

    def _pass_to(self, now_ns: int) -> None:
        """Close what ends when the clock comes to this instant, in the order of time."""
        if now_ns == self.time_ns:
            return
        self._pass_closing(now_ns)
        self._pass_step(now_ns)
        interval = self._interval
        if interval is not None and not interval.start_ns <= now_ns < interval.end_ns:
            row = row_of(interval, self._sample)
            self._profile = self._profile if row is None else self._profile.append(row)
            self._interval = None
        self.time_ns = now_ns

    def _pass_step(self, now_ns: int) -> None:
        """Close the demand step if it is over; its demand goes into the row of the interval that it ends in."""
        step = self._step
        if step is None or step.start_ns <= now_ns < step.end_ns:
            return
        before = self._demand.last
        self._demand, self._step = close_step(self._demand, step, self._rule), None
        found = self._demand.last
        interval = self._interval
        if (
            found is not None
            and found is not before
            and interval is not None
            and interval.start_ns < found.time_ns <= interval.end_ns
        ):
            self._interval = with_demand(interval, found.demand_microw)

    def _pass_closing(self, now_ns: int) -> None:
        """Close the period if its last day is over: once, however many such days were passed without a sample."""
        day = int(str(self._state.settings["closing_day"]))
        due_ns = self._timetable.closing_after(self.time_ns, day)
        if due_ns is None or due_ns > now_ns:
            return
        following_ns = self._timetable.closing_after(due_ns, day)
        while following_ns is not None and following_ns <= now_ns:
            due_ns, following_ns = following_ns, self._timetable.closing_after(following_ns, day)
        step = self._step
        if step is not None and step.end_ns <= due_ns:
            self._pass_step(now_ns)
        if due_ns > self._closed_ns:
            self._closed_ns = due_ns
            self.close(due_ns, ClosingCause.CALENDAR)
