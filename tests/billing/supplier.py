"""A plant, its contract, and a supplier who meters it with a meter of his own and prints an invoice: honest, or with a fault put in."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
from tests.billing.conftest import local_ns

from watthour.billing import Intervals, bill_intervals, written
from watthour.billing.charges import Capacity, Excess, Fixed, Percent
from watthour.billing.intervals import QUARTER_NS
from watthour.billing.invoice import Invoice, InvoiceLine, Subtotal
from watthour.host.billing.contracts import read_contract

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples" / "billing"
PLANT = read_contract(EXAMPLES / "plant.contract.toml").contract
APRIL = (date(2026, 4, 1), date(2026, 4, 30))


def noise(seed):
    return np.random.Generator(np.random.Philox(key=seed))


def plant(span, seed, margin_days=2):
    """Return the true energies of a plant that works on weekdays from 6 to 22, in quarter-hours, with some days around."""
    first, last = span[0] - timedelta(days=margin_days), span[1] + timedelta(days=margin_days)
    begin_ns, end_ns = local_ns(first), local_ns(last + timedelta(days=1))
    count = (end_ns - begin_ns) // QUARTER_NS
    quarters = begin_ns // QUARTER_NS + np.arange(count)
    hour = (quarters // 4 + 2) % 24
    weekday = ((quarters // 4 + 2) // 24 + 3) % 7
    random = noise(seed)
    works = (weekday < 5) & (hour >= 6) & (hour < 22)
    swing = 1 + 0.25 * np.sin(2 * np.pi * (hour - 6) / 16) + random.normal(0, 0.12, count)
    kw = np.where(works, 95 * np.clip(swing, 0.2, 1.6), 14 + random.normal(0, 1.5, count).clip(-4, 4))
    watt_hours = np.rint(kw * 250).astype(np.int64)
    kvarh = np.rint(watt_hours * 0.42).astype(np.int64)
    return Intervals(
        begin_ns=begin_ns,
        step_ns=QUARTER_NS,
        energies={"import": watt_hours * 10**6, "q1": kvarh * 10**6, "q4": np.zeros(count, np.int64)},
        quality=np.zeros(count, np.uint8),
    )


def metered(truth, *, gain=0.0, by_load=0.0, offset_s=0.0, noise_percent=0.0, seed=0):
    """Return what a meter makes of the truth.

    `gain` and `by_load` in percent: an error for all loads, and one that grows from - to + half of it over the load. A clock that is
    `offset_s` ahead closes its quarter-hours that much too early.
    """
    energies = {}
    random = noise(seed)
    for name, values in truth.energies.items():
        plain = values.astype(float)
        highest = plain.max() or 1.0
        error = 1 + (gain + by_load * (plain / highest - 0.5) + noise_percent * random.uniform(-1, 1, len(plain))) / 100
        read = plain * error
        share = offset_s / 900
        beside = np.concatenate([read[1:], read[-1:]]) if share < 0 else np.concatenate([read[:1], read[:-1]])
        energies[name] = np.rint((1 - abs(share)) * read + abs(share) * beside).astype(np.int64)
    return replace(truth, energies=energies)


def received(contract, intervals, span, *, whole=True, **changes):
    """Return the invoice of a supplier who bills these intervals by this contract, in whole kWh and kW."""
    printed = replace(contract, energy_decimals=0, power_decimals=0) if whole else contract
    made = bill_intervals(printed, intervals, *span)
    charges = {charge.name: charge for charge in contract.charges}
    lines = tuple(_printed(line, charges[line.charge], made) for line in made.lines)
    names = tuple(dict.fromkeys(line.charge for line in lines if not isinstance(charges[line.charge], Percent)))
    fields = {
        "number": "2026-04-0815", "supplier": "Energía del Valle", "supply": "ES0031000000000001JN0F", "issued": span[1],
        "currency": contract.currency, "first_day": span[0], "last_day": span[1], "days": made.days, "lines": lines,
        "subtotals": tuple(Subtotal(title=name, charges=(name,), amount=made.amount_of(name)) for name in names),
        "total": made.total,
    }  # fmt: skip
    return Invoice(**(fields | changes))


def _printed(line, charge, made):
    if line.rule.endswith("the floor by energy"):  # a tax that is due by the MWh, at 1 EUR, is printed so
        kwh = sum(each.quantity for each in made.lines if each.charge == "energy")
        return InvoiceLine(
            charge=line.charge, quantity=Decimal(written(kwh, 9)), price=Decimal(1), price_unit="EUR/MWh", amount=line.amount
        )
    quantity = None if isinstance(charge, Fixed) else Decimal(written(line.quantity, 9))
    by_time = isinstance(charge, Capacity) or (isinstance(charge, Fixed) and line.price_unit.endswith("day"))
    if isinstance(charge, Excess):
        quantity = Decimal(written(line.quantity, 6))
    return InvoiceLine(
        charge=line.charge, period=line.period, quantity=quantity, price=Decimal(written(line.price, 12)), price_unit=line.price_unit,
        days=line.days if by_time else None, amount=line.amount,
        first_day=None if line.days == made.days else line.first_day, last_day=None if line.days == made.days else line.last_day,
    )  # fmt: skip


def changed(invoice, change):
    """Return an invoice with each line changed, and sums that follow."""
    lines = tuple(change(line) for line in invoice.lines)
    return summed(replace(invoice, lines=lines))


def summed(invoice):
    """Return an invoice whose taxes, subtotals and total follow from its lines."""
    lines = []
    for line in invoice.lines:
        if line.price_unit == "%":
            base = sum((each.amount for each in lines), Decimal(0))
            amount = (base * line.price / 100).quantize(Decimal("0.01"), "ROUND_HALF_UP")
            lines.append(replace(line, quantity=base, amount=amount))
        elif line.charge == "electricity_tax":
            kwh = sum(each.quantity for each in lines if each.charge == "energy")
            lines.append(replace(line, quantity=kwh, amount=(kwh / 1000).quantize(Decimal("0.01"), "ROUND_HALF_UP")))
        else:
            lines.append(line)
    subtotals = tuple(
        replace(each, amount=sum((line.amount for line in lines if line.charge in each.charges), Decimal(0)))
        for each in invoice.subtotals
    )
    return replace(invoice, lines=tuple(lines), subtotals=subtotals, total=sum((line.amount for line in lines), Decimal(0)))


def exact(text):
    return Fraction(text)
