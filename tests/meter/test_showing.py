"""What a view shows: primary values by their names, null for what is not known, exact integers behind the energies."""

import math

import numpy as np
import pytest

from watthour.meter import Meter, first_state
from watthour.units import VALUES


def metered(waves, six, samples=8000, **settings):
    meter = Meter(first_state(settings))
    meter.step(waves.wave(six, 50.13, samples, 8000.0), 0)
    return meter


def test_before_its_first_window_a_meter_shows_nulls_and_zeros(waves):
    view = metered(waves, waves.three_phase(), samples=500).view()
    assert set(view.values) == {value.name for value in VALUES if value.needs != "pulse_outputs"}
    known = {name for name, value in view.values.items() if value is not None}
    known -= {"seal_open", "storage_fault", "registers_fresh", "calendar_missing"}
    assert all(
        name.endswith(("wh", "varh", "_h", "cost", "_kg", "active_rate", "_closed", "_count", "_quantity", "_findings"))
        for name in known
    )
    assert view.values["power_w"] is None
    assert view.samples == 0


def test_values_are_primary_and_factors_are_not_scaled(waves):
    ratio_i, ratio_u = 40, 200 / 3
    values = metered(waves, waves.three_phase(), ct="200/5", vt="200/3").view().values
    for phase in ("l1", "l2", "l3"):
        assert values[f"voltage_{phase}_v"] == pytest.approx(230 * ratio_u, rel=1e-6)
        assert values[f"current_{phase}_a"] == pytest.approx(5 * ratio_i, rel=1e-6)
        assert values[f"power_{phase}_w"] == pytest.approx(575 * ratio_i * ratio_u, rel=1e-6)
        assert values[f"power_factor_{phase}"] == pytest.approx(0.5, rel=1e-6)
        assert values[f"cos_phi_{phase}"] == pytest.approx(0.5, rel=1e-6)
    assert values["voltage_l12_v"] == pytest.approx(230 * math.sqrt(3) * ratio_u, rel=1e-6)
    assert values["power_w"] == pytest.approx(1725 * ratio_i * ratio_u, rel=1e-6)
    assert values["reactive_var"] == pytest.approx(3450 * math.sin(math.pi / 3) * ratio_i * ratio_u, rel=1e-6)
    assert values["apparent_va"] == pytest.approx(3450 * ratio_i * ratio_u, rel=1e-6)
    assert values["frequency_hz"] == pytest.approx(50.13, abs=1e-5)
    assert values["active_rate"] == 1


def test_a_phase_below_the_cut_off_shows_zero_and_null(waves):
    values = metered(waves, waves.three_phase(currents_a=(5.0, 0.0009, 0.0))).view().values
    for phase in ("l2", "l3"):
        assert [
            values[name] for name in (f"current_{phase}_a", f"power_{phase}_w", f"reactive_{phase}_var", f"apparent_{phase}_va")
        ] == [0] * 4
        assert values[f"power_factor_{phase}"] is values[f"cos_phi_{phase}"] is None
        assert values[f"voltage_{phase}_v"] == pytest.approx(230, rel=1e-6)


def test_the_range_of_one_ampere_counts_down_to_a_fifth_of_the_cut_off(waves):
    for current_a, counts in ((0.00021, True), (0.00019, False)):
        values = metered(waves, waves.single_phase(current_a=current_a), ct="200/1").view().values
        assert (values["current_l1_a"] > 0) == counts
    assert metered(waves, waves.single_phase(current_a=0.00021), ct="200/5").view().values["current_l1_a"] == 0


def test_without_voltage_the_frequency_is_null(waves):
    view = metered(waves, waves.three_phase(voltages_v=(0.0,) * 3)).view()
    assert view.values["frequency_hz"] is None
    assert not view.powered


def test_shown_registers_are_whole_and_the_exact_integers_stand_behind_them(waves):
    view = metered(waves, waves.three_phase(), samples=80000, ct="200/5").view()
    for name, value in view.values.items():
        if name.endswith(("_wh", "_varh")):
            exact = view.exact[name.replace("_wh", "_microwh").replace("_varh", "_microvarh")]
            assert value == exact // 10**6
    assert view.exact["import_microwh"] == 40 * view.exact["secondary_import_microwh"]
    assert view.exact["t1_import_microwh"] == view.exact["partial_import_microwh"] == view.exact["import_microwh"]
    assert sum(view.exact[f"l{p}_import_microwh"] for p in (1, 2, 3)) == view.exact["import_microwh"]
    assert all(view.exact[f"t{n}_import_microwh"] == 0 for n in range(2, 9))


def test_cost_and_carbon_are_those_of_the_partial_import_rounded_half_up(waves):
    meter = metered(
        waves, waves.three_phase(), samples=80000, ct="200/5", vt="100/1", cost_per_kwh="0.2500", co2_kg_per_kwh="0.1"
    )
    view = meter.view()
    energy_kwh = view.exact["partial_import_microwh"] / 10**9
    assert view.values["partial_cost"] == pytest.approx(energy_kwh * 0.25, abs=0.00005)
    assert view.values["partial_co2_kg"] == pytest.approx(energy_kwh * 0.1, abs=0.00005)
    assert view.values["cost_per_kwh"] == 0.25
    assert round(view.values["partial_cost"], 4) == view.values["partial_cost"]


def test_what_is_shown_is_the_last_whole_window_also_after_the_end(waves):
    meter = metered(waves, waves.three_phase(), samples=8000)
    shown = {n: v for n, v in meter.view().values.items() if n.startswith(("voltage", "current", "power", "freq"))}
    meter.end()
    after = meter.view().values
    assert {n: after[n] for n in shown} == shown


def test_a_view_names_the_meter_its_time_and_its_warnings(waves):
    meter = Meter(first_state({"serial": 23612001, "model": "Q23622", "ct": "2000/5"}))
    meter.step(waves.wave(waves.three_phase(), 50.0, 8000, 8000.0), 10**18)
    view = meter.settled().view()
    assert (view.model, view.serial, view.samples, view.duration_s) == ("Q23622", 23612001, 8000, 1.0)
    assert view.time_ns == 10**18 + 10**9
    assert len(view.warnings) == 1
    assert view.diagnosis == ()


def test_a_view_does_not_change_once_taken(waves):
    meter = metered(waves, waves.three_phase())
    view = meter.view()
    values = dict(view.values)
    meter.step(waves.wave(waves.single_phase(), 50.0, 8000, 8000.0, first_sample=8000), 10**9)
    assert dict(view.values) == values
    assert meter.view().values["power_w"] != values["power_w"]
    with pytest.raises(TypeError):
        view.values["power_w"] = 0
    assert not any(isinstance(value, np.generic) and not isinstance(value, float) for value in meter.view().values.values())
