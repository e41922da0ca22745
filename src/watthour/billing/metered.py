"""What the rules of a tariff ask of a meter, and the two that answer: intervals, and figures printed on paper.

In: a period and a span of days. Out: exact quantities in kWh, kvarh and kW.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Protocol

from watthour.billing.intervals import Integers
from watthour.billing.money import root, rounded
from watthour.billing.usage import Sound, Usage, kw, kwh
from watthour.errors import ReadingsError

Span = tuple[date, date]
"""First and last day, both included."""


class Metered(Protocol):
    """What a tariff's rules ask of a meter; an empty period is all periods together."""

    def periods(self, span: Span) -> tuple[str, ...]:
        """Return the periods of energy that occur in a span."""

    def power_periods(self, span: Span) -> tuple[str, ...]:
        """Return the periods of power that occur in a span."""

    def energy_kwh(self, name: str, period: str, span: Span) -> Fraction:
        """Return ``import`` or ``export`` energy."""

    def highest_kw(self, period: str, span: Span) -> Fraction:
        """Return the highest demand."""

    def excess_root_kw(self, period: str, span: Span, contracted_kw: Fraction) -> Fraction:
        """Return the root of the sum of squares of what demands exceed."""

    def net_kvarh(self, period: str, span: Span) -> Fraction:
        """Return Q1 - Q4."""

    def cos_phi_pair(self, period: str, span: Span) -> tuple[int, int]:
        """Return active and net reactive energy in one whole unit, for cos phi."""

    def sound(self, period: str, span: Span, *, by_power: bool = False) -> Sound | None:
        """Return how much of a quantity rests on readings; None where nothing is known of it."""

    def by_interval(self, name: str, period: str, span: Span) -> tuple[Integers, Integers, int] | None:
        """Return starts (ns), energies (micro-units) and step (ns) of a period's intervals; None without any."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FromIntervals:
    """A meter known by its quarter-hours.

    Parameters
    ----------
    usage : Usage
    energy_decimals, power_decimals : int or None
        Decimals of kWh and kW that the contract bills by; None: exact.
    """

    usage: Usage
    energy_decimals: int | None = None
    power_decimals: int | None = None

    def periods(self, span: Span) -> tuple[str, ...]:
        """Return the periods of energy that occur in a span."""
        return tuple(name for name in self.usage.calendar.rates if self.usage.chosen(name, *span).any())

    def power_periods(self, span: Span) -> tuple[str, ...]:
        """Return the periods of power that occur in a span."""
        return tuple(name for name in self.usage.power_calendar.rates if self.usage.chosen(name, *span, by_power=True).any())

    def energy_kwh(self, name: str, period: str, span: Span) -> Fraction:
        """Return an energy; of all periods together the sum of what each is billed by."""
        if not period and self.energy_decimals is not None:
            return sum((self.energy_kwh(name, each, span) for each in self.periods(span)), Fraction(0))
        self._refuse_unread(name)
        exact = kwh(self.usage.energy(name, self.usage.chosen(period, *span)))
        return exact if self.energy_decimals is None else rounded(exact, self.energy_decimals)

    def highest_kw(self, period: str, span: Span) -> Fraction:
        """Return the highest demand."""
        exact = kw(self.usage.highest_demand(self.usage.chosen(period, *span, by_power=True)))
        return exact if self.power_decimals is None else rounded(exact, self.power_decimals)

    def excess_root_kw(self, period: str, span: Span, contracted_kw: Fraction) -> Fraction:
        """Return the root of the sum of squares of what demands exceed."""
        which = self.usage.chosen(period, *span, by_power=True)
        return root(Fraction(self.usage.excess_squares(which, int(contracted_kw * 10**9)), 10**18))

    def net_kvarh(self, period: str, span: Span) -> Fraction:
        """Return Q1 - Q4."""
        return kwh(self.cos_phi_pair(period, span)[1])

    def cos_phi_pair(self, period: str, span: Span) -> tuple[int, int]:
        """Return active and net reactive energy in micro-units; without Q4 what is inductive alone counts."""
        self._refuse_unread("q1")
        which = self.usage.chosen(period, *span)
        return self.usage.energy("import", which), self.usage.net_reactive(which)

    def _refuse_unread(self, name: str) -> None:
        if name not in self.usage.intervals.energies:
            msg = (
                f"the readings have no {name} energy, and a line of the bill needs it; name its column, or leave the charge out"
            )
            raise ReadingsError(msg)

    def sound(self, period: str, span: Span, *, by_power: bool = False) -> Sound | None:
        """Return how much of a quantity rests on readings."""
        return self.usage.sound(self.usage.chosen(period, *span, by_power=by_power))

    def by_interval(self, name: str, period: str, span: Span) -> tuple[Integers, Integers, int] | None:
        """Return starts, energies and step of a period's intervals."""
        which = self.usage.chosen(period, *span)
        cut = self.usage.intervals
        return None if name not in cut.energies else (cut.starts_ns[which], cut.energies[name][which], cut.step_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPrint:
    """A meter known by the figures of a paper, for the whole of its bill.

    Parameters
    ----------
    import_kwh, export_kwh, highest, excess_root, net_reactive : mapping of str to Fraction
        By period.
    """

    import_kwh: Mapping[str, Fraction] = field(default_factory=dict)
    export_kwh: Mapping[str, Fraction] = field(default_factory=dict)
    highest: Mapping[str, Fraction] = field(default_factory=dict)
    excess_root: Mapping[str, Fraction] = field(default_factory=dict)
    net_reactive: Mapping[str, Fraction] = field(default_factory=dict)

    def periods(self, span: Span) -> tuple[str, ...]:
        """Return the periods that have a figure of energy."""
        del span
        return tuple(dict.fromkeys((*self.import_kwh, *self.export_kwh)))

    def power_periods(self, span: Span) -> tuple[str, ...]:
        """Return the periods that have a figure of power."""
        del span
        return tuple(dict.fromkeys((*self.highest, *self.excess_root)))

    def energy_kwh(self, name: str, period: str, span: Span) -> Fraction:
        """Return a printed energy, or their sum."""
        del span
        printed = self.import_kwh if name == "import" else self.export_kwh
        return printed.get(period, Fraction(0)) if period else sum(printed.values(), Fraction(0))

    def highest_kw(self, period: str, span: Span) -> Fraction:
        """Return a printed maximum, or the highest."""
        del span
        return self.highest.get(period, Fraction(0)) if period else max(self.highest.values(), default=Fraction(0))

    def excess_root_kw(self, period: str, span: Span, contracted_kw: Fraction) -> Fraction:
        """Return a printed root."""
        del span, contracted_kw
        return self.excess_root.get(period, Fraction(0))

    def net_kvarh(self, period: str, span: Span) -> Fraction:
        """Return a printed reactive energy, capacitive below 0."""
        del span
        return self.net_reactive.get(period, Fraction(0)) if period else sum(self.net_reactive.values(), Fraction(0))

    def cos_phi_pair(self, period: str, span: Span) -> tuple[int, int]:
        """Return active and reactive energy as whole multiples of one unit."""
        active, reactive = self.energy_kwh("import", period, span), self.net_kvarh(period, span)
        unit = active.denominator * reactive.denominator
        return int(active * unit), int(reactive * unit)

    def sound(self, period: str, span: Span, *, by_power: bool = False) -> Sound | None:
        """Return None: paper does not say."""
        del period, span, by_power
        return None

    def by_interval(self, name: str, period: str, span: Span) -> tuple[Integers, Integers, int] | None:
        """Return None: paper has no intervals."""
        del name, period, span
        return None
