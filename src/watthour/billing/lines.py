"""A bill and its lines: quantity, price, days, amount, and by which rule and source."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from watthour.billing.usage import Sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a bill.

    Parameters
    ----------
    charge : str
        Name of the charge.
    period : str
        Period or tier; empty where there is none.
    title : str
        In words.
    first_day, last_day : date
        Both included.
    quantity : Fraction
    unit : str
    price : Fraction
    price_unit : str
    exact : Fraction
        Amount before it is rounded.
    amount : Decimal
        In cents.
    rule : str
        The arithmetic in words.
    source : str
        Where the price is written.
    steps : tuple of str
        The arithmetic in figures.
    sound : Sound or None
        How much of the quantity rests on readings.
    """

    charge: str
    period: str
    title: str
    first_day: date
    last_day: date
    quantity: Fraction
    unit: str
    price: Fraction
    price_unit: str
    exact: Fraction
    amount: Decimal
    rule: str
    source: str
    steps: tuple[str, ...]
    sound: Sound | None = None

    @property
    def name(self) -> str:
        """How the line is called: charge and period."""
        return f"{self.charge}.{self.period}" if self.period else self.charge

    @property
    def days(self) -> int:
        """Days that it covers."""
        return (self.last_day - self.first_day).days + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """All lines of a span of days; the total is the sum of their cents."""

    contract: str
    currency: str
    first_day: date
    last_day: date
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """Return what is to be paid."""
        return sum((line.amount for line in self.lines), Decimal(0))

    def amount_of(self, charge: str) -> Decimal:
        """Return the sum of the lines of a charge."""
        return sum((line.amount for line in self.lines if line.charge == charge), Decimal(0))

    @property
    def days(self) -> int:
        """Days that it covers."""
        return (self.last_day - self.first_day).days + 1
