"""The verdict on an invoice: its own arithmetic, its prices and contract, its quantities, kept apart; and what is likely behind them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from watthour.billing.bill import bill_intervals, metered_of
from watthour.billing.causes import Case, Cause, Likelihood, causes_of_money, causes_of_quantities
from watthour.billing.charges import (
    FROM_CONTRACT,
    BilledPower,
    Capacity,
    Charge,
    Energy,
    Excess,
    Percent,
    Reactive,
    price_names,
)
from watthour.billing.contract import Contract
from watthour.billing.dated import Dated
from watthour.billing.durations import year_days
from watthour.billing.intervals import Intervals
from watthour.billing.invoice import Finding, Invoice, InvoiceLine, Verdict, amount_of, arithmetic
from watthour.billing.judging import Judged, Key, Measure, billed_quantities, judged, key_of
from watthour.billing.lines import Bill
from watthour.billing.money import rounded, to_cents, written
from watthour.billing.usage import Sound, cos_phi_hundredths

_BORDER = 1
"""Hundredths of cos phi within which either band's price may stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A line: what was billed, what we reckon, and what is said of it.

    Parameters
    ----------
    line : str
    title : str
    billed, ours : Decimal or None
        None where the other side alone has the line.
    tolerance : Decimal
        What the tolerance of its quantity is worth.
    faults : tuple of Verdict
        Which parts it fails in.
    """

    line: str
    title: str
    billed: Decimal | None
    ours: Decimal | None
    tolerance: Decimal
    faults: tuple[Verdict, ...]

    @property
    def difference(self) -> Decimal:
        """Billed less ours."""
        return (self.billed or Decimal(0)) - (self.ours or Decimal(0))

    @property
    def passed(self) -> bool:
        """Whether it fails in nothing."""
        return not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An invoice, judged.

    Parameters
    ----------
    invoice : Invoice
    contract : Contract or None
        None: only the arithmetic was judged.
    bill : Bill or None
        Our own reckoning.
    findings : tuple of Finding
        Of arithmetic, prices and contract.
    quantities : tuple of Judged
    lines : tuple of Compared
    causes : tuple of Cause
        Each that was tried; those of money only where they show.
    sound : Sound or None
        Of our readings.
    """

    invoice: Invoice
    contract: Contract | None
    bill: Bill | None
    findings: tuple[Finding, ...]
    quantities: tuple[Judged, ...]
    lines: tuple[Compared, ...]
    causes: tuple[Cause, ...]
    sound: Sound | None

    def passed_in(self, verdict: Verdict) -> bool | None:
        """Return the verdict of one part; None where it was not judged."""
        if verdict is Verdict.QUANTITIES:
            return all(each.passed for each in self.quantities) if self.quantities else None
        if verdict is Verdict.PRICES and self.contract is None:
            return None
        return all(each.passed for each in self.findings if each.verdict is verdict)

    @property
    def passed(self) -> bool:
        """Whether nothing is out of its tolerance."""
        return all(self.passed_in(verdict) is not False for verdict in Verdict)

    @property
    def money_in_question(self) -> Decimal:
        """Sum of the differences of the lines that fail."""
        return sum((each.difference for each in self.lines if not each.passed), Decimal(0))

    @property
    def likely(self) -> tuple[Cause, ...]:
        """Return the causes to name."""
        return tuple(cause for cause in self.causes if cause.likelihood is Likelihood.LIKELY)


def check(
    invoice: Invoice, contract: Contract | None = None, intervals: Intervals | None = None, *, with_causes: bool = True
) -> Check:
    """Return the verdict on an invoice.

    Parameters
    ----------
    invoice : Invoice
    contract : Contract, optional
        Without it only the arithmetic is judged.
    intervals : Intervals, optional
        Our readings; without them no quantity is judged.
    with_causes : bool
        Whether causes are tried.

    Raises
    ------
    NoPriceError
        If the contract has no price on a day that our own reckoning needs.
    """
    charges = {} if contract is None else named_charges(invoice, contract)
    findings = list(arithmetic(invoice, {} if contract is None else _floors(invoice, contract, charges)))
    if contract is not None:
        findings += _prices(invoice, contract, charges, intervals)
    quantities: list[Judged] = []
    bill: Bill | None = None
    sound: Sound | None = None
    causes: list[Cause] = []
    if contract is not None and intervals is not None:
        span = (invoice.first_day, invoice.last_day)
        bill = bill_intervals(contract, intervals, *span)
        metered = metered_of(contract, intervals, *span)
        sound = metered.sound("", span)
        measure = Measure(metered=metered, contract=contract, span=span)
        billed, twice = billed_quantities(invoice, contract, charges)
        findings += [_said_twice(invoice, key, charge) for key, charge in twice]
        ours = {key: measure.ours(key) for key in billed}
        tolerances = {key: measure.tolerance(key, contract.metering) for key in billed}
        quantities = judged(billed, ours, tolerances, contract.metering)
        if with_causes:
            case = Case(contract=contract, intervals=intervals, span=span, billed=billed, ours=ours, tolerances=tolerances)
            causes += causes_of_quantities(case)
    if contract is not None and with_causes:
        causes += causes_of_money(invoice, contract, charges)
    return Check(
        invoice=invoice,
        contract=contract,
        bill=bill,
        findings=tuple(findings),
        quantities=tuple(quantities),
        lines=tuple(_lines(invoice, contract, charges, bill, findings=findings, quantities=quantities)),
        causes=tuple(causes),
        sound=sound,
    )


def named_charges(invoice: Invoice, contract: Contract) -> dict[str, Charge]:
    """Return the charge of each name on an invoice: its own, or the one that holds on the days and has that price."""
    found: dict[str, Charge] = {}
    for name in dict.fromkeys(line.charge for line in invoice.lines):
        holding = [
            charge
            for charge in contract.charges
            if name in {charge.name, *price_names(charge)[:1]} and _holds(charge, invoice, contract)
        ]
        if holding:
            found[name] = next((charge for charge in holding if charge.name == name), holding[0])
    return found


def _floors(invoice: Invoice, contract: Contract, charges: Mapping[str, Charge]) -> dict[str, Fraction]:
    """Return what the taxes on an invoice are no less than, for the kWh that it bills."""
    by_charge: dict[str, Fraction] = {}
    for line in invoice.lines:
        charge = charges.get(line.charge)
        if isinstance(charge, Energy) and charge.of == "import" and line.quantity is not None:
            by_charge[line.charge] = by_charge.get(line.charge, Fraction(0)) + Fraction(line.quantity)
    mwh = max(by_charge.values(), default=Fraction(0)) / 1000
    return {
        line.name: mwh * Fraction(row.value)
        for line in invoice.lines
        if isinstance(charge := charges.get(line.charge), Percent) and line.price_unit == "%"
        for row in contract.values.of(charge.floor)
        if row.covers(invoice.last_day)
    }


def _holds(charge: Charge, invoice: Invoice, contract: Contract) -> bool:
    applies = charge.applies
    in_time = (applies.first_day or invoice.last_day) <= invoice.last_day and invoice.first_day <= (
        applies.last_day or invoice.first_day
    )
    return in_time and (not applies.meter_types or contract.meter_type in applies.meter_types)


def _said_twice(invoice: Invoice, key: Key, charge: str) -> Finding:
    del invoice
    line = f"{charge}.{key.period}" if key.period else charge
    return Finding(
        verdict=Verdict.PRICES,
        line=line,
        what=f"{key.kind} of {key.period or 'all periods'} as on the other lines",
        billed="another",
        ours="the same",
        passed=False,
    )


def _prices(
    invoice: Invoice, contract: Contract, charges: Mapping[str, Charge], intervals: Intervals | None
) -> Iterator[Finding]:
    """Yield prices, rates, powers and the lines themselves, exact."""
    for line in invoice.lines:
        charge = charges.get(line.charge)
        if charge is None:
            known = ", ".join(each.name for each in contract.charges)
            yield _finding(line, "a charge of the contract", line.charge, f"none of {known}", passed=False)
            continue
        if isinstance(charge, Capacity) and line.quantity is not None:
            right = contract.values.on(FROM_CONTRACT, line.period, invoice.span_of(line)[0], line.name)
            yield _finding(
                line,
                f"contracted power ({right.source})",
                f"{line.quantity:f} kW",
                f"{right.value:f} kW",
                passed=right.value == line.quantity,
            )
        if line.price is not None:
            yield from _price(invoice, line, charge, contract, intervals)


def _price(
    invoice: Invoice, line: InvoiceLine, charge: Charge, contract: Contract, intervals: Intervals | None
) -> Iterator[Finding]:
    if isinstance(charge, Energy) and charge.price in contract.series:
        return
    if not contract.has_price_of(charge):
        yield _finding(line, "price", f"{line.price:f} {line.price_unit}", "none in the contract", passed=line.price == 0)
        return
    day = invoice.last_day if isinstance(charge, Percent) else invoice.span_of(line)[0]
    names = _allowed_prices(invoice, line, charge, contract, intervals)
    rows = [contract.values.on(name, line.period, day, line.name) for name in names]
    ours = [(row, _in_unit(row, line, charge, contract, invoice)) for row in rows]
    row, right = next(((row, value) for row, value in ours if value == Fraction(line.price or 0)), ours[0])
    shown = f"{row.value:f} {row.unit}" if right is None else f"{written(right, 12)} {line.price_unit or row.unit}"
    yield _finding(
        line,
        f"price ({row.source})",
        f"{line.price:f} {line.price_unit}",
        shown,
        passed=right == Fraction(line.price or 0),
    )


def _allowed_prices(
    invoice: Invoice, line: InvoiceLine, charge: Charge, contract: Contract, intervals: Intervals | None
) -> tuple[str, ...]:
    """Return the names of the prices that a line may have.

    Of reactive energy those of the bands that cos phi may be in; of a tax its floor, where it is billed by that.
    """
    if isinstance(charge, Percent) and charge.floor and line.price_unit.endswith("/MWh"):
        return (charge.floor,)
    if not isinstance(charge, Reactive):
        return price_names(charge)[:1]
    if intervals is None:
        return price_names(charge)
    span = invoice.span_of(line)
    hundredths = cos_phi_hundredths(*metered_of(contract, intervals, *span).cos_phi_pair(line.period, span))
    near = range(hundredths - _BORDER, hundredths + _BORDER + 1)
    return tuple(
        dict.fromkeys(
            next(band.price for band in charge.bands if band.cos_phi_below is None or each < band.cos_phi_below * 100)
            for each in near
        )
    )


def _in_unit(row: Dated, line: InvoiceLine, charge: Charge, contract: Contract, invoice: Invoice) -> Fraction | None:
    """Return a price in the unit that is printed, to as many decimals; None where the two do not compare."""
    value = Fraction(row.value)
    ours, billed = row.unit.partition("/")[2], line.price_unit.partition("/")[2]
    day = invoice.span_of(line)[0]
    if isinstance(charge, Excess):
        value *= 1 if line.factor != 1 else charge.factor
        if charge.coefficients and line.factor == 1:
            value *= Fraction(contract.values.on(charge.coefficients, line.period, day, line.name).value)
    if ours != billed:
        factor = {
            ("MWh", "kWh"): Fraction(1, 1000),
            ("kWh", "MWh"): Fraction(1000),
            ("kW.year", "kW.day"): Fraction(1, year_days(day.year)),
            ("kW.day", "kW.year"): Fraction(year_days(day.year)),
            ("kW.year", "kW.month"): Fraction(1, 12),
            ("year", "day"): Fraction(1, year_days(day.year)),
        }.get((ours, billed))
        if factor is None:
            return None
        value *= factor
    places = max(-int((line.price or Decimal(0)).as_tuple().exponent), 0)
    return rounded(value, places) if ours != billed else value


def _finding(line: InvoiceLine, what: str, billed: str, ours: str, *, passed: bool) -> Finding:
    return Finding(verdict=Verdict.PRICES, line=line.name, what=what, billed=billed, ours=ours, passed=passed)


def _lines(
    invoice: Invoice,
    contract: Contract | None,
    charges: Mapping[str, Charge],
    bill: Bill | None,
    *,
    findings: list[Finding],
    quantities: list[Judged],
) -> Iterator[Compared]:
    """Yield each line of either side, the invoice's first."""
    ours: dict[str, Decimal] = {}
    titles: dict[str, str] = {}
    for line in bill.lines if bill else ():
        ours[line.name] = ours.get(line.name, Decimal(0)) + line.amount
        titles[line.name] = line.title
    by_key = {each.key: each for each in quantities}
    seen: set[str] = set()
    worth: dict[str, Decimal] = {}
    for name in dict.fromkeys(line.name for line in invoice.lines):
        lines = [line for line in invoice.lines if line.name == name]
        charge = charges.get(lines[0].charge)
        own_name = f"{charge.name}.{lines[0].period}" if charge and lines[0].period else charge.name if charge else name
        seen.add(own_name)
        told = [key_of(charge, line, contract, invoice.span_of(line)[0]) for line in lines] if charge and contract else []
        keys = [found[0] for found in told if found is not None]
        faults = {finding.verdict for finding in findings if finding.line == name and not finding.passed}
        if any(not by_key[key].passed for key in keys if key in by_key):
            faults.add(Verdict.QUANTITIES)
        worth[name] = _worth(lines, charge, by_key, keys, worth)
        billed = sum((amount_of(invoice, line) or Decimal(0) for line in lines), Decimal(0))
        yield Compared(
            line=name,
            title=charge.title if charge else name,
            billed=billed,
            ours=ours.get(own_name),
            tolerance=worth[name],
            faults=tuple(verdict for verdict in Verdict if verdict in faults),
        )
    for name, amount in ours.items():
        if name not in seen and amount:
            yield Compared(line=name, title=titles[name], billed=None, ours=amount, tolerance=Decimal(0), faults=())


def _worth(
    lines: list[InvoiceLine],
    charge: Charge | None,
    by_key: Mapping[Key, Judged],
    keys: list[Key],
    above: Mapping[str, Decimal],
) -> Decimal:
    """Return what the tolerance of a line's quantity is worth; of a percentage what those of the lines above are."""
    price = Fraction(lines[0].price or 0)
    if isinstance(charge, Percent):
        return to_cents(sum(above.values(), Decimal(0)) * Decimal(lines[0].price or 0) / 100)
    if not keys or keys[0] not in by_key:
        return Decimal(0)
    factor = 1 if isinstance(charge, BilledPower) is False else 3
    per = 1000 if lines[0].price_unit.endswith("MWh") else 1
    return to_cents(by_key[keys[0]].tolerance.size * price * factor * Fraction(lines[0].factor) / per)
