"""A meter with calibration set: late channels, wrong gains and offsets metered as if they were right."""

import json
import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watthour.errors import DamagedRecordError, OutOfRangeError, SampleError
from watthour.journal import from_bytes, to_bytes
from watthour.meter import Meter, first_state, state_from_record, state_to_record
from watthour.meter.calibrated import calibration_settings, correction_of
from watthour.metrology import Correction
from watthour.parameters import DEFAULTS
from watthour.samples import Block
from watthour.units import NANOSECONDS
from watthour.view import EventKind

RATE_HZ = 2000.0
SAMPLES = 5000
HERTZ = 50.13
SOON = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

DELAYS_S = (0.0, 5e-6, -3e-6, 12e-6, 12e-6, 150e-6)
LATE = {
    "calibration_delay_v2_us": "5",
    "calibration_delay_v3_us": "-3",
    "calibration_delay_i1_us": "12",
    "calibration_delay_i2_us": "12",
    "calibration_delay_i3_us": "150",
}


def six_of(waves):
    six = waves.three_phase(angles_deg=(60.0, 0.0, -30.0))
    six[0][5], six[3][5] = 23 + 0j, 2j  # a fifth harmonic whose power is all reactive, until a delay turns it
    return six


def late(waves, samples=SAMPLES):
    """Return what a front end with these delays shows of `six_of`."""
    turned = [
        {order: phasor * np.exp(-2j * math.pi * order * HERTZ * delay) for order, phasor in channel.items()}
        for channel, delay in zip(six_of(waves), DELAYS_S, strict=True)
    ]
    return waves.wave(turned, HERTZ, samples, RATE_HZ)


def fed(blocks, meter=None, **given_settings):
    meter = meter or Meter(first_state(given_settings))
    for block in blocks:
        meter.step(block, round(block.first_sample * NANOSECONDS / RATE_HZ))
    return meter


def ended(blocks, meter=None, **given_settings):
    meter = fed(blocks, meter, **given_settings)
    meter.end()
    return meter


def restored(meter):
    return Meter(state_from_record(from_bytes(to_bytes(state_to_record(meter.state)))))


def registers(meter):
    return dict(meter.view().exact)


def errors_ppm(waves, meter):
    """Return the error of each phase's active energy against closed form."""
    six, exact = six_of(waves), meter.view().exact
    found = [exact[f"l{p}_import_microwh"] * 3600e-6 for p in (1, 2, 3)]
    truth = [waves.active_ws(six[p], six[3 + p], HERTZ, SAMPLES, RATE_HZ) for p in range(3)]
    return [waves.relative(one, other) for one, other in zip(found, truth, strict=True)]


def test_late_channels_cost_energy_and_calibration_gives_it_back(waves):
    uncalibrated = errors_ppm(waves, ended([late(waves)]))
    assert abs(uncalibrated[0]) > 5000  # ω · 12 µs · tan 60 degrees, and the harmonic's share
    assert abs(uncalibrated[2]) > 20_000
    calibrated = errors_ppm(waves, ended([late(waves)], **LATE))
    # 2.5 s, of which 16 ms at each end are read from a mirror image
    assert max(map(abs, calibrated)) < 10


def test_no_sample_is_lost_or_counted_twice(waves):
    meter = fed([late(waves)], **LATE)
    assert meter.state.position == SAMPLES
    assert meter.settled().view().samples == SAMPLES
    meter.end()
    assert meter.view().samples == SAMPLES
    assert meter.state.history is None


@given(cuts=st.lists(st.integers(0, SAMPLES), max_size=8))
@SOON
def test_any_cut_counts_the_same(waves, cuts):
    assert registers(ended(waves.pieces(late(waves), cuts), **LATE)) == registers(ended([late(waves)], **LATE))


@pytest.mark.parametrize("at", [1, 40, 64, 65, 1000, 4999])
def test_a_stop_and_a_start_anywhere_count_the_same(waves, at):
    first, second = waves.pieces(late(waves), [at])
    meter = restored(fed([first], **LATE))
    assert registers(ended([second], meter)) == registers(ended([late(waves)], **LATE))


def test_a_gap_settles_both_sides_of_it(waves):
    block = late(waves)
    meter = ended([block.part(0, 2000), block.part(2600, SAMPLES)], **LATE)
    assert meter.view().samples == SAMPLES - 600
    (gap,) = [event for event in meter.take_events() if event.kind is EventKind.SOURCE_GAP]
    assert gap.detail["samples"] == "600"


def test_the_wanted_sample_is_what_completes_the_next_window(waves):
    block = late(waves)
    meter = fed([block.part(0, 1500)], **LATE)
    wanted = meter.wanted_sample
    before = meter.view().samples
    fed([block.part(1500, wanted - 1)], meter)
    assert meter.view().samples == before
    fed([block.part(wanted - 1, wanted)], meter)
    assert meter.view().samples > before


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e9])
@pytest.mark.parametrize("at", [100, SAMPLES - 3])
def test_a_bad_sample_is_named_before_the_filter_spreads_it(waves, bad, at):
    block = late(waves)
    block.currents[1, at] = bad
    meter = Meter(first_state(LATE))
    with pytest.raises(SampleError, match=f"sample {at} of I2 "):
        meter.step(block, 0)
    assert meter.state.position is None


def test_gain_and_offset_are_undone(waves):
    six = six_of(waves)
    right = waves.wave(six, HERTZ, SAMPLES, RATE_HZ)
    wrong = waves.block_of(right.voltages * 1.03 + 2.0, right.currents / 1.03 - 0.05, RATE_HZ)
    undo = {f"calibration_gain_v{p}": Decimal(repr(round(1 / 1.03, 7))) for p in (1, 2, 3)}
    undo |= {f"calibration_offset_v{p}_v": 2 for p in (1, 2, 3)}
    undo |= {f"calibration_gain_i{p}": "1.03" for p in (1, 2, 3)}
    undo |= {f"calibration_offset_i{p}_a": "-0.05" for p in (1, 2, 3)}
    assert max(map(abs, errors_ppm(waves, ended([wrong])))) > 100
    found, truth = registers(ended([wrong], **undo)), registers(ended([right]))
    assert found.keys() == truth.keys()
    for name, count in truth.items():  # a gain has seven decimals: 0.05 ppm each, and a count two quanta
        assert found[name] == pytest.approx(count, rel=0.1e-6, abs=2)


def test_without_calibration_the_very_samples_are_measured(waves):
    block = late(waves)
    meter = fed([block])
    assert meter.state.history is None
    assert correction_of(DEFAULTS).is_neutral


def test_settings_and_correction_are_the_same_thing():
    correction = Correction(
        gain=(1.01, 0.99, 1.0, 1.0, 1.0, 1.1),
        offset=(0.5, 0.0, -10.0, 0.000000001, 0.0, 0.2),
        delay_s=(0.0, 1e-6, 0.0, 12.5e-6, -200e-6, 0.0),
    )
    assert correction_of({**DEFAULTS, **calibration_settings(correction)}) == correction


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"gain": (1.0, 1.0, 1.0, 1.2, 1.0, 1.0)}, "calibration_gain_i1"),
        ({"offset": (0.0, 11.0, 0.0, 0.0, 0.0, 0.0)}, "calibration_offset_v2_v"),
        ({"delay_s": (0.0,) * 5 + (201e-6,)}, "calibration_delay_i3_us"),
    ],
)
def test_an_implausible_correction_is_refused(wrong, name):
    with pytest.raises(OutOfRangeError, match=f"^{name}: "):
        calibration_settings(replace(Correction(), **wrong))


@pytest.mark.parametrize("key", ["samples", "first_sample", "next_sample", "rate_hz", "correction"])
def test_a_damaged_history_is_refused(waves, key):
    record = json.loads(json.dumps(state_to_record(fed([late(waves)], **LATE).state)))
    assert state_to_record(state_from_record(record)) == state_to_record(state_from_record(record))
    del record["history"][key]
    with pytest.raises(DamagedRecordError):
        state_from_record(record)


def test_a_history_that_ends_elsewhere_is_refused(waves):
    record = json.loads(json.dumps(state_to_record(fed([late(waves)], **LATE).state)))
    record["history"]["first_sample"] += 1
    with pytest.raises(DamagedRecordError, match="late channels"):
        state_from_record(record)


def test_a_block_of_whole_numbers_is_calibrated_too(waves):
    block = late(waves)
    step_v, step_a = 470.0 / 2**23, 10.2 / 2**23
    codes = Block(
        voltages=np.rint(block.voltages / step_v).astype(np.int32),
        currents=np.rint(block.currents / step_a).astype(np.int32),
        rate_hz=RATE_HZ,
        first_sample=0,
        voltage_scale=(step_v,) * 3,
        current_scale=(step_a,) * 3,
    )
    assert max(map(abs, errors_ppm(waves, ended([codes], **LATE)))) < 10
