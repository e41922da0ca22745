"""Prices that change by the hour: a series of dated starts, and what energy costs by it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np

from watthour.billing.intervals import Integers
from watthour.errors import ContractError, NoPriceError
from watthour.tariff import local_day, zone_of
from watthour.units import NANOSECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Prices of energy by the hour or the quarter of an hour.

    Parameters
    ----------
    name : str
    unit : str
        Such as ``EUR/MWh``.
    zone : str
        Whose days an error names.
    step_ns : int
        How long each holds.
    prices : dict of int to Decimal
        By start, nanoseconds UTC.
    source : str
    """

    name: str
    unit: str
    zone: str
    step_ns: int
    prices: dict[int, Decimal]
    source: str

    def cost(self, starts_ns: Integers, energies: Integers, line: str) -> tuple[Fraction, int]:
        """Return what energies in micro-units cost, exactly, and how many prices took part.

        Raises
        ------
        NoPriceError
            If an hour has none, naming its day.
        """
        hours, place = np.unique(starts_ns // self.step_ns * self.step_ns, return_inverse=True)
        sums = np.zeros(len(hours), np.int64)
        np.add.at(sums, place, energies)
        total = Fraction(0)
        for hour, micro in zip(hours.tolist(), sums.tolist(), strict=True):
            price = self.prices.get(hour)
            if price is None:
                at = datetime.fromtimestamp(hour // NANOSECONDS, UTC)
                held = f"hours without the one of {at:%Y-%m-%dT%H:%MZ}"
                raise NoPriceError(self.name, "", local_day(zone_of(self.zone), hour), line, held)
            total += micro * Fraction(price)
        return total / self._micro_per_unit, len(hours)

    @property
    def _micro_per_unit(self) -> int:
        energy = self.unit.partition("/")[2]
        if energy not in {"kWh", "MWh"}:
            msg = f"{self.name}: a series is priced per kWh or per MWh, not {self.unit}"
            raise ContractError(msg)
        return 10**9 if energy == "kWh" else 10**12
