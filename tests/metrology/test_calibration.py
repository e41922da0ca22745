"""A correction from reference loads, and every kind of bad data refused with its reason."""

import math
from dataclasses import replace

import numpy as np
import pytest

from watthour.errors import CalibrationError
from watthour.metrology.calibration import LEAST_WINDOWS, Reference, calibrate, observe

RATE_HZ = 2000.0
SECONDS = 3


def seen_and_true(waves, *, name="load", current_a=5.0, angle_deg=60.0, change=None, with_reactive=True, **reference):
    """Return what a channel-by-channel change of the truth looks like, and the truth."""
    six = waves.three_phase(currents_a=(current_a,) * 3, angles_deg=(angle_deg,) * 3)
    block = waves.wave(six, 50.03, int(SECONDS * RATE_HZ), RATE_HZ)
    rows = np.concatenate([block.voltages, block.currents])
    if change is not None:
        rows = change(rows)
    angle = math.radians(angle_deg)
    truth = Reference(
        name=name,
        voltage_v=(230.0,) * 3,
        current_a=(current_a,) * 3,
        power_w=(230.0 * current_a * math.cos(angle),) * 3,
        reactive_var=(230.0 * current_a * math.sin(angle),) * 3 if with_reactive else None,
        **reference,
    )
    return observe(name, [waves.block_of(rows[:3], rows[3:], RATE_HZ)]), truth


def run(*pairs):
    return calibrate([seen for seen, _ in pairs], [truth for _, truth in pairs])


def gained(rows):
    return rows * np.array([1.02, 0.98, 1.0, 1.01, 0.99, 1.0])[:, None] + np.array([1.0, 0, 0, 0.02, 0, 0])[:, None]


def test_gain_and_offset_are_found(waves):
    found = run(seen_and_true(waves, change=gained), seen_and_true(waves, angle_deg=0.0, change=gained))
    # a window of whole samples at 2000/s measures rms to some ppm
    assert found.correction.gain == pytest.approx((1 / 1.02, 1 / 0.98, 1.0, 1 / 1.01, 1 / 0.99, 1.0), rel=3e-6)
    assert found.correction.offset == pytest.approx((1.0, 0.0, 0.0, 0.02, 0.0, 0.0), abs=2e-3)
    assert max(map(abs, found.correction.delay_s)) < 1e-9


def test_the_uncertainty_of_the_reference_is_in_that_of_the_gain(waves):
    pairs = [seen_and_true(waves, angle_deg=angle, uncertainty=1e-4) for angle in (0.0, 60.0)]
    found = run(*pairs)
    assert found.gain_uncertainty == pytest.approx((1e-4,) * 6, rel=0.01)
    assert found.delay_uncertainty_s[3] == pytest.approx(1e-4 / (2 * math.pi * 50.03), rel=0.01)


@pytest.mark.parametrize("angle_deg", [60.0, -30.0])
def test_active_power_alone_tells_a_delay_away_from_power_factor_1(waves, angle_deg):
    pairs = [seen_and_true(waves, angle_deg=angle, with_reactive=False) for angle in (0.0, angle_deg)]
    assert max(map(abs, run(*pairs).correction.delay_s)) < 1e-9


def test_at_power_factor_1_active_power_tells_no_delay(waves):
    pairs = [seen_and_true(waves, angle_deg=angle, with_reactive=False) for angle in (0.0, 5.0)]
    with pytest.raises(CalibrationError, match="no load tells the delay of I1: at power factor 1"):
        run(*pairs)


def test_with_reactive_power_it_does(waves):
    assert run(*(seen_and_true(waves, angle_deg=angle) for angle in (0.0, 5.0))).delay_uncertainty_s[3] < 1e-9


def test_voltages_are_late_against_the_first_where_their_angles_are_known(waves):
    turn = np.exp(2j * np.pi / 3)
    angles = (0.0, -120.3, 120.0)

    def pair(angle_deg, known):
        six = waves.three_phase(angles_deg=(angle_deg,) * 3)
        seen, truth = seen_and_true(waves, angle_deg=angle_deg)
        assert six[1][1] == pytest.approx(230.0 * turn.conjugate())
        return seen, replace(truth, voltage_angle_deg=known)

    found = run(pair(0.0, angles), pair(60.0, angles)).correction.delay_s
    lead_s = math.radians(0.3) / (2 * math.pi * 50.03)  # V2 stands 0.3 degrees before where it should be
    assert found == pytest.approx((0.0, -lead_s, 0.0, 0.0, -lead_s, 0.0), abs=1e-9)
    assert run(pair(0.0, None), pair(60.0, None)).correction.delay_s[1] == 0.0


def test_one_load_is_too_few(waves):
    with pytest.raises(CalibrationError, match="1 reference load: give at least 2"):
        run(seen_and_true(waves))


def test_a_short_load_is_refused_and_one_just_long_enough_taken(waves):
    block = waves.wave(waves.three_phase(), 50.0, 6000, RATE_HZ)
    with pytest.raises(CalibrationError, match=r"^short: 9 windows with"):
        observe("short", [block.part(0, 3900)])
    assert observe("long enough", [block.part(0, 4100)]).windows == LEAST_WINDOWS


def test_any_cut_of_a_load_looks_the_same(waves):
    block = gained_block(waves)
    whole, cut = observe("x", [block]), observe("x", waves.pieces(block, [1, 900, 901, 4000]))
    assert cut.windows == whole.windows
    assert cut.rms == pytest.approx(whole.rms, rel=1e-12)
    assert cut.offset == pytest.approx(whole.offset, abs=1e-12)


def gained_block(waves):
    block = waves.wave(waves.three_phase(), 50.03, 6000, RATE_HZ)
    rows = gained(np.concatenate([block.voltages, block.currents]))
    return waves.block_of(rows[:3], rows[3:], RATE_HZ)


def scaled(channel, factor):
    def change(rows):
        rows = rows.copy()
        rows[channel] *= factor
        return rows

    return change


def exchanged(one, other):
    def change(rows):
        order = list(range(6))
        order[one], order[other] = other, one
        return rows[order]

    return change


REFUSED = {
    "a voltage missing": (scaled(1, 0.0), r"^second: V2 shows 0 V of 230 V: is it connected\?"),
    "a current missing": (scaled(5, 0.1), r"^second: I3 shows 0\.5 A of 5 A: is it connected\?"),
    "a current reversed": (scaled(3, -1.0), r"^second: I1 stands -?180 degrees .* it is reversed"),
    "currents exchanged": (exchanged(3, 4), r"^second: I1 stands 120 degrees .* another phase"),
    "voltages exchanged": (exchanged(1, 2), "^second: V2 stands at 120 degrees of V1, not at -120: are voltages exchanged"),
    "contradiction": (scaled(0, 1.02), "contradict each other over the gain of V1"),
}


@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED)
def test_bad_loads_are_refused_with_the_reason(waves, change, reason):
    with pytest.raises(CalibrationError, match=reason):
        run(seen_and_true(waves, name="first"), seen_and_true(waves, name="second", change=change))


def test_a_small_disagreement_is_none(waves):
    found = run(seen_and_true(waves), seen_and_true(waves, change=scaled(0, 1.004)))
    assert 1 / 1.004 < found.correction.gain[0] < 1.0


def test_loads_out_of_order_are_refused(waves):
    first, second = seen_and_true(waves, name="first"), seen_and_true(waves, name="second", angle_deg=0.0)
    with pytest.raises(CalibrationError, match=r"^second: I1 stands .* out of order"):
        calibrate([second[0], first[0]], [second[1], replace(first[1], name="second", reactive_var=second[1].reactive_var)])


def test_a_phase_without_any_load_is_refused(waves):
    pairs = [seen_and_true(waves, angle_deg=angle) for angle in (0.0, 60.0)]
    without = [(seen, replace(truth, current_a=(5.0, 0.0, 5.0))) for seen, truth in pairs]
    with pytest.raises(CalibrationError, match="no load has current at I2: its gain is unknown"):
        run(*without)


def noisy(size):
    def change(rows):
        noise = np.random.Generator(np.random.Philox(key=7)).standard_normal(rows.shape)
        return rows + size * noise * np.array([230.0] * 3 + [5.0] * 3)[:, None]

    return change


def test_too_much_noise_is_refused_and_less_is_taken(waves):
    # a gain scatters as noise / √samples: 0.03 / √6000 is 4e-4, 0.003 a tenth of it
    with pytest.raises(CalibrationError, match=r"known to .* only .*: measure longer"):
        run(*(seen_and_true(waves, angle_deg=angle, change=noisy(0.03)) for angle in (0.0, 60.0)))
    assert max(run(*(seen_and_true(waves, angle_deg=a, change=noisy(0.003)) for a in (0.0, 60.0))).gain_uncertainty) < 1e-4
