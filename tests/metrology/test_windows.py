"""Where windows begin and end, what a rest holds, and what cut-off and missing voltages do."""

import numpy as np
import pytest

from watthour.metrology import WINDOW

RATE_HZ = 1200.0


def whole(rows):
    """Return the rows of 10 or 12 cycles."""
    return rows[rows["cycles"] >= 10]


@pytest.mark.parametrize(("frequency_hz", "cycles"), [(45.0, 10), (50.0, 10), (54.9, 10), (55.1, 12), (60.0, 12), (65.0, 12)])
def test_a_window_has_ten_cycles_below_55_hz_and_twelve_above(waves, measure_all, frequency_hz, cycles):
    rows = measure_all([waves.wave(waves.single_phase(), frequency_hz, 4800, RATE_HZ)])[1:-1]
    assert rows["cycles"].tolist() == [cycles] * len(rows)
    assert abs(rows["samples"] - cycles * RATE_HZ / frequency_hz).max() < 1 + 1e-9


@pytest.mark.parametrize("samples", [1, 2, 9, 23, 24, 25, 100, 239, 240, 241, 244, 248, 249, 250, 489, 1001, 1244])
@pytest.mark.parametrize("frequency_hz", [45.0, 50.0, 61.7])
def test_every_sample_lies_in_exactly_one_row(waves, measure_all, samples, frequency_hz):
    six = waves.single_phase()
    block = waves.wave(six, frequency_hz, samples, RATE_HZ)
    rows = measure_all([block])
    assert rows["samples"].sum() == samples
    assert rows["first_sample"].tolist() == [0, *np.cumsum(rows["samples"])[:-1]]
    plain = (block.voltages[0] * block.currents[0]).sum() / RATE_HZ
    assert rows["active_ws"][:, 0].sum() == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("first_sample", [0, 1, 123_456_789_012])
def test_the_place_of_a_stream_in_its_source_does_not_matter(waves, measure_all, first_sample):
    six = waves.single_phase()
    rows = measure_all([waves.wave(six, 50.13, 2000, RATE_HZ, first_sample=first_sample)])
    plain = measure_all([waves.wave(six, 50.13, 2000, RATE_HZ)])
    rows["first_sample"] -= first_sample
    assert rows.tobytes() == plain.tobytes()


def test_exactly_one_window_and_what_its_taper_touches_is_a_window(waves, measure_all):
    six = waves.single_phase()
    # four samples of fringe, the taper's reach at the end, and 240 of 10 cycles from the edge half a sample before
    rows = measure_all([waves.wave(six, 50.0, 4 + 240 + 5, RATE_HZ)])
    assert rows["cycles"].tolist() == [10, 0]
    assert rows["samples"].tolist() == [244, 5]
    assert measure_all([waves.wave(six, 50.0, 4 + 240 + 4, RATE_HZ)])["cycles"].tolist() == [9]


@pytest.mark.parametrize("cycles", [2, 3, 5, 8, 9])
@pytest.mark.parametrize("frequency_hz", [45.0, 50.0, 57.3, 65.0])
def test_a_record_shorter_than_a_window_still_finds_its_frequency_and_reactive_power(waves, measure_all, cycles, frequency_hz):
    six = waves.single_phase()
    samples = int((cycles + 0.7) * 8000 / frequency_hz)
    (row,) = measure_all([waves.wave(six, frequency_hz, samples, 8000.0)])
    truth = waves.reactive_vars(six[0], six[3], samples, 8000.0)
    assert 1 <= row["cycles"] <= cycles
    assert row["frequency_hz"] == pytest.approx(frequency_hz, rel=2e-3)
    assert row["reactive_vars"][0] == pytest.approx(truth, rel=1e-3)


def test_less_than_a_cycle_holds_the_reactive_power_of_the_window_before(waves, measure_all):
    six = waves.single_phase()
    samples = 5 * 240 + 4 + 15
    rows = measure_all([waves.wave(six, 50.0, samples, RATE_HZ)])
    assert rows["cycles"].tolist() == [10] * 5 + [0]
    rest = rows[-1]
    assert rest["samples"] in {15, 16}  # the last window ends within half a sample of 1204
    assert np.isnan(rest["frequency_hz"])
    assert rest["reactive_vars"][0] == pytest.approx(
        (six[0][1] * six[3][1].conjugate()).imag * rest["samples"] / RATE_HZ, rel=1e-9
    )


def test_less_than_a_cycle_with_nothing_before_has_no_reactive_energy(waves, measure_all):
    (row,) = measure_all([waves.wave(waves.single_phase(), 50.0, 20, RATE_HZ)])
    assert row["cycles"] == 0
    assert row["reactive_vars"][0] == 0.0
    assert row["active_ws"][0] != 0.0


@pytest.mark.parametrize("cycles", [1, 2, 3, 7])
def test_a_rest_measures_the_reactive_power_of_its_whole_cycles(waves, measure_all, cycles):
    six = waves.single_phase(voltage_orders=((5, 0.06, 40.0),), current_orders=((3, 0.3, 77.0), (5, 0.4, 0.0)))
    samples = 5 * 1600 + 4 + int((cycles + 0.6) * 160)
    rest = measure_all([waves.wave(six, 50.13, samples, 8000.0)])[-1]
    assert rest["cycles"] == cycles
    assert rest["reactive_vars"][0] == pytest.approx(waves.reactive_vars(six[0], six[3], rest["samples"], 8000.0), rel=5e-6)


def test_a_rest_with_a_jump_inside_counts_all_its_samples(waves, measure_all):
    block = waves.wave(waves.single_phase(), [(0, 50.0), (1250, 62.0)], 1390, RATE_HZ)
    rows = measure_all([block])
    assert rows["samples"].sum() == 1390
    plain = (block.voltages[0] * block.currents[0]).sum() / RATE_HZ
    assert rows["active_ws"][:, 0].sum() == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize(("frequency_hz", "is_found"), [(43.0, False), (44.5, True), (65.5, True), (68.0, False)])
def test_a_fundamental_far_outside_the_range_gives_no_frequency_and_loses_no_energy(waves, measure_all, frequency_hz, is_found):
    six = waves.single_phase()
    block = waves.wave(six, frequency_hz, 8000, RATE_HZ)
    rows = measure_all([block])
    assert (not np.isnan(rows[1:-1]["frequency_hz"]).any()) == is_found
    plain = (block.voltages[0] * block.currents[0]).sum() / RATE_HZ
    assert rows["active_ws"][:, 0].sum() == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize(("out", "expected_hz"), [((), 50.0), ((0,), 51.0), ((0, 1), 52.0), ((1,), 50.0), ((0, 2), 51.0)])
def test_the_frequency_is_that_of_l1_else_l2_else_l3(waves, measure_all, out, expected_hz):
    voltages, currents = np.zeros((3, 2400)), np.zeros((3, 2400))
    for p, hertz in enumerate((50.0, 51.0, 52.0)):
        v, i = waves.sample(waves.single_phase(phase=p), waves.phase_angle(hertz, 2400, RATE_HZ))
        voltages += v * (p not in out)
        currents += i
    rows = whole(measure_all([waves.block_of(voltages, currents, RATE_HZ)]))
    assert rows["frequency_hz"][1:] == pytest.approx(expected_hz, abs=1e-4)


@pytest.mark.parametrize(("voltage_v", "is_on"), [(12.8, True), (12.6, False)])
def test_a_voltage_is_on_from_the_limit_on(waves, measure_all, voltage_v, is_on):
    rows = measure_all([waves.wave(waves.single_phase(voltage_v=voltage_v), 50.0, 2400, RATE_HZ)])
    assert rows["powered"].tolist() == [int(is_on)] * len(rows)
    assert np.isnan(whole(rows)["frequency_hz"]).tolist() == [not is_on] * len(whole(rows))


def test_a_voltage_that_comes_late_is_found_within_two_windows(waves, measure_all):
    six = waves.single_phase()
    block = waves.wave(six, 60.0, 6000, RATE_HZ)
    block.voltages[:, :2000] = 0.0
    rows = measure_all([block])
    start = np.flatnonzero(rows["first_sample"] + rows["samples"] > 2000)[0]
    assert np.isnan(rows["frequency_hz"][:start]).all()
    assert rows["frequency_hz"][start + 2 : -1] == pytest.approx(60.0, abs=1e-4)
    assert rows["samples"].sum() == 6000


def test_a_frequency_lost_is_held_for_cutting_but_not_shown(waves, measure_all):
    block = waves.wave(waves.single_phase(), 60.0, 6000, RATE_HZ)
    block.voltages[:, 3000:] = 0.0
    rows = measure_all([block])[:-1]
    assert np.isnan(rows["frequency_hz"][-3:]).all()
    assert rows["cycles"][-3:].tolist() == [12, 12, 12]


def test_a_voltage_of_noise_has_no_frequency(waves, measure_all):
    noise = np.random.Generator(np.random.Philox(key=3)).standard_normal((6, 4800))
    rows = measure_all([waves.block_of(230.0 * noise[:3], noise[3:], RATE_HZ)])
    assert np.isnan(rows["frequency_hz"]).all()
    plain = (230.0 * noise[0] * noise[3]).sum() / RATE_HZ
    assert rows["active_ws"][:, 0].sum() == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize(("current_a", "counts"), [(0.00101, True), (0.00099, False)])
def test_a_phase_begins_to_count_at_the_cut_off(waves, measure_all, current_a, counts):
    six = waves.single_phase(current_a=current_a)
    samples = 10 * 1200
    rows = measure_all([waves.wave(six, 50.0, samples, RATE_HZ)])
    assert rows["counting"][:, 0].tolist() == [int(counts)] * len(rows)
    truth = waves.active_ws(six[0], six[3], 50.0, samples, RATE_HZ) if counts else 0.0
    assert rows["active_ws"][:, 0].sum() == pytest.approx(truth, rel=1e-4)
    assert rows["active_ws"][:, 1:].any() == np.False_
    if not counts:
        for name in ("current_a", "power_w", "reactive_var", "active_ws", "reactive_vars"):
            assert not rows[name].any()


@pytest.mark.parametrize(("dip_a", "counts"), [(0.00081, True), (0.00079, False)])
def test_a_phase_that_counts_goes_on_down_to_four_fifths_of_the_cut_off(waves, measure_all, dip_a, counts):
    theta = waves.phase_angle(50.0, 3600, RATE_HZ)
    voltages, currents = waves.sample(waves.single_phase(current_a=1.0), theta)
    currents *= np.where(np.arange(3600) < 1204, 0.00101, dip_a)
    rows = measure_all([waves.block_of(voltages, currents, RATE_HZ)])
    assert rows["counting"][:5, 0].tolist() == [1] * 5
    assert rows["counting"][6:, 0].tolist() == [int(counts)] * (len(rows) - 6)


def test_a_phase_that_stopped_begins_again_only_at_the_cut_off(waves, measure_all):
    theta = waves.phase_angle(50.0, 4800, RATE_HZ)
    voltages, currents = waves.sample(waves.single_phase(current_a=1.0), theta)
    currents *= np.select(
        [np.arange(4800) < 1204, np.arange(4800) < 2404, np.arange(4800) < 3604], [0.0012, 0.0007, 0.0009], 0.0012
    )
    rows = whole(measure_all([waves.block_of(voltages, currents, RATE_HZ)]))
    assert rows["counting"][:, 0][[2, 3, 7, 8, 12, 13, 17, 18]].tolist() == [1, 1, 0, 0, 0, 0, 1, 1]


def test_each_phase_has_its_own_cut_off(waves, measure_all):
    six = waves.three_phase(currents_a=(5.0, 0.0005, 0.0))
    rows = measure_all([waves.wave(six, 50.0, 2400, RATE_HZ)])
    assert rows["counting"].tolist() == [[1, 0, 0]] * len(rows)
    assert rows["current_a"][:, 1:].any() == np.False_


def test_a_rest_near_a_zero_crossing_does_not_stop_a_phase(waves, measure_all):
    # at 20000/s the first window ends with sample 4003; the current crosses zero at 4006
    theta = waves.phase_angle(50.0, 4040, 20000.0) - 4006 * 2 * np.pi * 50 / 20000 - np.pi / 2
    voltages, currents = waves.sample(waves.single_phase(current_a=0.005, angle_deg=0.0), theta)
    for samples in range(4009, 4040):
        block = waves.block_of(voltages[:, :samples], currents[:, :samples], 20000.0)
        rows = measure_all([block])
        assert rows["cycles"].tolist() == [10, 0]
        assert rows["counting"][:, 0].tolist() == [1, 1]
        plain = (block.voltages[0] * block.currents[0]).sum() / 20000
        assert rows["active_ws"][:, 0].sum() == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize("channel", range(6))
@pytest.mark.parametrize("current_a", [5.0, 0.0], ids=["loaded", "below cut-off"])
@pytest.mark.parametrize(("place", "bad"), [(0, np.nan), (100, np.inf), (247, np.nan), (1300, -np.inf), (1443, np.nan)])
def test_a_sample_that_is_no_number_always_shows_in_the_energy(  # noqa: PLR0917 - six parameters
    waves, measure_all, channel, current_a, place, bad
):
    block = waves.wave(waves.three_phase(currents_a=(current_a,) * 3), 50.0, 1444, RATE_HZ)
    (block.voltages if channel < 3 else block.currents)[channel % 3, place] = bad
    rows = measure_all([block])
    assert not np.isfinite(rows["active_ws"]).all()


def test_no_row_has_a_field_that_is_not_filled(waves, measure_all):
    rows = measure_all([waves.wave(waves.three_phase(), 50.0, 2400, RATE_HZ)])
    for name in WINDOW.names:
        unknown = name in {"frequency_hz", "line_voltage_v", "neutral_current_a"}
        assert unknown or not np.isnan(rows[name]).any()
