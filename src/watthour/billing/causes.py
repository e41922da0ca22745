"""Why an invoice is off: each cause that the trade knows, what it would have done here, and whether that fits.

A cause is likely when its effect exceeds the tolerance and, with it, every quantity is within the tolerance again. One whose effect here is
smaller than the tolerance is not distinguishable. One that does not fit is excluded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

import numpy as np

from watthour.billing.bill import metered_of
from watthour.billing.charges import Capacity, Charge, Fixed, Percent
from watthour.billing.contract import Contract
from watthour.billing.dated import DAY
from watthour.billing.intervals import Intervals
from watthour.billing.invoice import Invoice, exact_amount
from watthour.billing.judging import Judged, Key, Measure, Quantities, judged
from watthour.billing.metered import Span
from watthour.billing.money import to_cents, written
from watthour.billing.tolerance import Tolerance
from watthour.errors import WatthourError
from watthour.tariff import Calendar, EveryYear, FromEaster, SpecialDay, easter
from watthour.units import NANOSECONDS, Ratio

CT_PRIMARIES = tuple(int(each * 10**power) for power in range(4) for each in (10, 15, 20, 25, 30, 40, 50, 60, 75))
"""Rated primary currents of transformers in amperes (IEC 61869-2, table 1, those that are whole)."""

_SHIFTS_MIN = [minutes for minutes in range(-120, 125, 5) if minutes]
"""Offsets of a clock that are tried; whole hours first, since they are those of a clock set to another zone or summer time."""

_MINUTE_NS = 60 * NANOSECONDS
_GOOD_FRIDAY = -2
_CHRISTMAS = EveryYear(12, 25)


class Likelihood(StrEnum):
    """What is said of a cause."""

    LIKELY = "likely"
    POSSIBLE = "possible too"
    NOT_DISTINGUISHABLE = "not distinguishable"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause and what is said of it.

    Parameters
    ----------
    name : str
    words : str
        What would have happened, in figures.
    likelihood : Likelihood
    effect : Fraction or None
        The largest change that it makes to a quantity, in tolerances of that; None where it shows to the cent.
    """

    name: str
    words: str
    likelihood: Likelihood
    effect: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What causes are tried on."""

    contract: Contract
    intervals: Intervals
    span: Span
    billed: Quantities
    ours: Quantities
    tolerances: Mapping[Key, Tolerance]

    def measured(self, contract: Contract, intervals: Intervals) -> Quantities:
        """Return our figures as another contract or other intervals make them."""
        measure = self._measure(contract, intervals)
        return {key: measure.ours(key) for key in self.billed}

    def tolerances_of(self, contract: Contract, intervals: Intervals) -> Mapping[Key, Tolerance]:
        """Return the tolerances of such figures."""
        measure = self._measure(contract, intervals)
        return {key: measure.tolerance(key, contract.metering) for key in self.billed}

    def _measure(self, contract: Contract, intervals: Intervals) -> Measure:
        return Measure(metered=metered_of(contract, intervals, *self.span), contract=contract, span=self.span)

    def judged(self, ours: Quantities, tolerances: Mapping[Key, Tolerance] | None = None) -> list[Judged]:
        """Return what is billed, judged against other figures."""
        return judged(self.billed, ours, self.tolerances if tolerances is None else tolerances, self.contract.metering)

    def effect(self, ours: Quantities) -> Fraction:
        """Return the largest change, in tolerances; that of the split counts by what the split may be off."""
        changes = judged(ours, self.ours, self.tolerances, self.contract.metering)
        return max((abs(ratio) for each in changes for ratio in _ratios(each)), default=Fraction(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """A cause, what our figures would be with it, and how well they then fit."""

    name: str
    words: str
    effect: Fraction
    fits: bool
    score: Fraction


_Variant = tuple[str, Quantities, Mapping[Key, Tolerance] | None]
"""Words, our figures as they would be, and their tolerances; None: those of what we read."""


def causes_of_quantities(case: Case) -> list[Cause]:
    """Return what is said of each cause that changes quantities."""
    tried = [
        best
        for name, makers in (
            ("Good Friday as a holiday", _good_friday(case)),
            ("31/30 of a month", _month_lengths(case)),
            ("CT ratio", _ct_ratios(case)),
            ("shifted clock", _shifted_clocks(case)),
            ("missing days", _missing_days(case)),
        )
        if (best := _best(case, name, makers)) is not None
    ]
    is_right = all(each.passed for each in case.judged(case.ours))
    fitting = [each for each in tried if each.fits and each.effect > 1 and not is_right]
    best = min(fitting, key=lambda each: each.score, default=None)
    return [_said(each, best, is_right=is_right) for each in tried]


def _said(tried: _Tried, best: _Tried | None, *, is_right: bool) -> Cause:
    if not tried.effect:
        likelihood = Likelihood.EXCLUDED
    elif tried.effect <= 1 or (tried.fits and is_right):
        likelihood = Likelihood.NOT_DISTINGUISHABLE
    elif not tried.fits:
        likelihood = Likelihood.EXCLUDED
    else:
        likelihood = Likelihood.LIKELY if tried is best else Likelihood.POSSIBLE
    return Cause(name=tried.name, words=tried.words, likelihood=likelihood, effect=tried.effect)


def _best(case: Case, name: str, makers: Iterator[_Variant]) -> _Tried | None:
    """Return the variant of a cause that fits: of those as good as the best by less than a tolerance the first."""
    variants = []
    for words, ours, tolerances in makers:
        results = case.judged(ours, tolerances)
        score = sum((ratio * ratio for each in results for ratio in _ratios(each)), Fraction(0))
        variants.append((all(each.passed for each in results), score, words, ours))
    if not variants:
        return None
    fitting = [each for each in variants if each[0]]
    among = fitting or variants
    least = min(each[1] for each in among)
    fits, score, words, ours = next(each for each in among if each[1] <= least + 1)
    others = [each[2] for each in fitting if each[2] != words]
    if others:
        words += f" ({len(others)} other variants fit as well, such as: {others[0]})"
    return _Tried(name=name, words=words, effect=case.effect(ours), fits=fits, score=score)


def _ratios(each: Judged) -> Iterator[Fraction]:
    """Yield differences in their tolerances."""
    if each.tolerance.size:
        yield each.difference / each.tolerance.size
    if each.split is not None and each.split_tolerance:
        yield each.split / each.split_tolerance


def _good_friday(case: Case) -> Iterator[_Variant]:
    days = [easter(year) + _GOOD_FRIDAY * DAY for year in range(case.span[0].year, case.span[1].year + 1)]
    inside = [day for day in days if case.span[0] <= day <= case.span[1]]
    if not inside:
        return
    calendar = _with_good_friday(case.contract.calendar)
    if calendar is None:
        return
    power = _with_good_friday(case.contract.power_calendar) or case.contract.power_calendar
    contract = replace(case.contract, calendar=calendar, power_calendar=power)
    yield (
        f"{inside[0]} counted as a holiday",
        case.measured(contract, case.intervals),
        case.tolerances_of(contract, case.intervals),
    )


def _with_good_friday(calendar: Calendar) -> Calendar | None:
    """Return a calendar whose Good Friday is as its Christmas; None where it has no such special day."""
    feast = next((row.day for row in calendar.special_days if row.rule == _CHRISTMAS), None)
    if feast is None:
        return None
    row = SpecialDay(rule=FromEaster(_GOOD_FRIDAY), day=feast)
    return replace(calendar, special_days=(*calendar.special_days, row))


def _month_lengths(case: Case) -> Iterator[_Variant]:
    for share, words in ((Fraction(31, 30), "31/30"), (Fraction(30, 31), "30/31")):
        ours = {key: each if key.unit == "kW" else each * share for key, each in case.ours.items()}
        yield f"{words} of the energy", ours, None


def _ct_ratios(case: Case) -> Iterator[_Variant]:
    metering = case.contract.metering
    plate = metering.theirs.ct or metering.ours.ct
    energies = [key for key in case.billed if key.kind == "import"]
    ours = sum((case.ours[key] for key in energies), Fraction(0))
    if not ours:
        return
    gain = sum((case.billed[key] for key in energies), Fraction(0)) / ours
    if plate:
        right = Ratio.parse(plate)
        shares = [Fraction(each) / Fraction(right.primary) for each in CT_PRIMARIES if each != right.primary]
    else:
        shares = [Fraction(a, b) for a, b in _pairs()]
    share = min(shares, key=lambda each: abs(each - gain))
    scaled = {name: values // share.denominator * share.numerator for name, values in case.intervals.energies.items()}
    intervals = replace(case.intervals, energies=scaled)
    words = f"as if {share.numerator}/{share.denominator} of the right ratio"
    if plate:
        words = f"as if {written(share * Fraction(right.primary))}/{right.secondary} in place of {plate}"
    yield words, case.measured(case.contract, intervals), case.tolerances_of(case.contract, intervals)


def _pairs() -> Iterator[tuple[int, int]]:
    """Yield neighbouring primaries: those that are taken for one another."""
    near = (10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 150, 200, 250, 300, 400, 500, 600, 750, 800, 1000)
    for a, b in pairwise(near):
        yield from ((a, b), (b, a))
    yield from ((1, 2), (2, 1))


def _shifted_clocks(case: Case) -> Iterator[_Variant]:
    for minutes in sorted(_SHIFTS_MIN, key=lambda each: next(n for n, unit in enumerate((60, 30, 15, 5)) if each % unit == 0)):
        word = "fast" if minutes > 0 else "slow"
        shifted = _shifted(case.intervals, minutes * _MINUTE_NS)
        yield f"the clock of the billing meter is {abs(minutes)} min {word}", case.measured(case.contract, shifted), None


def _shifted(intervals: Intervals, shift_ns: int) -> Intervals:
    """Return intervals as a clock that is ahead by so much stamps them; between two steps energy is shared in proportion."""
    steps, rest_ns = divmod(shift_ns, intervals.step_ns)
    energies = intervals.energies
    if rest_ns:
        share, whole = rest_ns // _MINUTE_NS, intervals.step_ns // _MINUTE_NS
        moved = {name: values // whole * share + values % whole * share // whole for name, values in energies.items()}
        energies = {
            name: values - moved[name] + np.concatenate([moved[name][:1], moved[name][:-1]])
            for name, values in energies.items()
        }
    return replace(intervals, begin_ns=intervals.begin_ns + steps * intervals.step_ns, energies=energies)


def _missing_days(case: Case) -> Iterator[_Variant]:
    """Yield our figures without each run of days; demand and reactive energy are left as they are."""
    metered = metered_of(case.contract, case.intervals, *case.span)
    usage = metered.usage
    energies = [key for key in case.billed if key.kind == "import" and key.period]
    if not energies:
        return
    days = int(usage.days[-1]) + 1
    table = np.zeros((len(energies), days + 1), np.int64)
    for place, key in enumerate(energies):
        which = usage.chosen(key.period, *case.span)
        np.add.at(table[place], usage.days[which] + 1, usage.intervals.energies["import"][which])
    so_far = table.cumsum(axis=1)
    billed = np.array([float(case.billed[key]) for key in energies])
    sizes = np.array([max(float(case.tolerances[key].size), 1e-9) for key in energies])
    best: list[tuple[float, int, int]] = []
    for count in range(1, days):
        gone = (so_far[:, count:] - so_far[:, :-count]) / 1e9
        left = so_far[:, -1:] / 1e9 - gone
        scores = (((billed[:, None] - left) / sizes[:, None]) ** 2).sum(axis=0)
        first = int(scores.argmin())
        best.append((float(scores[first]), first, count))
    for _, first, count in sorted(best)[:3]:
        begin = case.span[0] + first * DAY
        left_out = so_far[:, first + count] - so_far[:, first]
        ours = dict(case.ours)
        for place, key in enumerate(energies):
            ours[key] -= Fraction(int(left_out[place]), 10**9)
        last = begin + (count - 1) * DAY
        days_left_out = f"{begin}" if count == 1 else f"{begin} to {last}"
        yield f"{count} day{'s' if count > 1 else ''} not billed: {days_left_out}", ours, None


def causes_of_money(invoice: Invoice, contract: Contract, charges: Mapping[str, Charge]) -> Iterator[Cause]:
    """Yield the causes that show in prices, powers, days and roundings; each is exact, to the cent."""
    yield from _wrong_powers(invoice, contract, charges)
    yield from _wrong_days(invoice, charges)
    yield from _rates_of_another_date(invoice, contract, charges)
    yield from _rounded_after_the_sum(invoice)


def _likely(name: str, words: str) -> Cause:
    return Cause(name=name, words=words, likelihood=Likelihood.LIKELY, effect=None)


def _wrong_powers(invoice: Invoice, contract: Contract, charges: Mapping[str, Charge]) -> Iterator[Cause]:
    wrong: dict[str, None] = {}
    for line in invoice.lines:
        if not isinstance(charges.get(line.charge), Capacity) or line.quantity is None:
            continue
        try:
            right = contract.values.on("contracted_kw", line.period, invoice.span_of(line)[0], line.name)
        except WatthourError:
            continue
        if right.value != line.quantity:
            wrong[f"{line.period}: {line.quantity:f} kW in place of {right.value:f} kW ({right.source})"] = None
    if wrong:
        yield _likely("wrong contracted power", "; ".join(wrong))


def _wrong_days(invoice: Invoice, charges: Mapping[str, Charge]) -> Iterator[Cause]:
    """Yield a cause where days, or an amount, are those of a month of another length."""
    found: dict[str, None] = {}
    for line in invoice.lines:
        first, last = invoice.span_of(line)
        right = (last - first).days + 1
        if line.days is not None and line.days != right:
            found[f"{line.days} days in place of {right}"] = None
            continue
        is_by_time = isinstance(charges.get(line.charge), Capacity | Fixed)
        exact = exact_amount(invoice, line)
        if not is_by_time or exact is None or line.amount is None or to_cents(exact) == line.amount:
            continue
        for share in (
            Fraction(31, 30),
            Fraction(30, 31),
            Fraction(31, 28),
            Fraction(28, 31),
            Fraction(30, 28),
            Fraction(28, 30),
        ):
            if to_cents(exact * share) == line.amount:
                found[f"{line.name}: {share.numerator}/{share.denominator} of its amount"] = None
    if found:
        yield _likely("31/30 of a month", "; ".join(found))


def _rates_of_another_date(invoice: Invoice, contract: Contract, charges: Mapping[str, Charge]) -> Iterator[Cause]:
    for line in invoice.lines:
        charge = charges.get(line.charge)
        if not isinstance(charge, Percent) or line.price is None:
            continue
        rows = contract.values.of(charge.price)
        right = [row for row in rows if row.covers(invoice.last_day)]
        if any(row.value == line.price for row in right):
            continue
        other = next((row for row in rows if row.value == line.price), None)
        now = ", ".join(f"{row.value:f} %" for row in right) or "no rate"
        if other is not None:
            yield _likely(
                "tax rate of another date",
                f"{line.name}: {line.price:f} % held {other.days}; on {invoice.last_day} it is {now}",
            )


def _rounded_after_the_sum(invoice: Invoice) -> Iterator[Cause]:
    """Yield a cause where a sum is that of amounts not yet rounded."""
    for subtotal in invoice.subtotals:
        exact = [exact_amount(invoice, line) for line in invoice.lines if line.charge in subtotal.charges]
        known = [each for each in exact if each is not None]
        if len(known) != len(exact) or len(known) < 2:  # noqa: PLR2004 - one line has no sum
            continue
        by_line = sum((to_cents(each) for each in known), Decimal(0))
        after = to_cents(sum(known, Fraction(0)))
        if subtotal.amount == after != by_line:
            words = f"{subtotal.title}: {after} is the sum rounded once; its lines in cents add to {by_line}"
            yield _likely("rounded after the sum", words)


def first_likely(causes: Sequence[Cause]) -> Cause | None:
    """Return the cause to name, if there is one."""
    return next((cause for cause in causes if cause.likelihood is Likelihood.LIKELY), None)
