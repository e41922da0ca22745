"""Rows against samples: the same energy, from any hour, the same bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.units import Ratio
from watthour.waveform.network import Network, PhasorSource, PlantScript, day_of, with_plant_faults

SECONDS = 600
BAR = 20e-6
"""Of the apparent energy, as the docs promise for an hour."""

RESTLESS = {
    "voltages_v": [231, 229, 230],
    "frequency_hz": 50.02,
    "frequency_drift_hz": 0.05,
    "voltage_drift_percent": 2,
    "unbalance_percent": 1,
    "harmonics": [{"order": 5, "percent": 3, "angle_deg": 170}],
}
THREE = ["L1", "L2", "L3"]
ONE = Ratio.parse("1/1")
LOADS = {
    "constant": {"power_w": [9000, 8000, -2000], "cos_phi": "0.8 ind", "harmonics": [{"order": 5, "percent": 30}]},
    "scheduled": {"power_w": 9000, "cos_phi": "0.8 ind", "on": "00:02-00:08"},
    "profile": {"power_w": 9000, "profile": {"day": list(range(60, 84))}, "varies_percent": 30},
    "motor": {"power_w": 9000, "run_s": 50, "rest_s": 37},
    "rectifier": {"power_w": 9000},
    "heater": {"power_w": 9000, "setting_percent": 37, "pattern_cycles": 31},
    "welder": {"power_w": 9000, "phases": ["L2"], "busy_percent": 60},
    "capacitor": {"rated_var": 9000, "losses_w": 90},
    "photovoltaics": {"peak_w": 9000, "solar_noon": "01:00", "latitude_deg": 5, "clouds_percent": 50},
}
WIRING = {
    "ct_reversed": {"phases": ["L1"]},
    "cts_swapped": {"phases": ["L1", "L2"]},
    "ct_on_wrong_phase": {"phase": "L1", "around": "L3"},
    "ct_missing": {"phases": ["L2"]},
    "ct_wrong_ratio": {"installed": "100/5", "instead_of": "150/5"},
    "voltages_swapped": {"phases": ["L1", "L3"]},
    "voltages_rotated": {},
    "voltage_missing": {"phases": ["L3"]},
}


def compare(plant, network, seconds=SECONDS):
    """Return the differences of active and reactive energy, as shares of the apparent energy."""
    row = plant.rows(network).part(0, seconds)
    powers = row.voltages * row.currents.conj()
    active, reactive = plant.metered(network, seconds)
    apparent = np.abs(powers[:, :, 0]).sum()
    return (powers.real.sum(axis=(0, 2)) - active) / apparent, (powers.imag[:, :, 0].sum(axis=0) - reactive) / apparent


@pytest.mark.parametrize("kind", LOADS)
def test_rows_and_samples_of_a_load_have_the_same_energy(plant, kind):
    network = plant.described(supply=RESTLESS, load=[plant.load(kind, **LOADS[kind])])
    active, reactive = compare(plant, network, 3600 if kind in {"motor", "welder"} else SECONDS)
    assert np.abs(active).max() < BAR
    assert np.abs(reactive).max() < BAR


@pytest.mark.parametrize("kind", WIRING)
def test_rows_and_samples_of_wrong_wiring_have_the_same_energy(plant, kind):
    """The fault lasts; what its edges cost reactive energy is told in the docs."""
    load = plant.load("constant", **LOADS["constant"])
    network = plant.described(supply=RESTLESS, load=[load], wiring=[{"kind": kind, **WIRING[kind]}])
    active, reactive = compare(plant, network)
    assert np.abs(active).max() < BAR
    assert np.abs(reactive).max() < BAR


def test_active_energy_is_the_same_through_events_inside_a_second(plant):
    events = [{"kind": "dip", "at_s": t + 0.37, "duration_s": 0.25, "remaining_percent": 40} for t in range(20, 600, 100)]
    faults = [{"kind": "voltages_swapped", "phases": ["L1", "L2"], "at_s": 200.61, "duration_s": 99.5}]
    network = plant.described(
        supply={**RESTLESS, "event": events}, load=[plant.load("constant", **LOADS["constant"])], wiring=faults
    )
    active, _ = compare(plant, network)
    assert np.abs(active).max() < BAR


@settings(deadline=None, max_examples=20)
@given(first=st.integers(0, 3 * 3600))
def test_rows_from_any_second_are_the_same_bits(first):
    network = Network.model_validate(
        {"supply": RESTLESS, "load": [{"name": "M", "kind": "motor", "phases": THREE, **LOADS["motor"]}]}
    )
    source = PhasorSource(network, name="a", identity="0", ct=Ratio.parse("200/5"), vt=Ratio.parse("1/1"))
    part = next(source.blocks(first))
    whole = source.hour(first // 3600)
    assert part.first_sample == first
    assert part.end_sample % 3600 == 0
    assert part.voltages.tobytes() == whole.voltages[first % 3600 :].tobytes()
    assert part.currents.tobytes() == whole.currents[first % 3600 :].tobytes()


@pytest.mark.parametrize("start_s", [0, 3300])
def test_hours_made_together_are_the_bits_of_each_alone(plant, start_s):
    """A day and more across the end of a week, by a clock whose hours are the source's and by one whose are not."""
    loads = [plant.load(kind, **keys) for kind, keys in LOADS.items()]
    supply = {**RESTLESS, "voltage_profile": {"day": list(range(96, 104)) * 3}, "flicker": {"percent": 1, "frequency_hz": 8.8}}
    start_ns = (1_768_737_600 + start_s) * 10**9  # Sunday 2026-01-18, 12:00 and later
    source = PhasorSource(plant.described(supply=supply, load=loads), name="a", identity="0", ct=ONE, vt=ONE, start_ns=start_ns)
    for number, together in zip(range(26), source.blocks(), strict=False):
        alone = source.hour(number)
        for side in ("voltages", "currents", "frequency_hz"):
            assert getattr(together, side).tobytes() == getattr(alone, side).tobytes()


def test_rows_follow_each_other_without_a_gap():
    network = Network.model_validate({"supply": {"voltages_v": 230}})
    source = PhasorSource(network, name="a", identity="0", ct=Ratio.parse("200/5"), vt=Ratio.parse("1/1"))
    blocks = source.blocks(5000)
    first, second = next(blocks), next(blocks)
    assert (first.first_sample, first.end_sample, second.first_sample, second.end_sample) == (5000, 7200, 7200, 10_800)
    assert (source.rate_hz, source.samples, source.start_ns) == (1.0, None, None)


def test_the_energy_of_the_parts_is_that_of_the_whole(plant):
    loads = [plant.load(kind, **keys) for kind, keys in LOADS.items()]
    day = day_of(plant.described(supply=RESTLESS, load=loads))
    net = sum(share.import_wh - share.export_wh for share in day.shares)
    assert net == pytest.approx(day.import_wh - day.export_wh, rel=1e-10)
    assert sum(share.reactive_varh for share in day.shares) == pytest.approx(day.reactive_var.sum() / 60, rel=1e-10)


def test_a_load_takes_from_the_neutral_what_the_phases_give(plant):
    """Kirchhoff, sample by sample: all loads together are each load alone, and their sum flows in the neutral."""
    plain = [plant.load(kind, **LOADS[kind]) for kind in ("constant", "rectifier", "capacitor")]
    _, whole = plant.sampled(plant.described(supply=RESTLESS, load=plain))
    alone = [plant.sampled(plant.described(supply=RESTLESS, load=[each]))[1] for each in plain]
    assert whole.sum(axis=0) == pytest.approx(sum(part.sum(axis=0) for part in alone), abs=1e-9)


def test_a_day_of_a_constant_load_by_hand(plant):
    fault = {"kind": "ct_reversed", "phases": ["L1"], "daily_at": "06:00", "duration_s": 7200}
    event = {"kind": "interruption", "daily_at": "12:00", "duration_s": 3600}
    network = plant.described(
        supply={"voltages_v": 230, "event": [event]},
        load=[plant.load("constant", power_w=[1000, 2000, 3000])],
        wiring=[fault],
        utc_offset="-05:00",
    )
    day = day_of(network)
    assert day.date.isoformat() == "2025-12-31"
    assert day.import_wh == pytest.approx(23 * 6000, rel=1e-10)
    assert day.seen_import_wh == pytest.approx(23 * 6000 - 2 * 2000, rel=1e-10)
    assert [(each.begin_s, each.end_s, each.is_wiring) for each in day.happenings] == [
        (21_600, 28_800, True),
        (43_200, 46_800, False),
    ]
    assert day_of(network, 1).date.isoformat() == "2026-01-01"


def test_faults_of_a_script_join_those_of_the_file(plant):
    script = PlantScript.model_validate(
        {
            "seed": 3,
            "plant": [
                {"kind": "ct_reversed", "phases": ["L1"], "at_s": 10, "duration_s": 5},
                {"kind": "dip", "remaining_percent": 50, "at_s": 20, "duration_s": 5},
            ],
            "bus": [{"kind": "silence", "at_s": 1, "duration_s": 2}],
        }
    )
    base = plant.described(load=[plant.load("constant", power_w=3000, response="impedance")])
    row = plant.rows(with_plant_faults(base, script.plant))
    active = plant.powers(row)[:, 0].real
    assert active[[9, 10, 14, 15, 20, 25]] == pytest.approx([1000, -1000, -1000, 1000, 250, 1000])
    assert plant.powers(plant.rows(base))[12, 0].real == pytest.approx(1000)
