"""A contract: which charges, at which dated values, by which calendar, and how the meters that count for it are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from watthour.billing.charges import Charge, Energy, Percent, price_names
from watthour.billing.dated import DatedTable
from watthour.billing.metering import Metering
from watthour.billing.series import Series
from watthour.errors import ContractError
from watthour.tariff import OPEN, Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a supply is billed by.

    Parameters
    ----------
    title : str
    currency : str
        ISO 4217.
    first_day, last_day : date or None
        Both included; None: open.
    calendar, power_calendar : Calendar
        Whose periods energy and power are billed by.
    charges : tuple of Charge
        In the order of the bill.
    values : DatedTable
        Prices, coefficients, rates of tax, contracted powers.
    series : mapping of str to Series
        Hourly prices, by name.
    meter_type : int
        Spain's type of measuring point, 1 to 5.
    has_icp : bool
        A power-control switch keeps the power down.
    duration_months : int
        For which it was made; 0: without end.
    energy_decimals, power_decimals : int or None
        Decimals of kWh and kW that are billed; None: exact.
    metering : Metering
        Both meters and their clocks, for judging an invoice.

    Raises
    ------
    ContractError
        If a charge stands twice or a percentage names no line above it.
    """

    title: str
    currency: str
    first_day: date | None = None
    last_day: date | None = None
    calendar: Calendar
    power_calendar: Calendar
    charges: tuple[Charge, ...]
    values: DatedTable
    series: Mapping[str, Series] = field(default_factory=dict)
    meter_type: int = 5
    has_icp: bool = True
    duration_months: int = 0
    energy_decimals: int | None = None
    power_decimals: int | None = None
    metering: Metering = field(default_factory=Metering)

    def __post_init__(self) -> None:
        above: list[str] = []
        for charge in self.charges:
            if isinstance(charge, Percent):
                unknown = [name for name in charge.on if name not in {*above, "all"}]
                if unknown:
                    msg = f"{charge.name} is a percentage of {unknown[0]}, which is no charge above it; above are {', '.join(above)}"
                    raise ContractError(msg)
            above.append(charge.name)
        self._refuse_unknown_series()

    def _refuse_unknown_series(self) -> None:
        wanted = {name for charge in self.charges if isinstance(charge, Energy) for name in price_names(charge)}
        stray = [name for name in self.series if name not in wanted]
        if stray:
            msg = f"the series {stray[0]} is the price of no energy charge; those have the prices {', '.join(sorted(wanted))}"
            raise ContractError(msg)

    @property
    def valid(self) -> str:
        """Its first and last day in words."""
        first, last = (OPEN if day is None else day.isoformat() for day in (self.first_day, self.last_day))
        return f"{first} to {last}"

    def has_price_of(self, charge: Charge) -> bool:
        """Say whether there is a value for a charge on any day."""
        return any(self.values.has(name) or name in self.series for name in price_names(charge)[:1])
