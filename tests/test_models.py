"""The range, against its datasheet of 02/03/2026 and the decisions where that is silent."""

import pytest

from watthour.errors import UnknownModelError, UsageError
from watthour.models import CURRENT_RANGES, MODELS, RATINGS, VOLTAGE_PRESENT_V, current_range_of, model_of, require_bus
from watthour.units import REGISTER_MODULUS, Ratio

DATASHEET = """
Q23601 CEM-D310     IEC 1 0 -
Q23602 CEM-D310-MID MID 1 0 -
Q23611 CEM-D311     IEC 0 2 modbus
Q23612 CEM-D311-MID MID 0 2 modbus
Q23621 CEM-D312     IEC 0 2 mbus
Q23622 CEM-D312-MID MID 0 2 mbus
"""


def test_the_range_is_that_of_the_datasheet():
    rows = [f"{m.code} {m.name} {m.certification} {m.pulse_outputs} {m.digital_inputs} {m.bus or '-'}".split() for m in MODELS]
    assert rows == [line.split() for line in DATASHEET.strip().splitlines()]


def test_the_ratings_are_those_of_the_datasheet():
    assert RATINGS.voltages_v == (127.0, 230.0)
    assert RATINGS.voltage_tolerance == 0.2
    assert RATINGS.frequencies_hz == (50.0, 60.0)
    assert RATINGS.pulse_constant_per_kwh == 4000
    assert RATINGS.register_maximum_kwh == 4_294_967 == (REGISTER_MODULUS - 1) // 1000
    assert RATINGS.rates == 8


def test_the_currents_of_the_5_a_range_are_those_of_the_datasheet():
    five = current_range_of(Ratio.parse("200/5"))
    assert (five.reference_a, five.transition_a, five.minimum_a, five.maximum_a) == (5.0, 0.25, 0.05, 6.0)


def test_the_1_a_range_is_one_fifth():
    five, one = CURRENT_RANGES
    for name in ("secondary_a", "reference_a", "transition_a", "minimum_a", "maximum_a", "starting_a", "cutoff_a"):
        assert getattr(one, name) * 5 == pytest.approx(getattr(five, name), rel=1e-12), name


@pytest.mark.parametrize("row", CURRENT_RANGES, ids=lambda row: f"{row.secondary_a} A")
def test_the_cut_off_lies_well_below_the_starting_current(row):
    assert row.starting_a == pytest.approx(0.002 * row.reference_a)
    assert row.cutoff_a == pytest.approx(0.0002 * row.reference_a)
    assert row.cutoff_a < row.starting_a < row.minimum_a < row.transition_a < row.reference_a < row.maximum_a


def test_a_voltage_counts_as_present_from_a_tenth_of_the_lowest_nominal():
    assert pytest.approx(12.7) == VOLTAGE_PRESENT_V


@pytest.mark.parametrize(("ct", "secondary_a"), [("200/5", 5), ("200/1", 1), ("5/5", 5), ("200/5.0", 5)])
def test_the_secondary_chooses_the_range(ct, secondary_a):
    assert current_range_of(Ratio.parse(ct)).secondary_a == secondary_a


@pytest.mark.parametrize("ct", ["200/2", "5/200", "200/5.1", "1/0.1"])
def test_other_secondaries_are_refused(ct):
    with pytest.raises(UsageError, match=rf'^ct "{ct}": .*/5 A or .*/1 A$'):
        current_range_of(Ratio.parse(ct))


@pytest.mark.parametrize("text", ["Q23612", "q23612", "CEM-D311-MID", "cem-d311-mid", " Q23612 "])
def test_a_model_is_found_by_code_or_name(text):
    assert model_of(text).code == "Q23612"


@pytest.mark.parametrize("text", ["Q23672", "CEM-D313", "", "D311", "Q2361"])
def test_an_unknown_model_is_refused_with_the_range(text):
    with pytest.raises(UnknownModelError) as refused:
        model_of(text)
    assert repr(text) in str(refused.value)
    assert all(m.code in str(refused.value) and m.name in str(refused.value) for m in MODELS)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("bus", ["modbus", "mbus"])
def test_a_bus_is_for_the_models_that_have_it(model, bus):
    if model.bus == bus:
        assert require_bus(model, bus) is None
        return
    with pytest.raises(UsageError) as refused:
        require_bus(model, bus)
    owners = {"modbus": ("Modbus belongs to", "CEM-D311"), "mbus": ("M-Bus belongs to", "CEM-D312")}[bus]
    assert all(word in str(refused.value) for word in (*owners, model.name))
