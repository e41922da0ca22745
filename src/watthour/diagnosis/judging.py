"""What is wrong in the wiring, from the quantities of one window.

In: values and the plate. Out: findings, the surest first, each with its confidence and its evidence in numbers. Each is
the most plausible explanation, the others of which it must be told are named with it. What a window cannot tell, such as a
reversed CT from a phase that exports alone, never gets more than `MOST_UNSURE`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from watthour.diagnosis.plausibility import LOADS_DEG, Judged, Movement, judge
from watthour.diagnosis.terminals import NAMES, Plate, Terminals, terminals_of
from watthour.diagnosis.wirings import Fault, Wiring
from watthour.units import PHASES
from watthour.view import Finding, FindingKind, Number

CLAIMED = 0.6
"""Least confidence of a finding that is told."""

MOST_UNSURE = 0.7
"""Most confidence where the same quantities come about by export, or by a load that is off."""

LEAST_SHARE = 0.01
"""A current below this share of the CT's rating says nothing of angles (Imin = 0.01 Iref, EN 50470-3)."""

MISSING_SHARE = 0.05
"""The other two currents reach this share of the rating before one of 0 is missed (Itr = 0.05 Iref, EN 50470-3)."""

OVERLOAD_SHARE = 1.25
"""Above it a CT of .../5 A gives more than Imax (6 A, 1.2 times its rating), a few percent of error left to it."""

_OF_ONE_READING = 0.5
"""Most confidence of what a plant that exports passes through every day, in one reading: not told."""

_MOVES_TOGETHER = 0.5
"""Coherence from which what moves together decides (ours)."""

_RIVAL = 0.1
"""Chance from which another place of the same mistake is told too."""

_ALIKE = 1.5
"""Two currents of no more than this ratio make one that lacks beside them conspicuous (ours)."""

UNSURE = frozenset({FindingKind.CT_REVERSED, FindingKind.VOLTAGES_ROTATED})
"""Kinds that may as well be export, unless what moves together says otherwise."""

_OTHERWISE: Mapping[FindingKind, str] = {
    FindingKind.CT_REVERSED: "or exporting there and not elsewhere; or the others reversed, where all export",
    FindingKind.VOLTAGES_ROTATED: "or the CTs moved on the other way, or all three reversed",
    FindingKind.CT_MISSING: "CT open, shorted or not there, or no load at all on this phase",
    FindingKind.SEQUENCE_REVERSED: "energies are right; the supply turns so, or two phases are exchanged with voltage and CT",
    FindingKind.VOLTAGES_SWAPPED: "or these two CTs, under a supply that turns backwards",
}


def diagnose(values: Mapping[str, Number], plate: Plate) -> tuple[Finding, ...]:
    """Return what the quantities of one window tell of the wiring.

    Parameters
    ----------
    values : mapping of str to number or None
        Named as `watthour.units.VALUES`, primary.
    plate : Plate

    Returns
    -------
    tuple of Finding
        Those with a confidence of `CLAIMED` or more; empty for a right wiring, and where nothing can be seen.
    """
    terminals = terminals_of(values)
    if terminals is None:
        return ()
    found = (*findings_of(terminals, plate), *absences(terminals, values, plate), *overloads(terminals, plate))
    return tuple(sorted((each for each in found if each.confidence >= CLAIMED), key=lambda each: -each.confidence))


def is_telling(terminals: Terminals, plate: Plate) -> bool:
    """Say whether at least two currents are large enough for their angles to tell something."""
    sizes = np.abs(terminals.currents_a)
    return bool((sizes >= LEAST_SHARE * plate.ct_primary_a).sum() > 1)


def is_right(terminals: Terminals) -> bool:
    """Say whether the wiring is right beyond doubt: every phase draws, at an angle that loads have.

    No single fault leaves all three angles there (``docs/reference/diagnosis.md``).
    """
    if not all(terminals.present) or not terminals.currents_a.all():
        return False
    low, high = LOADS_DEG
    angles = np.degrees(np.angle(terminals.voltages_v * np.conj(terminals.currents_a)))
    return bool(((angles >= low) & (angles <= high)).all())


def findings_of(terminals: Terminals, plate: Plate, movement: Movement | None = None, grace: float = 0.0) -> list[Finding]:
    """Return what angles and sequence tell.

    Parameters
    ----------
    movement : Movement, optional
        What has been seen to move together.
    grace : float
        Cost of every wrong wiring on top of its own: what speaks for a wiring that has been seen to be right.
    """
    if not is_telling(terminals, plate) or (is_right(terminals) and not terminals.is_backwards):
        return []
    judged = judge(terminals, movement, generates=plate.generates)
    judged = replace(judged, costs=judged.costs + grace * judged.table.wrong)
    best = int(judged.costs.argmin())
    return [_finding(judged, best, fault, movement, plate) for fault in judged.table.wirings[best].faults]


def _finding(judged: Judged, best: int, fault: Fault, movement: Movement | None, plate: Plate) -> Finding:
    kind, phases = fault
    moved = 0.0 if movement is None else float(np.sort(movement.coherence()[np.triu_indices(3, 1)])[1])
    same = [_amounts_to(row, fault, plate) for row in judged.table.wirings]
    chance = float(judged.chances[same].sum())
    told = "the voltages follow one another L1-L3-L2"
    if kind is not FindingKind.SEQUENCE_REVERSED:
        before, after = (_degrees(judged.angles_deg[row]) for row in (0, best))
        told = f"current to voltage {before} on L1, L2, L3; put right {after}"
    if kind is FindingKind.CT_ON_WRONG_PHASE:
        told += "; both CTs show the same current"
    if kind in {FindingKind.CTS_SWAPPED, FindingKind.VOLTAGES_SWAPPED}:
        told += _rivals(judged, fault)
    if kind in UNSURE and plate.generates:
        chance = min(chance, MOST_UNSURE + (1 - MOST_UNSURE) * moved)
    if _is_of_all(fault) and plate.generates and movement is None:
        chance = min(chance, _OF_ONE_READING)
    told += f"; {_otherwise(fault, moved, plate)}" if kind in _OTHERWISE else ""
    return Finding(kind=kind, phases=phases, confidence=round(chance, 3), evidence=told)


def _is_of_all(fault: Fault) -> bool:
    """Say whether a mistake turns all currents alike: a plant that exports looks the same at some hour of the day."""
    kind, phases = fault
    return kind is FindingKind.VOLTAGES_ROTATED or (kind is FindingKind.CT_REVERSED and len(phases) == len(NAMES))


def _otherwise(fault: Fault, moved: float, plate: Plate) -> str:
    """Return what else it may be, or why it is nothing else."""
    kind, _ = fault
    if _is_of_all(fault):
        other = "or the voltages rotated" if kind is FindingKind.CT_REVERSED else _OTHERWISE[kind]
        return f"{other}, or all phases exporting at this angle" if plate.generates else other
    if kind in UNSURE and not plate.generates:
        return "nothing exports here, it is said"
    if kind in UNSURE and moved > _MOVES_TOGETHER:
        return "what moves on several phases at a time says so too"
    return _OTHERWISE[kind]


def _amounts_to(wiring: Wiring, fault: Fault, plate: Plate) -> bool:
    """Say whether a wiring has a fault, as far as it can be told from others of its kind where plants may export.

    Two CTs reversed in a plant that draws are the third one in a plant that exports; two swapped at an angle of 60° are two
    others at 180°.
    """
    kind, phases = fault
    if kind in {FindingKind.CTS_SWAPPED, FindingKind.VOLTAGES_SWAPPED}:
        return any(kind is other for other, _ in wiring.faults)
    others = tuple(name for name in NAMES if name not in phases)
    alternatives = (phases, others) if kind is FindingKind.CT_REVERSED and plate.generates else (phases,)
    return any((kind, names) in wiring.faults for names in alternatives)


def _rivals(judged: Judged, fault: Fault) -> str:
    """Return the other places at which the same mistake is nearly as likely, in words."""
    kind, phases = fault
    places: dict[tuple[str, ...], float] = {}
    for row, chance in zip(judged.table.wirings, judged.chances, strict=True):
        for names in (names for other, names in row.faults if other is kind and names != phases):
            places[names] = places.get(names, 0.0) + float(chance)
    likely = [" and ".join(names) for names, chance in places.items() if chance > _RIVAL]
    return f"; or of {', or of '.join(likely)}, where all phases export" if likely else ""


def _degrees(angles: Sequence[float]) -> str:
    return ", ".join(f"{angle:.0f}°" for angle in angles)


def absences(terminals: Terminals, values: Mapping[str, Number], plate: Plate) -> list[Finding]:
    """Return the voltages and currents that are missing."""
    sizes = np.abs(terminals.currents_a)
    found = []
    for place, name in enumerate(NAMES):
        if not terminals.present[place]:
            found.append(_missing_voltage(name, float(values.get(f"voltage_{PHASES[place]}_v") or 0.0), sizes[place], plate))
        elif sizes[place] == 0.0:
            others = np.delete(sizes, place)
            if others.min() >= MISSING_SHARE * plate.ct_primary_a and others.max() <= _ALIKE * others.min():
                told = f"{name} 0 A beside {others[0]:.3g} A and {others[1]:.3g} A; {_OTHERWISE[FindingKind.CT_MISSING]}"
                found.append(Finding(kind=FindingKind.CT_MISSING, phases=(name,), confidence=MOST_UNSURE, evidence=told))
    return found


def _missing_voltage(name: str, voltage_v: float, current_a: float, plate: Plate) -> Finding:
    flows = current_a >= LEAST_SHARE * plate.ct_primary_a
    doubt = (
        "so the conductor is live: fuse or wire to the meter" if flows else "or the supply's phase is out, for nothing flows"
    )
    told = f"{name} {voltage_v:.3g} V, and {current_a:.3g} A; {doubt}"
    return Finding(kind=FindingKind.VOLTAGE_MISSING, phases=(name,), confidence=0.98 if flows else MOST_UNSURE, evidence=told)


def overloads(terminals: Terminals, plate: Plate) -> list[Finding]:
    """Return the currents that no CT of the ratio on the plate is made for."""
    over = [place for place in range(3) if abs(terminals.currents_a[place]) > OVERLOAD_SHARE * plate.ct_primary_a]
    if not over:
        return []
    shown = ", ".join(f"{NAMES[place]} {abs(terminals.currents_a[place]):.4g} A" for place in over)
    told = f"{shown} through CTs of {plate.ct_primary_a:g} A: a smaller CT than the meter is set to, or an overload"
    phases = tuple(NAMES[place] for place in over)
    return [Finding(kind=FindingKind.CT_RATIO_IMPLAUSIBLE, phases=phases, confidence=MOST_UNSURE, evidence=told)]
