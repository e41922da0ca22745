"""Settings: every row, both sides of each range."""

from decimal import Decimal

import pytest

from watthour.errors import OutOfRangeError, ReadOnlyError, UnknownParameterError
from watthour.models import MODELS
from watthour.parameters import (
    DEFAULTS,
    PARAMETER_BY_NAME,
    PARAMETERS,
    Interface,
    Kind,
    check_setting,
    parameter,
)
from watthour.units import VALUE_BY_NAME, Ratio

RANGED = [row for row in PARAMETERS if row.minimum is not None or row.maximum is not None]
HOLDS = {Kind.WHOLE: int, Kind.DECIMAL: Decimal, Kind.CHOICE: str, Kind.SWITCH: bool, Kind.RATIO: Ratio, Kind.TEXT: str}


def by_name(row):
    return row.name


@pytest.mark.parametrize("row", PARAMETERS, ids=by_name)
def test_a_row_is_whole_and_takes_its_own_default(row):
    assert row.meaning
    assert row.check(row.default) == row.default
    assert type(row.default) is HOLDS[row.kind]
    assert row.writers
    assert (row.kind is Kind.CHOICE) == bool(row.choices)
    assert (row.kind in {Kind.WHOLE, Kind.DECIMAL}) == (row in RANGED)


@pytest.mark.parametrize("row", PARAMETERS, ids=by_name)
def test_a_setting_survives_being_written_and_read(row):
    text = str(row.default)
    assert row.check(text) == row.default
    assert str(row.check(text)) == text


@pytest.mark.parametrize("row", RANGED, ids=by_name)
def test_both_ends_belong_to_the_range_and_nothing_beyond(row):
    step = Decimal(1).scaleb(-row.decimals)
    assert row.check(row.minimum) == row.minimum
    assert row.check(row.maximum) == row.maximum
    for beyond in (row.minimum - step, row.maximum + step):
        with pytest.raises(OutOfRangeError, match=f"^{row.name}: .* is outside {row.minimum} to {row.maximum}"):
            row.check(beyond)


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.choices], ids=by_name)
def test_a_choice_is_one_of_its_choices(row):
    assert [row.check(choice) for choice in row.choices] == list(row.choices)
    with pytest.raises(OutOfRangeError) as refused:
        row.check("none of these")
    assert all(choice in str(refused.value) for choice in row.choices)


def test_a_number_may_choose():
    assert parameter("bus_baudrate").check(9600) == "9600"
    with pytest.raises(OutOfRangeError, match="9601"):
        parameter("bus_baudrate").check(9601)


@pytest.mark.parametrize(("given", "value"), [("23612001", 23_612_001), (1, 1), (5.0, 5), (" 5 ", 5), (Decimal("7.0"), 7)])
def test_whole_numbers_are_read_from_text_and_numbers(given, value):
    read = parameter("serial").check(given)
    assert (read, type(read)) == (value, int)


@pytest.mark.parametrize(
    "given", ["", "x", "5.5", 5.5, True, None, "nan", "inf", "-inf", "1e9999999999999999999", "0x10", b"5"]
)
def test_what_is_no_whole_number_is_refused(given):
    with pytest.raises(OutOfRangeError, match="is no whole number"):
        parameter("serial").check(given)


@pytest.mark.parametrize("given", ["1e5000", "1e18", "9" * 5000, -(10**18), "-1e999999"])
def test_a_number_too_long_to_spell_is_refused_in_short(given):
    with pytest.raises(OutOfRangeError, match="is outside 1 to 4294967295") as refused:
        parameter("serial").check(given)
    assert len(str(refused.value)) < 80


@pytest.mark.parametrize(
    ("given", "text"),
    [("0.1", "0.1000"), (0.1, "0.1000"), (3, "3.0000"), ("0.12340", "0.1234"), ("-0", "0.0000"), ("1e2", "100.0000")],
)
def test_decimal_numbers_keep_their_places(given, text):
    assert str(parameter("cost_per_kwh").check(given)) == text


@pytest.mark.parametrize("given", ["", "x", "0.12345", 0.12345, True, None, "nan", "sNaN", "inf", "1e40"])
def test_what_is_no_decimal_number_of_so_many_places_is_refused(given):
    with pytest.raises(OutOfRangeError, match="is no number"):
        parameter("cost_per_kwh").check(given)


@pytest.mark.parametrize(("given", "value"), [(True, True), ("true", True), ("False", False), (False, False)])
def test_a_switch_is_true_or_false(given, value):
    assert parameter("auxiliary_supply").check(given) is value


@pytest.mark.parametrize("given", [1, 0, "yes", "", None])
def test_a_switch_is_nothing_else(given):
    with pytest.raises(OutOfRangeError, match="neither true nor false"):
        parameter("auxiliary_supply").check(given)


def test_a_ratio_is_taken_as_text_or_as_one():
    assert parameter("ct").check("200/5") == parameter("ct").check(Ratio(Decimal(200), Decimal(5)))


@pytest.mark.parametrize("given", ["200", "0/5", 40, None, "200/0"])
def test_what_is_no_ratio_is_refused(given):
    with pytest.raises(OutOfRangeError, match=r"^ct: .*is no ratio"):
        parameter("ct").check(given)


def test_the_models_to_choose_from_are_those_of_the_range():
    assert parameter("model").choices == tuple(model.code for model in MODELS)


def test_what_decides_the_energy_is_sealed():
    sealed = {row.name for row in PARAMETERS if row.sealed}
    calibration = {name for name in sealed if name.startswith("calibration_")}
    assert sealed - calibration == {
        "model", "serial", "ct", "vt", "summation", "calendar", "rate_source", "demand_period_min", "demand_method",
        "input1_use", "input2_use",
    }  # fmt: skip
    assert len(calibration) == 3 * 6


@pytest.mark.parametrize("given", ["", " flat", "a\nb", "x" * 251, 7, None], ids=repr)
def test_a_text_is_one_line_of_some_characters(given):
    assert parameter("calendar").check("x" * 250) == "x" * 250
    with pytest.raises(OutOfRangeError, match="no line of 1 to 250 characters"):
        parameter("calendar").check(given)


def test_nothing_sealed_is_written_by_bus_and_by_keys_only_what_the_inputs_are_for():
    sealed = [row for row in PARAMETERS if row.sealed]
    assert not [row.name for row in sealed if Interface.BUS in row.writers]
    assert [row.name for row in sealed if Interface.KEYS in row.writers] == ["input1_use", "input2_use"]


@pytest.mark.parametrize("row", PARAMETERS, ids=by_name)
@pytest.mark.parametrize("interface", Interface)
def test_a_setting_is_written_by_its_writers_and_by_nobody_else(row, interface):
    if interface in row.writers:
        assert check_setting(row.name, row.default, interface) == row.default
    else:
        with pytest.raises(ReadOnlyError, match=f"^{row.name}: not to be written by {interface}"):
            check_setting(row.name, row.default, interface)


def test_an_unknown_setting_is_refused_with_those_there_are():
    with pytest.raises(UnknownParameterError) as refused:
        check_setting("colour", "red", Interface.CONFIG)
    assert all(name in str(refused.value) for name in ("colour", *PARAMETER_BY_NAME))


def test_no_name_stands_twice_and_each_has_a_default():
    assert len(PARAMETER_BY_NAME) == len(PARAMETERS)
    assert list(DEFAULTS) == [row.name for row in PARAMETERS]


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.name in VALUE_BY_NAME], ids=by_name)
def test_a_setting_that_is_shown_has_one_unit(row):
    assert row.unit == VALUE_BY_NAME[row.name].unit


def test_tables_of_settings_do_not_change_while_running():
    with pytest.raises(TypeError):
        DEFAULTS["ct"] = Ratio.parse("1/1")
