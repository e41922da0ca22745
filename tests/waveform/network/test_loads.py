"""Each kind of load draws what its definition says: power, reactive power, spectrum, hours."""

import math

import numpy as np
import pytest

from watthour.waveform.network.weather import Panels, clear_sky, clouds

ROUNDING = 1e-11
HOURS = "00:10-00:40"


def test_a_scheduled_load_draws_at_its_hours_alone(plant):
    network = plant.described(load=[plant.load("scheduled", power_w=3000, cos_phi="0.6 cap", on=HOURS)])
    powers = plant.powers(plant.rows(network))
    assert powers[600:2400] == pytest.approx(np.full((1800, 3), 1000 - 4000j / 3), rel=ROUNDING)
    assert not powers[:600].any()
    assert not powers[2400:].any()


def test_hours_go_by_the_clock_of_the_installation(plant):
    network = plant.described(load=[plant.load("scheduled", power_w=3000, on="06:00-07:00")], utc_offset="+01:00")
    assert [bool(plant.powers(plant.rows(network, hour)).any()) for hour in (4, 5, 6)] == [False, True, False]


def test_a_profile_scales_active_and_reactive_power(plant):
    steps = {"day": list(range(24)), "smooth": False}
    network = plant.described(load=[plant.load("profile", power_w=3000, cos_phi="0.8 ind", profile=steps)])
    assert plant.powers(plant.rows(network, 17))[0, 0] == pytest.approx((1000 + 750j) * 0.17, rel=ROUNDING)


def test_a_load_that_varies_stays_within_what_is_written_and_means_what_is_written(plant):
    network = plant.described(load=[plant.load("profile", power_w=3000, profile={"day": [100] * 24}, varies_percent=20)])
    active = np.concatenate([plant.powers(plant.rows(network, hour))[:, 0].real for hour in range(24)])
    assert 800 <= active.min() < 850
    assert 1150 < active.max() <= 1200
    assert active.mean() == pytest.approx(1000, rel=5 * 0.2 / math.sqrt(3 * 1440))


def test_a_motor_starts_with_its_starting_current_at_each_turn(plant):
    keys = {"run_s": 100, "rest_s": 50, "starting_s": 4, "starting_current": 5, "starting_cos_phi": "0.4 ind"}
    network = plant.described(load=[plant.load("motor", power_w=3000, cos_phi="0.8 ind", **keys)])
    powers = plant.powers(plant.rows(network))[:, 1]
    starting = 5 * 1250 * (0.4 + 1j * math.sqrt(1 - 0.16))
    assert powers[150:154] == pytest.approx(np.full(4, starting), rel=ROUNDING)
    assert powers[154:250] == pytest.approx(np.full(96, 1000 + 750j), rel=ROUNDING)
    assert not powers[250:300].any()
    assert powers[300:304] == pytest.approx(np.full(4, starting), rel=ROUNDING)


def test_a_motor_that_starts_just_before_the_hour_goes_on_starting_in_it(plant):
    network = plant.described(load=[plant.load("motor", power_w=3000, run_s=3600, rest_s=10, starting_s=20)])
    hours = [plant.powers(plant.rows(network, hour))[:, 0].real for hour in (0, 1)]
    whole = np.concatenate(hours)
    starts = np.flatnonzero(np.diff(whole) > 0) + 1
    assert starts[0] == 3610
    assert whole[3610:3630] == pytest.approx(np.full(20, whole[3610]))
    assert whole[3630] == pytest.approx(1000)


def test_a_motor_that_never_rests_never_starts(plant):
    powers = plant.powers(plant.rows(plant.described(load=[plant.load("motor", power_w=3000, cos_phi="0.8 ind")])))
    assert powers == pytest.approx(np.full((3600, 3), 1000 + 750j), rel=ROUNDING)


@pytest.mark.parametrize(("pulses", "orders"), [(2, [3, 5, 7, 9, 11, 13]), (6, [5, 7, 11, 13]), (12, [11, 13])])
def test_a_rectifier_has_the_spectrum_of_its_current_blocks(plant, pulses, orders):
    """The Fourier integral over half a cycle of the ideal current: 180 degrees wide of 2 pulses, 120 of 6."""
    network = plant.described(load=[plant.load("rectifier", power_w=3000, cos_phi=1, pulses=pulses)])
    row = plant.rows(network)
    assert row.orders == (1, *orders)
    half_width = {2: math.pi / 2, 6: math.pi / 3}.get(pulses)
    for place, order in enumerate(row.orders):
        ratio = (row.currents[0, 0, place] / row.currents[0, 0, 0]).real
        truth = 1 / order
        if half_width is not None:
            truth = math.sin(order * math.pi / 2) * math.sin(order * half_width) / (order * math.sin(half_width))
        assert ratio == pytest.approx(truth, rel=1e-12)
        assert abs((row.currents[0, 0, place] / row.currents[0, 0, 0]).imag) < 1e-12
    assert plant.powers(row).real.sum(axis=1) == pytest.approx(np.full(3600, 3000), rel=ROUNDING)


def test_a_rectifier_may_have_a_spectrum_of_its_own(plant):
    network = plant.described(load=[plant.load("rectifier", power_w=3000, harmonics=[{"order": 5, "percent": 30}])])
    row = plant.rows(network)
    assert row.orders == (1, 5)
    assert np.abs(row.currents[:, :, 1]) == pytest.approx(0.3 * np.abs(row.currents[:, :, 0]), rel=ROUNDING)


def test_a_burst_fired_heater_is_on_for_whole_cycles_of_its_pattern(plant):
    keys = {"phases": ["L1"], "power_w": 2300, "setting_percent": 40, "pattern_cycles": 10}
    network = plant.described(load=[plant.load("heater", **keys)])
    voltages, currents = plant.sampled(network)
    cycles = (voltages * currents)[0].reshape(50, 80).mean(axis=1)
    assert cycles == pytest.approx(np.tile([2300] * 4 + [0] * 6, 5), rel=ROUNDING, abs=1e-9)
    assert plant.powers(plant.rows(network))[:, 0] == pytest.approx(np.full(3600, 920), rel=1e-9)


def _cycles_on(each_second, on, pattern, seconds):
    """Count, cycle by cycle."""
    flags = [cycle % pattern < on for cycle in range(each_second * seconds)]
    return [sum(flags[k * each_second : (k + 1) * each_second]) for k in range(seconds)]


def test_a_pattern_longer_than_a_second_gives_each_second_its_share(plant):
    keys = {"phases": ["L1"], "power_w": 2000, "setting_percent": 50, "pattern_cycles": 120}
    powers = plant.powers(plant.rows(plant.described(load=[plant.load("heater", **keys)])))[:, 0].real
    cycles_on = _cycles_on(50, 60, 120, 6)
    assert powers[:6] == pytest.approx(2000 * np.array(cycles_on) / 50, rel=1e-9, abs=1e-6)
    assert powers.mean() == pytest.approx(1000, rel=1e-9)


def test_a_welder_is_used_in_its_share_of_half_minutes_and_welds_whole_cycles(plant):
    keys = {"phases": ["L2"], "power_w": 6000, "weld_cycles": 5, "pause_cycles": 20, "busy_percent": 40}
    network = plant.described(load=[plant.load("welder", **keys)])
    powers = np.concatenate([plant.powers(plant.rows(network, hour))[:, 1] for hour in range(24)])
    slots = powers.reshape(-1, 30)
    assert (slots == slots[:, :1]).all()
    assert slots[slots[:, 0] != 0, 0] == pytest.approx(np.full((slots[:, 0] != 0).sum(), (6000 + 8000j) / 5), rel=1e-9)
    assert (slots[:, 0] != 0).mean() == pytest.approx(0.4, abs=5 * math.sqrt(0.24 / 2880))


def test_a_capacitor_gives_reactive_power_with_the_square_of_the_voltage(plant):
    network = plant.described(
        supply={"voltages_v": 230, "voltage_profile": {"day": [90] * 24}},
        load=[plant.load("capacitor", rated_var=3000, losses_w=30)],
    )
    assert plant.powers(plant.rows(network)) == pytest.approx(np.full((3600, 3), 0.81 * (10 - 1000j)), rel=ROUNDING)


def test_photovoltaics_export_by_day_and_rest_by_night(plant):
    keys = {"peak_w": 30_000, "clouds_percent": 0, "latitude_deg": 40, "tilt_deg": 30}
    network = plant.described(load=[plant.load("photovoltaics", **keys)])
    day = np.concatenate([plant.powers(plant.rows(network, hour)).sum(axis=1).real for hour in range(24)])
    assert day.max() <= 0
    assert not day[: 6 * 3600].any()
    assert not day[19 * 3600 :].any()
    assert abs(int(day.argmin()) - 12 * 3600) <= 60
    assert day[3600:43_200] == pytest.approx(day[82_800:43_200:-1], rel=0.02, abs=30)


def test_the_sun_stands_where_it_does_at_solstice_and_equinox():
    """Level panels on the equator at noon: straight above at equinox, 23.44 degrees off at the solstice."""
    panels = Panels(latitude_rad=0.0, tilt_rad=0.0, noon_s=43_200, cloudiness=0.0)
    equinox, solstice = (np.array([(days + 0.5) * 86_400], dtype=np.int64) for days in (79, 172))

    def truth(zenith_deg):
        cosine = math.cos(math.radians(zenith_deg))
        mass = 1 / (cosine + 0.50572 * (96.07995 - zenith_deg) ** -1.6364)
        return 1.1 * 1.353 * 0.7 ** (mass**0.678) * cosine

    assert clear_sky(panels, equinox)[0] == pytest.approx(truth(0), rel=0.002)
    assert clear_sky(panels, solstice)[0] == pytest.approx(truth(23.44), rel=0.002)


@pytest.mark.parametrize("cloudiness", [0.1, 0.5, 0.9])
def test_clouds_take_about_the_share_of_time_that_is_written(cloudiness):
    cover = clouds(cloudiness, np.arange(200_000), 7, 3)
    assert cover.min() >= 0
    assert cover.max() <= 1
    assert cover.mean() == pytest.approx(cloudiness, abs=0.15)


def test_two_fields_are_under_the_same_clouds(plant):
    field = plant.load("photovoltaics", peak_w=3000, clouds_percent=60)
    both = plant.described(load=[{**field, "name": "East"}, {**field, "name": "West"}])
    one = plant.described(load=[field])
    assert plant.powers(plant.rows(both, 12)) == pytest.approx(2 * plant.powers(plant.rows(one, 12)), rel=ROUNDING)


@pytest.mark.parametrize("response", ["power", "impedance"])
def test_power_or_impedance_stays_as_the_voltage_changes(plant, response):
    network = plant.described(
        supply={"voltages_v": 230, "voltage_profile": {"day": [80] * 24}},
        load=[plant.load("constant", power_w=3000, cos_phi="0.8 ind", response=response)],
    )
    share = 1.0 if response == "power" else 0.64
    assert plant.powers(plant.rows(network)) == pytest.approx(np.full((3600, 3), share * (1000 + 750j)), rel=ROUNDING)


@pytest.mark.parametrize(("percent", "current"), [(70, 1 / 0.7), (69.9, 0.699 / 0.49), (35, 0.35 / 0.49), (0, 0)])
def test_below_70_percent_a_load_of_constant_power_is_an_impedance(plant, percent, current):
    event = {"kind": "dip", "at_s": 0, "duration_s": 10, "remaining_percent": percent}
    network = plant.described(supply={"voltages_v": 230, "event": [event]}, load=[plant.load("constant", power_w=690)])
    assert np.abs(plant.rows(network).currents[5, 0, 0]) == pytest.approx(current, rel=ROUNDING)
