"""An invoice falsified in each way that the trade knows is caught, and the cause named where it is distinguishable."""

import os
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from tests.billing.supplier import APRIL, PLANT, changed, metered, noise, plant, received, summed

from watthour.billing import Dated, DatedTable, Quality, bill_intervals, to_cents
from watthour.billing.causes import Likelihood, _with_good_friday
from watthour.billing.checking import check
from watthour.billing.intervals import QUARTER_NS
from watthour.billing.invoice import Verdict
from watthour.billing.judging import Key
from watthour.billing.usage import usage_of

TRUTH = plant(APRIL, 1)
OURS = metered(TRUTH, gain=0.4, seed=2)
THEIRS = metered(TRUTH, gain=-0.3, seed=3)
HONEST = received(PLANT, THEIRS, APRIL)
FORMER_VAT = Dated(
    name="vat",
    value=Decimal(10),
    unit="%",
    first_day=date(2022, 1, 1),
    last_day=date(2023, 12, 31),
    source="reduced rate of those years",
)


def judge(invoice, contract=PLANT, ours=OURS):
    return check(invoice, contract, ours)


def verdicts(result):
    return tuple(result.passed_in(verdict) for verdict in (Verdict.ARITHMETIC, Verdict.PRICES, Verdict.QUANTITIES))


def likely(result):
    return [cause.name for cause in result.likely]


def test_an_honest_invoice_passes_and_no_cause_is_named():
    result = judge(HONEST)
    assert verdicts(result) == (True, True, True)
    assert result.passed
    assert result.money_in_question == 0
    assert likely(result) == []
    assert all(line.passed for line in result.lines)


(TAX,) = (line for line in HONEST.lines if line.charge == "electricity_tax")
BY_PERCENT = replace(TAX, quantity=sum((line.amount for line in HONEST.lines[: HONEST.lines.index(TAX)]), Decimal(0)),
                     price=Decimal("0.5"), price_unit="%")  # fmt: skip


@pytest.mark.parametrize(
    ("printed", "passes"),
    [
        (TAX, (True, True)),
        (replace(TAX, price=Decimal(2)), (False, False)),
        (replace(TAX, amount=TAX.amount - 1), (False, True)),
        (BY_PERCENT, (True, True)),
        (replace(BY_PERCENT, amount=(BY_PERCENT.quantity / 200).quantize(Decimal("0.01"))), (False, True)),
    ],
    ids=["by the MWh", "another floor", "below it", "in percent, no less than it", "in percent, below it"],
)
def test_half_a_percent_of_april_comes_to_less_than_1_euro_for_each_mwh(printed, passes):
    assert TAX.price_unit == "EUR/MWh"
    lines = tuple(printed if line is TAX else line for line in HONEST.lines)
    told = [each for each in judge(replace(HONEST, lines=lines)).findings if each.line == "electricity_tax"]
    found = tuple(all(each.passed for each in told if each.verdict is of) for of in (Verdict.ARITHMETIC, Verdict.PRICES))
    assert found == passes


@pytest.mark.parametrize(
    ("minutes", "words"), [(60, "60 min fast"), (-60, "60 min slow"), (90, "90 min fast"), (-30, "30 min slow")]
)
def test_a_clock_that_is_off_moves_energy_between_periods(minutes, words):
    off = replace(THEIRS, begin_ns=THEIRS.begin_ns + minutes * 60 * 10**9)
    result = judge(received(PLANT, off, APRIL))
    assert verdicts(result) == (True, True, False)
    assert likely(result) == ["shifted clock"]
    assert words in result.likely[0].words
    whole = next(each for each in result.quantities if each.key == Key("import", ""))
    assert whole.passed  # the sum says nothing of it


def test_a_clock_that_is_little_off_is_not_distinguishable():
    off = metered(TRUTH, gain=-0.3, offset_s=120, seed=3)
    result = judge(received(PLANT, off, APRIL))
    assert result.passed
    assert likely(result) == []


def test_good_friday_as_a_holiday_is_named():
    feasted = replace(PLANT, calendar=_with_good_friday(PLANT.calendar), power_calendar=_with_good_friday(PLANT.power_calendar))
    result = judge(received(feasted, THEIRS, APRIL))
    assert verdicts(result) == (True, True, False)
    assert likely(result) == ["Good Friday as a holiday"]
    assert "2026-04-03" in result.likely[0].words


def test_good_friday_is_not_distinguishable_where_the_plant_hardly_works_on_it():
    begin = TRUTH.starts_ns
    usage = usage_of(TRUTH, PLANT.calendar, *APRIL)
    shift = (usage.intervals.begin_ns - TRUTH.begin_ns) // QUARTER_NS
    quiet = np.zeros(len(begin), bool)
    quiet[shift : shift + len(usage.days)] = usage.days == 2
    truth = replace(TRUTH, energies={n: np.where(quiet, v // 12, v) for n, v in TRUTH.energies.items()})
    feasted = replace(PLANT, calendar=_with_good_friday(PLANT.calendar), power_calendar=_with_good_friday(PLANT.power_calendar))
    result = judge(received(feasted, metered(truth, gain=-0.3), APRIL), ours=metered(truth, gain=0.4))
    assert result.passed
    said = next(cause for cause in result.causes if cause.name.startswith("Good Friday"))
    assert said.likelihood is Likelihood.NOT_DISTINGUISHABLE
    assert 0 < said.effect <= 1


def test_in_a_month_without_good_friday_it_is_no_cause():
    may = (date(2026, 5, 1), date(2026, 5, 31))
    truth = plant(may, 4)
    result = judge(received(PLANT, metered(truth), may), ours=metered(truth))
    assert not [cause for cause in result.causes if cause.name.startswith("Good Friday")]


@pytest.mark.parametrize(
    ("share", "words"), [(Fraction(5, 4), "250/5 in place of 200/5"), (Fraction(3, 4), "150/5"), (Fraction(3, 2), "300/5")]
)
def test_a_wrong_ratio_of_the_transformers_is_named(share, words):
    def scaled(values):
        return values * share.numerator // share.denominator

    theirs = replace(THEIRS, energies={name: scaled(values) for name, values in THEIRS.energies.items()})
    result = judge(received(PLANT, theirs, APRIL))
    assert verdicts(result)[2] is False
    assert likely(result) == ["CT ratio"]
    assert words in result.likely[0].words
    assert all(each.is_split_right for each in result.quantities if each.key.kind == "import")


@pytest.mark.parametrize(("first", "count"), [(12, 3), (19, 5), (0, 2)])
def test_days_that_were_not_billed_are_named(first, count):
    usage = usage_of(THEIRS, PLANT.calendar, *APRIL)
    shift = (usage.intervals.begin_ns - THEIRS.begin_ns) // QUARTER_NS
    gone = np.zeros(len(THEIRS), bool)
    gone[shift : shift + len(usage.days)] = (usage.days >= first) & (usage.days < first + count)
    theirs = replace(THEIRS, energies={name: np.where(gone, 0, values) for name, values in THEIRS.energies.items()})
    result = judge(received(PLANT, theirs, APRIL))
    assert verdicts(result)[2] is False
    named = {cause.name: cause for cause in result.causes if cause.likelihood in {Likelihood.LIKELY, Likelihood.POSSIBLE}}
    assert "missing days" in named
    days = APRIL[0] + timedelta(days=first)
    assert f"{count} days not billed" in named["missing days"].words or str(days) in named["missing days"].words


def test_a_wrong_contracted_power_is_named():
    wrong = changed(
        HONEST,
        lambda line: (
            replace(
                line, quantity=Decimal(150), amount=to_cents(Fraction(150) * Fraction(line.price) * Fraction(line.days, 365))
            )
            if line.charge.startswith("power_") and line.period == "P1"
            else line
        ),
    )
    result = judge(wrong)
    assert verdicts(result) == (True, False, True)
    assert likely(result) == ["wrong contracted power"]
    assert result.likely[0].words == "P1: 150 kW in place of 120 kW (contract)"
    assert result.money_in_question == Decimal("71.13")  # 261.93 - 209.54 of the toll, 93.70 - 74.96 of the charges


def test_a_month_of_another_length_is_named():
    def of_31_days(line):
        exact = Fraction(line.quantity or 0) * Fraction(line.price) * Fraction(31, 365)
        return replace(line, days=31, amount=to_cents(exact)) if line.charge.startswith("power_") else line

    result = judge(changed(replace(HONEST, days=31), of_31_days))
    assert verdicts(result)[0] is False  # 31 days are printed, and 30 lie between the readings
    assert likely(result) == ["31/30 of a month"]
    assert "31 days in place of 30" in result.likely[0].words


def test_an_amount_of_a_month_of_another_length_is_named():
    def stretched(line):
        exact = Fraction(line.quantity or 0) * Fraction(line.price) * Fraction(30, 365) * Fraction(31, 30)
        return replace(line, amount=to_cents(exact)) if line.name == "power_toll.P1" else line

    result = judge(changed(HONEST, stretched))
    assert verdicts(result) == (False, True, True)
    assert likely(result) == ["31/30 of a month"]


def test_energy_of_a_month_of_another_length_is_named():
    def stretched(line):
        if line.charge not in {"energy", "energy_toll", "reactive"}:
            return line
        quantity = (line.quantity * 31 / 30).quantize(Decimal(1))
        exact = Fraction(quantity) * Fraction(line.price) / (1000 if line.charge == "energy" else 1)
        return replace(line, quantity=quantity, amount=to_cents(exact))

    result = judge(changed(received(PLANT, TRUTH, APRIL), stretched), ours=TRUTH)
    assert verdicts(result)[2] is False
    assert likely(result) == ["31/30 of a month"]
    assert "31/30 of the energy" in result.likely[0].words


def test_a_tax_of_another_date_is_named():
    contract = replace(PLANT, values=DatedTable((*PLANT.values.rows, FORMER_VAT)))
    wrong = changed(HONEST, lambda line: replace(line, price=Decimal(10)) if line.charge == "vat" else line)
    result = judge(wrong, contract)
    assert verdicts(result) == (True, False, True)
    assert likely(result) == ["tax rate of another date"]
    assert result.likely[0].words == "vat: 10 % held 2022-01-01 to 2023-12-31; on 2026-04-30 it is 21 %"


def test_a_tax_that_never_held_is_wrong_and_has_no_cause():
    result = judge(changed(HONEST, lambda line: replace(line, price=Decimal(19)) if line.charge == "vat" else line))
    assert verdicts(result) == (True, False, True)
    assert likely(result) == []


def test_a_sum_rounded_only_once_is_named():
    exact = [
        Fraction(line.quantity) * Fraction(line.price) * Fraction(line.days, 365)
        for line in HONEST.lines
        if line.charge == "power_charges"
    ]
    once = to_cents(sum(exact))
    right = sum(map(to_cents, exact))
    assert once != right, "choose a charge whose roundings show"
    wrong = replace(
        HONEST,
        subtotals=tuple(replace(each, amount=once) if each.title == "power_charges" else each for each in HONEST.subtotals),
    )
    result = judge(wrong)
    assert verdicts(result) == (False, True, True)
    assert likely(result) == ["rounded after the sum"]


def test_a_price_that_is_not_the_contract_s_is_wrong():
    result = judge(changed(HONEST, lambda line: dearer(line) if line.name == "energy.P4" else line))
    assert verdicts(result) == (True, False, True)
    (line,) = [each for each in result.lines if not each.passed]
    assert (line.line, line.faults) == ("energy.P4", (Verdict.PRICES,))


def dearer(line):
    price = line.price + Decimal(2)
    return replace(line, price=price, amount=to_cents(Fraction(line.quantity) * Fraction(price) / 1000))


def test_a_cent_too_much_is_an_error_of_arithmetic():
    lines = tuple(
        replace(each, amount=each.amount + Decimal("0.01")) if each.name == "energy.P4" else each for each in HONEST.lines
    )
    result = judge(summed(replace(HONEST, lines=lines)))
    assert verdicts(result) == (False, True, True)
    assert [each.line for each in result.lines if not each.passed] == ["energy.P4"]
    assert result.money_in_question != 0


def test_quantities_that_differ_between_the_lines_of_one_period_are_wrong():
    lines = tuple(replace(each, quantity=each.quantity + 1) if each.name == "energy_toll.P4" else each for each in HONEST.lines)
    assert verdicts(judge(replace(HONEST, lines=lines)))[1] is False


def test_gaps_and_estimates_widen_the_tolerance_and_are_shown():
    quality = OURS.quality.copy()
    quality[600:640] = Quality.ESTIMATED
    quality[700:720] = Quality.MISSING
    ours = replace(
        OURS, quality=quality, energies={n: np.where(quality == Quality.MISSING, 0, v) for n, v in OURS.energies.items()}
    )
    result = judge(HONEST, ours=ours)
    assert result.passed
    assert (result.sound.missing, result.sound.estimated) == (20, 40)
    names = {part.name for each in result.quantities for part in each.tolerance.parts}
    assert names >= {
        "our meter",
        "their meter",
        "our transformers",
        "their transformers",
        "clocks",
        "printed digit",
        "estimates",
        "gaps",
    }


def test_without_readings_only_arithmetic_and_prices_are_judged():
    assert verdicts(check(HONEST, PLANT)) == (True, True, None)
    assert verdicts(check(HONEST)) == (True, None, None)


@pytest.mark.parametrize("kwh", [0, 5])
def test_the_border_of_the_tolerance(kwh):
    honest = check(HONEST, PLANT, OURS, with_causes=False)
    whole = next(each for each in honest.quantities if each.key == Key("import", ""))
    for sign in (1, -1):
        room = whole.tolerance.size - sign * whole.difference
        wanted = int(room) - 1 if not kwh else int(room) + kwh
        shares = {
            each.key.period: each.ours / whole.ours
            for each in honest.quantities
            if each.key.kind == "import" and each.key.period
        }

        def moved(line, sign=sign, wanted=wanted, shares=shares):
            if line.charge not in {"energy", "energy_toll"}:
                return line
            quantity = line.quantity + sign * round(wanted * shares[line.period])
            per = 1000 if line.charge == "energy" else 1
            return replace(line, quantity=quantity, amount=to_cents(Fraction(quantity) * Fraction(line.price) / per))

        result = check(changed(HONEST, moved), PLANT, OURS, with_causes=False)
        sums = next(each for each in result.quantities if each.key == Key("import", ""))
        assert sums.passed is (not kwh), (sign, wanted)


TRIALS = 1000 if os.environ.get("WATTHOUR_LONG") else 20


def test_honest_invoices_raise_no_alarm():
    """Both meters anywhere in their classes, errors that change with the load, white noise, a clock 30 s off, whole kWh and kW."""
    random = noise(99)
    months = [
        (date(2026, 4, 1), date(2026, 4, 30)),
        (date(2026, 3, 1), date(2026, 3, 31)),
        (date(2026, 10, 1), date(2026, 10, 31)),
    ]
    class_b = replace(
        PLANT,
        metering=replace(
            PLANT.metering, ours=replace(PLANT.metering.ours, ct_class="none"), theirs=PLANT.metering.ours.__class__()
        ),
    )
    alarms = []
    for trial in range(TRIALS):
        span = months[trial % 3]
        truth = plant(span, 1000 + trial)
        both = [
            metered(
                truth,
                gain=random.uniform(-0.8, 0.8),
                by_load=random.uniform(-0.2, 0.2),
                offset_s=offset,
                noise_percent=0.1,
                seed=2 * trial + n,
            )
            for n, offset in enumerate((0.0, float(random.choice([-30.0, 30.0, 0.0, random.uniform(-30, 30)]))))
        ]
        result = check(received(class_b, both[1], span), class_b, both[0], with_causes=False)
        if not result.passed:
            alarms.append((trial, [(str(e.key), float(e.difference), float(e.tolerance.size)) for e in result.quantities if not e.passed],
                           [f for f in result.findings if not f.passed]))  # fmt: skip
    assert alarms == []


def test_our_own_bill_as_an_invoice_has_no_difference_at_all():
    result = check(received(PLANT, OURS, APRIL, whole=False), PLANT, OURS)
    assert {each.difference for each in result.quantities if each.key.kind == "import"} == {0}
    assert bill_intervals(PLANT, OURS, *APRIL).total == result.invoice.total


@pytest.mark.parametrize("gain", [6.0, -6.5])
def test_a_gain_that_no_cause_makes_is_out_of_tolerance_and_named_by_none(gain):
    result = judge(received(PLANT, metered(TRUTH, gain=gain), APRIL))
    assert verdicts(result) == (True, True, False)
    assert not [cause for cause in result.causes if cause.likelihood is Likelihood.LIKELY and cause.name != "missing days"]
    assert "shifted clock" not in likely(result)


def test_lines_parted_by_a_price_that_changes_are_each_judged_by_their_own_days():
    def parted(row):
        if row.name not in {"energy", "power_toll"}:
            return (row,)
        later = replace(row, value=row.value * 2, first_day=date(2026, 4, 16))
        return (replace(row, last_day=date(2026, 4, 15)), later)

    contract = replace(PLANT, values=DatedTable(tuple(each for row in PLANT.values.rows for each in parted(row))))
    invoice = received(contract, THEIRS, APRIL, whole=False)
    assert len([line for line in invoice.lines if line.name == "energy.P4"]) == 2
    assert verdicts(judge(invoice, contract)) == (True, True, True)
    assert verdicts(judge(invoice, PLANT))[1] is False


def test_an_excess_by_the_maximum_is_judged_by_the_maximum_it_tells():
    contract = replace(PLANT, meter_type=4)
    honest = received(contract, metered(TRUTH, gain=-0.3), APRIL, whole=False)
    printed = {line.period: line.quantity for line in honest.lines if line.charge == "excess"}
    assert printed["P4"] > 0
    result = judge(honest, contract)
    assert verdicts(result) == (True, True, True)
    key = Key("demand", "P4")
    ours = next(each for each in result.quantities if each.key == key)
    assert ours.billed == Fraction(printed["P4"]) + 130
    wrong = changed(
        honest,
        lambda line: (
            replace(line, quantity=line.quantity + 20, amount=to_cents(Fraction(line.quantity + 20) * Fraction(line.price)))
            if line.name == "excess.P4"
            else line
        ),
    )
    assert verdicts(judge(wrong, contract)) == (True, True, False)
