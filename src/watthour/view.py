"""All that the world sees of a meter, and all that it may ask of one.

A `View` is a frozen snapshot made after each step and shared by reference; a `Command` is one atomic
request, an `Outcome` its answer; an `Event` is something that happened. Nobody outside ``meter/`` holds more.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from watthour.history import CLOSINGS, PROFILE_ROWS, Closing, History, ProfileRow
from watthour.parameters import Interface, Setting

Number = int | float | None
"""A shown value; None is what is not known, or what has no meaning just now."""

Known = TypeVar("Known")
"""What stands in a row of values."""


class NamedRow(Mapping[str, Known]):
    """Values in the order of names that many such rows share, so that a new one costs no table of its own.

    Parameters
    ----------
    names : tuple of str
        The same object for all rows of a kind.
    row : tuple
        A value for each.
    """

    __slots__ = ("_names", "_places", "_row")

    def __init__(self, names: tuple[str, ...], row: tuple[Known, ...]) -> None:
        self._names = names
        self._places = _places_of(names)
        self._row = row

    def __getitem__(self, name: str) -> Known:
        return self._row[self._places[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def picked(self, wanted: tuple[str, ...]) -> tuple[Known | None, ...]:
        """Return the values of some names, all at once; None for what is not there."""
        return tuple([None if place is None else self._row[place] for place in _some_places(self._names, wanted)])


@lru_cache
def _places_of(names: tuple[str, ...]) -> Mapping[str, int]:
    return MappingProxyType({name: place for place, name in enumerate(names)})


@lru_cache
def _some_places(names: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[int | None, ...]:
    return tuple(map(_places_of(names).get, wanted))


def picked(values: Mapping[str, Known], wanted: tuple[str, ...]) -> Iterable[Known | None]:
    """Return the values of some names; None for what is not there."""
    return values.picked(wanted) if isinstance(values, NamedRow) else map(values.get, wanted)


class LateValues(Mapping[str, Number]):
    """Values of which some are found only when somebody asks for one of them; never changed, so to be shared.

    Parameters
    ----------
    ready : mapping of str to number or None
        What is known already.
    late_names : tuple of str
        Names of the others, which follow.
    find : callable
        Gives them all. Asked at most once by each thread that asks first; always the same answer.
    """

    __slots__ = ("_find", "_found", "_late", "_ready")

    def __init__(
        self, ready: Mapping[str, Number], late_names: tuple[str, ...], find: Callable[[], Mapping[str, Number]]
    ) -> None:
        self._ready = ready
        self._late = late_names
        self._find = find
        self._found: Mapping[str, Number] | None = None

    def __getitem__(self, name: str) -> Number:
        ready = self._ready
        if name in ready:
            return ready[name]
        if self._found is None and name not in self._late:
            raise KeyError(name)
        return self._all_late()[name]

    @property
    def ready(self) -> Mapping[str, Number]:
        """What is known already."""
        return self._ready

    def with_ready(self, more: Mapping[str, Number]) -> "LateValues":
        """Return the same values with others in place of some that are known already; what is late stays so."""
        return LateValues({**self._ready, **more}, self._late, self._all_late)

    def _all_late(self) -> Mapping[str, Number]:
        if self._found is None:
            self._found = self._find()
        return self._found

    def __contains__(self, name: object) -> bool:
        """Say whether there is a value of this name, without finding it."""
        return name in self._ready or name in self._late

    def __iter__(self) -> Iterator[str]:
        yield from self._ready
        yield from self._late

    def __len__(self) -> int:
        return len(self._ready) + len(self._late)


class EventKind(StrEnum):
    """What can happen to a meter."""

    SOURCE_STARTED = "source started"
    SOURCE_GAP = "source gap"
    SOURCE_ENDED = "source ended"
    FAULT_INJECTED = "fault injected"
    POWER_DOWN = "power down"
    POWER_UP = "power up"
    PARAMETER_CHANGED = "parameter changed"
    PARTIAL_RESET = "partial reset"
    ROLL_OVER = "roll-over"
    CLOCK_SET = "clock set"
    SEAL_OPENED = "seal opened"
    SEAL_CLOSED = "seal closed"
    SEAL_REFUSED = "wrong secret for the seal"
    SOFTWARE_CHANGED = "software identification changed"
    STORAGE_FAULT = "storage fault"
    TOTALS = "totals"
    PHASE_LOSS = "phase loss"
    UNDER_VOLTAGE = "under-voltage"
    OVER_VOLTAGE = "over-voltage"
    REVERSED_CURRENT = "reversed current"
    WRONG_SEQUENCE = "wrong phase sequence"
    CALENDAR_CHANGED = "calendar changed"
    RATE_SOURCE_CHANGED = "rate source changed"
    MAXIMA_RESET = "maxima reset"
    OTHER = "other"
    PERIOD_CLOSED = "period closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, on sample time.

    Parameters
    ----------
    time_ns : int
        Nanoseconds UTC since 1970.
    kind : EventKind
    detail : mapping of str to str
        What is needed to understand it, such as the length of a gap.
    """

    time_ns: int
    kind: EventKind
    detail: Mapping[str, str] = field(default_factory=dict)


EVENTS = 10_000
"""Events kept in a view."""


class FindingKind(StrEnum):
    """What the wiring diagnosis can find, in the order of their bits in ``wiring_findings``."""

    CT_REVERSED = "ct_reversed"
    CTS_SWAPPED = "cts_swapped"
    CT_ON_WRONG_PHASE = "ct_on_wrong_phase"
    CT_MISSING = "ct_missing"
    CT_RATIO_IMPLAUSIBLE = "ct_ratio_implausible"
    VOLTAGES_SWAPPED = "voltages_swapped"
    VOLTAGES_ROTATED = "voltages_rotated"
    VOLTAGE_MISSING = "voltage_missing"
    SEQUENCE_REVERSED = "sequence_reversed"

    @property
    def bit(self) -> int:
        """Its place in ``wiring_findings``, 0 the lowest."""
        return list(FindingKind).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What seems to be wrong in the wiring before a meter.

    Parameters
    ----------
    kind : FindingKind
    phases : tuple of str
        Terminals it concerns, such as ``("L1",)``; of a CT on a wrong phase its terminals and then where it sits.
    confidence : float
        0 to 1: how much more plausible it makes the quantities than anything else does.
    evidence : str
        What speaks for it, with numbers, and what else it may be.
    """

    kind: FindingKind
    phases: tuple[str, ...]
    confidence: float
    evidence: str


def with_values(view: "View", **more: Number) -> "View":
    """Return a view with some values in place of those it has; what is found late stays so."""
    return replace(view, values=values_with(view, **more))


def values_with(view: "View", **more: Number) -> Mapping[str, Number]:
    """Return the values of a view with some in place of those it has; what is found late stays so."""
    values = view.values
    return values.with_ready(more) if isinstance(values, LateValues) else MappingProxyType({**values, **more})


def ready_values(view: "View") -> Mapping[str, Number]:
    """Return the values of a view without those that are found late."""
    values = view.values
    return values.ready if isinstance(values, LateValues) else values


def findings_word(findings: Iterable[Finding]) -> int:
    """Return the bits of the kinds that were found.

    >>> findings_word([Finding(kind=FindingKind.CTS_SWAPPED, phases=("L1", "L2"), confidence=0.9, evidence="")])
    2
    """
    return sum(1 << bit for bit in {finding.kind.bit for finding in findings})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waves:
    """The samples of one window.

    Parameters
    ----------
    rate_hz : float
        Samples per second.
    voltages_v, currents_a : ndarray of float64, shape (3, n)
        L1 L2 L3, primary.
    """

    rate_hz: float
    voltages_v: NDArray[np.float64]
    currents_a: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a meter shows at one instant.

    Parameters
    ----------
    time_ns : int
        Instant of the end of what has been metered, nanoseconds UTC since 1970.
    samples : int
        Samples metered into the registers.
    duration_s : float
        Time they stand for.
    powered : bool
        False when all voltages are out and there is no auxiliary supply: buses are silent.
    values : mapping of str to number or None
        Named as `watthour.units.VALUES`, those of this model, primary; energies as shown (modulo 2^32). Those of
        `watthour.units.LATE_NAMES` are found when somebody asks for one.
    exact : mapping of str to int
        The integers behind the energies, micro-units, never rolled over.
    parameters : mapping of str to Setting
        Settings in force.
    warnings : tuple of str
        Standing warnings, one clear line each.
    software_id : str
        SHA-256 over the legally relevant sources, in hexadecimal; empty where nobody has said it.
    calendar : str
        Name of the calendar in force.
    selected_rate : int
        What bus or inputs selected last; it counts where they are the rate source.
    diagnosis : tuple of Finding
        Empty as the meter makes it; the host has it filled in.
    profile : History of ProfileRow
        The load profile, as far as its rows are complete.
    find_open_row : callable or None
        Gives the row of the interval that is still open when somebody asks; None where there is none.
    closings : History of Closing
    events : History of Event
    event_count : int
        Events ever, as the chain counts them.
    event_head : str
        Hash that the chain of events ends with, 64 hexadecimal digits; empty as the meter makes it.
    seal_open : bool
        Whether sealed parameters may be changed.
    storage_fault : bool
        Whether what is metered is not kept as it should be.
    registers_fresh : bool
        Whether the registers began anew because those before were lost.
    calendar_missing : bool
        Whether the calendar has no rate for this instant.
    starting : bool
        Whether the meter's state is not there yet: stations answer that they are busy, and no value is known.
    waves : callable or None
        Gives the samples of the last whole window when somebody asks; None where there are none.
    """

    model: str
    serial: int
    time_ns: int
    samples: int
    duration_s: float
    powered: bool
    values: Mapping[str, Number]
    exact: Mapping[str, int]
    parameters: Mapping[str, Setting]
    warnings: tuple[str, ...] = ()
    software_id: str = ""
    calendar: str = "flat"
    selected_rate: int = 1
    diagnosis: tuple[Finding, ...] = ()
    profile: History[ProfileRow] = field(default_factory=lambda: History(keep=PROFILE_ROWS))
    find_open_row: Callable[[], ProfileRow | None] | None = field(default=None, compare=False)
    closings: History[Closing] = field(default_factory=lambda: History(keep=CLOSINGS))
    events: History[Event] = field(default_factory=lambda: History(keep=EVENTS))
    event_count: int = 0
    event_head: str = ""
    seal_open: bool = False
    storage_fault: bool = False
    registers_fresh: bool = False
    calendar_missing: bool = False
    starting: bool = False
    waves: Callable[[], Waves] | None = field(default=None, compare=False)

    @property
    def open_row(self) -> ProfileRow | None:
        """The interval of the load profile that is still open, as far as it goes."""
        return None if self.find_open_row is None else self.find_open_row()


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSettings:
    """Ask for settings to be changed: all of them, or none."""

    settings: Mapping[str, object]
    interface: Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPartial:
    """Ask for the partial counters, their cost, CO2 and hours to begin again at 0."""

    interface: Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePeriod:
    """Ask for the billing period to be closed now: registers and maxima frozen, maxima begun again."""

    interface: Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSeal:
    """Ask for the seal to be opened or closed, by somebody who has shown that he may.

    Parameters
    ----------
    secret : str
        What tells the secret that it is closed with from another, for the event.
    """

    is_open: bool
    interface: Interface
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectRate:
    """Ask for a rate, 1 to 8, to count from now on; for a meter whose rate source is the bus."""

    rate: int
    interface: Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class SetClock:
    """Ask for the clock to be set; rates, demand and profile go by it, so only while the seal is open.

    Parameters
    ----------
    time_ns : int
        What it is to show, nanoseconds UTC since 1970.
    """

    time_ns: int
    interface: Interface


Command = WriteSettings | ResetPartial | ClosePeriod | SelectRate | SetSeal | SetClock


class Verdict(StrEnum):
    """How a request ended."""

    DONE = "done"
    OUT_OF_RANGE = "out of range"
    READ_ONLY = "read-only"
    SEALED = "sealed"
    REFUSED = "refused"
    NOT_KEPT = "not kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer to a `Command`; `message` says why it was refused."""

    verdict: Verdict
    message: str = ""
