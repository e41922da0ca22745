"""What lasts at the terminals and is worth an event: lost phases, wrong voltages, a reversed current, a wrong sequence.

In: windows in their order, and what stood before them. Out: what stands now, and the events: one when a condition has lasted
for its **hold**, under the instant it began; one when it has been gone for its **release**, under the instant it ended. Each
condition has two limits, so that a quantity at its limit does not flap; one that comes again within an hour is released later
each time, up to an hour, so that it writes at most some 30 pairs of events a day. All limits here are ours.

============== ============================================ ================================ ====
condition      begins                                       ends                             hold
============== ============================================ ================================ ====
phase loss     U below half of the highest phase            U at 60 % of it                  3 s
under-voltage  U below 80 % of nominal, no phase loss       U at 82 %                        3 s
over-voltage   U above 120 % of nominal                     U at 118 %                       3 s
reversed       P of a phase below -0.2 S, against an        P above -0.1 S                   60 s
               import of all three, I at least Itr
sequence       negative sequence twice the positive         positive sequence twice the      3 s
                                                            negative
============== ============================================ ================================ ====

A window without a whole cycle tells nothing; while the meter is off nothing stands.
"""

import cmath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watthour.meter.once import once_per_settings
from watthour.metrology import Record, Rows
from watthour.metrology.compiling import kernel
from watthour.metrology.tone import square
from watthour.models import VOLTAGE_PRESENT_V, current_range_of
from watthour.parameters import Setting
from watthour.units import NANOSECONDS, PHASES, Ratio
from watthour.view import Event, EventKind

UNDERVOLTAGE = 0.8
OVERVOLTAGE = 1.2
"""Parts of the nominal voltage between which the meter is made to work."""
LOST, FOUND = 0.5, 0.6
"""Parts of the highest phase voltage."""
BACK = 0.02
"""By how much of the nominal voltage a wrong voltage has to be back."""
REVERSED, FORWARD = -0.2, -0.1
"""Parts of the apparent power."""
TWICE = 2.0
"""Of two sequences one rules when it is so many times the other."""

HOLD_NS = 3 * NANOSECONDS
REVERSED_HOLD_NS = 60 * NANOSECONDS
RELEASE_NS = 60 * NANOSECONDS
LONGEST_RELEASE_NS = 3600 * NANOSECONDS
"""A condition that comes again this soon after it ended is released later."""

Flags = NDArray[np.bool_]

CONDITIONS: tuple[tuple[EventKind, str], ...] = (
    *((EventKind.PHASE_LOSS, phase.upper()) for phase in PHASES),
    *((EventKind.UNDER_VOLTAGE, phase.upper()) for phase in PHASES),
    *((EventKind.OVER_VOLTAGE, phase.upper()) for phase in PHASES),
    *((EventKind.REVERSED_CURRENT, phase.upper()) for phase in PHASES),
    (EventKind.WRONG_SEQUENCE, ""),
)
"""What is watched: a kind of event, and the phase it is about."""

_TURN = cmath.exp(2j * cmath.pi / 3)
_TURN_BACK = _TURN.conjugate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands with one condition.

    Parameters
    ----------
    is_there : bool
        In the last window that could tell.
    since_ns : int
        When that began.
    told_ns : int or None
        When what is told began; None where nothing is told.
    ended_ns : int or None
        When it was told to have ended last.
    again : int
        How often it came again within `LONGEST_RELEASE_NS`.
    """

    is_there: bool = False
    since_ns: int = 0
    told_ns: int | None = None
    ended_ns: int | None = None
    again: int = 0

    @property
    def release_ns(self) -> int:
        """How long it has to be gone before that is told."""
        return int(min(RELEASE_NS << min(self.again, 32), LONGEST_RELEASE_NS))


NOTHING: tuple[Standing, ...] = (Standing(),) * len(CONDITIONS)
"""Of a new meter."""


def watch(
    standings: tuple[Standing, ...],
    windows: Rows,
    on: Flags,
    settings: Mapping[str, Setting],
    instant_of: Callable[[int], int],
) -> tuple[tuple[Standing, ...], list[Event]]:
    """Return how it stands after some windows, and what is told of them, in the order in which it became sure.

    Parameters
    ----------
    standings : tuple of Standing
        One for each of `CONDITIONS`.
    windows : ndarray of `WINDOW`
        At least one, without a gap.
    on : ndarray of bool
        Whether the meter was on, of each window.
    instant_of : callable
        When a window begins; of the number after the last, when that ends.
    """
    there, gone, busy = _seen(windows, on, settings)
    after, told = list(standings), []
    for place, standing in enumerate(standings):
        if busy[place] or standing.is_there or standing.told_ns is not None:
            runs = _runs(standing.is_there, there[:, place], gone[:, place])
            after[place], events = _followed(standing, runs, CONDITIONS[place], instant_of)
            told += events
    return tuple(after), [event for _, event in sorted(told, key=lambda each: each[0])]


def shifted(standings: tuple[Standing, ...], step_ns: int) -> tuple[Standing, ...]:
    """Return how it stands on a clock that was set forward by so much."""
    if standings == NOTHING or not step_ns:
        return standings
    return tuple(
        replace(
            each,
            since_ns=each.since_ns + step_ns,
            told_ns=None if each.told_ns is None else each.told_ns + step_ns,
            ended_ns=None if each.ended_ns is None else each.ended_ns + step_ns,
        )
        for each in standings
    )


def _seen(windows: Rows, on: Flags, settings: Mapping[str, Setting]) -> tuple[Flags, Flags, list[bool]]:
    """Return, of each window and condition, whether it is surely there, and whether it is surely gone: shape (n, 13).

    The third says of each condition whether it is there in any of them.
    """
    seen = np.empty((2, len(windows), len(CONDITIONS)), np.bool_)
    busy = np.zeros(len(CONDITIONS), np.bool_)
    see(windows, on, limits_of(settings), seen, busy)
    return seen[0], seen[1], busy.tolist()


class Limits(NamedTuple):
    """Nominal voltage, and the current from which a reversed one is told."""

    nominal_v: float
    transition_a: float


@once_per_settings
def limits_of(settings: Mapping[str, Setting]) -> Limits:
    """Return the limits that a meter's settings make."""
    ct = settings["ct"]
    assert isinstance(ct, Ratio)  # noqa: S101 - its parameter row admits nothing else
    return Limits(float(Decimal(str(settings["nominal_voltage_v"]))), current_range_of(ct).transition_a)


@kernel
def see(windows: Rows, on: Flags, limits: Limits, seen: Flags, busy: Flags) -> None:
    """Fill what of each window and condition is surely there, and what is surely gone; no numpy, of three columns it is slow.

    Parameters
    ----------
    windows : ndarray of `WINDOW`, shape (n,)
    on : ndarray of bool, shape (n,)
    seen : ndarray of bool, shape (2, n, 13)
        Overwritten: what is there, and what is gone; a window that tells nothing is neither.
    busy : ndarray of bool, shape (13,)
        True is added where a condition is there in any window.
    """
    there, gone = seen[0], seen[1]
    for k in range(windows.shape[0]):
        row = windows[k]
        there[k, :] = False
        gone[k, :] = not on[k]
        if on[k] and row["cycles"] > 0:
            _see_voltages(row, limits.nominal_v, there[k], gone[k])
            _see_powers(row, limits.transition_a, there[k], gone[k])
            _see_sequence(row, there[k], gone[k])
        for place in range(there.shape[1]):
            busy[place] |= there[k, place]


@kernel
def _see_voltages(row: Record, nominal_v: float, there: Flags, gone: Flags) -> None:
    voltages = row["voltage_v"]
    highest = max(voltages[0], voltages[1], voltages[2])
    for p in range(3):
        voltage = voltages[p]
        lost = voltage < LOST * highest
        there[p], gone[p] = lost, voltage >= FOUND * highest
        there[3 + p] = voltage < UNDERVOLTAGE * nominal_v and not lost
        gone[3 + p] = voltage >= (UNDERVOLTAGE + BACK) * nominal_v or lost
        there[6 + p] = voltage > OVERVOLTAGE * nominal_v
        gone[6 + p] = voltage <= (OVERVOLTAGE - BACK) * nominal_v


@kernel
def _see_powers(row: Record, transition_a: float, there: Flags, gone: Flags) -> None:
    """See where a phase's power flows against that of all three, and where it surely does not."""
    powers = row["power_w"]
    imports = powers[0] + powers[1] + powers[2] > 0.0
    for p in range(3):
        current = row["current_a"][p]
        apparent = row["voltage_v"][p] * current
        loaded = current >= transition_a
        there[9 + p] = loaded and imports and powers[p] < REVERSED * apparent
        gone[9 + p] = loaded and powers[p] > FORWARD * apparent


@kernel
def _see_sequence(row: Record, there: Flags, gone: Flags) -> None:
    """See where the phases follow one another the wrong way round, and where the right way; of three voltages."""
    voltages, phasors = row["voltage_v"], row["voltage_phasor_v"]
    highest = max(voltages[0], voltages[1], voltages[2])
    negative = square(phasors[0] + phasors[1] * _TURN_BACK + phasors[2] * _TURN)
    positive = square(phasors[0] + phasors[1] * _TURN + phasors[2] * _TURN_BACK)
    three = min(voltages[0], voltages[1], voltages[2]) >= VOLTAGE_PRESENT_V
    tells = three and max(negative, positive) >= highest**2  # two phases at one angle: neither
    there[12] = tells and negative > TWICE**2 * positive
    gone[12] = tells and positive > TWICE**2 * negative


Run = tuple[int, int, bool]
"""Windows [first, end) in which a condition is there, or is not."""


def _runs(is_there: bool, there: Flags, gone: Flags) -> list[Run]:  # noqa: FBT001 - what stood before, not a switch
    """Return the runs of a condition; a window that cannot tell is like the one before."""
    count = len(there)
    sure = np.flatnonzero(there | gone)
    values = there[sure]
    changes = [] if not len(sure) else [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist()]
    begins = [(0, is_there), *((int(sure[k]), bool(values[k])) for k in changes)]
    ends = [*(begin for begin, _ in begins[1:]), count]
    return [(begin, end, value) for (begin, value), end in zip(begins, ends, strict=True) if end > begin]


def _followed(
    standing: Standing, runs: Sequence[Run], condition: tuple[EventKind, str], instant_of: Callable[[int], int]
) -> tuple[Standing, list[tuple[int, Event]]]:
    """Return how it stands with one condition after its runs, and each event with the instant at which it became sure."""
    kind, phase = condition
    hold_ns = REVERSED_HOLD_NS if kind is EventKind.REVERSED_CURRENT else HOLD_NS
    told = []
    for begin, end, is_there in runs:
        if is_there != standing.is_there:
            standing = replace(standing, is_there=is_there, since_ns=instant_of(begin))
        lasted_ns = instant_of(end) - standing.since_ns
        if is_there and standing.told_ns is None and lasted_ns >= hold_ns:
            standing = _begun(standing)
            told.append((standing.since_ns + hold_ns, _event(kind, phase, standing.since_ns, state="begun")))
        elif not is_there and standing.told_ns is not None and lasted_ns >= standing.release_ns:
            duration = f"{(standing.since_ns - standing.told_ns) / NANOSECONDS:.1f}"
            sure_ns = standing.since_ns + standing.release_ns
            told.append((sure_ns, _event(kind, phase, standing.since_ns, state="ended", duration_s=duration)))
            standing = replace(standing, told_ns=None, ended_ns=standing.since_ns)
    return standing, told


def _begun(standing: Standing) -> Standing:
    """Return a condition that is told from now on; one that was told a short while ago is released later."""
    ended_ns = standing.ended_ns
    comes_again = ended_ns is not None and standing.since_ns - ended_ns < LONGEST_RELEASE_NS + standing.release_ns
    return replace(standing, told_ns=standing.since_ns, again=standing.again + 1 if comes_again else 0)


def _event(kind: EventKind, phase: str, time_ns: int, **detail: str) -> Event:
    return Event(time_ns=time_ns, kind=kind, detail=MappingProxyType({**({"phase": phase} if phase else {}), **detail}))
