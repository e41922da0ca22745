"""An installation through a front end that is wrong on purpose, by the sample and by the second."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from watthour.meter import Meter, first_state
from watthour.units import Ratio
from watthour.waveform.network import Network, NetworkSource, PhasorSource

FIVE = Ratio.parse("5/5")
WHO = {"name": "a", "identity": "0", "vt": Ratio.parse("1/1"), "ct": FIVE}
GAIN = [1.03, 1.0, 0.97, 1.01, 0.99, 1.0]
DELAY_US = [0.0, 3.0, -5.0, 12.0, 8.0, -12.0]
WRONG = {"gain": GAIN, "delay_us": DELAY_US}


def network(**front_end):
    return Network.model_validate(
        {
            "supply": {"voltages_v": 230, "frequency_hz": 50.0, "harmonics": [{"order": 5, "percent": 4}]},
            "load": [{"name": "Load", "kind": "constant", "phases": ["L1", "L2", "L3"], "power_w": 1725, "cos_phi": "0.5 ind"}],
            "sampling": {"rate_hz": 4000},
            **({"front_end": front_end} if front_end else {}),
        }
    )


def phasors(block, order=1):
    """Return the rms phasors of a whole second at 50 Hz, which holds whole cycles."""
    turn = np.exp(-2j * np.pi * 50.0 * order * np.arange(len(block)) / block.rate_hz)
    scale = np.array([*block.voltage_scale, *block.current_scale])[:, None]
    return math.sqrt(2) * (scale * np.concatenate([block.voltages, block.currents]) * turn).mean(axis=1)


def first_second(**front_end):
    return next(NetworkSource(network(**front_end), **WHO).blocks())


@pytest.mark.parametrize("order", [1, 5])
def test_samples_show_gain_and_delay_at_every_order(order):
    found, right = phasors(first_second(**WRONG), order), phasors(first_second(), order)
    present = np.abs(right) > 1e-9
    assert present[:3].all()
    expected = np.array(GAIN) * np.exp(-2j * np.pi * 50.0 * order * np.array(DELAY_US) * 1e-6)
    np.testing.assert_allclose(found[present] / right[present], expected[present], rtol=1e-9)


def test_rows_show_what_samples_show():
    right, found = (PhasorSource(network(**front), **WHO).hour(0) for front in ({}, WRONG))
    expected = np.array(GAIN) * np.exp(-2j * np.pi * 50.0 * np.array(DELAY_US) * 1e-6)
    np.testing.assert_allclose(found.voltages[7, :, 0] / right.voltages[7, :, 0], expected[:3], rtol=1e-12)
    np.testing.assert_allclose(found.currents[7, :, 0] / right.currents[7, :, 0], expected[3:], rtol=1e-12)


def test_rows_drift_as_samples_do():
    drift = {"drift_ppm_per_h": [100.0] + [0.0] * 5}
    right, found = (PhasorSource(network(**front), **WHO).hour(2) for front in ({}, drift))
    hours = 2 + (np.arange(3600) + 0.5) / 3600
    np.testing.assert_allclose(np.abs(found.voltages[:, 0, 0] / right.voltages[:, 0, 0]), 1 + 1e-4 * hours, rtol=1e-12)


def test_a_transformer_errs_by_the_current_of_the_moment():
    found, right = phasors(first_second(ct_class="0.5")), phasors(first_second())
    assert np.abs(right[3:]) == pytest.approx([5.0] * 3, rel=1e-9)  # rated: 0.5 %, 30 minutes
    np.testing.assert_allclose(np.abs(found[3:] / right[3:]), 1 - 0.005, rtol=1e-9)
    np.testing.assert_allclose(np.degrees(np.angle(found[3:] / right[3:])), 0.5, rtol=1e-7)


def test_a_converter_makes_whole_numbers_at_any_position():
    source = NetworkSource(network(preset="16 bit", seed=9), **WHO)
    assert source.sample_type == "int16"
    whole = next(source.blocks())
    assert whole.voltages.dtype == np.int16
    part = next(source.blocks(1234))
    assert part.currents.tobytes() == np.ascontiguousarray(whole.currents[:, 1234:]).tobytes()
    other = next(NetworkSource(network(preset="16 bit", seed=10), **WHO).blocks())
    assert (other.currents != whole.currents).any()


def test_a_meter_calibrated_the_other_way_counts_what_is_there():
    settings = {
        f"calibration_delay_{c}_us": delay for c, delay in zip(("v1", "v2", "v3", "i1", "i2", "i3"), DELAY_US, strict=True)
    }
    settings |= {
        f"calibration_gain_{c}": round(1 / g, 7) for c, g in zip(("v1", "v2", "v3", "i1", "i2", "i3"), GAIN, strict=True)
    }
    registers = []
    for front, given in (({}, {}), (WRONG, {}), (WRONG, settings)):
        meter = Meter(first_state({"ct": FIVE, **given}))
        blocks = NetworkSource(network(**front), **WHO).blocks()
        for second in range(4):
            meter.step(next(blocks), second * 10**9)
        meter.end()
        exact = meter.view().exact
        registers.append(np.array([exact[f"l{p}_import_microwh"] for p in (1, 2, 3)], dtype=float))
    right, wrong, calibrated = registers
    assert np.abs(wrong / right - 1).min() > 0.003
    assert np.abs(calibrated / right - 1).max() < 2e-6


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"preset": "12 bit"}, "16 bit"),
        ({"gain": [1.0] * 5}, "gain"),
        ({"gain": [2.5] + [1.0] * 5}, "less than 2"),
        ({"offset_percent": [11.0] + [0.0] * 5}, "less than or equal to 10"),
        ({"delay_us": [1001.0] + [0.0] * 5}, "less than or equal to 1000"),
        ({"noise_lsb": 1.0}, "needs a converter"),
        ({"ct_class": "7"}, "must be one of"),
        ({"ct": [{"current_percent": i, "ratio_percent": 0.0, "phase_minutes": 0.0} for i in (5, 1)]}, "rising current"),
        ({"seed": -1}, "greater than or equal to 0"),
    ],
)
def test_an_impossible_front_end_is_refused(table, reason):
    with pytest.raises(ValidationError, match=reason):
        network(**table)


def test_transformers_may_be_given_by_their_errors_over_current():
    rows = [{"current_percent": 1.0, "ratio_percent": 1.0, "phase_minutes": 60.0}]
    found, right = phasors(first_second(ct=rows)), phasors(first_second())
    np.testing.assert_allclose(np.abs(found[3:] / right[3:]), 1.01, rtol=1e-9)
