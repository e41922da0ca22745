"""Names, exact factors and rounding."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.units import (
    ENERGIES,
    MICRO,
    REGISTER_MODULUS,
    REGISTER_SETS,
    VALUE_BY_NAME,
    VALUES,
    Ratio,
    energy_name,
    exact_name,
    round_half_up,
    shown_register,
)

UNIT_ENDINGS = {
    "_v": "V",
    "_a": "A",
    "_w": "W",
    "_var": "var",
    "_va": "VA",
    "_hz": "Hz",
    "_deg": "°",
    "_h": "h",
    "_unix_s": "s",
    "_wh": "Wh",
    "_varh": "varh",
    "_kg_per_kwh": "kg/kWh",
    "_cost_per_kwh": "1/kWh",
    "_kg": "kg",
    "_percent": "%",
}
"""How a name ends, and the unit that promises."""

PURE_NUMBERS = re.compile(
    r"(power_factor|cos_phi)(_l[123])?|active_rate|partial_cost|wiring_findings"
    r"|seal_open|storage_fault|registers_fresh|calendar_missing|power_fail_count"
    r"|(crest_factor_(voltage|current)|undervoltage|overvoltage)_l[123]|input[12]_(closed|count|quantity)|pulse_output_(count|pending)"
)


def test_the_register_rolls_over_where_the_datasheet_ends():
    assert REGISTER_MODULUS // 1000 == 4_294_967
    assert shown_register((REGISTER_MODULUS - 1) * MICRO) == 4_294_967_295
    assert shown_register(REGISTER_MODULUS * MICRO - 1) == 4_294_967_295
    assert shown_register(REGISTER_MODULUS * MICRO) == 0


def test_a_register_shows_whole_units_only():
    assert [shown_register(n) for n in (0, MICRO - 1, MICRO, 2 * MICRO - 1)] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (0.5, 1),
        (-0.5, -1),
        (1.5, 2),
        (-1.5, -2),
        (2.5, 3),
        (-2.5, -3),
        (0.49999999999999994, 0),
        (-0.49999999999999994, 0),
        (0.0, 0),
        (-0.0, 0),
        (7, 7),
        (-7, -7),
        (2.0**53 - 0.5, 2**53),
        (2.0**60, 2**60),
        (Decimal("-2.5"), -3),
        (Decimal("0.4" + "9" * 40), 0),
        (Decimal("1e40"), 10**40),
        (Fraction(1, 2), 1),
        (Fraction(5 * 10**30 - 1, 10**31), 0),
        (Fraction(10**40), 10**40),
    ],
)
def test_halves_go_away_from_zero_and_nothing_else_does(value, whole):
    assert round_half_up(value) == whole
    assert type(round_half_up(value)) is int


@given(st.fractions() | st.floats(allow_nan=False, allow_infinity=False) | st.decimals(allow_nan=False, allow_infinity=False))
def test_rounding_is_at_most_a_half_away_and_symmetric(value):
    whole = round_half_up(value)
    distance = abs(Fraction(value) - whole)
    assert distance <= Fraction(1, 2)
    assert round_half_up(value.copy_negate() if isinstance(value, Decimal) else -value) == -whole
    assert distance < Fraction(1, 2) or abs(whole) > abs(Fraction(value))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity")])
def test_what_is_no_number_is_not_rounded(value):
    with pytest.raises((ValueError, OverflowError)):
        round_half_up(value)


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("5/5", Fraction(1)),
        ("200/5", Fraction(40)),
        (" 200 / 1 ", Fraction(200)),
        ("132000/110", Fraction(1200)),
        ("66000/57.7", Fraction(660000, 577)),
        ("1/3", Fraction(1, 3)),
    ],
)
def test_a_ratio_is_read_exactly(text, fraction):
    assert Ratio.parse(text).fraction == fraction


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "5",
        "0/5",
        "5/0",
        "0.0/5",
        "5/0.0",
        "-5/5",
        "5/-5",
        "+5/5",
        "1e3/5",
        "5/5/5",
        "a/b",
        ".5/5",
        "5,0/5",
        "\u0665/\u0665",
    ],
)
def test_what_is_no_ratio_is_refused_by_name(text):
    with pytest.raises(ValueError, match="is no ratio"):
        Ratio.parse(text)


@pytest.mark.parametrize(("primary", "secondary"), [(0, 5), (5, 0), (-5, 5), (5, -5)])
def test_no_ratio_is_made_of_zero_or_less(primary, secondary):
    with pytest.raises(ValueError, match="above 0"):
        Ratio(Decimal(primary), Decimal(secondary))


def test_a_ratio_prints_as_it_was_written():
    assert str(Ratio.parse("66000/57.7")) == "66000/57.7"


def test_names_of_energies_end_with_their_unit():
    assert [energy_name(e) for e in ENERGIES] == ["import_wh", "export_wh", "q1_varh", "q2_varh", "q3_varh", "q4_varh"]
    assert exact_name("q4", "t1_") == "t1_q4_microvarh"
    assert exact_name("export") == "export_microwh"


def test_every_register_set_has_its_six_energies():
    assert list(REGISTER_SETS) == ["", "partial_", *(f"t{n}_" for n in range(1, 9)), "l1_", "l2_", "l3_"]
    assert {energy_name(e, prefix) for prefix in REGISTER_SETS for e in ENERGIES} <= set(VALUE_BY_NAME)


def test_no_name_stands_twice():
    assert len(VALUE_BY_NAME) == len(VALUES)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.name)
def test_a_name_ends_with_its_unit_and_the_row_is_whole(value):
    ending = max((end for end in UNIT_ENDINGS if f"_{value.name}".endswith(end)), key=len, default="")
    assert (value.unit == "1" and PURE_NUMBERS.fullmatch(value.name)) or value.unit == UNIT_ENDINGS[ending]
    assert re.fullmatch(r"[a-z0-9_]+", value.name)
    assert value.symbol
    assert value.meaning
    assert value.source
    assert "{" not in value.meaning


@pytest.mark.parametrize(
    "name",
    [
        *(f"voltage_{p}_v" for p in ("l1", "l2", "l3", "l12", "l23", "l31")),
        *(f"current_{p}_a" for p in ("l1", "l2", "l3", "n")),
        *(
            f"{stem}{p}{end}"
            for stem, end in (("power", "_w"), ("reactive", "_var"), ("apparent", "_va"))
            for p in ("_l1", "_l2", "_l3", "")
        ),
        *(f"{stem}{p}" for stem in ("power_factor", "cos_phi") for p in ("_l1", "_l2", "_l3", "")),
        "frequency_hz",
        "active_rate",
        "operating_time_h",
        "partial_operating_time_h",
        "cost_per_kwh",
        "co2_kg_per_kwh",
        "partial_cost",
        "partial_co2_kg",
    ],
)
def test_the_names_that_users_meet_are_in_the_nomenclature(name):
    assert name in VALUE_BY_NAME


def test_tables_of_names_do_not_change_while_running():
    with pytest.raises(TypeError):
        VALUE_BY_NAME["power_w"] = VALUES[0]
    with pytest.raises(TypeError):
        REGISTER_SETS["t9_"] = "at rate T9"
