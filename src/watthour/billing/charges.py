"""What a tariff charges for, as rows: energy, capacity, demand, excess, reactive energy, days, and percents of other lines.

A tariff is a sequence of these, in the order of the bill; what they cost stands in dated values under their names. Spain's tariffs
are such rows in files of the package, and so is whatever a user writes.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

ALL = "all"
"""In `Percent.on`: every line above."""

FROM_CONTRACT = "contracted_kw"
"""Name under which contracted powers stand among the dated values, in kW by period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applies:
    """When a charge applies at all.

    Parameters
    ----------
    first_day, last_day : date or None
        The days on which its rule holds, both included; None: open.
    meter_types : tuple of int
        Spain's types 1 to 5 of measuring points; empty: all.
    unless_icp : bool
        Not where a power-control switch (ICP) keeps the power down.
    optional : bool
        Left out where the contract has no price of it on any day; with a price on some day it is asked for on every day.
    """

    first_day: date | None = None
    last_day: date | None = None
    meter_types: tuple[int, ...] = ()
    unless_icp: bool = False
    optional: bool = False


ALWAYS = Applies()


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy of each period times its price; with tiers, the energy of all periods together, tier by tier.

    Parameters
    ----------
    of : str
        ``import`` or ``export``; export is paid, so its lines are below zero.
    price : str
        Name of the dated values, by period or by tier (``tier1`` …), or of an hourly series.
    tiers_kwh : tuple of Fraction
        Where each tier but the last ends, in kWh a month.
    """

    name: str
    title: str
    price: str
    of: str = "import"
    rates: tuple[str, ...] = ()
    tiers_kwh: tuple[Fraction, ...] = ()
    applies: Applies = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Contracted power of each period times its price times the days."""

    name: str
    title: str
    price: str
    applies: Applies = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledPower:
    """Power billed by its maximum, between a share of the contracted power and a surcharge above another (3.0A: 85 and 105 %).

    Equation: max(low Pc, Pmax) up to high Pc; above it Pmax + factor (Pmax - high Pc).
    """

    name: str
    title: str
    price: str
    low: Fraction = Fraction(85, 100)
    high: Fraction = Fraction(105, 100)
    factor: Fraction = Fraction(2)
    applies: Applies = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Highest demand of the bill times its price; never below a share of the highest of the months before.

    Parameters
    ----------
    rates : tuple of str
        Periods whose demand counts; empty: all together.
    ratchet : Fraction
        Share of the highest earlier demand below which the billed one does not fall; 0: none.
    ratchet_months : int
        How many months it looks back.
    minimum_kw : Fraction
    """

    name: str
    title: str
    price: str
    rates: tuple[str, ...] = ()
    ratchet: Fraction = Fraction(0)
    ratchet_months: int = 11
    minimum_kw: Fraction = Fraction(0)
    applies: Applies = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """Power above the contracted one, by period.

    Parameters
    ----------
    by_intervals : bool
        The root of the sum of (Pd - Pc)^2 over all quarter-hours, else Pmax - Pc.
    factor : Fraction
        By which it is multiplied.
    coefficients : str
        Name of dated factors by period (Kp); empty: none.
    """

    name: str
    title: str
    price: str
    by_intervals: bool
    factor: Fraction = Fraction(1)
    coefficients: str = ""
    applies: Applies = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Price of reactive energy while cos phi is below a number; None: whatever it is."""

    price: str
    cos_phi_below: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactive:
    """Reactive energy above a share of the active energy of its period, at a price by cos phi.

    Parameters
    ----------
    free : Fraction
        Share of the active energy that costs nothing.
    capacitive : bool
        Counts Q4 - Q1, else Q1 - Q4.
    rates : tuple of str
        Periods that pay; empty: all.
    bands : tuple of Band
        In order of cos phi, the last without a limit.
    """

    name: str
    title: str
    free: Fraction
    bands: tuple[Band, ...]
    capacitive: bool = False
    rates: tuple[str, ...] = ()
    applies: Applies = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """An amount by the day, the month, the year or the bill."""

    name: str
    title: str
    price: str
    applies: Applies = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Percent:
    """A percentage of lines above: a tax, a discount, a surcharge. Of taxes too, where they are named.

    Parameters
    ----------
    on : tuple of str
        Names of charges, or `ALL`.
    is_discount : bool
        Taken off.
    floor : str
        Name of dated values in money per MWh: no less than that for the energy of the bill.
    by_months : bool
        The value's key is the first number of months that the contract's duration does not pass.
    """

    name: str
    title: str
    price: str
    on: tuple[str, ...]
    is_discount: bool = False
    floor: str = ""
    by_months: bool = False
    applies: Applies = ALWAYS


Charge = Energy | Capacity | BilledPower | Demand | Excess | Reactive | Fixed | Percent


def price_names(charge: Charge) -> tuple[str, ...]:
    """Return the names of the dated values that a charge asks for."""
    match charge:
        case Reactive(bands=bands):
            return tuple(band.price for band in bands)
        case Capacity(price=price) | BilledPower(price=price):
            return (price, FROM_CONTRACT)
        case Excess(price=price, coefficients=coefficients):
            return (price, FROM_CONTRACT, *([coefficients] if coefficients else []))
        case Percent(price=price, floor=floor):
            return (price, *([floor] if floor else []))
        case Energy(price=price) | Demand(price=price) | Fixed(price=price):
            return (price,)
