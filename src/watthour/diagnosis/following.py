"""The wiring diagnosis over time: what lasts is told, what moves together is weighed, nothing flaps.

In: a `Course`, what has been seen so far, and what stands at the terminals now. Out: the course, moved on, and in it the
findings that stand. A finding is told once it has lasted, and stays until it has been gone for a while; while
too little current flows to tell anything, all stays as it is. A wiring that was seen to be right is trusted until the
currents are seen to change places: that is what keeps the export of a roof from being taken for a reversed CT.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from watthour.diagnosis.judging import (
    CLAIMED,
    LEAST_SHARE,
    MOST_UNSURE,
    absences,
    findings_of,
    is_right,
    is_telling,
    overloads,
)
from watthour.diagnosis.plausibility import Movement
from watthour.diagnosis.terminals import Phasors, Plate, Terminals, terminals_of
from watthour.diagnosis.wirings import Fault
from watthour.units import NANOSECONDS, SECONDS_PER_HOUR
from watthour.view import Finding, FindingKind, Number

SURE_S = 10.0
"""How long a finding that nothing else explains has to last before it is told."""
UNSURE_S = 60.0
"""How long one has to last that may also come from export, a load that is off, an overload."""
ROTATED_S = 300.0
"""How long rotated voltages have to last: all phases of a roof look alike, and need time to move."""
RELEASE_S = 30.0
"""How long it has to be gone before it is told no more."""
_LASTING = 0.8
"""Share of that time in which it has to be found."""

_SLOW_S = 20.0
"""Changes are against the mean of this time."""
_REMEMBERED_S = 1800.0
"""Changes are forgotten over this time."""
_WATCHED_S = 300.0
"""Changes count fully when they were watched for this long."""
_LEAST_CHANGE = 5e-4
"""Of all current; below it a change may be noise or rounding."""

_TRUST = 6.0
"""What speaks for a wiring that has been seen to be right, in natural units of information."""
_TRUSTED_S = 60.0
_SAME_SIZE = 0.02
_MOVED_DEG = 30.0
"""Currents of the same sizes as before at other angles are the same ones at other terminals (ours)."""

_LITTLE_S = 7 * 24 * SECONDS_PER_HOUR
"""How long all currents stay below `LEAST_SHARE` before the CTs are called too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A finding on its way in or out.

    Parameters
    ----------
    finding : Finding
        As last found.
    since_ns, last_ns : int
        When it was found first, and last.
    found_s : float
        How much of the time between it was found.
    told : bool
    """

    finding: Finding
    since_ns: int
    last_ns: int
    found_s: float = 0.0
    told: bool = False


def _still() -> Movement:
    return Movement(together=np.zeros((3, 3), dtype=np.complex128), along=np.zeros(3, dtype=np.complex128), weight=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What has been seen so far.

    Parameters
    ----------
    time_ns : int or None
        Of the last look; None before the first.
    before : Terminals or None
        What stood there then.
    slow_va : complex ndarray, shape (3,), or None
        Mean of the last currents times their voltages.
    movement : Movement
    right_s : float
        For how long the wiring has been seen to be right.
    little_since_ns : int or None
        Since when no current reached `LEAST_SHARE`.
    standing : mapping of Fault to Standing
    """

    time_ns: int | None = None
    before: Terminals | None = None
    slow_va: Phasors | None = None
    movement: Movement = field(default_factory=_still)
    right_s: float = 0.0
    little_since_ns: int | None = None
    standing: Mapping[Fault, Standing] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is told, the surest first."""
        told = [standing.finding for standing in self.standing.values() if standing.told]
        return tuple(sorted(told, key=lambda finding: (-finding.confidence, finding.kind.bit)))


def follow(course: Course, values: Mapping[str, Number], plate: Plate, now_ns: int) -> Course:
    """Return the course after one more look.

    Parameters
    ----------
    values : mapping of str to number or None
        Named as `watthour.units.VALUES`, primary.
    now_ns : int
        Sample time, nanoseconds UTC since 1970; looks at the same instant change nothing.
    """
    passed_s = 0.0 if course.time_ns is None else (now_ns - course.time_ns) / NANOSECONDS
    if course.time_ns == now_ns:
        return course
    if passed_s < 0.0:  # another clock
        course, passed_s = Course(), 0.0
    terminals = terminals_of(values)
    if terminals is None:  # what is done to a meter without voltage is not seen
        return Course(time_ns=now_ns, standing=course.standing)
    telling = is_telling(terminals, plate)
    course = _watched(course, terminals, passed_s, telling=telling)
    right = telling and is_right(terminals)
    trust = _TRUST * min(course.right_s / _TRUSTED_S, 1.0)
    found = findings_of(terminals, plate, course.movement, trust)
    found += [*absences(terminals, values, plate), *overloads(terminals, plate), *_too_large(course, terminals, plate, now_ns)]
    return replace(
        course,
        time_ns=now_ns,
        before=terminals,
        right_s=course.right_s + passed_s * right,
        little_since_ns=_little_since(course, terminals, plate, now_ns),
        standing=_standing(course, found, now_ns, passed_s, telling=telling),
    )


def _watched(course: Course, terminals: Terminals, passed_s: float, *, telling: bool) -> Course:
    """Return the course with what the currents did since the last look."""
    loading = terminals.currents_a * np.abs(terminals.voltages_v)
    if course.before is not None and was_rewired(course.before, terminals):
        return replace(course, slow_va=loading, movement=_still(), right_s=0.0)
    if course.slow_va is None or not telling:
        return replace(course, slow_va=loading)
    kept = np.exp(-passed_s / _SLOW_S)
    change = (loading - course.slow_va) / np.abs(loading).sum()
    slow = kept * course.slow_va + (1 - kept) * loading
    movement = course.movement
    if np.abs(change).sum() >= _LEAST_CHANGE:
        left = np.exp(-passed_s / _REMEMBERED_S)
        movement = Movement(
            together=left * movement.together + np.outer(change, change.conj()),
            along=left * movement.along + change**2,
            weight=min(1.0, movement.weight + passed_s / _WATCHED_S),
        )
    return replace(course, slow_va=slow, movement=movement)


def was_rewired(before: Terminals, after: Terminals) -> bool:
    """Say whether the same currents are suddenly somewhere else, or turned round, or the voltages turn the other way."""
    if before.is_backwards != after.is_backwards or before.present != after.present:
        return True
    sizes, were = np.sort(np.abs(after.currents_a)), np.sort(np.abs(before.currents_a))
    if (np.abs(sizes - were) > _SAME_SIZE * were).any():
        return False
    both = after.currents_a * np.conj(before.currents_a)
    return bool((np.abs(np.degrees(np.angle(both[both != 0]))) > _MOVED_DEG).any())


def _little_since(course: Course, terminals: Terminals, plate: Plate, now_ns: int) -> int | None:
    """Return since when only little current has flown; none at all tells nothing, and leaves all as it is."""
    highest = float(np.abs(terminals.currents_a).max())
    if highest >= LEAST_SHARE * plate.ct_primary_a:
        return None
    if highest > 0.0 and course.little_since_ns is None:
        return now_ns
    return course.little_since_ns


def _too_large(course: Course, terminals: Terminals, plate: Plate, now_ns: int) -> list[Finding]:
    """Return the finding of CTs that never see as much current as they can measure."""
    since_ns = _little_since(course, terminals, plate, now_ns)
    if since_ns is None or now_ns - since_ns < _LITTLE_S * NANOSECONDS:
        return []
    days = (now_ns - since_ns) / NANOSECONDS / SECONDS_PER_HOUR / 24
    told = (
        f"no current above {LEAST_SHARE * plate.ct_primary_a:g} A, 1 % of the CTs' {plate.ct_primary_a:g} A, for {days:.0f} days:"
        " CTs far too large, a larger ratio set than installed, or a plant at rest"
    )
    phases = ("L1", "L2", "L3")
    return [Finding(kind=FindingKind.CT_RATIO_IMPLAUSIBLE, phases=phases, confidence=MOST_UNSURE, evidence=told)]


def _standing(course: Course, found: list[Finding], now_ns: int, passed_s: float, *, telling: bool) -> Mapping[Fault, Standing]:
    """Return the findings on their way in and out."""
    standing = dict(course.standing)
    for finding in found:
        if finding.confidence < CLAIMED:
            continue
        key = (finding.kind, finding.phases)
        known = standing.get(key, Standing(finding=finding, since_ns=now_ns, last_ns=now_ns, found_s=-passed_s))
        found_s = known.found_s + passed_s
        lasted_s = (now_ns - known.since_ns) / NANOSECONDS
        told = known.told or (lasted_s >= _needed_s(finding) and found_s >= _LASTING * lasted_s)
        standing[key] = replace(known, finding=finding, last_ns=now_ns, found_s=found_s, told=told)
    return MappingProxyType({key: each for key, each in standing.items() if _stays(each, now_ns, telling=telling)})


def _needed_s(finding: Finding) -> float:
    """Return how long a finding has to last."""
    if finding.kind is FindingKind.VOLTAGES_ROTATED:
        return ROTATED_S
    return SURE_S if finding.confidence > MOST_UNSURE else UNSURE_S


def _stays(standing: Standing, now_ns: int, *, telling: bool) -> bool:
    """Say whether a finding is still on its way in, told, or not yet long enough gone."""
    by_angle = standing.finding.kind not in {
        FindingKind.CT_MISSING,
        FindingKind.VOLTAGE_MISSING,
        FindingKind.CT_RATIO_IMPLAUSIBLE,
    }
    if by_angle and not telling:
        return standing.told
    return now_ns - standing.last_ns < RELEASE_S * NANOSECONDS
