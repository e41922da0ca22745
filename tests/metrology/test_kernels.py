"""The kernels as plain Python: the same numbers as their machine code, and what each of them says of itself.

Sums may be added in another order when compiled, so they agree within the rounding of some hundred terms.
"""

import cmath
import math

import numpy as np
import pytest

from watthour.metrology import measure, measure_end, open_window, stream, sums, tone, tracking, window, windows
from watthour.metrology.records import WINDOW, Conditions, six_of

RATE_HZ = 1200.0
RELATIVE = 1e-9


def streams(waves):
    """Return small streams that take every way through the tracker."""
    steady = waves.wave(waves.three_phase(), 50.13, 700, RATE_HZ, kind="float32")
    jumping = waves.wave(waves.single_phase(), [(0, 50.0), (500, 61.0)], 1000, RATE_HZ)
    stepping = waves.wave(waves.single_phase(phase=2), [(0, 50.0), (400, 51.0)], 1000, RATE_HZ)
    late = waves.wave(waves.three_phase(currents_a=(5.0, 0.0005, 0.0)), 63.0, 900, RATE_HZ)
    late.voltages[:, :500] = 0.0
    gone = waves.wave(waves.single_phase(), 60.0, 900, RATE_HZ)
    gone.voltages[:, 400:] = 0.0
    outside = waves.wave(waves.single_phase(), 38.0, 600, RATE_HZ)
    whole_numbers = waves.block_of(
        *np.rint(np.array(waves.sample(waves.three_phase(), waves.phase_angle(45.0, 600, RATE_HZ)))), RATE_HZ, kind="int16"
    )
    short = waves.wave(waves.single_phase(), 47.0, 130, RATE_HZ)
    shortest = waves.wave(waves.single_phase(), 47.0, 11, RATE_HZ)
    dead = waves.block_of(np.zeros((3, 150)), np.zeros((3, 150)), RATE_HZ)
    broken = waves.wave(waves.single_phase(), [(0, 50.0), (300, 64.0)], 400, RATE_HZ)
    return steady, jumping, stepping, late, gone, outside, whole_numbers, short, shortest, dead, broken


def test_interpreted_kernels_measure_what_compiled_ones_do(waves, measure_all, request):
    compiled = [measure_all(waves.pieces(block, [100])) for block in streams(waves)]
    request.getfixturevalue("interpreted")
    assert not hasattr(window.sum_window, "py_func")
    plain = [measure_all(waves.pieces(block, [100])) for block in streams(waves)]
    for expected, found in zip(compiled, plain, strict=True):
        for name in WINDOW.names:
            if np.iscomplexobj(expected[name]):
                assert found[name] == pytest.approx(expected[name], rel=RELATIVE, abs=1e-7)
            else:
                assert found[name] == pytest.approx(expected[name], rel=RELATIVE, abs=1e-6, nan_ok=True), name


@pytest.mark.usefixtures("interpreted")
def test_a_stream_after_a_break_keeps_frequency_and_reactive_power(waves, thresholds, measure_all):
    block = waves.wave(waves.single_phase(), 60.0, 300, RATE_HZ)
    opened, _ = measure(open_window(block), block, thresholds)
    opened, _ = measure_end(opened, thresholds)
    after = waves.wave(waves.single_phase(), 60.0, 10, RATE_HZ, first_sample=5000)
    (row,) = measure_all([after], opened.tracker)
    assert row["first_sample"] == 5000
    assert row["cycles"] == 0
    assert row["reactive_var"][0] == pytest.approx(1150 * math.sin(math.pi / 3), rel=1e-4)


@pytest.mark.usefixtures("interpreted")
def test_windows_are_measured_as_far_as_there_are_rows(waves, thresholds):
    block = waves.wave(waves.single_phase(), 50.0, 600, RATE_HZ)
    opened = open_window(block)
    six, conditions = six_of(block), stream._conditions(block, thresholds)
    tracker, rows = opened.tracker.copy(), np.zeros(1, WINDOW)
    assert windows.measure_windows(six, 0, conditions, tracker[0], opened.scratch, rows) == 1
    assert windows.measure_windows(six, 0, conditions, tracker[0], opened.scratch, rows) == 1
    assert rows["first_sample"][0] == 244
    assert windows.measure_windows(six, 0, conditions, tracker[0], opened.scratch, rows) == 0


@pytest.mark.usefixtures("interpreted")
def test_a_stream_without_samples_has_no_rest(waves, thresholds):
    empty = waves.wave(waves.single_phase(), 50.0, 0, RATE_HZ)
    opened, _ = measure(open_window(empty), empty, thresholds)
    assert len(measure_end(opened, thresholds)[1]) == 0


def rise(distance):
    """The integral of a Hann window of eight samples, up to `distance` samples after its middle."""
    x = min(max(distance / 8, -0.5), 0.5)
    return 0.5 + x + math.sin(2 * math.pi * x) / (2 * math.pi)


@pytest.mark.parametrize("edge", [-0.5, -0.2, 0.0, 0.3, 0.4999, 999.7, 1000.5])
def test_an_edge_rises_over_eight_samples_as_an_integrated_hann_window(edge):
    weights = np.zeros(8)
    first = sums.fill_edge.py_func(edge, 1.0, weights)
    whole = math.floor(edge + 0.5)
    touched = range(first, first + 8)
    for k in range(whole - 9, whole + 10):
        added = weights[k - first] if k in touched else 0.0
        assert (k >= whole) + added == pytest.approx(rise(k - edge), abs=1e-13)
    compiled = np.zeros(8)
    assert sums.fill_edge(edge, 1.0, compiled) == first
    assert compiled == pytest.approx(weights, abs=1e-15)


@pytest.mark.parametrize("edge", [-0.5, -0.2, 0.0, 0.3, 0.4999])
def test_the_weights_of_neighbouring_windows_add_to_one(edge):
    begin, end = np.zeros(8), np.zeros(8)
    first = sums.fill_edge.py_func(edge, 1.0, begin)
    assert sums.fill_edge.py_func(edge, -1.0, end) == first
    assert (begin == -end).all()
    hard = np.arange(first, first + 8) >= 0
    assert ((hard + begin) >= -1e-15).all()
    assert (hard + begin).sum() == pytest.approx(first + 8 - 0.5 - edge)  # the taper keeps the area of its edge


@pytest.mark.parametrize("samples", [5, 64, 65, 500, 2001])
def test_the_oscillator_is_exact_to_the_last_bits(samples):
    table, other = np.zeros((2, samples)), np.zeros((2, samples))
    step = 2 * math.pi * 50.13 / 8000
    sums.fill_oscillator(step, table)
    sums.fill_oscillator.py_func(step, other)
    angle = (np.arange(samples) - sums.FRINGE) * step
    assert np.abs(table - [np.cos(angle), np.sin(angle)]).max() < 2 * np.finfo(float).eps * (
        1 + angle.max()
    )  # the angle's own rounding
    assert np.abs(table - other).max() < 1e-15


def test_sums_are_those_of_numpy():
    noise = np.random.Generator(np.random.Philox(key=1)).standard_normal((8, 1501))
    u, i, v, j, c, s, w, _ = noise
    expected = [u @ u, i @ i, u @ i, u @ c, u @ s, i @ c, i @ s, u.sum(), i.sum(), u @ v, i @ j]
    assert sums.phase_sums(u, i, v, j, c, s) == pytest.approx(expected, rel=1e-10)
    assert sums.phase_sums.py_func(u, i, v, j, c, s) == pytest.approx(expected, rel=1e-10)
    x, y = w * u, w * i
    expected = [x @ u, y @ i, x @ i, x @ c, x @ s, y @ c, y @ s, x.sum(), y.sum(), x @ v, y @ j]
    assert sums.edge_sums(u, i, v, j, c, s, w) == pytest.approx(expected, rel=1e-10)
    assert sums.edge_sums.py_func(u, i, v, j, c, s, w) == pytest.approx(expected, rel=1e-10)
    assert sums.edge_correlation(u, c, s, w) == pytest.approx([x @ c, x @ s, x.sum()], rel=1e-10)
    assert sums.edge_correlation.py_func(u, c, s, w) == pytest.approx([x @ c, x @ s, x.sum()], rel=1e-10)
    assert sums.product_sums.py_func(u, i) == pytest.approx([u @ u, i @ i, u @ i, u.sum(), i.sum()], rel=1e-10)


@pytest.mark.parametrize("last", [3, 512, 513, 1400])
def test_samples_added_by_chunks_are_those_of_numpy(last):
    six = tuple(np.random.Generator(np.random.Philox(key=4)).standard_normal((6, 1501)))
    table = np.random.Generator(np.random.Philox(key=5)).standard_normal((2, 1501))
    found, plain = np.ones((3, 11)), np.ones((3, 11))
    sums.add_samples(six, 7, 2, last, table, found)
    sums.add_samples.py_func(six, 7, 2, last, table, plain)
    c, s = table[:, 4 + 2 : 4 + last]
    for p in range(3):
        u, i, v, j = (six[k][7 + 2 : 7 + last] for k in (p, 3 + p, (p + 1) % 3, 3 + (p + 1) % 3))
        expected = np.array([u @ u, i @ i, u @ i, u @ c, u @ s, i @ c, i @ s, u.sum(), i.sum(), u @ v, i @ j]) + 1.0
        assert found[p] == pytest.approx(expected, rel=1e-9)
        assert plain[p] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("delta", [0.0, 1e-9, 0.01, 0.3, 2 * math.pi / 8, 1.5, -0.7])
@pytest.mark.parametrize("edges", [(-0.3, 240.1), (0.0, 37.5)])
def test_the_spectrum_of_a_tapered_window_is_the_closed_form(delta, edges):
    # a rectangle [p, q) convolved with a Hann window of 8 samples, integrated on a fine grid
    first, last = edges
    x = (np.arange((last - first + 20) * 400) + 0.5) / 400 + first - 10
    weight = np.array([rise(v - first) - rise(v - last) for v in x])
    expected = (weight * np.exp(1j * delta * x)).sum() / 400
    assert tone.window_spectrum(delta, first, last) == pytest.approx(expected, abs=1e-4)
    assert tone.window_spectrum.py_func(delta, first, last) == pytest.approx(tone.window_spectrum(delta, first, last), abs=1e-9)


def test_two_half_windows_see_what_the_whole_does():
    edges = (-0.3, 799.7, 1599.7)
    for delta in (0.0, 1e-9, 0.01, -0.0787, 1.5):
        early, late = tone.half_spectra.py_func(delta, edges)
        assert early == pytest.approx(tone.window_spectrum(delta, edges[0], edges[1]), abs=1e-9)
        assert late == pytest.approx(tone.window_spectrum(delta, edges[1], edges[2]), abs=1e-9)
        assert early + late == pytest.approx(tone.window_spectrum(delta, edges[0], edges[2]), abs=1e-9)


def test_sinc_joins_its_series_smoothly():
    for x in (0.0, 5e-5, 9.99e-5, 1.001e-4, 0.5, -3.0):
        assert tone.sinc.py_func(x) == pytest.approx(np.sinc(x / math.pi), abs=1e-15)


def test_a_tone_is_solved_from_its_correlation_and_image():
    phasor, direct, image = 3.0 - 2.0j, 200.0 + 5.0j, 4.0 - 1.0j
    correlation = phasor * direct + phasor.conjugate() * image
    assert tone.solve_tone.py_func(correlation, direct, image) == pytest.approx(phasor, rel=1e-12)
    assert tone.solve_tone.py_func(1 + 0j, 2 + 0j, 0 + 2j) == 0  # no tone can be told apart


def halves_of(phasor, omega, table, edges):
    """Return what the two halves of a window see of one tone, by the closed form of the window."""

    def seen(first, last):
        direct, image = tone.window_spectrum(omega - table, first, last), tone.window_spectrum(-omega - table, first, last)
        return phasor * direct + phasor.conjugate() * image

    return seen(edges[0], edges[1]), seen(edges[1], edges[2])


@pytest.mark.parametrize("off", [-2e-4, -1e-6, -3e-9, 0.0, 1e-8, 1e-5])
@pytest.mark.parametrize("frequency_hz", [45.0, 50.02, 64.3])
def test_a_window_cut_with_a_guess_gives_the_frequency_itself(frequency_hz, off):
    per_hz = 2 * math.pi / 1200
    omega, guess = frequency_hz * per_hz, frequency_hz * (1 + off) * per_hz
    half = (5 if frequency_hz < 55 else 6) * 2 * math.pi / guess
    edges = (0.3, 0.3 + half, 0.3 + 2 * half)
    halves = halves_of(cmath.rect(100.0, 2.0), omega, guess, edges)
    found, phasor = tone.advance_frequency.py_func(*halves, guess, guess, edges)
    assert found == pytest.approx(omega, rel=3e-13)
    assert phasor == pytest.approx(cmath.rect(100.0, 2.0), rel=1e-6)  # at the guess of the last iteration


@pytest.mark.parametrize("offset_hz", [-1.9, -0.3, 0.0, 0.01, 1.9])
def test_the_frequency_follows_from_the_advance_between_two_halves(offset_hz):
    per_hz = 2 * math.pi / 8000
    table, omega = 50.0 * per_hz, (50.0 + offset_hz) * per_hz
    edges = (-0.3, 799.7, 1599.7)
    halves = halves_of(cmath.rect(100.0, 0.7), omega, table, edges)
    found, phasor = tone.advance_frequency.py_func(*halves, table, table, edges)
    assert found == pytest.approx(omega, rel=1e-12)
    assert phasor == pytest.approx(cmath.rect(100.0, 0.7), rel=1e-6)


@pytest.mark.parametrize("frequency_hz", [44.2, 50.0, 57.6, 65.9])
def test_the_search_finds_the_nearest_hertz(frequency_hz):
    reference = np.cos(2 * math.pi * frequency_hz / RATE_HZ * np.arange(260)) + 0.5
    assert tracking.search_frequency.py_func(reference, RATE_HZ) == pytest.approx(frequency_hz, abs=0.6)


def test_products_of_scaled_steps_come_from_raw_sums():
    noise = np.random.Generator(np.random.Philox(key=2)).standard_normal((2, 50))
    x, y = noise
    truth = ((2.0 * x + 0.5) * (3.0 * y - 0.25)).sum()
    assert window.scaled_product.py_func(x @ y, x.sum(), y.sum(), 50.0, 2.0, 0.5, 3.0, -0.25) == pytest.approx(truth, rel=1e-12)


def test_a_root_is_never_of_a_negative_and_keeps_what_is_no_number():
    assert window.root.py_func(-1e-30) == 0.0
    assert window.root.py_func(4.0) == 2.0
    assert math.isnan(window.root.py_func(math.nan))


def test_the_reference_is_the_first_phase_with_voltage():
    conditions = Conditions(RATE_HZ, np.ones(6), np.zeros(6), 12.7, 0.001)

    class Sums:
        tapered = np.zeros((3, 9))

    reference = tracking.reference_phase.py_func
    assert reference(240.0, conditions, Sums) == -1
    Sums.tapered[2, sums.UU] = 12.7**2 * 240
    assert reference(240.0, conditions, Sums) == 2
    Sums.tapered[1, sums.UU] = 230.0**2 * 240
    assert reference(240.0, conditions, Sums) == 1
    Sums.tapered[0, sums.UU] = 12.6**2 * 240
    assert reference(240.0, conditions, Sums) == 1
