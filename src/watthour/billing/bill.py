"""The bill: every charge of a contract in order, each on what stands above it."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from types import MappingProxyType

from watthour.billing.charges import Demand
from watthour.billing.contract import Contract
from watthour.billing.dated import DAY
from watthour.billing.intervals import Intervals, Quality
from watthour.billing.lines import Bill, Line
from watthour.billing.metered import FromIntervals, Metered
from watthour.billing.pricing import Ground, lines_of
from watthour.billing.usage import usage_of
from watthour.errors import ContractError, ReadingsError
from watthour.tariff import zone_of
from watthour.units import NANOSECONDS

_NO_PAST: Mapping[date, Fraction] = MappingProxyType({})


def bill(
    contract: Contract, metered: Metered, first_day: date, last_day: date, past_kw: Mapping[date, Fraction] = _NO_PAST
) -> Bill:
    """Return the bill of a span of days, both included.

    Raises
    ------
    ContractError
        If the contract does not hold on all of them, or its parts do not fit.
    NoPriceError
        If a day has no price, naming it and the line.
    """
    for day in (first_day, last_day):
        if (contract.first_day and day < contract.first_day) or (contract.last_day and contract.last_day < day):
            msg = f"{contract.title}: the contract holds {contract.valid}, not on {day}; name one that covers that day"
            raise ContractError(msg)
    lines: list[Line] = []
    for charge in contract.charges:
        ground = Ground(contract=contract, metered=metered, span=(first_day, last_day), past_kw=past_kw, above=tuple(lines))
        lines += lines_of(charge, ground)
    return Bill(contract=contract.title, currency=contract.currency, first_day=first_day, last_day=last_day, lines=tuple(lines))


def metered_of(contract: Contract, intervals: Intervals, first_day: date, last_day: date) -> FromIntervals:
    """Return the billing quantities of a span of days by a contract's calendars."""
    return FromIntervals(
        usage=usage_of(intervals, contract.calendar, first_day, last_day, contract.power_calendar),
        energy_decimals=contract.energy_decimals,
        power_decimals=contract.power_decimals,
    )


def bill_intervals(contract: Contract, intervals: Intervals, first_day: date, last_day: date) -> Bill:
    """Return the bill of a span of days from intervals; those of earlier months serve ratchets.

    Raises
    ------
    ReadingsError
        If no interval of those days was read.
    ContractError, NoPriceError
        As `bill`.
    """
    metered = metered_of(contract, intervals, first_day, last_day)
    if (metered.usage.intervals.quality & Quality.MISSING).all():
        zone = zone_of(contract.calendar.zone)
        begin, end = (
            datetime.fromtimestamp(at // NANOSECONDS, zone).date()
            for at in (intervals.begin_ns, intervals.begin_ns + intervals.step_ns * len(intervals) - 1)
        )
        msg = f"the readings hold nothing of {first_day} to {last_day}: they are of {begin} to {end}; name those of these days"
        raise ReadingsError(msg)
    return bill(contract, metered, first_day, last_day, _past_demands(contract, intervals, first_day))


def _past_demands(contract: Contract, intervals: Intervals, first_day: date) -> dict[date, Fraction]:
    """Return the highest demand of each earlier month that a ratchet asks for and that is read without a gap."""
    months = max(
        (charge.ratchet_months for charge in contract.charges if isinstance(charge, Demand) and charge.ratchet), default=0
    )
    rates = next((charge.rates for charge in contract.charges if isinstance(charge, Demand) and charge.ratchet), ())
    found: dict[date, Fraction] = {}
    month = first_day.replace(day=1)
    for _ in range(months):
        month = (month - DAY).replace(day=1)
        last = month.replace(day=monthrange(month.year, month.month)[1])
        if not contract.calendar.covers(month):
            break
        metered = metered_of(contract, intervals, month, last)
        if not (metered.usage.intervals.quality & Quality.MISSING).any():
            found[month] = max(metered.highest_kw(rate, (month, last)) for rate in rates or ("",))
    return found
