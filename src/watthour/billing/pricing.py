"""From a charge to lines: each kind of charge with its rule, on exact quantities, every line made cents once.

In: a charge, a contract, a meter, a span of days. Out: the lines, with the arithmetic that made them. A span in which a price or a
rule changes is cut there, and each part has lines of its own. Percentages take the value of the bill's last day.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import assert_never

from watthour.billing.charges import (
    ALL,
    FROM_CONTRACT,
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
    price_names,
)
from watthour.billing.contract import Contract
from watthour.billing.dated import DAY, Dated, stretches
from watthour.billing.durations import checked, cuts, times
from watthour.billing.lines import Line
from watthour.billing.metered import Metered, Span
from watthour.billing.money import to_cents, written
from watthour.billing.usage import Sound, cos_phi_hundredths
from watthour.errors import ContractError, ReadingsError

_PER_POWER = ("kW.year", "kW.month", "kW.day", "kW")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a charge is reckoned on.

    Parameters
    ----------
    contract : Contract
    metered : Metered
    span : (date, date)
        The bill's days.
    past_kw : mapping of date to Fraction
        Highest demand of earlier months, by their first day.
    above : sequence of Line
        What stands above on the bill.
    """

    contract: Contract
    metered: Metered
    span: Span
    past_kw: Mapping[date, Fraction]
    above: Sequence[Line]

    def value(self, name: str, key: str, day: date, line: str) -> Dated:
        """Return a dated value, in the contract's currency where it is money."""
        found = self.contract.values.on(name, key, day, line)
        currency = found.unit.partition("/")[0]
        if currency.isalpha() and currency not in {self.contract.currency, "kW"}:
            msg = f"{name} {key} is in {found.unit}, the contract in {self.contract.currency}: {found.source}"
            raise ContractError(msg)
        return found


def lines_of(charge: Charge, ground: Ground) -> Iterator[Line]:
    """Yield the lines of a charge."""
    applies = charge.applies
    if _is_left_out(charge, ground.contract):
        return
    first, last = ground.span
    first, last = max(first, applies.first_day or first), min(last, applies.last_day or last)
    if first > last:
        return
    if isinstance(charge, Percent):
        yield from _percent(charge, ground)
        return
    for span in _stretches(charge, ground, (first, last)):
        yield from _lines_of_stretch(charge, ground, span)


def _lines_of_stretch(charge: Charge, ground: Ground, span: Span) -> Iterator[Line]:  # noqa: PLR0911 - one for each kind
    match charge:
        case Energy():
            return _energy(charge, ground, span)
        case Capacity():
            return _capacity(charge, ground, span)
        case BilledPower():
            return _billed_power(charge, ground, span)
        case Demand():
            return _demand(charge, ground, span)
        case Excess():
            return _excess(charge, ground, span)
        case Reactive():
            return _reactive(charge, ground, span)
        case Fixed():
            return _fixed(charge, ground, span)
        case Percent():
            return _percent(charge, ground)
        case _:
            assert_never(charge)


def _is_left_out(charge: Charge, contract: Contract) -> bool:
    applies: Applies = charge.applies
    if applies.meter_types and contract.meter_type not in applies.meter_types:
        return True
    if applies.unless_icp and contract.has_icp:
        return True
    return applies.optional and not contract.has_price_of(charge)


def _stretches(charge: Charge, ground: Ground, span: Span) -> list[Span]:
    names = price_names(charge)
    changes = ground.contract.values.changes(names, *span)
    for row in (row for name in names for row in ground.contract.values.of(name)):
        changes += cuts(row.unit, span)
    return stretches(*span, changes)


def _line(
    charge: Charge,
    span: Span,
    quantity: tuple[Fraction, str],
    price: Dated,
    exact: Fraction,
    *,
    rule: str,
    steps: Sequence[str],
    period: str = "",
    sound: Sound | None = None,
) -> Line:
    amount = to_cents(exact)
    closing = f"= {written(exact, 8)} {price.unit.partition('/')[0]}".replace(" %", "") + f", in cents {amount}"
    return Line(
        charge=charge.name,
        period=period,
        title=charge.title,
        first_day=span[0],
        last_day=span[1],
        quantity=quantity[0],
        unit=quantity[1],
        price=Fraction(price.value),
        price_unit=price.unit,
        exact=exact,
        amount=amount,
        rule=rule,
        source=price.source,
        steps=(*steps, closing),
        sound=sound,
    )


def _name(charge: Charge, period: str = "") -> str:
    return f"{charge.name}.{period}" if period else charge.name


def _priced(price: Dated) -> str:
    return f"{price.value:f} {price.unit} ({price.name} {price.key}".rstrip() + f", {price.days}: {price.source})"


def _energy(charge: Energy, ground: Ground, span: Span) -> Iterator[Line]:
    if charge.tiers_kwh:
        yield from _tiers(charge, ground, span)
        return
    for period in ground.metered.periods(span):
        if charge.rates and period not in charge.rates:
            continue
        if charge.price in ground.contract.series:
            yield _by_series(charge, ground, span, period)
            continue
        price = ground.value(charge.price, period, span[0], _name(charge, period))
        per = 1 if checked(price.unit, ("kWh", "MWh"), price.name) == "kWh" else 1000
        energy = ground.metered.energy_kwh(charge.of, period, span)
        exact = _signed(charge, energy * Fraction(price.value) / per)
        steps = (f"{written(energy, 9)} kWh in {period}", f"× {_priced(price)}")
        sound = ground.metered.sound(period, span)
        yield _line(charge, span, (energy, "kWh"), price, exact, rule="kWh × price", steps=steps, period=period, sound=sound)


def _signed(charge: Energy, exact: Fraction) -> Fraction:
    return -exact if charge.of == "export" else exact


def _by_series(charge: Energy, ground: Ground, span: Span, period: str) -> Line:
    found = ground.metered.by_interval(charge.of, period, span)
    series = ground.contract.series[charge.price]
    if found is None:
        msg = f"{_name(charge, period)}: prices by the hour need readings by the interval"
        raise ReadingsError(msg)
    starts_ns, energies, step_ns = found
    if step_ns > series.step_ns:
        msg = f"{_name(charge, period)}: readings of {step_ns // 60_000_000_000} minutes are longer than the hours that are priced"
        raise ReadingsError(msg)
    exact, count = series.cost(starts_ns, energies, _name(charge, period))
    energy = Fraction(int(energies.sum()), 10**9)
    per = 1 if series.unit.endswith("kWh") else 1000
    mean = Decimal(written(exact / energy * per, 9)) if energy else Decimal(0)
    price = Dated(name=charge.price, value=mean, unit=series.unit, first_day=span[0], last_day=span[1], source=series.source)
    steps = (f"{written(energy, 9)} kWh in {period}, each hour at its own price: {count} prices from {series.source}",)
    sound = ground.metered.sound(period, span)
    rule = "kWh of each hour × its price; the price shown is the mean"
    return _line(
        charge, span, (energy, "kWh"), price, _signed(charge, exact), rule=rule, steps=steps, period=period, sound=sound
    )


def _tiers(charge: Energy, ground: Ground, span: Span) -> Iterator[Line]:
    """Yield a line for each tier that the energy of the span reaches; limits go by the month's share that the span covers."""
    months, reckoned = times("/month", span)
    periods = [period for period in ground.metered.periods(span) if not charge.rates or period in charge.rates]
    energy = sum((ground.metered.energy_kwh(charge.of, period, span) for period in periods), Fraction(0))
    edges = [Fraction(0), *(limit * months for limit in charge.tiers_kwh)]
    for number, begin in enumerate(edges, 1):
        end = edges[number] if number < len(edges) else None
        inside = max(min(energy, end if end is not None else energy) - begin, Fraction(0))
        if not inside and number > 1:
            continue
        key = f"tier{number}"
        price = ground.value(charge.price, key, span[0], _name(charge, key))
        checked(price.unit, ("kWh",), price.name)
        upper = "without end" if end is None else f"to {written(end)} kWh"
        steps = (
            f"{written(energy, 9)} kWh in all; {key} from {written(begin)} {upper} ({reckoned})",
            f"{written(inside, 9)} kWh × {_priced(price)}",
        )
        exact = _signed(charge, inside * Fraction(price.value))
        sound = ground.metered.sound("", span)
        yield _line(
            charge, span, (inside, "kWh"), price, exact, rule="kWh of the tier × price", steps=steps, period=key, sound=sound
        )


def _capacity(charge: Capacity, ground: Ground, span: Span) -> Iterator[Line]:
    for period in ground.contract.values.keys(FROM_CONTRACT):
        contracted = ground.value(FROM_CONTRACT, period, span[0], _name(charge, period))
        price = ground.value(charge.price, period, span[0], _name(charge, period))
        checked(price.unit, _PER_POWER[:3], price.name)
        factor, reckoned = times(price.unit, span)
        power = Fraction(contracted.value)
        exact = power * factor * Fraction(price.value)
        steps = (f"{written(power)} kW contracted in {period} ({contracted.days})", f"× {_priced(price)}", f"× {reckoned}")
        yield _line(charge, span, (power, "kW"), price, exact, rule="contracted kW × price × time", steps=steps, period=period)


def _billed_power(charge: BilledPower, ground: Ground, span: Span) -> Iterator[Line]:
    for period in ground.contract.values.keys(FROM_CONTRACT):
        contracted = Fraction(ground.value(FROM_CONTRACT, period, span[0], _name(charge, period)).value)
        highest = ground.metered.highest_kw(period, span)
        billed = billed_power(charge, contracted, highest)
        price = ground.value(charge.price, period, span[0], _name(charge, period))
        checked(price.unit, _PER_POWER[:3], price.name)
        factor, reckoned = times(price.unit, span)
        low, high = charge.low * contracted, charge.high * contracted
        rule = "max(low Pc, Pmax) kW × price × time" if highest <= high else f"Pmax + {written(charge.factor)} (Pmax - high Pc)"
        steps = (
            f"Pc {written(contracted)} kW, low {written(low)}, high {written(high)}, Pmax {written(highest)} kW in {period}",
            f"billed {written(billed)} kW × {_priced(price)}",
            f"× {reckoned}",
        )
        exact = billed * factor * Fraction(price.value)
        sound = ground.metered.sound(period, span, by_power=True)
        yield _line(charge, span, (billed, "kW"), price, exact, rule=rule, steps=steps, period=period, sound=sound)


def billed_power(charge: BilledPower, contracted: Fraction, highest: Fraction) -> Fraction:
    """Return the power that a maximum is billed by.

    >>> rule = BilledPower(name="power", title="", price="power")
    >>> float(billed_power(rule, Fraction(35), Fraction("37.78")))
    39.84
    """
    high = charge.high * contracted
    return highest + charge.factor * (highest - high) if highest > high else max(charge.low * contracted, highest)


def _demand(charge: Demand, ground: Ground, span: Span) -> Iterator[Line]:
    measured = max((ground.metered.highest_kw(rate, span) for rate in charge.rates or ("",)), default=Fraction(0))
    held, held_month = _ratchet(charge, ground, span)
    billed = max(measured, held, charge.minimum_kw)
    price = ground.value(charge.price, "", span[0], charge.name)
    checked(price.unit, ("kW", "kW.month"), price.name)
    factor, reckoned = times(price.unit, span)
    steps = [f"highest demand {written(measured)} kW" + (f" in {', '.join(charge.rates)}" if charge.rates else "")]
    if charge.ratchet:
        when = f"of {held_month:%Y-%m}" if held_month else "(no earlier month is known)"
        steps.append(f"ratchet: {written(charge.ratchet * 100)} % {when} = {written(held)} kW")
    if charge.minimum_kw:
        steps.append(f"minimum {written(charge.minimum_kw)} kW")
    steps += [f"billed {written(billed)} kW × {_priced(price)}", f"× {reckoned}"]
    rule = "highest demand × price" if billed == measured else "demand held up by ratchet or minimum × price"
    sound = ground.metered.sound("", span, by_power=True)
    yield _line(
        charge, span, (billed, "kW"), price, billed * factor * Fraction(price.value), rule=rule, steps=steps, sound=sound
    )


def _ratchet(charge: Demand, ground: Ground, span: Span) -> tuple[Fraction, date | None]:
    """Return what earlier months hold the demand up to, and the month that does."""
    first = span[0].replace(day=1)
    months = {}
    for _ in range(charge.ratchet_months):
        first = (first - DAY).replace(day=1)
        if first in ground.past_kw:
            months[first] = ground.past_kw[first]
    if not charge.ratchet or not months:
        return Fraction(0), None
    month = max(months, key=lambda each: months[each])
    return charge.ratchet * months[month], month


def _excess(charge: Excess, ground: Ground, span: Span) -> Iterator[Line]:
    for period in ground.metered.power_periods(span):
        contracted = Fraction(ground.value(FROM_CONTRACT, period, span[0], _name(charge, period)).value)
        if charge.by_intervals:
            excess = ground.metered.excess_root_kw(period, span, contracted)
            how = f"root of the sum of (Pd - {written(contracted)} kW)² over the quarter-hours above = {written(excess)} kW"
        else:
            highest = ground.metered.highest_kw(period, span)
            excess = max(highest - contracted, Fraction(0))
            how = f"Pmax {written(highest)} kW - Pc {written(contracted)} kW = {written(excess)} kW"
        price = ground.value(charge.price, period, span[0], _name(charge, period))
        checked(price.unit, ("kW",), price.name)
        factor, words = charge.factor, [how]
        if charge.factor != 1:
            words.append(f"× {written(charge.factor)}")
        if charge.coefficients:
            coefficient = ground.value(charge.coefficients, period, span[0], _name(charge, period))
            factor *= Fraction(coefficient.value)
            words.append(f"× {_priced(coefficient)}")
        words.append(f"× {_priced(price)}")
        exact = excess * factor * Fraction(price.value)
        rule = ("√Σ(Pd - Pc)²" if charge.by_intervals else "(Pmax - Pc)") + " × price"
        rule = (f"{written(charge.factor)} × " if charge.factor != 1 else "") + ("Kp × " if charge.coefficients else "") + rule
        sound = ground.metered.sound(period, span, by_power=True)
        yield _line(charge, span, (excess, "kW"), price, exact, rule=rule, steps=words, period=period, sound=sound)


def _reactive(charge: Reactive, ground: Ground, span: Span) -> Iterator[Line]:
    for period in ground.metered.periods(span):
        if charge.rates and period not in charge.rates:
            continue
        active = ground.metered.energy_kwh("import", period, span)
        net = ground.metered.net_kvarh(period, span)
        reactive = max(-net if charge.capacitive else net, Fraction(0))
        excess = max(reactive - charge.free * active, Fraction(0))
        hundredths = cos_phi_hundredths(*ground.metered.cos_phi_pair(period, span))
        band = _band(charge, hundredths)
        price = ground.value(band.price, period, span[0], _name(charge, period))
        checked(price.unit, ("kvarh",), price.name)
        kind = "capacitive" if charge.capacitive else "inductive"
        share = f"{written(charge.free * 100)} % of {written(active, 9)} kWh"
        steps = (
            f"{written(reactive, 9)} kvarh {kind} in {period} (Er = Q1 - Q4 = {written(net, 9)})",
            f"above {share}: {written(excess, 9)} kvarh; cos φ {hundredths / 100:.2f}",
            f"× {_priced(price)}",
        )
        exact = excess * Fraction(price.value)
        rule = f"kvarh above {written(charge.free * 100)} % of kWh × price at cos φ {hundredths / 100:.2f}"
        sound = ground.metered.sound(period, span)
        yield _line(charge, span, (excess, "kvarh"), price, exact, rule=rule, steps=steps, period=period, sound=sound)


def _band(charge: Reactive, hundredths: int) -> Band:
    return next(band for band in charge.bands if band.cos_phi_below is None or hundredths < band.cos_phi_below * 100)


def _fixed(charge: Fixed, ground: Ground, span: Span) -> Iterator[Line]:
    price = ground.value(charge.price, "", span[0], charge.name)
    unit = checked(price.unit, ("day", "month", "year", ""), price.name) or "bill"
    factor, reckoned = times(price.unit, span)
    exact = factor * Fraction(price.value)
    yield _line(charge, span, (factor, unit), price, exact, rule="price × time", steps=(_priced(price), f"× {reckoned}"))


def _percent(charge: Percent, ground: Ground) -> Iterator[Line]:
    last = ground.span[1]
    key = _months_key(charge, ground.contract) if charge.by_months else ""
    rate = ground.value(charge.price, key, last, charge.name)
    if rate.unit != "%":
        msg = f"{charge.price} is in {rate.unit}; a percentage is written in %: {rate.source}"
        raise ContractError(msg)
    chosen = [line for line in ground.above if ALL in charge.on or line.charge in charge.on]
    base = sum((line.amount for line in chosen), Decimal(0))
    exact = Fraction(base) * Fraction(rate.value) / 100
    names = "all lines above" if ALL in charge.on else ", ".join(dict.fromkeys(line.charge for line in chosen)) or "nothing"
    steps = [f"{base} {ground.contract.currency} of {names}", f"× {_priced(rate)}"]
    rule = f"{rate.value:f} % of {names}"
    if charge.floor:
        floor, words = _floor(charge, ground)
        steps.append(words)
        if floor > exact:
            exact, rule = floor, f"no less than {written(floor)}: the floor by energy"
    exact = -exact if charge.is_discount else exact
    yield _line(charge, ground.span, (Fraction(base), ground.contract.currency), rate, exact, rule=rule, steps=steps)


def _floor(charge: Percent, ground: Ground) -> tuple[Fraction, str]:
    floor = ground.value(charge.floor, "", ground.span[1], charge.name)
    checked(floor.unit, ("MWh",), floor.name)
    energy = ground.metered.energy_kwh("import", "", ground.span) / 1000
    exact = energy * Fraction(floor.value)
    return exact, f"no less than {written(energy, 9)} MWh × {_priced(floor)} = {written(exact, 8)}"


def _months_key(charge: Percent, contract: Contract) -> str:
    """Return the first key, a number of months, that a contract's duration does not pass.

    Raises
    ------
    ContractError
        If the contract has no duration, or a longer one than any key.
    """
    keys = sorted((int(key) for key in contract.values.keys(charge.price)), key=int)
    fitting = [key for key in keys if 0 < contract.duration_months <= key]
    if not fitting:
        msg = f"{charge.name} goes by the months of the contract, and {contract.duration_months} is in none of the rows up to {keys}"
        raise ContractError(msg)
    return str(fitting[0])
