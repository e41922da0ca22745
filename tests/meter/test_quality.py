"""The quality of supply in a meter's values: primary, found when asked, kept with the state, judged by the nominal voltage."""

import json

import pytest

from watthour.meter import Meter, first_state
from watthour.meter.snapshot import state_from_record, state_to_record
from watthour.metrology import quality
from watthour.units import LATE_NAMES, VALUE_BY_NAME


def metered(waves, voltage_v=230.0, **settings):
    meter = Meter(first_state(settings))
    orders = ((5, 0.06, 40.0),)
    meter.step(waves.wave(waves.single_phase(voltage_v=voltage_v, voltage_orders=orders), 50.13, 4500, 4000.0), 0)
    return meter


def test_values_are_named_and_primary(waves):
    values = metered(waves, ct="200/5", vt="2300/230").view().values
    having = tuple(name for name, value in VALUE_BY_NAME.items() if value.needs != "pulse_outputs")
    assert tuple(values) == having
    assert len(values) == len(having)
    assert values["thd_voltage_l1_percent"] == pytest.approx(6.0, rel=1e-4)
    assert values["voltage_l1_h5_percent"] == pytest.approx(6.0, rel=1e-4)
    assert values["voltage_positive_v"] == pytest.approx(10 * 230 / 3, rel=1e-5)
    assert values["current_positive_a"] == pytest.approx(40 * 5 / 3, rel=1e-5)
    assert values["voltage_l1_h37_percent"] is None
    assert values["thd_voltage_l2_percent"] is None
    assert "no_such" not in values
    with pytest.raises(KeyError):
        values["no_such"]


def test_nothing_is_found_until_somebody_asks(waves, monkeypatch):
    asked = []
    original = quality.quality_of
    monkeypatch.setattr(quality, "quality_of", lambda *given: asked.append(1) or original(*given))
    meter = metered(waves)
    values = meter.view().values
    assert values["voltage_l1_v"] == pytest.approx(230.4, rel=1e-3)
    assert meter.view().values["power_w"] is not None
    assert not asked
    assert values["thd_voltage_l1_percent"] == meter.view().values["thd_voltage_l1_percent"]
    assert asked == [1]


def test_a_meter_before_its_first_window_knows_none():
    values = Meter(first_state({})).view().values
    assert all(values[name] is None for name in LATE_NAMES)


def test_a_kept_state_shows_the_same_values(waves):
    meter = metered(waves)
    kept = json.loads(json.dumps(state_to_record(meter.state)))
    assert dict(Meter(state_from_record(kept)).view().values) == dict(meter.view().values)


@pytest.mark.parametrize(
    ("voltage_v", "nominal_v", "flags"),
    [
        (183.0, "230.0", (1, 0)),
        (185.0, "230.0", (0, 0)),
        (275.0, "230.0", (0, 0)),
        (277.0, "230.0", (0, 1)),
        (127.0, "127.0", (0, 0)),
    ],
)
def test_flags_judge_each_voltage_by_the_nominal_one(waves, voltage_v, nominal_v, flags):
    values = metered(waves, voltage_v, nominal_voltage_v=nominal_v).view().values
    assert (values["undervoltage_l1"], values["overvoltage_l1"]) == flags
    assert (values["undervoltage_l2"], values["overvoltage_l2"]) == (1, 0)
