"""Front ends made wrong on purpose, calibrated: what is left is what their noise allows."""

import math
from dataclasses import replace

import pytest

from watthour.errors import OutOfRangeError
from watthour.metrology.calibration import observe
from watthour.models import CURRENT_RANGES
from watthour.typetest.calibration import ReferenceLoad, SineLoad, bench_blocks, run_calibration
from watthour.waveform.front_end import FRONT_ENDS, ct_class

RANGE = CURRENT_RANGES[0]
RATE_HZ = 4000
WRONG = {
    "gain": (1.03, 0.97, 1.03, 0.97, 1.03, 1.01),
    "offset": (0.005, -0.005, 0.0, 0.005, -0.005, 0.0),
    "delay_s": (0.0, 12e-6, -12e-6, 12e-6, 0.0, -12e-6),
}


def bench(front_end, loads):
    made = []
    for seed, (name, current_a, angle_deg) in enumerate(loads):
        sine = SineLoad(name=name, voltage_v=230.0, current_a=current_a, angle_deg=angle_deg, frequency_hz=50.03, duration_s=4)

        def blocks(sine=sine, seed=seed):
            return bench_blocks(sine, front_end, RANGE, rate_hz=RATE_HZ, seed=seed)

        made.append(ReferenceLoad(reference=sine.reference, blocks=blocks))
    return made


LOADS = (("full", 5.0, 0.0), ("inductive", 5.0, 60.0), ("light", 0.5, 60.0))


@pytest.fixture(scope="module", params=["16 bit", "24 bit"])
def report(request):
    told = []
    found = run_calibration(bench(replace(FRONT_ENDS[request.param], **WRONG), LOADS), told.append)
    assert len(told) == 6
    return found


def test_the_correction_is_the_inverse_of_what_was_done_wrong(report):
    found = report.calibration
    ends = [1.2 * math.sqrt(2) * 276.0] * 3 + [1.2 * math.sqrt(2) * 6.0] * 3
    for channel in range(6):
        gain = found.correction.gain[channel] * WRONG["gain"][channel] - 1.0
        assert abs(gain) < 4 * found.gain_uncertainty[channel]
        offset = found.correction.offset[channel] - WRONG["offset"][channel] * ends[channel]
        assert abs(offset) < 4 * found.offset_uncertainty[channel]
        delay_s = found.correction.delay_s[channel] - WRONG["delay_s"][channel]
        assert abs(delay_s) <= 4 * found.delay_uncertainty_s[channel]


def test_the_uncertainty_is_that_of_the_noise(report):
    # the rms of a sine under white noise scatters as noise / rms / √samples; the two loads at 5 A decide
    step_a = 1.2 * math.sqrt(2) * 6.0 / 2**15
    sixteen_bit = step_a * math.sqrt(1.0 + 1 / 12) / 5.0 / math.sqrt(2 * 4 * RATE_HZ)
    expected = {True: sixteen_bit, False: 1.2 * 6.0 * 1e-5 / 5.0 / math.sqrt(2 * 4 * RATE_HZ)}  # 100 dB below full scale
    found = report.calibration.gain_uncertainty[4]
    assert found == pytest.approx(expected[found > sixteen_bit / 2], rel=0.5)  # of 38 windows a scatter is known to 12 %


def test_before_is_wrong_by_what_was_done_and_after_by_noise_and_rounding(report):
    rounding_percent = 2e-5  # of two gains by 5e-8 each, and a delay by 5e-11 s at a tangent of 1.7
    assert max(abs(error.before_percent) for error in report.errors) > 3.0
    for error in report.errors:
        assert abs(error.after_percent) < 4 * error.scatter_percent + rounding_percent
    quantities = {(error.load, error.quantity) for error in report.errors}
    assert ("full", "active power") in quantities
    assert ("full", "reactive power") not in quantities  # there is none


def test_a_transformer_calibrated_at_one_current_is_right_there():
    front_end = replace(FRONT_ENDS["24 bit"], ct=ct_class("0.5"))
    loads = (("full", 5.0, 0.0), ("inductive", 5.0, 60.0))
    found = run_calibration(bench(front_end, loads), lambda _: None).calibration.correction
    assert found.gain[3] == pytest.approx(1 / (1 - 0.005), rel=1e-6)
    lead_s = math.radians(30.0 / 60.0) / (2 * math.pi * 50.03)
    assert found.delay_s[3] == pytest.approx(-lead_s, abs=1e-9)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"gain": (1.2, 1.0, 1.0, 1.0, 1.0, 1.0)}, "calibration_gain_v1"),
        ({"offset": (0.0, 0.0, 0.0, 0.05, 0.0, 0.0)}, "calibration_offset_i1_a"),
        ({"delay_s": (0.0, 0.0, 0.0, 0.0, 0.0, 250e-6)}, "calibration_delay_i3_us"),
    ],
)
def test_a_correction_beyond_what_is_plausible_is_refused(wrong, name):
    front_end = replace(FRONT_ENDS["16 bit"], **wrong)
    with pytest.raises(OutOfRangeError, match=f"^{name}: "):
        run_calibration(bench(front_end, LOADS[:2]), lambda _: None)


def test_a_load_of_the_bench_is_what_it_says():
    sine = SineLoad(name="x", voltage_v=127.0, current_a=1.0, angle_deg=-36.87, frequency_hz=60.0, duration_s=3)
    seen = observe("x", bench_blocks(sine, FRONT_ENDS["ideal"], RANGE, rate_hz=RATE_HZ))
    truth = sine.reference
    assert seen.rms == pytest.approx([127.0] * 3 + [1.0] * 3, rel=1e-6)
    assert seen.power_w == pytest.approx(truth.power_w, rel=2e-6)
    assert seen.reactive_var == pytest.approx(truth.reactive_var, rel=2e-6)
    assert truth.power_w[0] == pytest.approx(127.0 * math.cos(math.radians(36.87)))
    assert truth.reactive_var[0] < 0
