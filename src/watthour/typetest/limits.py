"""The limits of a type test as rows: test, condition, percent, source, and whether anyone has read it in the source.

In: a test, a standard, and under which conditions. Out: the row that applies. Limits nobody has checked against the
standard's text are fine targets, but are never printed as what the standard says.
"""

from dataclasses import dataclass
from enum import StrEnum

EN = "EN 50470-3"
IEC = "IEC 62053-21"
IEC_REACTIVE = "IEC 62053-23"


class Basis(StrEnum):
    """What a limit rests on."""

    READ = "read in a source that quotes the standard"
    UNCHECKED = "not yet checked against the standard's text"
    OURS = "ours, no standard's"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of the error of one test.

    Parameters
    ----------
    standards : tuple of str
        Which of the meter's standards have it; empty: any.
    balanced : bool or None
        Balanced load, load on one phase alone, or either.
    factors : tuple of str
        Power factors (cos phi; sin phi of reactive energy), empty: any.
    from_permille, to_permille : int
        Current, in thousandths of Iref, both included.
    percent : float
    """

    test: str
    quantity: str
    standards: tuple[str, ...] = ()
    balanced: bool | None = None
    factors: tuple[str, ...] = ()
    from_permille: int = 0
    to_permille: int = 1200
    percent: float
    source: str
    basis: Basis


INTRINSIC = "intrinsic error"
DISTORTED = "intrinsic error, off nominal and with harmonics"
DIFFERENCE = "one phase alone minus balanced"
VOLTAGE = "influence of voltage"
FREQUENCY = "influence of frequency"
SEQUENCE = "influence of reversed phase sequence"
UNBALANCE = "influence of voltage unbalance"
MISSING = "influence of missing phases"
FIFTH = "influence of the 5th harmonic"
FIRED = "influence of a fired current"
SHAPES = "influence of waveform"
REPEATABILITY = "repeatability"

_READ, _MEMORY, _OURS = Basis.READ, Basis.UNCHECKED, Basis.OURS
_A, _R = "active", "reactive"

LIMITS: tuple[Limit, ...] = (
    Limit(test=INTRINSIC, quantity=_A, standards=(EN,), balanced=True, factors=("1",), from_permille=10, to_permille=49, percent=1.5, source="EN 50470-3, Imin to Itr", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_A, standards=(EN,), balanced=True, factors=("1", "0.5 ind", "0.8 cap"), from_permille=50, percent=1.0, source="EN 50470-3, Itr to Imax", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_A, standards=(EN,), balanced=False, factors=("1", "0.5 ind"), from_permille=50, percent=2.0, source="EN 50470-3, single-phase load", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_A, standards=(IEC,), balanced=True, factors=("1",), from_permille=20, to_permille=49, percent=1.5, source="IEC 62053-21, 0.02 to 0.05 In", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_A, standards=(IEC,), balanced=True, factors=("1",), from_permille=50, percent=1.0, source="IEC 62053-21, from 0.05 In", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_A, standards=(IEC,), balanced=True, factors=("0.5 ind", "0.8 cap"), from_permille=50, to_permille=99, percent=1.5, source="IEC 62053-21, 0.05 to 0.1 In", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_A, standards=(IEC,), balanced=True, factors=("0.5 ind", "0.8 cap"), from_permille=100, percent=1.0, source="IEC 62053-21, from 0.1 In", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_A, standards=(IEC,), balanced=False, factors=("1",), from_permille=50, percent=2.0, source="IEC 62053-21, single-phase load", basis=_READ),
    Limit(test=INTRINSIC, quantity=_A, standards=(IEC,), balanced=False, factors=("0.5 ind",), from_permille=100, percent=2.0, source="IEC 62053-21, single-phase load", basis=_READ),
    Limit(test=INTRINSIC, quantity=_A, percent=2.0, source="ours: a point that no standard's row covers", basis=_OURS),
    Limit(test=INTRINSIC, quantity=_R, balanced=True, factors=("1",), from_permille=20, to_permille=49, percent=2.5, source="IEC 62053-23, 0.02 to 0.05 In", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_R, balanced=True, factors=("1",), from_permille=50, percent=2.0, source="IEC 62053-23, from 0.05 In", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_R, balanced=True, factors=("0.5 ind", "0.5 cap"), from_permille=50, to_permille=99, percent=2.5, source="IEC 62053-23, 0.05 to 0.1 In", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_R, balanced=True, factors=("0.5 ind", "0.5 cap"), from_permille=100, percent=2.0, source="IEC 62053-23, from 0.1 In", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_R, balanced=True, factors=("0.25 ind", "0.25 cap"), from_permille=100, percent=2.5, source="IEC 62053-23, from 0.1 In", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_R, balanced=False, factors=("1",), from_permille=50, percent=3.0, source="IEC 62053-23, single-phase load", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_R, balanced=False, factors=("0.5 ind", "0.5 cap"), from_permille=100, percent=3.0, source="IEC 62053-23, single-phase load", basis=_MEMORY),
    Limit(test=INTRINSIC, quantity=_R, percent=2.5, source="ours: a point that no standard's row covers", basis=_OURS),
    Limit(test=DISTORTED, quantity=_A, percent=2.0, source="ours", basis=_OURS),
    Limit(test=DISTORTED, quantity=_R, percent=2.5, source="ours", basis=_OURS),
    Limit(test=DIFFERENCE, quantity=_A, percent=1.5, source="EN 50470-3 and IEC 62053-21, at Iref, PF 1", basis=_MEMORY),
    Limit(test=VOLTAGE, quantity=_A, factors=("1",), percent=0.7, source="IEC 62053-21, U +-10 %", basis=_READ),
    Limit(test=VOLTAGE, quantity=_A, factors=("0.5 ind",), percent=1.0, source="IEC 62053-21, U +-10 %", basis=_READ),
    Limit(test=FREQUENCY, quantity=_A, factors=("1",), percent=0.5, source="IEC 62053-21, f +-2 %", basis=_READ),
    Limit(test=FREQUENCY, quantity=_A, factors=("0.5 ind",), percent=0.7, source="IEC 62053-21, f +-2 %", basis=_READ),
    Limit(test=FREQUENCY, quantity=_R, percent=2.5, source="IEC 62053-23, f +-2 %", basis=_MEMORY),
    Limit(test=SEQUENCE, quantity=_A, percent=1.5, source="IEC 62053-21, at 0.1 In", basis=_READ),
    Limit(test=UNBALANCE, quantity=_A, percent=2.0, source="ours", basis=_OURS),
    Limit(test=MISSING, quantity=_A, percent=2.0, source="IEC 62053-21, at In", basis=_READ),
    Limit(test=FIFTH, quantity=_A, percent=0.8, source="IEC 62053-21, at 0.5 Imax", basis=_READ),
    Limit(test=FIRED, quantity=_A, percent=3.0, source="IEC 62053-21, at 0.5 In", basis=_MEMORY),
    Limit(test=SHAPES, quantity=_A, percent=0.8, source="ours", basis=_OURS),
    Limit(test=REPEATABILITY, quantity=_A, percent=0.1, source="a tenth of the limit of 1 %", basis=_MEMORY),
)  # fmt: skip
"""In this order the first row that fits is the one that holds."""


def limit_for(test: str, quantity: str, *, standard: str, balanced: bool, factor: str, permille: int) -> Limit:
    """Return the limit of one point.

    Raises
    ------
    LookupError
        If the table has none: every point has a limit.
    """
    for row in LIMITS:
        if (row.test, row.quantity) != (test, quantity) or not row.from_permille <= permille <= row.to_permille:
            continue
        fits = row.balanced in {None, balanced} and (not row.factors or factor in row.factors)
        if fits and (not row.standards or standard in row.standards):
            return row
    msg = f"no limit for {test}, {quantity}, {factor} at {permille} thousandths of Iref"
    raise LookupError(msg)


def ours_beyond(limit: Limit, reason: str) -> Limit:
    """Return the same number as a limit of our own, for a condition beyond the standard's."""
    return Limit(test=limit.test, quantity=limit.quantity, percent=limit.percent, source=f"ours: {reason}", basis=Basis.OURS)
