"""How improbable a wiring makes what is measured: costs in natural units of information, the smaller the more plausible.

Under a wiring each current is put right and held against its own voltage. Loads draw at PF 0.5 inductive to 0.8
capacitive, much alike on the three phases; where there is generation every angle may come about, some more often.
What moves at the same time on several phases (a motor, a cloud over the roof, the supply's voltage) says more than what
stands still: it moves alike on all of them, and along an angle that loads have (generators have angles of loads, turned round).

The weights are ours; what they achieve is measured, fault by fault, in ``docs/reference/diagnosis.md``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watthour.diagnosis.terminals import Phasors, Terminals
from watthour.diagnosis.wirings import WiringTable, wirings

Floats = NDArray[np.float64]

LOADS_DEG = (-37.0, 60.0)
"""Where loads are: PF 0.8 capacitive to 0.5 inductive."""

_MIDDLE_DEG, _HALF_WIDTH_DEG = sum(LOADS_DEG) / 2, (LOADS_DEG[1] - LOADS_DEG[0]) / 2
_USUAL_DEG, _USUAL_SPREAD_DEG, _OUTSIDE_DEG, _MOST_OUTSIDE = 15.0, 40.0, 6.0, 8.0
_ALIKE_DEG, _MOST_UNALIKE = 25.0, 4.0
_GENERATION = 2.0
_EXPORT_DEG, _MIXED_SPREAD_DEG, _MOST_UNUSUAL = 170.0, 50.0, 6.0
_EXPORT_INDUCTIVE_DEG, _EXPORT_CAPACITIVE_DEG = 60.0, 55.0
_MIXED_ALIKE_DEG, _MOST_MIXED = 40.0, 2.5
PAIRS = ((0, 1), (1, 2), (0, 2))
_SAME_CURRENT, _SAME_WORTH = 0.005, 8.0
_SMALL_SHARE = 0.05
_BY_CHANCE = 0.3
"""Coherence that a few independent changes have."""
_SAME_LINE_DEG, _GENERATORS_DEG, _GENERATING_OUTSIDE_DEG = 8.0, 26.0, 5.0
_MOVING_ALIKE_DEG, _MOST_MOVING, _MOVING_OUTSIDE_DEG = 20.0, 5.0, 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What the currents did over some time, as sums over their changes d.

    A change is one of current times voltage, as a share of all of them: loads of constant power move with no voltage.

    Parameters
    ----------
    together : complex ndarray, shape (3, 3)
        Sums of d_j conj(d_k): how phases move with one another.
    along : complex ndarray, shape (3,)
        Sums of d_j^2: along which line each moves.
    weight : float
        0 to 1: whether it has been watched for long enough.
    """

    together: NDArray[np.complex128]
    along: Phasors
    weight: float

    def coherence(self) -> Floats:
        """Return how far each two phases move as one beyond what chance makes, shape (3, 3), 0 to 1."""
        own = np.sqrt(np.maximum(np.real(np.diag(self.together)), 1e-30))
        alike = np.abs(self.together) / np.outer(own, own)
        return np.asarray(self.weight * np.maximum(alike - _BY_CHANCE, 0.0) / (1.0 - _BY_CHANCE))

    def straightness(self) -> Floats:
        """Return how far each phase keeps to its line, shape (3,), 0 to 1."""
        own = np.maximum(np.real(np.diag(self.together)), 1e-30)
        return np.asarray(self.weight * np.abs(self.along) / own)

    def purity(self, currents_a: Phasors) -> Floats:
        """Return how far each phase grows and shrinks along itself, shape (3,), 0 to 1: then it has one kind of thing only."""
        between = np.degrees(np.angle(currents_a**2 * np.conj(self.along))) / 2
        return np.asarray(self.straightness() * np.exp(-((between / _SAME_LINE_DEG) ** 2) / 2) * (currents_a != 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Every wiring with its cost.

    Parameters
    ----------
    costs : ndarray, shape (n,)
    angles_deg : ndarray, shape (n, 3)
        Of each current to the voltage it belongs with, put right; positive is inductive.
    """

    table: WiringTable
    costs: Floats
    angles_deg: Floats

    @property
    def chances(self) -> Floats:
        """The probability of each, all of them together 1."""
        likely = np.exp(self.costs.min() - self.costs)
        return np.asarray(likely / likely.sum())


def wrapped(angle_deg: Floats) -> Floats:
    """Return angles in (-180, 180].

    >>> wrapped(np.array([190.0, -190.0]))
    array([-170.,  170.])
    """
    return np.asarray((angle_deg + 180.0) % 360.0 - 180.0)


def judge(terminals: Terminals, movement: Movement | None = None, *, generates: bool = True) -> Judged:
    """Return the cost of every wiring, in a plant that may export or in one that cannot."""
    table = wirings(backwards=terminals.is_backwards)
    angles = angles_under(table, terminals.voltages_v, terminals.currents_a)
    sizes = np.abs(terminals.currents_a)
    weights = sizes / (sizes + _SMALL_SHARE * max(float(sizes.max()), 1e-9))
    costs = table.costs + _of_loads(angles, weights)
    if generates:
        costs = np.minimum(costs, table.costs + _with_generation(angles, weights))
    costs = costs + _of_misplaced(table, terminals.currents_a)
    if movement is not None:
        costs = costs + _of_movement(table, terminals.voltages_v, movement)
        costs = costs + _of_purity(angles, movement.purity(terminals.currents_a), generates=generates)
    return Judged(table=table, costs=costs, angles_deg=angles)


def angles_under(table: WiringTable, voltages_v: Phasors, currents_a: Phasors) -> Floats:
    """Return the angle of each current to the voltage it belongs with under each wiring, shape (n, 3)."""
    return np.asarray(np.degrees(np.angle(voltages_v[table.partners] * np.conj(table.signs * currents_a))))


def _of_loads(angles: Floats, weights: Floats) -> Floats:
    """Return the cost where nothing but loads is connected."""
    outside = np.maximum(np.abs(wrapped(angles - _MIDDLE_DEG)) - _HALF_WIDTH_DEG, 0.0) / _OUTSIDE_DEG
    usual = (wrapped(angles - _USUAL_DEG) / _USUAL_SPREAD_DEG) ** 2 / 2
    each = np.minimum(usual + outside**2 / 2, _MOST_OUTSIDE)
    unalike = np.minimum(_from_mean(angles, weights, _ALIKE_DEG), _MOST_UNALIKE)
    return np.asarray((weights * (each + unalike)).sum(axis=1))


def _with_generation(angles: Floats, weights: Floats) -> Floats:
    """Return the cost where loads and generators share the phases."""
    importing = (wrapped(angles - _USUAL_DEG) / _MIXED_SPREAD_DEG) ** 2 / 2
    past = wrapped(angles - _EXPORT_DEG)  # below 0 the loads are inductive, as most are
    exporting = (past / np.where(past < 0, _EXPORT_INDUCTIVE_DEG, _EXPORT_CAPACITIVE_DEG)) ** 2 / 2
    each = np.minimum(np.minimum(importing, exporting), _MOST_UNUSUAL)
    unalike = np.minimum(_from_mean(angles, weights, _MIXED_ALIKE_DEG), _MOST_MIXED)
    return np.asarray(_GENERATION + (weights * (each + unalike)).sum(axis=1))


def _from_mean(angles: Floats, weights: Floats, spread_deg: float) -> Floats:
    """Return the cost of each angle's distance from their weighted mean direction."""
    mean = np.degrees(np.angle((weights * np.exp(1j * np.radians(angles))).sum(axis=1, keepdims=True)))
    return np.asarray((wrapped(angles - mean) / spread_deg) ** 2 / 2)


def _of_misplaced(table: WiringTable, currents_a: Phasors) -> Floats:
    """Return the cost of two CTs on one conductor: next to none where both show the same current, and else all.

    No two conductors have currents of the same size and angle by chance, so that the same current speaks for it.
    """
    costs = np.zeros(len(table.costs))
    rows = np.flatnonzero(table.misplaced >= 0)
    terminal = table.misplaced[rows]
    partner = table.partners[rows, terminal]
    one = table.signs[rows, terminal] * currents_a[terminal]
    other = table.signs[rows, partner] * currents_a[partner]
    apart = np.abs(one - other) / np.maximum(np.abs(other), 1e-9)
    costs[rows] = np.minimum((apart / _SAME_CURRENT) ** 2 / 2, 50.0) - _SAME_WORTH
    costs[rows[np.abs(other) == 0.0]] = 50.0
    return costs


def _of_movement(table: WiringTable, voltages_v: Phasors, movement: Movement) -> Floats:
    """Return the cost of a movement: what phases do together they do at one angle, and at one that loads have."""
    turned = voltages_v[table.partners] * table.signs
    coherence, straightness = movement.coherence(), movement.straightness()
    costs = np.zeros(len(table.costs))
    for one, other in PAIRS:
        between = turned[:, one] * np.conj(turned[:, other] * movement.together[one, other])
        apart = np.degrees(np.angle(between)) / _MOVING_ALIKE_DEG
        costs += coherence[one, other] * np.minimum(apart**2 / 2, _MOST_MOVING)
        angles = np.degrees(np.angle(turned) - np.angle(movement.along) / 2)[:, (one, other)]
        half = (angles - _MIDDLE_DEG + 90.0) % 180.0 - 90.0  # a load that goes off moves as one that comes on, the other way
        outside = np.maximum(np.abs(half) - _HALF_WIDTH_DEG, 0.0) / _MOVING_OUTSIDE_DEG
        straight = straightness[[one, other]] * coherence[one, other] / 2
        costs += (straight * np.minimum(outside**2 / 2, _MOST_MOVING)).sum(axis=1)
    return costs


def _of_purity(angles: Floats, purity: Floats, *, generates: bool) -> Floats:
    """Return the cost of phases that have one kind of thing only, which is neither loads nor generators (PF 0.9 and better)."""
    outside = np.maximum(np.abs(wrapped(angles - _MIDDLE_DEG)) - _HALF_WIDTH_DEG, 0.0) / _MOVING_OUTSIDE_DEG
    if generates:
        generators = np.maximum(np.abs(wrapped(angles - 180.0)) - _GENERATORS_DEG, 0.0) / _GENERATING_OUTSIDE_DEG
        outside = np.minimum(outside, generators)
    return np.asarray((purity * np.minimum(outside**2 / 2, _MOST_MOVING)).sum(axis=1))
