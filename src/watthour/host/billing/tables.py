"""What may stand in the TOML files of billing: contracts, tariffs and price lists, and the records that they make.

In: a file's bytes. Out: checked tables, or one line with file, line and what to write instead.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from watthour.billing.charges import (
    Applies,
    Band,
    BilledPower,
    Capacity,
    Charge,
    Demand,
    Energy,
    Excess,
    Fixed,
    Percent,
    Reactive,
)
from watthour.billing.dated import Dated


def _decimal(value: Any) -> Any:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


Number = Annotated[Decimal, BeforeValidator(_decimal), Field(allow_inf_nan=False)]
"""A number exactly as the file writes it."""

Day = date | Literal["open"]


class Table(BaseModel):
    """A table of a billing file: no unknown key, no number as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AppliesTable(Table):
    """When a charge applies."""

    name: str
    title: str
    first_day: Day = "open"
    last_day: Day = "open"
    meter_types: list[int] = []
    unless_icp: bool = False
    optional: bool = False

    @property
    def _words(self) -> dict[str, Any]:
        applies = Applies(
            first_day=day_or_none(self.first_day),
            last_day=day_or_none(self.last_day),
            meter_types=tuple(self.meter_types),
            unless_icp=self.unless_icp,
            optional=self.optional,
        )
        return {"name": self.name, "title": self.title, "applies": applies}


class EnergyTable(AppliesTable):
    """Energy times price."""

    kind: Literal["energy"]
    price: str = ""
    of: Literal["import", "export"] = "import"
    rates: list[str] = []
    tiers_kwh: list[Number] = []

    def charge(self) -> Charge:
        """Return the record."""
        tiers = tuple(Fraction(each) for each in self.tiers_kwh)
        price = self.price or self.name
        return Energy(**self._words, price=price, of=self.of, rates=tuple(self.rates), tiers_kwh=tiers)


class CapacityTable(AppliesTable):
    """Contracted power times price."""

    kind: Literal["capacity"]
    price: str = ""

    def charge(self) -> Charge:
        """Return the record."""
        return Capacity(**self._words, price=self.price or self.name)


class BilledPowerTable(AppliesTable):
    """Power billed by its maximum."""

    kind: Literal["billed-power"]
    price: str = ""
    low_percent: Number = Decimal(85)
    high_percent: Number = Decimal(105)
    factor: Number = Decimal(2)

    def charge(self) -> Charge:
        """Return the record."""
        low, high = Fraction(self.low_percent) / 100, Fraction(self.high_percent) / 100
        return BilledPower(**self._words, price=self.price or self.name, low=low, high=high, factor=Fraction(self.factor))


class DemandTable(AppliesTable):
    """Highest demand times price."""

    kind: Literal["demand"]
    price: str = ""
    rates: list[str] = []
    ratchet_percent: Number = Decimal(0)
    ratchet_months: int = Field(11, ge=1, le=36)
    minimum_kw: Number = Decimal(0)

    def charge(self) -> Charge:
        """Return the record."""
        return Demand(
            **self._words,
            price=self.price or self.name,
            rates=tuple(self.rates),
            ratchet=Fraction(self.ratchet_percent) / 100,
            ratchet_months=self.ratchet_months,
            minimum_kw=Fraction(self.minimum_kw),
        )


class ExcessTable(AppliesTable):
    """Power above the contracted one."""

    kind: Literal["excess"]
    price: str = ""
    by: Literal["maximum", "quarter-hours"]
    factor: Number = Decimal(1)
    coefficients: str = ""

    def charge(self) -> Charge:
        """Return the record."""
        return Excess(
            **self._words,
            price=self.price or self.name,
            by_intervals=self.by == "quarter-hours",
            factor=Fraction(self.factor),
            coefficients=self.coefficients,
        )


class BandTable(Table):
    """Price by cos phi."""

    price: str
    cos_phi_below: Number | None = None


class ReactiveTable(AppliesTable):
    """Reactive energy above a share of the active."""

    kind: Literal["reactive"]
    free_percent: Number
    of: Literal["inductive", "capacitive"] = "inductive"
    rates: list[str] = []
    bands: list[BandTable] = Field(min_length=1)

    def charge(self) -> Charge:
        """Return the record."""
        return Reactive(
            **self._words,
            free=Fraction(self.free_percent) / 100,
            capacitive=self.of == "capacitive",
            rates=tuple(self.rates),
            bands=tuple(Band(price=band.price, cos_phi_below=band.cos_phi_below) for band in self.bands),
        )


class FixedTable(AppliesTable):
    """An amount by time."""

    kind: Literal["fixed"]
    price: str = ""

    def charge(self) -> Charge:
        """Return the record."""
        return Fixed(**self._words, price=self.price or self.name)


class PercentTable(AppliesTable):
    """A tax, a discount, a surcharge."""

    kind: Literal["percent"]
    price: str = ""
    on: list[str] | Literal["all"]
    discount: bool = False
    floor: str = ""
    by_months: bool = False

    def charge(self) -> Charge:
        """Return the record."""
        return Percent(
            **self._words,
            price=self.price or self.name,
            on=(self.on,) if isinstance(self.on, str) else tuple(self.on),
            is_discount=self.discount,
            floor=self.floor,
            by_months=self.by_months,
        )


ChargeTable = Annotated[
    EnergyTable | CapacityTable | BilledPowerTable | DemandTable | ExcessTable | ReactiveTable | FixedTable | PercentTable,
    Field(discriminator="kind"),
]


class TariffFile(Table):
    """A tariff: what is charged for, in order."""

    title: str
    sources: list[str] = []
    charge: list[ChargeTable]


class DatedTableRows(Table):
    """Days and source of a row."""

    first_day: Day
    last_day: Day
    source: str


class PriceTable(DatedTableRows):
    """A price: one value, or one for each period or tier."""

    name: str
    unit: str
    value: Number | None = None
    values: dict[str, Number] = {}


class ContractedTable(DatedTableRows):
    """Contracted powers by period."""

    kw: dict[str, Number] = Field(min_length=1)


class PriceFile(Table):
    """A price list."""

    title: str
    price: list[PriceTable]


class SeriesTable(Table):
    """Prices by the hour, from a CSV file."""

    price: str
    file: str
    unit: str
    source: str
    time: str = "start"
    column: str = "price"
    minutes: Literal[15, 30, 60] = 60


class InstrumentTable(Table):
    """A meter and its transformers."""

    active_class: str = "B"
    reactive_class: str = "2"
    ct_class: str = "none"
    vt_class: str = "none"
    ct: str = ""


class MeteringTable(Table):
    """What honest differences may come from."""

    ours: InstrumentTable = InstrumentTable()
    theirs: InstrumentTable = InstrumentTable()
    clock_offset_s: Number = Decimal(30)
    resolution_kwh: Number = Decimal(1)
    resolution_kw: Number = Decimal(1)
    load_dependence_percent: Number = Decimal("0.4")
    combination: Literal["sum", "root-sum-square"] = "sum"


class OwnChargeTable(Table):
    """Where a contract's own charge stands among those of its tariff."""

    before: str
    charge: ChargeTable


class ContractFile(Table):
    """A contract."""

    title: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    first_day: Day
    last_day: Day
    tariff: str = ""
    calendar: str
    power_calendar: str = ""
    prices: list[str] = []
    readings: str = ""
    serial: int | None = None
    place: str = ""
    meter_type: int = Field(5, ge=1, le=5)
    icp: bool = True
    duration_months: int = Field(0, ge=0)
    energy_decimals: int | None = Field(None, ge=0, le=6)
    power_decimals: int | None = Field(None, ge=0, le=6)
    contracted: list[ContractedTable] = []
    price: list[PriceTable] = []
    series: list[SeriesTable] = []
    charge: list[ChargeTable] = []
    insert: list[OwnChargeTable] = []
    metering: MeteringTable = MeteringTable()


def day_or_none(day: Day) -> date | None:
    """Return a first or last day as records hold it."""
    return day if isinstance(day, date) else None


def dated_rows(table: PriceTable) -> list[Dated]:
    """Return the rows of a price; raise ValueError where it has no value, or both kinds."""
    if (table.value is None) == (not table.values):
        msg = f"{table.name}: write value = … or values = {{ P1 = …, … }}, one of the two"
        raise ValueError(msg)
    values = {"": table.value} if table.value is not None else dict(table.values)
    return [
        Dated(
            name=table.name,
            key=key,
            value=value,
            unit=table.unit,
            first_day=day_or_none(table.first_day),
            last_day=day_or_none(table.last_day),
            source=table.source,
        )
        for key, value in values.items()
        if value is not None
    ]
