"""Values with a first and a last day: prices, coefficients, contracted powers, tax rates.

In: rows, each with its days and where it is written. Out: the row of a name and key on a day, or an error that names both;
and the days on which something changes. What a value is for is not known here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from watthour.errors import ContractError, NoPriceError
from watthour.tariff import OPEN

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A value and the days on which it holds.

    Parameters
    ----------
    name : str
        What it is the price of: ``toll_energy``.
    key : str
        Of which period or tier: ``P1``; empty where there is one only.
    value : Decimal
    unit : str
        Such as ``EUR/kWh``, ``EUR/kW.year``, ``%``.
    first_day, last_day : date or None
        Both included; None: open.
    source : str
        Where it is written.
    """

    name: str
    key: str = ""
    value: Decimal
    unit: str
    first_day: date | None
    last_day: date | None
    source: str

    def covers(self, day: date) -> bool:
        """Say whether it holds on a day."""
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)

    @property
    def days(self) -> str:
        """Its first and last day in words."""
        first, last = (OPEN if day is None else day.isoformat() for day in (self.first_day, self.last_day))
        return f"{first} to {last}"


@dataclass(frozen=True, slots=True)
class DatedTable:
    """All dated values of a contract; two of one name and key never hold on one day.

    Raises
    ------
    ContractError
        If they do, naming the first such day.
    """

    rows: tuple[Dated, ...]

    def __post_init__(self) -> None:
        for name, key in dict.fromkeys((row.name, row.key) for row in self.rows):
            _refuse_overlap([row for row in self.rows if (row.name, row.key) == (name, key)])

    def has(self, name: str) -> bool:
        """Say whether there is any value of a name, on whatever day."""
        return any(row.name == name for row in self.rows)

    def keys(self, name: str) -> tuple[str, ...]:
        """Return the keys of a name, in the order of the rows."""
        return tuple(dict.fromkeys(row.key for row in self.rows if row.name == name))

    def of(self, name: str) -> tuple[Dated, ...]:
        """Return all rows of a name."""
        return tuple(row for row in self.rows if row.name == name)

    def on(self, name: str, key: str, day: date, line: str) -> Dated:
        """Return what holds on a day; a row without a key holds for every key.

        Parameters
        ----------
        line : str
            The line of the bill that asks.

        Raises
        ------
        NoPriceError
            If nothing does.
        """
        for wanted in dict.fromkeys((key, "")):
            for row in self.rows:
                if row.name == name and row.key == wanted and row.covers(day):
                    return row
        held = [row for row in self.rows if row.name == name and row.key in {key, ""}]
        raise NoPriceError(name, key, day, line, " and ".join(dict.fromkeys(row.days for row in held)))

    def changes(self, names: Iterable[str], first_day: date, last_day: date) -> list[date]:
        """Return the days after `first_day`, up to `last_day`, on which a value of these names begins or one has ended."""
        wanted = set(names)
        found: set[date] = set()
        for row in self.rows:
            if row.name in wanted:
                found.update(day for day in (row.first_day, row.last_day and row.last_day + DAY) if day is not None)
        return sorted(day for day in found if first_day < day <= last_day)


def _refuse_overlap(rows: list[Dated]) -> None:
    ordered = sorted(rows, key=lambda row: row.first_day or date.min)
    for before, after in pairwise(ordered):
        if before.last_day is None or (after.first_day or date.min) <= before.last_day:
            name = f"{after.name} {after.key}".strip()
            day = "the first of them" if after.first_day is None else after.first_day.isoformat()
            msg = f"{name} has two values on {day}: {before.value} ({before.source}) and {after.value} ({after.source}); end one before"
            raise ContractError(msg)


def stretches(first_day: date, last_day: date, changes: Iterable[date]) -> list[tuple[date, date]]:
    """Return the parts of a span of days, each with its first and last day, cut before each change."""
    starts = [first_day, *sorted({day for day in changes if first_day < day <= last_day})]
    return list(zip(starts, [*(day - DAY for day in starts[1:]), last_day], strict=True))
