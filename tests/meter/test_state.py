"""What settings make of a meter: ratios, thresholds, warnings, and what is refused at once."""

from decimal import Decimal
from fractions import Fraction

import pytest

from watthour.errors import OutOfRangeError, UnknownParameterError, UsageError
from watthour.meter import first_state
from watthour.meter.state import Anchor, primary_ratio, standing_warnings, summation_of, thresholds_of
from watthour.registers import Summation


def test_a_new_meter_has_the_defaults_and_nothing_counted():
    state = first_state({"cost_per_kwh": "0.25"})
    assert state.settings["cost_per_kwh"] == Decimal("0.2500")
    assert state.settings["summation"] == "vectorial"
    assert state.samples == 0
    assert state.powered
    assert not any(state.registers.total)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"colour": "red"}, UnknownParameterError),
        ({"serial": 0}, OutOfRangeError),
        ({"ct": "200/3"}, UsageError),
        ({"vt": "0/100"}, OutOfRangeError),
    ],
)
def test_an_impossible_setting_is_refused_before_there_is_a_meter(settings, error):
    with pytest.raises(error):
        first_state(settings)


@pytest.mark.parametrize(("ct", "cutoff_a"), [("5/5", 0.001), ("200/5", 0.001), ("200/1", 0.0002)])
def test_the_cut_off_is_that_of_the_transformers_range(ct, cutoff_a):
    thresholds = thresholds_of(first_state({"ct": ct}).settings)
    assert thresholds.cutoff_a == cutoff_a
    assert thresholds.present_v == pytest.approx(12.7)


def test_the_primary_ratio_is_exact():
    assert primary_ratio(first_state({"ct": "200/5", "vt": "200/3"}).settings) == Fraction(8000, 3)
    assert primary_ratio(first_state({"ct": "200/1", "vt": "132000/110"}).settings) == 240_000


def test_the_summation_is_the_settings():
    assert summation_of(first_state({}).settings) is Summation.VECTORIAL
    assert summation_of(first_state({"summation": "arithmetic"}).settings) is Summation.ARITHMETIC


@pytest.mark.parametrize(("ct", "vt", "warns"), [
    ("1295/5", "1/1", False), ("1296/5", "1/1", True), ("1296/1", "1/1", False), ("1297/1", "1/1", True), ("200/5", "20000/110", True),
])  # fmt: skip
def test_a_ratio_that_wraps_the_register_too_soon_is_a_standing_warning(ct, vt, warns):
    warnings = standing_warnings(first_state({"ct": ct, "vt": vt}).settings)
    assert len(warnings) == int(warns)
    if warns:
        assert "4000 h" in warnings[0]


@pytest.mark.parametrize("sample", [0, 1000, 1003, 9_999_999])
def test_an_anchor_tells_the_instant_of_any_sample(sample):
    anchor = Anchor(sample=1000, time_ns=10**18, rate_hz=1200.0)
    assert anchor.time_of(sample) == 10**18 + round(Fraction((sample - 1000) * 10**9, 1200))
