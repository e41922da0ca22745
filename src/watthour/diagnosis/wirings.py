"""Every wiring that is worth suspecting, as rows: whose voltage each current belongs with, and which way it runs.

The voltages and the currents of the same conductor may both be at another terminal than it says: that changes no
energy and cannot be seen. What can be seen is which voltage belongs to each current (its **partner**), the sign of each
current, and whether the voltages turn forward. A `Wiring` is one such possibility with what an installer did to make it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from watthour.diagnosis.terminals import NAMES
from watthour.view import FindingKind

Fault = tuple[FindingKind, tuple[str, ...]]
"""What an installer did, and the terminals."""

Three = tuple[int, int, int]

RIGHT: Three = (0, 1, 2)
_REVERSED = (0.0, 3.0, 5.0, 5.0)
"""Cost of none, one, two, three reversed CTs; all three are one mistake made thrice."""
_SWAPPED = 3.5
_ROTATED = 5.0
_MISPLACED = 3.5
_BACKWARDS = 1.0
_TWO_SWAPS = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """One possibility.

    Parameters
    ----------
    partners : tuple of int
        For each terminal's current, the terminal whose voltage is that of the same conductor.
    signs : tuple of int
        -1 for a current that runs the wrong way.
    cost : float
        How improbable it is before anything is measured, in natural units of information (ours).
    faults : tuple of Fault
        What was done; none for a right wiring.
    misplaced : int
        Terminal whose CT sits where that of its partner sits; -1: none.
    """

    partners: Three
    signs: Three
    cost: float
    faults: tuple[Fault, ...]
    misplaced: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class WiringTable:
    """All of them, side by side as arrays of shape (n, 3) and (n,)."""

    wirings: tuple[Wiring, ...]
    partners: NDArray[np.int64]
    signs: NDArray[np.int64]
    costs: NDArray[np.float64]
    misplaced: NDArray[np.int64]
    wrong: NDArray[np.bool_]


def is_wrong(wiring: Wiring) -> bool:
    """Say whether a wiring makes energies wrong, which a supply that turns backwards does not."""
    return any(kind is not FindingKind.SEQUENCE_REVERSED for kind, _ in wiring.faults)


@cache
def wirings(*, backwards: bool) -> WiringTable:
    """Return all wirings of voltages that turn forward, or of those that turn backwards; the right one first."""
    rows = tuple(_all(backwards=backwards))
    return WiringTable(
        wirings=rows,
        partners=np.array([row.partners for row in rows]),
        signs=np.array([row.signs for row in rows]),
        costs=np.array([row.cost for row in rows]),
        misplaced=np.array([row.misplaced for row in rows]),
        wrong=np.array([is_wrong(row) for row in rows]),
    )


def _all(*, backwards: bool) -> Iterator[Wiring]:
    for base in (*_permuted(backwards=backwards), *_misplaced(backwards=backwards)):
        for count in range(4):
            for turned in combinations(range(3), count):
                yield _with_reversed(base, turned)


def _with_reversed(base: Wiring, turned: tuple[int, ...]) -> Wiring:
    signs = tuple(-1 if place in turned else 1 for place in range(3))
    fault = ((FindingKind.CT_REVERSED, tuple(NAMES[place] for place in turned)),) if turned else ()
    return Wiring(
        partners=base.partners,
        signs=(signs[0], signs[1], signs[2]),
        cost=base.cost + _REVERSED[len(turned)],
        faults=(*base.faults, *fault),
        misplaced=base.misplaced,
    )


def _permuted(*, backwards: bool) -> Iterator[Wiring]:
    """Yield the six ways in which voltages and currents can belong together."""
    none, all_three = RIGHT, NAMES
    turned: tuple[Fault, ...] = ((FindingKind.SEQUENCE_REVERSED, all_three),) if backwards else ()
    yield Wiring(partners=none, signs=(1, 1, 1), cost=_BACKWARDS * backwards, faults=turned)
    swapped = FindingKind.VOLTAGES_SWAPPED if backwards else FindingKind.CTS_SWAPPED
    for one, other in combinations(range(3), 2):
        fault = (swapped, (NAMES[one], NAMES[other]))
        yield Wiring(partners=_exchanged(one, other), signs=(1, 1, 1), cost=_SWAPPED, faults=(fault,))
    for step in (2, 1):  # voltages rotated by one put each conductor's voltage one terminal back
        partners = (step % 3, (1 + step) % 3, (2 + step) % 3)
        rotated: tuple[Fault, ...] = ((FindingKind.VOLTAGES_ROTATED, all_three),)
        if backwards:
            rotated = ((FindingKind.VOLTAGES_SWAPPED, ("L1", "L2")), (FindingKind.CTS_SWAPPED, _swap_left(partners)))
        cost = _TWO_SWAPS if backwards else _ROTATED
        yield Wiring(partners=partners, signs=(1, 1, 1), cost=cost, faults=rotated)


def _exchanged(one: int, other: int) -> Three:
    order = list(RIGHT)
    order[one], order[other] = other, one
    return order[0], order[1], order[2]


def _swap_left(partners: Three) -> tuple[str, ...]:
    """Return the CTs that are swapped where besides them the voltages of L1 and L2 are, and together they rotate."""
    undone = [(1, 0, 2)[partner] for partner in partners]
    return tuple(NAMES[place] for place in range(3) if undone[place] != place)


def _misplaced(*, backwards: bool) -> Iterator[Wiring]:
    turned: tuple[Fault, ...] = ((FindingKind.SEQUENCE_REVERSED, NAMES),) if backwards else ()
    for terminal in range(3):
        for around in (place for place in range(3) if place != terminal):
            partners = list(RIGHT)
            partners[terminal] = around
            fault = (FindingKind.CT_ON_WRONG_PHASE, (NAMES[terminal], NAMES[around]))
            yield Wiring(
                partners=(partners[0], partners[1], partners[2]),
                signs=(1, 1, 1),
                cost=_MISPLACED + _BACKWARDS * backwards,
                faults=(*turned, fault),
                misplaced=terminal,
            )
