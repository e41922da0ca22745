"""Holds what a meter shows after a power cut against the oracle, the promises of the store, and a life without cuts."""

import json
from bisect import bisect_right
from collections import Counter
from fractions import Fraction

import oracle
from simulated_life import MIDNIGHT_NS, SERIAL, calendar_rate

from watthour import journal
from watthour.meter import state_to_record
from watthour.view import EventKind


class BrokenPromiseError(AssertionError):
    """A meter is not as it must be."""


def require(truth, words):
    if not truth:
        raise BrokenPromiseError(words)


class Judge:
    """What is true of one scenario, whatever the power does."""

    def __init__(self, scenario):
        self.scenario = scenario
        ct, vt = scenario.ratio
        ratio = Fraction(ct) * Fraction(vt)
        self.course = oracle.Course(scenario.rows, ratio, arithmetic=scenario.arithmetic)
        self.wishes = {
            kind: [wish for wish in scenario.wishes if wish.kind == kind] for kind in ("reset", "close", "cost", "rate")
        }
        self.rate_sums = [[oracle.NONE] * 8]
        for row in range(len(scenario.rows)):
            sums = list(self.rate_sums[-1])
            place = self._rate_of(row) - 1
            sums[place] = oracle.added(sums[place], self.course.between(row, row + 1))
            self.rate_sums.append(sums)

    def _rate_of(self, row):
        scenario = self.scenario
        at_ns = scenario.time_of(row)
        if scenario.rate_source == "calendar":
            return calendar_rate(at_ns)
        if scenario.rate_source == "inputs":
            closed = [oracle.is_believed_closed(scenario.edges[contact], at_ns) for contact in (1, 2)]
            return 1 + closed[0] + 2 * closed[1]
        return [1, *(wish.value for wish in self.wishes["rate"] if wish.row <= row)][-1]

    def hold(self, state, events):
        """Refuse a state that has not counted exactly what came before its place in the source."""
        scenario, registers = self.scenario, state.registers
        at = state.position or 0
        require(state.opened is None, "seconds are whole: nothing may be open")
        require(registers.secondary == self.course.secondary[at], f"secondary {registers.secondary} before row {at}")
        require(
            registers.total == self.course.total[at], f"total {registers.total} before row {at}, {self.course.total[at]} came"
        )
        for place, phase in enumerate(registers.phases):
            require(phase == self.course.phases[place][at], f"phase {place + 1} before row {at}")
        require(
            list(registers.rates) == self.rate_sums[at], f"rates {registers.rates} before row {at}, not {self.rate_sums[at]}"
        )
        require(oracle.added(*registers.rates) == registers.total, "the rates do not sum to the total")
        self._hold_partial(registers, events, at)
        self._hold_closings(state, at)
        self._hold_profile(state, at)
        if scenario.edges and scenario.rate_source != "inputs" and at:
            for contact, edges in scenario.edges.items():
                count = oracle.pulses_of(edges, scenario.time_of(at))
                require(state.contacts.inputs[contact - 1].count == count, f"input {contact} counted otherwise than {count}")

    def _hold_partial(self, registers, events, at):
        resets = sum(event["kind"] == EventKind.PARTIAL_RESET for event in events)
        require(resets <= len(self.wishes["reset"]), f"{resets} resets, {len(self.wishes['reset'])} were asked for")
        begin = self.wishes["reset"][resets - 1].row if resets else 0
        require(begin <= at, "a reset that was asked for later")
        require(registers.partial == self.course.between(begin, at), f"partial {registers.partial} from row {begin} to {at}")

    def _hold_closings(self, state, at):
        scenario = self.scenario
        asked = [wish.row for wish in self.wishes["close"]]
        closings = state.closings.since(0)
        rows = [self._row_at(closing.time_ns) for closing in closings]
        for closing, row in zip(closings, rows, strict=True):
            require(closing.total == self.course.total[row], f"a closing with {closing.total} at row {row}")
            require(list(closing.rates) == self.rate_sums[row], f"a closing with rates {closing.rates} at row {row}")
        by_command = [row for closing, row in zip(closings, rows, strict=True) if closing.cause == "command"]
        require(by_command == asked[: len(by_command)], f"closings at {by_command}, asked for at {asked}")
        require(len(by_command) >= sum(row < at for row in asked), "a closing that was asked for is missing")
        by_calendar = [closing for closing in closings if closing.cause == "calendar"]
        metered = [row for row in range(at) if scenario.rows[row] is not None]
        is_due = bool(metered) and scenario.start_ns < MIDNIGHT_NS <= scenario.time_of(metered[-1])
        may_be = bool(metered) and scenario.start_ns < MIDNIGHT_NS <= scenario.time_of(metered[-1] + 1)
        require(is_due <= len(by_calendar) <= may_be, f"{len(by_calendar)} closings by the calendar, {int(is_due)} is right")

    def _row_at(self, time_ns):
        """Return the first row that is there at an instant or after it."""
        row = -(-(time_ns - self.scenario.start_ns) // 10**9)
        while row < len(self.scenario.rows) and self.scenario.rows[row] is None:
            row += 1
        return row

    def _hold_profile(self, state, at):
        rows = state.profile.since(0)
        begins = [row.start_ns for row in rows]
        require(begins == sorted(set(begins)), "rows of the profile out of order, or twice")
        energies = [row.energies for row in rows]
        if state.interval is not None:
            energies.append(tuple(state.interval.energies))
        require(oracle.added(oracle.NONE, *energies) == state.registers.total, "rows of the profile do not sum to the total")
        times = [self.scenario.time_of(row) for row in range(at)]
        for row in rows:
            begin, end = (bisect_right(times, instant - 1) for instant in (row.start_ns, row.end_ns))
            require(row.energies == self.course.between(begin, end), f"a row of the profile at {row.start_ns}")

    def hold_chain(self, bodies, head):
        """Refuse a chain of events with a fault; return its entries."""
        faults = journal.chain_faults(bodies, SERIAL, head)
        require(not faults, f"the chain of events: {faults}")
        return [json.loads(body) for body in bodies]


PASSING = {EventKind.POWER_UP, EventKind.POWER_DOWN, EventKind.CLOCK_SET, EventKind.STORAGE_FAULT, EventKind.TOTALS}


def deeds(entries):
    """Return what happened to a meter, each with what it says, without when; what a cut itself leaves is left out."""
    return Counter(
        (entry["kind"], json.dumps(entry["detail"], sort_keys=True)) for entry in entries if entry["kind"] not in PASSING
    )


def outcome(state):
    """Return all that a meter remembers at the end, as bytes."""
    return json.dumps(state_to_record(state), sort_keys=True).encode()
