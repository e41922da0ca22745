"""Each kind of charge against arithmetic by hand, dated values at their borders, and what is refused."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.billing.conftest import KWH, contracted, priced, profile

from watthour.billing import FromPrint, bill, bill_intervals, to_cents
from watthour.errors import ConfigError, ContractError, NoPriceError, ReadingsError

JANUARY = (date(2022, 1, 1), date(2022, 1, 31))
ENERGY = '[[charge]]\nname = "energy"\ntitle = "Energy"\nkind = "energy"\n'
RENT = '[[charge]]\nname = "rent"\ntitle = "Rent"\nkind = "fixed"\n'
VAT = '[[charge]]\nname = "vat"\ntitle = "VAT"\nkind = "percent"\non = "all"\n'
CAPACITY = '[[charge]]\nname = "capacity"\ntitle = "Capacity"\nkind = "capacity"\n'


def amounts(made):
    return {line.name: line.amount for line in made.lines}


@pytest.mark.parametrize(
    ("exact", "cents"),
    [
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("0.00499999", "0.00"),
        ("2.675", "2.68"),
        ("2.665", "2.67"),
        ("1e9", "1000000000.00"),
    ],
)
def test_cents_are_rounded_half_away_from_zero(exact, cents):
    assert str(to_cents(Fraction(exact))) == cents


def test_each_line_is_rounded_and_then_summed(contract_of):
    contract = contract_of(ENERGY + priced("energy", "EUR/kWh", {"P1": "0.001", "P2": "0.001"}))
    made = bill(contract, FromPrint(import_kwh={"P1": Fraction(14), "P2": Fraction(14)}), *JANUARY)
    assert amounts(made) == {"energy.P1": Decimal("0.01"), "energy.P2": Decimal("0.01")}
    assert made.total == Decimal("0.02")  # 0.028 would be 0.03


def test_a_price_that_ends_within_the_bill_parts_the_line(contract_of):
    contract = contract_of(
        ENERGY
        + priced("energy", "EUR/kWh", "0.10", last="2022-01-10")
        + priced("energy", "EUR/kWh", "0.20", first="2022-01-11", source="the next list"),
        calendar="flat",
    )
    made = bill_intervals(contract, profile(date(2022, 1, 1), 31, KWH, zone="UTC"), *JANUARY)
    assert [(line.first_day.day, line.last_day.day, line.amount, line.source) for line in made.lines] == [
        (1, 10, Decimal("96.00"), "the test"), (11, 31, Decimal("403.20"), "the next list"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "named"), [(("2022-01-01", "2022-01-30"), "2022-01-31"), (("2022-01-02", "2022-12-31"), "2022-01-01")]
)
def test_a_day_without_a_price_is_an_error_that_names_day_and_line(contract_of, days, named):
    contract = contract_of(ENERGY + priced("energy", "EUR/kWh", {"P1": "0.1"}, *days))
    with pytest.raises(NoPriceError, match=rf"^energy\.P1: no value of energy P1 on {named}: it holds {days[0]} to {days[1]}"):
        bill(contract, FromPrint(import_kwh={"P1": Fraction(0)}), *JANUARY)


def test_a_period_without_any_price_is_an_error_too(contract_of):
    contract = contract_of(ENERGY + priced("energy", "EUR/kWh", {"P1": "0.1"}))
    with pytest.raises(NoPriceError, match=r"^energy\.P6: no value of energy P6 on 2022-01-01: none is given"):
        bill(contract, FromPrint(import_kwh={"P6": Fraction(1)}), *JANUARY)


@pytest.mark.parametrize(
    ("unit", "span", "amount"),
    [
        ("EUR/kW.year", JANUARY, "31.00"),
        ("EUR/kW.year", (date(2024, 1, 1), date(2024, 12, 31)), "365.00"),
        ("EUR/kW.year", (date(2023, 12, 31), date(2024, 1, 1)), "2.00"),  # 1/365 and 1/366 of 365, each in its own line
        ("EUR/kW.month", (date(2022, 1, 1), date(2022, 2, 14)), "547.50"),
        ("EUR/kW.day", (date(2022, 3, 1), date(2022, 3, 31)), "11315.00"),
    ],
)
def test_power_costs_by_the_time_of_its_unit(contract_of, unit, span, amount):
    contract = contract_of(CAPACITY + priced("capacity", unit, "365") + contracted({"P1": 1}))
    made = bill(contract, FromPrint(), *span)
    assert made.total == Decimal(amount)
    assert len(made.lines) == 1 + (span[0].year == 2023)


def test_a_contracted_power_that_changes_parts_the_line(contract_of):
    text = (
        CAPACITY
        + priced("capacity", "EUR/kW.day", "1")
        + contracted({"P1": 10}, last="2022-01-10")
        + contracted({"P1": 20}, "2022-01-11")
    )
    made = bill(contract_of(text), FromPrint(), *JANUARY)
    assert [(line.days, line.amount) for line in made.lines] == [(10, Decimal("100.00")), (21, Decimal("420.00"))]


def test_two_values_on_one_day_are_refused(contract_of):
    text = ENERGY + priced("energy", "EUR/kWh", "1", last="2022-01-10") + priced("energy", "EUR/kWh", "2", first="2022-01-10")
    with pytest.raises(ConfigError, match=r"energy has two values on 2022-01-10: 1 .* and 2"):
        contract_of(text)


def test_a_tax_has_a_floor_by_energy_and_is_due_without_any(contract_of):
    text = (
        RENT + ENERGY + '[[charge]]\nname = "tax"\ntitle = "Tax"\nkind = "percent"\non = "all"\nfloor = "floor"\n'
        + priced("rent", "EUR/month", "10") + priced("energy", "EUR/kWh", "0.0001")
        + priced("tax", "%", "5.11269632") + priced("floor", "EUR/MWh", "1")
    )  # fmt: skip
    contract = contract_of(text)
    for kwh, tax in (("0", "0.51"), ("500", "0.51"), ("514", "0.51"), ("525", "0.53"), ("2000", "2.00")):
        made = bill(contract, FromPrint(import_kwh={"P1": Fraction(kwh)}), *JANUARY)
        assert amounts(made)["tax"] == Decimal(tax), kwh


def test_taxes_on_taxes_and_discounts_go_by_what_stands_above(contract_of):
    text = (
        RENT
        + '[[charge]]\nname = "off"\ntitle = "Discount"\nkind = "percent"\non = ["rent"]\ndiscount = true\n'
        + '[[charge]]\nname = "state"\ntitle = "State"\nkind = "percent"\non = ["rent", "off"]\n'
        + '[[charge]]\nname = "city"\ntitle = "City"\nkind = "percent"\non = "all"\n'
        + priced("rent", "EUR", "100") + priced("off", "%", "25") + priced("state", "%", "10") + priced("city", "%", "2")
    )  # fmt: skip
    assert amounts(bill(contract_of(text), FromPrint(), *JANUARY)) == {
        "rent": Decimal("100.00"), "off": Decimal("-25.00"), "state": Decimal("7.50"), "city": Decimal("1.65"),
    }  # fmt: skip


def test_a_tax_takes_the_value_of_the_last_day(contract_of):
    text = (
        RENT
        + VAT
        + priced("rent", "EUR", "100")
        + priced("vat", "%", "21", last="2022-01-30")
        + priced("vat", "%", "10", first="2022-01-31")
    )
    assert bill(contract_of(text), FromPrint(), *JANUARY).total == Decimal("110.00")
    assert bill(contract_of(text), FromPrint(), date(2022, 1, 1), date(2022, 1, 30)).total == Decimal("121.00")


def test_a_percentage_of_what_is_not_above_is_refused(contract_of):
    with pytest.raises(ConfigError, match="tax is a percentage of rent, which is no charge above it"):
        contract_of('[[charge]]\nname = "tax"\ntitle = "Tax"\nkind = "percent"\non = ["rent"]\n' + RENT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ENERGY + priced("energy", "EUR/kW.day", "1"), "the price energy is in EUR/kW.day; write it in EUR/kWh, EUR/MWh"),
        (ENERGY + priced("energy", "USD/kWh", "1"), "energy .*is in USD/kWh, the contract in EUR"),
    ],
)
def test_a_price_in_another_unit_is_refused(contract_of, text, told):
    with pytest.raises(ContractError, match=told):
        bill(contract_of(text), FromPrint(import_kwh={"P1": Fraction(1)}), *JANUARY)


def test_a_price_with_two_kinds_of_values_is_refused_with_its_line(contract_of):
    with pytest.raises(ConfigError, match=r"contract\.toml:\d+: energy: write value = … or values"):
        contract_of(ENERGY + priced("energy", "EUR/kWh", "1") + "values = { P1 = 2 }\n")


def test_energy_given_to_the_grid_is_paid(contract_of):
    text = '[[charge]]\nname = "surplus"\ntitle = "Surplus"\nkind = "energy"\nof = "export"\n' + priced(
        "surplus", "EUR/kWh", "0.05"
    )
    made = bill(contract_of(text), FromPrint(export_kwh={"P1": Fraction(100)}), *JANUARY)
    assert made.total == Decimal("-5.00")


def test_the_quarter_hour_rule_and_the_rule_by_maximum_change_on_1_april_2025(contract_of):
    text = contracted({f"P{n}": 100 for n in range(1, 7)}, first="2015-01-01")
    text += priced("excess", "EUR/kW", "2", last="2025-03-31") + priced("excess", "EUR/kW", "3", first="2025-04-01")
    text += priced("excess_kp", "1", "0.5") + priced("reactive", "EUR/kvarh", "0")
    text += priced("reactive_below_080", "EUR/kvarh", "0")

    def at(k):  # two quarter-hours of Saturdays above 100 kW: 103 and 104 kW
        return {10: 103, 20: 104}.get(k % 96, 50) * KWH // 4

    for meter_type, before, after in ((3, "5.00", "15.00"), (4, "16.00", "12.00")):
        contract = contract_of(text, tariff='"es/6.1TD"', meter_type=meter_type)
        for day, amount in ((date(2025, 3, 29), before), (date(2025, 4, 5), after)):
            made = bill_intervals(contract, profile(day, 1, at, q1=0), day, day)
            assert made.amount_of("excess") + made.amount_of("excess_2021") + made.amount_of(
                "excess_quarters"
            ) + made.amount_of("excess_quarters_2021") == Decimal(amount), (meter_type, day)


def test_no_excess_where_a_power_control_switch_is(contract_of):
    text = contracted({"P1": 3, "P2": 3}, first="2015-01-01") + priced("excess", "EUR/kW", "2")
    for icp, lines in (("true", 0), ("false", 2)):
        contract = contract_of(
            text, calendar="es/2.0TD/peninsula", power_calendar='"es/2.0TD-power/peninsula"', tariff='"es/2.0TD"', icp=icp
        )
        made = bill_intervals(contract, profile(date(2026, 1, 1), 31, KWH), date(2026, 1, 1), date(2026, 1, 31))
        assert len(made.lines) == lines
        assert made.total == lines * Decimal("2.00")  # 4 kW are 1 kW too much in either period


@pytest.mark.parametrize(
    ("active", "net", "excess", "price"),
    [(100, 33, "0", "0.041554"), (100, 34, "1", "0.041554"), (100, 74, "41", "0.041554"), (100, 77, "44", "0.062332"), (100, -50, "0", "0.041554"),
     (0, 10, "10", "0.062332")],
)  # fmt: skip
def test_reactive_energy_above_33_percent_costs_by_cos_phi(contract_of, active, net, excess, price):
    contract = contract_of("", tariff='"es/3.0TD"', calendar="es/3.0TD/peninsula", prices='["es/reactive-2021"]')
    made = bill(
        contract,
        FromPrint(
            import_kwh={"P1": Fraction(active), "P6": Fraction(1)}, net_reactive={"P1": Fraction(net), "P6": Fraction(9)}
        ),
        *JANUARY,
    )
    (line,) = made.lines  # P6 pays none
    assert (line.quantity, line.price) == (Fraction(excess), Fraction(price))
    assert line.amount == to_cents(Fraction(excess) * Fraction(price))


def test_prices_by_the_hour_are_each_hour_s_own(contract_of, tmp_path):
    rows = "".join(f"2022-01-01T{hour:02}:00:00Z,{hour}.5\n" for hour in range(24))
    (tmp_path / "prices.csv").write_text("start,price\n" + rows)
    text = ENERGY + '[[series]]\nprice = "energy"\nfile = "prices.csv"\nunit = "EUR/MWh"\nsource = "market"\n'
    contract = contract_of(text, calendar="flat")
    day = date(2022, 1, 1)
    made = bill_intervals(contract, profile(day, 1, lambda k: k * KWH, zone="UTC"), day, day)
    exact = sum(Fraction(k) * (k // 4 + Fraction(1, 2)) for k in range(96)) / 1000
    assert made.lines[0].exact == exact
    with pytest.raises(
        NoPriceError,
        match=r"energy\.\w+: no value of energy on 2022-01-02: it holds hours without the one of 2022-01-02T00:00Z",
    ):
        bill_intervals(contract, profile(day, 2, KWH, zone="UTC"), day, date(2022, 1, 2))
    with pytest.raises(ReadingsError, match="prices by the hour need readings by the interval"):
        bill(contract, FromPrint(import_kwh={"all": Fraction(1)}), day, day)


def test_a_contract_that_has_ended_bills_no_more(contract_of):
    with pytest.raises(ContractError, match="holds 2015-01-01 to open, not on 2014-12-31"):
        bill(contract_of(RENT + priced("rent", "EUR", "1")), FromPrint(), date(2014, 12, 31), date(2015, 1, 1))


def test_energy_is_billed_by_the_decimals_of_the_contract(contract_of):
    text = ENERGY + priced("energy", "EUR/kWh", "1")
    for decimals, amount in ((None, "95.62"), (0, "96.00"), (1, "95.60"), (2, "95.62")):
        words = {} if decimals is None else {"energy_decimals": decimals}
        made = bill_intervals(
            contract_of(text, calendar="flat", **words),
            profile(date(2022, 1, 1), 1, 996_070_000, zone="UTC"),
            date(2022, 1, 1),
            date(2022, 1, 1),
        )
        assert made.total == Decimal(amount), decimals


def test_energy_that_was_not_read_is_an_error_and_no_zero(contract_of):
    text = '[[charge]]\nname = "reactive"\ntitle = "Reactive"\nkind = "reactive"\nfree_percent = 33\nbands = [{ price = "reactive" }]\n'
    contract = contract_of(text + priced("reactive", "EUR/kvarh", "1"))
    day = date(2022, 1, 10)
    assert bill_intervals(contract, profile(day, 1, KWH, q1=KWH), day, day).total > 0
    with pytest.raises(ReadingsError, match="the readings have no q1 energy"):
        bill_intervals(contract, profile(day, 1, KWH), day, day)
    surplus = '[[charge]]\nname = "surplus"\ntitle = "Surplus"\nkind = "energy"\nof = "export"\n' + priced(
        "surplus", "EUR/kWh", "0.05"
    )
    with pytest.raises(ReadingsError, match="the readings have no export energy"):
        bill_intervals(contract_of(surplus), profile(day, 1, KWH), day, day)
