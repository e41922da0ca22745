"""Quantities on an invoice against our own: within the tolerance of two honest meters or not.

The energies of all periods are judged together twice: each, and their sum, within its whole tolerance; and how they are split, once the
gain that all have in common is taken off, within what is left. A clock error moves energy between periods and leaves the sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from watthour.billing.charges import FROM_CONTRACT, BilledPower, Charge, Demand, Energy, Excess, Reactive
from watthour.billing.contract import Contract
from watthour.billing.invoice import Invoice, InvoiceLine
from watthour.billing.metered import FromIntervals, Span
from watthour.billing.metering import Metering
from watthour.billing.tolerance import (
    Part,
    Tolerance,
    combined,
    demand_tolerance,
    energy_tolerance,
    excess_tolerance,
    reactive_tolerance,
)

ALL_PERIODS = ""


@dataclass(frozen=True, slots=True)
class Key:
    """Which quantity: its kind and its period.

    Kinds are ``import``, ``export``, ``demand``, ``excess`` (root of the sum of squares), ``reactive`` and ``capacitive`` (what is above the
    free share).
    """

    kind: str
    period: str

    @property
    def unit(self) -> str:
        """In which it is printed."""
        return {"import": "kWh", "export": "kWh", "reactive": "kvarh", "capacitive": "kvarh"}.get(self.kind, "kW")

    def __str__(self) -> str:
        return f"{self.kind} {self.period or 'all periods'}"


Quantities = Mapping[Key, Fraction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A quantity, judged.

    Parameters
    ----------
    key : Key
    billed, ours : Fraction
    tolerance : Tolerance
    split, split_tolerance : Fraction or None
        What remains after the common gain, and by how much it may; None where there is no split.
    """

    key: Key
    billed: Fraction
    ours: Fraction
    tolerance: Tolerance
    split: Fraction | None = None
    split_tolerance: Fraction | None = None

    @property
    def difference(self) -> Fraction:
        """Billed less ours."""
        return self.billed - self.ours

    @property
    def is_within(self) -> bool:
        """Whether the whole difference is within its tolerance."""
        return abs(self.difference) <= self.tolerance.size

    @property
    def is_split_right(self) -> bool:
        """Whether what remains after the common gain is within its tolerance."""
        return self.split is None or self.split_tolerance is None or abs(self.split) <= self.split_tolerance

    @property
    def passed(self) -> bool:
        """Whether both are."""
        return self.is_within and self.is_split_right


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How a quantity of a kind is read off our meter, with its tolerance."""

    metered: FromIntervals
    contract: Contract
    span: Span

    def ours(self, key: Key) -> Fraction:
        """Return our own figure of a quantity, exact."""
        exact = FromIntervals(usage=self.metered.usage)
        match key.kind:
            case "import" | "export":
                return exact.energy_kwh(key.kind, key.period, self.span)
            case "demand":
                return exact.highest_kw(key.period, self.span)
            case "excess":
                return exact.excess_root_kw(key.period, self.span, self._contracted(key.period))
            case _:
                net = exact.net_kvarh(key.period, self.span)
                reactive = -net if key.kind == "capacitive" else net
                return max(reactive - self._free(key) * exact.energy_kwh("import", key.period, self.span), Fraction(0))

    def tolerance(self, key: Key, metering: Metering) -> Tolerance:
        """Return by how much it may differ."""
        match key.kind:
            case "import" | "export":
                return energy_tolerance(self.metered, metering, key.period, self.span)
            case "demand":
                return demand_tolerance(self.metered, metering, key.period, self.span)
            case "excess":
                return excess_tolerance(self.metered, metering, key.period, self.span, self._contracted(key.period))
            case _:
                return reactive_tolerance(self.metered, metering, key.period, self.span, self._free(key))

    def _contracted(self, period: str) -> Fraction:
        return Fraction(self.contract.values.on(FROM_CONTRACT, period, self.span[0], f"excess.{period}").value)

    def _free(self, key: Key) -> Fraction:
        charges = (charge for charge in self.contract.charges if isinstance(charge, Reactive))
        return next(charge.free for charge in charges if charge.capacitive == (key.kind == "capacitive"))


def key_of(charge: Charge, line: InvoiceLine, contract: Contract, first_day: date) -> tuple[Key, Fraction] | None:
    """Return which quantity a printed line tells, and what it says; None where it tells none.

    An excess by the maximum tells the maximum: as it is printed, else the contracted power and what exceeds it.
    """
    quantity = None if line.quantity is None else Fraction(line.quantity)
    match charge:
        case Energy(of=kind, tiers_kwh=tiers):
            found = Key(kind, ALL_PERIODS if tiers else line.period)
        case Demand():
            found = Key("demand", ALL_PERIODS)
        case BilledPower():
            found, quantity = Key("demand", line.period), None if line.maximum_kw is None else Fraction(line.maximum_kw)
        case Excess(by_intervals=by_intervals):
            found = Key("excess" if by_intervals else "demand", line.period)
            quantity = quantity if by_intervals else _maximum(line, contract, first_day)
        case Reactive(capacitive=capacitive):
            found = Key("capacitive" if capacitive else "reactive", line.period)
        case _:
            return None
    return None if quantity is None else (found, quantity)


def _maximum(line: InvoiceLine, contract: Contract, first_day: date) -> Fraction | None:
    if line.maximum_kw is not None:
        return Fraction(line.maximum_kw)
    if not line.quantity:
        return None
    return Fraction(line.quantity + contract.values.on(FROM_CONTRACT, line.period, first_day, line.name).value)


def billed_quantities(
    invoice: Invoice, contract: Contract, charges: Mapping[str, Charge]
) -> tuple[dict[Key, Fraction], list[tuple[Key, str]]]:
    """Return what an invoice says of each quantity, and where it says two things of one.

    Lines of one charge and period that cover parts of the days are added; lines of other charges say the same again.
    """
    by_charge: dict[tuple[Key, str], Fraction] = {}
    for line in invoice.lines:
        charge = charges.get(line.charge)
        found = None if charge is None else key_of(charge, line, contract, invoice.span_of(line)[0])
        if found is None:
            continue
        place = (found[0], line.charge)
        is_highest = found[0].kind == "demand"
        before = by_charge.get(place)
        by_charge[place] = found[1] if before is None else max(before, found[1]) if is_highest else before + found[1]
    billed: dict[Key, Fraction] = {}
    twice = []
    for (key, name), quantity in by_charge.items():
        if billed.setdefault(key, quantity) != quantity:
            twice.append((key, name))
    return billed, twice


def judged(billed: Quantities, ours: Quantities, tolerances: Mapping[Key, Tolerance], metering: Metering) -> list[Judged]:
    """Return each billed quantity judged, and the sum of the energies last where there are several."""
    energies = [key for key in billed if key.kind == "import" and key.period]
    total_billed, total_ours = (sum((each[key] for key in energies), Fraction(0)) for each in (billed, ours))
    is_split = len(energies) > 1 and total_ours > 0
    gain = total_billed / total_ours if is_split else Fraction(1)
    rest = {key: _split_tolerance(ours[key], tolerances[key], metering) for key in energies}
    found = []
    for key in billed:
        plain = Judged(key=key, billed=billed[key], ours=ours[key], tolerance=tolerances[key])
        if is_split and key in rest:
            share = ours[key] / total_ours
            plain = Judged(
                key=key,
                billed=billed[key],
                ours=ours[key],
                tolerance=tolerances[key],
                split=billed[key] - gain * ours[key],
                split_tolerance=rest[key] + share * sum(rest.values(), Fraction(0)),
            )
        found.append(plain)
    if is_split:
        whole = Key("import", ALL_PERIODS)
        found.append(Judged(key=whole, billed=total_billed, ours=total_ours, tolerance=_of_sum(energies, tolerances)))
    return found


def _split_tolerance(ours: Fraction, tolerance: Tolerance, metering: Metering) -> Fraction:
    load = ours * Fraction(metering.load_dependence_percent) / 100
    rest = [part.size for part in tolerance.parts if not part.is_common]
    return combined([*rest, load], metering.combination)


def _of_sum(energies: list[Key], tolerances: Mapping[Key, Tolerance]) -> Tolerance:
    """Return the tolerance of the sum of energies: part by part, since gains are common and the rest may all go one way."""
    parts: dict[str, Part] = {}
    for key in energies:
        for part in tolerances[key].parts:
            before = parts.get(part.name)
            size = part.size + (before.size if before else 0)
            parts[part.name] = Part(
                name=part.name, size=size, how=part.how if before is None else before.how, is_common=part.is_common
            )
    return Tolerance(parts=tuple(parts.values()), combination=tolerances[energies[0]].combination)
