"""What a type test asks and what it found, as records.

A `Point` is a load and the energy it is judged by; a `Judged` is one error in percent against one limit, by register or
by pulses; a `Checked` is what is not judged in percent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from watthour.models import CurrentRange, Model
from watthour.typetest.limits import Basis, Limit
from watthour.typetest.loads import BALANCED
from watthour.typetest.series import Load
from watthour.waveform.front_end import FrontEnd

ACTIVE, REACTIVE = "active", "reactive"
MID_STANDARD, IEC_STANDARD = "EN 50470-3", "IEC 62053-21"
_STANDARD = {"MID": MID_STANDARD, "IEC": IEC_STANDARD}


class By(StrEnum):
    """What an error is read from."""

    REGISTER = "register"
    PULSES = "pulses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is tested, and under what.

    Parameters
    ----------
    models : tuple of Model
        Judged each by its own standard; they share their metrology, so a load is metered once, by the first.
    front_end : FrontEnd
        Between the loads and the meter.
    rate_hz : float
        Samples a second.
    seconds : int
        How long a point is metered at least.
    settings : mapping of str to Decimal
        What the meter is set to besides model and range: its calibration.
    """

    models: tuple[Model, ...]
    current_range: CurrentRange
    front_end: FrontEnd
    rate_hz: float
    seconds: int
    settings: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def ct(self) -> str:
        """The transformers' ratio that chooses the range; 1 : 1, so that primary is secondary."""
        return f"{self.current_range.secondary_a}/{self.current_range.secondary_a}"

    def current_a(self, permille: float) -> float:
        """Return a current given in thousandths of Iref."""
        return self.current_range.reference_a * permille / 1000


def standard_of(model: Model) -> str:
    """Return the standard that a model's active energy is judged by."""
    return _STANDARD[model.certification]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A load, and what of it is judged.

    Parameters
    ----------
    quantity : str
        ``active`` or ``reactive``.
    factor : str
        Cos phi, or sin phi of a reactive point, as ``0.5 ind``.
    permille : int
        Current in thousandths of Iref.
    variation : str
        What is unlike a plain sine at nominal values, in words.
    """

    load: Load
    quantity: str
    voltage_v: float
    frequency_hz: Fraction
    permille: int
    factor: str
    arrangement: str = BALANCED
    exporting: bool = False
    variation: str = ""

    @property
    def is_balanced(self) -> bool:
        """Whether all three phases carry current."""
        return self.arrangement == BALANCED

    def condition(self, bench: Bench) -> str:
        """Return the load in words."""
        phi = "PF" if self.quantity == ACTIVE else "sin phi"
        words = (
            self.arrangement if self.is_balanced else f"{self.arrangement} alone",
            f"{self.voltage_v:g} V",
            f"{float(self.frequency_hz):g} Hz",
            f"{bench.current_a(self.permille):g} A",
            f"{phi} {self.factor}",
            "export" if self.exporting else "import",
        )
        return ", ".join((*words, self.variation) if self.variation else words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One error against one limit.

    Parameters
    ----------
    condition : str
        Model, range, load, and what the error was read from.
    error_percent : float
        -100 where no energy or no pulse came.
    point : Point
        The load, in numbers.
    """

    test: str
    condition: str
    quantity: str
    front_end: str
    error_percent: float
    limit_percent: float
    source: str
    basis: Basis
    model: Model
    current_range: CurrentRange
    by: By
    point: Point

    @property
    def passed(self) -> bool:
        """Whether the error is within the limit; what is no number is not."""
        return abs(self.error_percent) <= self.limit_percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is not judged in percent.

    Parameters
    ----------
    condition : str
        Ends with what was observed, and its unit.
    observed, limit : float
    passed : bool
    """

    test: str
    condition: str
    observed: float
    limit: float
    passed: bool
    source: str
    basis: Basis


Finding = Judged | Checked


def judged(bench: Bench, model: Model, limit: Limit, point: Point, *, by: By, error_percent: float) -> Judged:
    """Return an error as it is reported."""
    condition = f"{model.name} .../{bench.current_range.secondary_a} A, {point.condition(bench)}, {by}"
    return Judged(
        test=limit.test,
        condition=condition,
        quantity=point.quantity,
        front_end=bench.front_end.name,
        error_percent=error_percent,
        limit_percent=limit.percent,
        source=limit.source,
        basis=limit.basis,
        model=model,
        current_range=bench.current_range,
        by=by,
        point=point,
    )
