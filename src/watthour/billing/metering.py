"""How exact two meters of one supply may be expected to be: classes, transformers, clocks, printed digits.

Limits are those at reference conditions between a tenth of the reference current and the maximum, at any power factor for which the
standard gives one limit; what lies outside is said on the page.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple

from watthour.errors import ContractError


class Limit(NamedTuple):
    """A limit of error in percent, and where it is written."""

    percent: Decimal
    source: str


ACTIVE_CLASSES = MappingProxyType(
    {
        "A": Limit(Decimal("2.0"), "EN 50470-3, class A"),
        "B": Limit(Decimal("1.0"), "EN 50470-3, class B"),
        "C": Limit(Decimal("0.5"), "EN 50470-3, class C"),
        "2": Limit(Decimal("2.0"), "IEC 62053-21, class 2"),
        "1": Limit(Decimal("1.0"), "IEC 62053-21, class 1"),
        "0.5S": Limit(Decimal("0.5"), "IEC 62053-22, class 0.5S"),
        "0.2S": Limit(Decimal("0.2"), "IEC 62053-22, class 0.2S"),
    }
)
REACTIVE_CLASSES = MappingProxyType(
    {
        "3": Limit(Decimal("3.0"), "IEC 62053-23, class 3"),
        "2": Limit(Decimal("2.0"), "IEC 62053-23, class 2"),
        "1": Limit(Decimal("1.0"), "IEC 62053-24, class 1"),
    }
)
TRANSFORMER_CLASSES = MappingProxyType(
    {
        "none": Limit(Decimal(0), "no transformer"),
        "0.1": Limit(Decimal("0.1"), "IEC 61869, class 0.1"),
        "0.2": Limit(Decimal("0.2"), "IEC 61869, class 0.2"),
        "0.2S": Limit(Decimal("0.2"), "IEC 61869-2, class 0.2S"),
        "0.5": Limit(Decimal("0.5"), "IEC 61869, class 0.5"),
        "0.5S": Limit(Decimal("0.5"), "IEC 61869-2, class 0.5S"),
        "1": Limit(Decimal("1.0"), "IEC 61869, class 1"),
        "3": Limit(Decimal("3.0"), "IEC 61869, class 3"),
    }
)


class Combination(StrEnum):
    """How the parts of a tolerance come together."""

    SUM = "sum"
    ROOT_SUM_SQUARE = "root-sum-square"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A meter with its transformers.

    Parameters
    ----------
    active_class, reactive_class, ct_class, vt_class : str
        Keys of the tables above.
    ct : str
        Ratio, such as ``200/5``; empty where it is direct or not known.

    Raises
    ------
    ContractError
        If a class is none.
    """

    active_class: str = "B"
    reactive_class: str = "2"
    ct_class: str = "none"
    vt_class: str = "none"
    ct: str = ""

    def __post_init__(self) -> None:
        for key, value, known in (
            ("active_class", self.active_class, ACTIVE_CLASSES),
            ("reactive_class", self.reactive_class, REACTIVE_CLASSES),
            ("ct_class", self.ct_class, TRANSFORMER_CLASSES),
            ("vt_class", self.vt_class, TRANSFORMER_CLASSES),
        ):
            if value not in known:
                msg = f"{key} {value!r} is no class known here; known are {', '.join(known)}"
                raise ContractError(msg)

    def meter_limit(self, *, reactive: bool = False) -> Limit:
        """Return the limit of the meter's own error."""
        return REACTIVE_CLASSES[self.reactive_class] if reactive else ACTIVE_CLASSES[self.active_class]

    @property
    def transformer_percent(self) -> Decimal:
        """Limits of both transformers, added."""
        return TRANSFORMER_CLASSES[self.ct_class].percent + TRANSFORMER_CLASSES[self.vt_class].percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """What an honest difference between two meters may come from.

    Parameters
    ----------
    ours, theirs : Instrument
    clock_offset_s : Fraction
        How far the two clocks may be apart.
    resolution_kwh, resolution_kw : Fraction
        Last printed digit of an energy and of a demand.
    load_dependence_percent : Fraction
        By how much the two errors together may change with the load: what is left of them once the common gain is taken off.
    combination : Combination
    """

    ours: Instrument = field(default_factory=Instrument)
    theirs: Instrument = field(default_factory=Instrument)
    clock_offset_s: Fraction = Fraction(30)
    resolution_kwh: Fraction = Fraction(1)
    resolution_kw: Fraction = Fraction(1)
    load_dependence_percent: Fraction = Fraction(2, 5)
    combination: Combination = Combination.SUM
