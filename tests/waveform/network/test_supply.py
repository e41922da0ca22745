"""What the mains bring: drift, unbalance, flicker, dips; in samples and in rows."""

import cmath
import math

import numpy as np
import pytest


def rms(samples):
    return np.sqrt((samples**2).mean(axis=-1))


def test_unbalance_is_the_negative_sequence_by_fortescue(plant):
    network = plant.described(supply={"voltages_v": 230, "unbalance_percent": 2, "unbalance_angle_deg": 50})
    u1, u2, u3 = plant.rows(network).voltages[0, :, 0]
    turn = cmath.exp(2j * math.pi / 3)
    positive, negative, zero = (
        (u1 + turn * u2 + turn**2 * u3) / 3,
        (u1 + turn**2 * u2 + turn * u3) / 3,
        (u1 + u2 + u3) / 3,
    )
    assert abs(positive) == pytest.approx(230, rel=1e-12)
    assert abs(negative / positive) == pytest.approx(0.02, rel=1e-12)
    assert math.degrees(cmath.phase(negative / positive)) == pytest.approx(50, abs=1e-9)
    assert abs(zero) < 1e-12
    assert u1.imag == pytest.approx(0, abs=1e-12)


def test_power_is_what_is_written_on_unbalanced_voltages_too(plant):
    supply = {"voltages_v": [231, 228, 235], "unbalance_percent": 3}
    network = plant.described(supply=supply, load=[plant.load("constant", power_w=[100, 200, 300], cos_phi="0.8 ind")])
    assert plant.powers(plant.rows(network))[0] == pytest.approx(np.array([100, 200, 300]) * (1 + 0.75j), rel=1e-12)


def test_frequency_wanders_within_its_drift_and_its_phase_never_jumps(plant):
    supply = {"voltages_v": 230, "frequency_hz": 50, "frequency_drift_hz": 0.2, "frequency_drift_s": 300}
    network = plant.described(supply=supply)
    frequencies = np.concatenate([plant.rows(network, hour).frequency_hz for hour in range(4)])
    assert 0.1 < np.abs(frequencies - 50).max() <= 0.2
    voltages, _ = plant.sampled(network, first=3590, count=20)
    angle = np.unwrap(np.angle(voltages[0] + 1j * (voltages[1] - voltages[2]) / math.sqrt(3)))
    made_hz = np.diff(angle) * 4000 / (2 * math.pi)
    assert made_hz == pytest.approx(np.repeat(frequencies[3590:3610], 4000)[:-1], abs=1e-6)


def test_voltages_wander_within_their_drift(plant):
    network = plant.described(supply={"voltages_v": 230, "voltage_drift_percent": 3})
    sizes = np.concatenate([np.abs(plant.rows(network, hour).voltages[:, :, 0]) for hour in range(24)]) / 230
    assert 0.97 <= sizes.min() < 0.985
    assert 1.015 < sizes.max() <= 1.03
    assert np.abs(np.diff(sizes, axis=0)).max() < 1.5e-4


@pytest.mark.parametrize("frequency_hz", [8.8, 0.5, 17])
def test_flicker_changes_the_voltage_by_its_percent_and_the_rows_have_its_rms(plant, frequency_hz):
    supply = {"voltages_v": 230, "flicker": {"percent": 4, "frequency_hz": frequency_hz}}
    network = plant.described(supply=supply)
    voltages, _ = plant.sampled(network, first=7, count=5)
    truth = 1 + 0.02 * np.sin(2 * math.pi * frequency_hz * (7 + np.arange(20_000) / 4000))
    carrier = np.sin(2 * math.pi * 50 * np.arange(20_000) / 4000) * 230 * math.sqrt(2)
    assert voltages[0] == pytest.approx(truth * carrier, abs=1e-8)
    mean_square = (truth.reshape(5, 4000) ** 2).mean(axis=1)
    row = np.abs(plant.rows(network).voltages[7:12, 0, 0]) / 230
    assert row == pytest.approx(np.sqrt(mean_square), rel=3e-5)


def test_a_load_of_constant_power_draws_it_through_flicker(plant):
    supply = {"voltages_v": 230, "flicker": {"percent": 5}}
    network = plant.described(supply=supply, load=[plant.load("constant", power_w=3000, cos_phi="0.8 ind")])
    voltages, currents = plant.sampled(network)
    assert (voltages * currents).mean(axis=1) == pytest.approx([1000] * 3, rel=1e-10)
    assert plant.powers(plant.rows(network)) == pytest.approx(np.full((3600, 3), 1000 + 750j), rel=1e-10)


def test_a_dip_is_there_for_its_time_on_its_phases(plant):
    event = {"kind": "dip", "at_s": 2.25, "duration_s": 0.5, "remaining_percent": 40, "phases": ["L1", "L3"]}
    network = plant.described(supply={"voltages_v": 230, "event": [event]})
    voltages, _ = plant.sampled(network, first=2)
    plain, _ = plant.sampled(plant.described())
    share = np.ones((3, 4000))
    share[::2, 1000:3000] = 0.4
    assert voltages == pytest.approx(plain * share, abs=1e-9)
    row = np.abs(plant.rows(network).voltages[1:4, :, 0]) / 230
    assert row[1] == pytest.approx([math.sqrt(0.5 + 0.5 * 0.16), 1, math.sqrt(0.5 + 0.5 * 0.16)], rel=1e-12)
    assert row[[0, 2]] == pytest.approx(np.ones((2, 3)), rel=1e-12)


def test_the_row_of_a_cut_second_has_the_energy_of_its_parts(plant):
    event = {"kind": "dip", "at_s": 2.25, "duration_s": 0.5, "remaining_percent": 60}
    network = plant.described(
        supply={"voltages_v": 230, "event": [event]},
        load=[plant.load("constant", power_w=3000, cos_phi="0.8 ind", response="impedance")],
    )
    assert plant.powers(plant.rows(network))[2] == pytest.approx(np.full(3, (1000 + 750j) * (0.5 + 0.5 * 0.36)), rel=1e-12)


def test_an_interruption_leaves_neither_voltage_nor_current(plant):
    event = {"kind": "interruption", "at_s": 10, "duration_s": 5.5}
    loads = [plant.load("constant", power_w=3000), plant.load("photovoltaics", peak_w=9000, solar_noon="00:00")]
    network = plant.described(supply={"voltages_v": 230, "event": [event]}, load=loads)
    row = plant.rows(network)
    assert not row.voltages[10:15].any()
    assert not row.currents[10:15].any()
    voltages, currents = plant.sampled(network, first=15)
    assert not voltages[:, :2000].any()
    assert not currents[:, :2000].any()
    assert rms(voltages[:, 2000:]) == pytest.approx([230] * 3, rel=1e-10)


def test_events_of_each_day_come_each_day(plant):
    event = {"kind": "dip", "daily_at": "02:00:10", "duration_s": 3, "remaining_percent": 50}
    network = plant.described(supply={"voltages_v": 230, "event": [event]}, utc_offset="+01:00")
    for hour in (1, 25, 49):
        low = np.flatnonzero(np.abs(plant.rows(network, hour).voltages[:, 0, 0]) < 200)
        assert low.tolist() == [10, 11, 12]
    assert np.abs(plant.rows(network, 2).voltages[:, 0, 0]).min() > 200


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "dip", "at_s": 1, "duration_s": 1},
        {"kind": "dip", "at_s": 1, "duration_s": 1, "remaining_percent": 100},
        {"kind": "swell", "at_s": 1, "duration_s": 1, "remaining_percent": 100},
        {"kind": "interruption", "at_s": 1, "duration_s": 1, "remaining_percent": 0},
        {"kind": "dip", "remaining_percent": 50, "duration_s": 1},
        {"kind": "dip", "remaining_percent": 50, "at_s": 1},
        {"kind": "blackout", "at_s": 1, "duration_s": 1},
    ],
)
def test_events_that_cannot_be_are_refused(plant, event):
    with pytest.raises(ValueError, match=r"supply\.event"):
        plant.described(supply={"voltages_v": 230, "event": [event]})
