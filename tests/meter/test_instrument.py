"""The meter over a stream: any cut, gaps, power, refusals, commands, and what it says of each."""

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watthour.errors import SampleError
from watthour.journal import from_bytes, to_bytes
from watthour.meter import Meter, first_state, state_from_record, state_to_record
from watthour.parameters import Interface
from watthour.samples import Block
from watthour.units import MICRO, NANOSECONDS, REGISTER_MODULUS
from watthour.view import EventKind, ResetPartial, Verdict, WriteSettings

RATE_HZ = 2000.0
"""A sample is a whole number of nanoseconds long, so that any cut finds the same instants."""
SAMPLES = 2900
START_NS = 1_767_225_600 * NANOSECONDS
SOON = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CUTS = st.lists(st.integers(0, SAMPLES), max_size=8)


def time_ns(sample, rate_hz=RATE_HZ):
    return START_NS + round(sample * NANOSECONDS / rate_hz)


def fed(blocks, meter=None, **given_settings):
    """Return a meter that has metered these blocks."""
    meter = meter or Meter(first_state(given_settings))
    for block in blocks:
        meter.step(block, time_ns(block.first_sample, block.rate_hz))
    return meter


def record(meter):
    """Return a meter's whole state, but for how what is open was cut: the pieces joined, the last block's anchor out."""
    content = json.loads(json.dumps(state_to_record(meter.state)))
    del content["anchor"]
    opened = meter.state.opened
    if opened is not None:
        content["opened"]["pieces"] = [
            np.concatenate([getattr(piece, name) for piece in opened.pieces], axis=1).tobytes().hex()
            for name in ("voltages", "currents")
        ]
    return content


def restored(meter):
    """Return the meter that a stop, a store and a start make of it."""
    return Meter(state_from_record(from_bytes(to_bytes(state_to_record(meter.state)))))


def lively(waves, kind="float64"):
    """Return a stream with a jump of frequency, a phase below cut-off, and a voltage that goes and comes."""
    block = waves.wave(waves.three_phase(currents_a=(5.0, 1.0, 0.0007)), [(0, 50.0), (700, 59.3)], SAMPLES, RATE_HZ)
    block.voltages[:, 1500:2100] = 0.0
    return waves.block_of(block.voltages, block.currents, RATE_HZ, kind=kind)


def events(meter):
    return [(event.kind, event.time_ns) for event in meter.take_events()]


# any cut


@given(cuts=CUTS)
@SOON
def test_any_cut_leaves_the_same_state_and_the_same_events(waves, cuts):
    block = lively(waves)
    whole, cut = fed([block], ct="200/5", vt="7/3"), fed(waves.pieces(block, cuts), ct="200/5", vt="7/3")
    assert record(cut) == record(whole)
    whole.end()
    cut.end()
    assert record(cut) == record(whole)
    assert cut.view() == whole.view()
    assert events(cut) == events(whole)


def test_blocks_of_one_sample_leave_the_same_state(waves):
    block = lively(waves, "float32")
    assert record(fed(waves.pieces(block, range(1, SAMPLES)))) == record(fed([block]))


@given(cuts=CUTS)
@SOON
def test_a_stop_and_a_start_at_any_cut_continue_to_the_last_bit(waves, cuts):
    block = lively(waves, "float32")
    whole = fed([block], ct="200/5")
    meter = Meter(first_state({"ct": "200/5"}))
    for piece in waves.pieces(block, cuts):
        meter = restored(fed([piece], meter))
    assert record(meter) == record(whole)
    assert record(restored(meter)) == record(meter)


@given(cuts=CUTS)
@SOON
def test_asking_what_would_be_if_the_source_ended_changes_nothing(waves, cuts):
    block = lively(waves)
    meter = Meter(first_state({}))
    for piece in waves.pieces(block, cuts):
        fed([piece], meter)
        before, view = record(meter), meter.view()
        settled = meter.settled()
        assert settled.state.samples == piece.end_sample
        assert settled.settled().view() == settled.view()
        assert (record(meter), meter.view()) == (before, view)
    assert record(meter) == record(fed([block]))


def test_a_cut_through_a_jump_with_a_question_in_between_changes_no_bit(waves):
    block = waves.wave(waves.single_phase(), [(0, 60.0), (16300, 50.0)], 22000, 8000.0)
    whole = record(fed([block]))
    for cut in range(16300, 18000, 97):
        meter = fed([block.part(0, cut)])
        meter.settled()
        assert record(fed([block.part(cut, 22000)], meter)) == whole


# accuracy and completeness


@pytest.mark.parametrize("kind", ["int16", "int32", "float32", "float64"])
def test_all_sample_types_give_the_same_registers_within_their_quantisation(waves, kind):
    samples, rate_hz = 8 * 8000, 8000.0
    voltages, currents = waves.sample(
        waves.three_phase(angles_deg=(60.0, 120.0, -45.0)), waves.phase_angle(50.13, samples, rate_hz)
    )
    full = {"int16": 2.0**15 - 1, "int32": 2.0**31 - 1}.get(kind, 1.0)
    scale_v, scale_a = 400.0 / full, 10.0 / full
    steps = [np.rint(x) if full > 1 else x for x in (voltages / scale_v, currents / scale_a)]
    block = waves.block_of(*steps, rate_hz, kind=kind, voltage_scale=(scale_v,) * 3, current_scale=(scale_a,) * 3)
    meter = fed([block])
    meter.end()
    six = waves.three_phase(angles_deg=(60.0, 120.0, -45.0))
    # half a step of each sample at random: relative error step/√n of the product, some sigmas of it
    step = {"int16": 2.0**-15, "int32": 2.0**-31, "float32": 2.0**-24, "float64": 2.0**-53}[kind]
    for p in range(3):
        truth = waves.active_ws(six[p], six[3 + p], 50.13, samples, rate_hz) / 3600e-6
        net = meter.view().exact[f"l{p + 1}_import_microwh"] - meter.view().exact[f"l{p + 1}_export_microwh"]
        assert net == pytest.approx(truth, rel=1e-6 + 10 * step / math.sqrt(samples))


@pytest.mark.parametrize("samples", [1, 7, 39, 40, 41, 300, 399, 400, 409, 410, 1000, 2877])
def test_nothing_is_lost_at_either_end(waves, samples):
    block = waves.wave(waves.single_phase(), 50.0, samples, RATE_HZ)
    meter = fed([block])
    meter.end()
    view = meter.view()
    assert view.samples == samples
    assert view.duration_s == pytest.approx(samples / RATE_HZ)
    plain = (block.voltages[0] * block.currents[0]).sum() / RATE_HZ / 3600e-6
    assert view.exact["import_microwh"] - view.exact["export_microwh"] == pytest.approx(plain, abs=1)
    assert view.time_ns == time_ns(samples)


def test_one_phase_alone_off_nominal_registers_within_the_promised_error(waves):
    samples = 60 * 8000
    six = waves.single_phase()
    meter = fed(waves.pieces(waves.wave(six, 50.13, samples, 8000.0, kind="float32"), range(0, samples, 4001)), ct="200/5")
    meter.end()
    exact = meter.view().exact
    active = 40 * waves.active_ws(six[0], six[3], 50.13, samples, 8000.0) / 3600e-6
    reactive = 40 * waves.reactive_vars(six[0], six[3], samples, 8000.0) / 3600e-6
    assert abs(waves.relative(exact["import_microwh"], active)) < 10
    assert abs(waves.relative(exact["q1_microvarh"], reactive)) < 50
    assert abs(waves.relative(exact["import_microwh"], active)) < 1
    assert abs(waves.relative(exact["q1_microvarh"], reactive)) < 2
    assert [exact[f"q{n}_microvarh"] for n in (2, 3, 4)] == [0, 0, 0]


@pytest.mark.parametrize(("summation", "expected"), [("vectorial", (65, 0)), ("arithmetic", (90, 25))])
def test_the_three_phases_make_a_total_as_the_setting_says(waves, summation, expected):
    six = waves.three_phase(currents_a=(40 / 230, 25 / 230, 50 / 230), angles_deg=(0.0, 180.0, 0.0))
    samples = 2000 * 10
    meter = fed([waves.wave(six, 50.0, samples, RATE_HZ)], summation=summation)
    meter.end()
    found = [meter.view().exact[name] for name in ("import_microwh", "export_microwh")]
    assert found == pytest.approx([watts * 10 / 3600 * MICRO for watts in expected], rel=1e-6, abs=2)
    assert meter.view().exact["l2_export_microwh"] == pytest.approx(25 * 10 / 3600 * MICRO, rel=1e-6, abs=1)


# gaps and changes


def test_a_gap_is_an_event_with_its_length_and_counts_nothing(waves):
    six = waves.single_phase()
    first, second = waves.wave(six, 50.0, 1234, RATE_HZ), waves.wave(six, 50.0, 2345, RATE_HZ, first_sample=1234 + 500)
    meter = fed([first, second])
    (event,) = meter.take_events()
    assert event.kind is EventKind.SOURCE_GAP
    assert event.time_ns == time_ns(1234)
    assert dict(event.detail) == {"samples": "500", "duration_s": "0.250000"}
    meter.end()
    apart = []
    for block in (first, second):
        alone = fed([block])
        alone.end()
        apart.append(alone.view().exact["import_microwh"])
    assert meter.view().samples == 1234 + 2345
    assert meter.view().exact["import_microwh"] == pytest.approx(sum(apart), abs=1)
    assert meter.view().time_ns == time_ns(1234 + 500 + 2345)
    assert meter.take_events() == ()


def test_a_change_of_rate_settles_the_stream_and_counts_both_sides(waves):
    six = waves.single_phase()
    first = waves.wave(six, 50.0, 1234, RATE_HZ)
    second = waves.wave(six, 50.0, 5001, 8000.0, first_sample=1234)
    meter = Meter(first_state({}))
    meter.step(first, START_NS)
    meter.step(second, time_ns(1234))
    meter.end()
    energy = sum((b.voltages[0] * b.currents[0]).sum() / b.rate_hz for b in (first, second)) / 3600e-6
    assert meter.view().exact["import_microwh"] - meter.view().exact["export_microwh"] == pytest.approx(energy, abs=2)
    assert meter.view().duration_s == pytest.approx(1234 / RATE_HZ + 5001 / 8000)
    assert meter.view().samples == 6235
    assert meter.take_events() == ()
    assert meter.view().time_ns == time_ns(1234) + round(5001 / 8000 * NANOSECONDS)


def test_a_change_of_scale_settles_the_stream(waves):
    block = waves.wave(waves.single_phase(), 50.0, 2000, RATE_HZ)
    doubled = Block(
        voltages=block.voltages[:, 1000:] / 2,
        currents=block.currents[:, 1000:],
        rate_hz=RATE_HZ,
        first_sample=1000,
        voltage_scale=(2.0,) * 3,
    )
    meter, plain = fed([block.part(0, 1000), doubled]), fed([block])
    meter.end()
    plain.end()
    assert meter.view().exact["import_microwh"] == pytest.approx(plain.view().exact["import_microwh"], abs=1)


@pytest.mark.parametrize("again", [0, 999])
def test_a_sample_that_comes_again_is_refused(waves, again):
    block = waves.wave(waves.single_phase(), 50.0, 2000, RATE_HZ)
    meter = fed([block.part(0, 1000)])
    before = record(meter)
    with pytest.raises(SampleError, match=rf"sample {again} comes again: .* up to 1000"):
        meter.step(block.part(again, 2000), time_ns(again))
    assert record(meter) == before
    fed([block.part(1000, 2000)], meter)
    assert record(meter) == record(fed([block]))


def test_another_source_begins_from_its_own_first_sample(waves):
    block = waves.wave(waves.single_phase(), 50.0, 1500, RATE_HZ)
    meter = fed([block])
    meter.change_source()
    assert meter.view().samples == 1500
    fed([block], meter).end()
    assert meter.view().samples == 3000
    assert meter.take_events() == ()
    once = fed([block])
    once.end()
    assert meter.view().exact["import_microwh"] == pytest.approx(2 * once.view().exact["import_microwh"], abs=1)


def test_ending_twice_or_before_a_source_counts_nothing_more(waves):
    meter = Meter(first_state({}))
    meter.end()
    assert meter.view().samples == 0
    fed([waves.wave(waves.single_phase(), 50.0, 900, RATE_HZ)], meter).end()
    before = record(meter)
    meter.end()
    assert record(meter) == before


def test_empty_blocks_are_no_samples(waves):
    block = lively(waves)
    empty = block.part(0, 0)
    meter = fed([empty, empty, block.part(0, 1000), block.part(1000, 1000), block.part(1000, SAMPLES)])
    assert record(meter) == record(fed([block]))


# samples that are no numbers


@pytest.mark.parametrize("channel", range(6))
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200, 2.01e8])
@pytest.mark.parametrize("current_a", [5.0, 0.0], ids=["loaded", "below cut-off"])
@pytest.mark.parametrize("where", [(30, 7), (1900, 0), (1900, 3), (1900, 204), (1900, 1877), (1900, 1899)])
def test_a_sample_that_is_no_number_is_refused_by_name_and_the_meter_left_as_it_was(waves, channel, bad, current_a, where):
    length, place = where
    good = waves.wave(waves.three_phase(currents_a=(current_a,) * 3), 50.0, 3000, RATE_HZ)
    meter = fed([good.part(0, 1000)])
    meter.take_events()
    before = record(meter)
    block = waves.block_of(
        good.voltages[:, 1000 : 1000 + length].copy(), good.currents[:, 1000 : 1000 + length].copy(), RATE_HZ, first_sample=1000
    )
    (block.voltages if channel < 3 else block.currents)[channel % 3, place] = bad
    name = ("V1", "V2", "V3", "I1", "I2", "I3")[channel]
    with pytest.raises(SampleError, match=rf"^sample {1000 + place} of {name} is not a number, or beyond 1e\+08 V or A"):
        meter.step(block, time_ns(1000))
    assert record(meter) == before
    fed([good.part(1000, 3000)], meter).end()
    whole = fed([good])
    whole.end()
    assert meter.view() == whole.view()
    assert meter.take_events() == ()


def test_a_block_refused_after_a_gap_leaves_neither_gap_nor_power_event(waves):
    live = waves.wave(waves.single_phase(), 50.0, 1000, RATE_HZ)
    dead = waves.block_of(np.zeros((3, 300)), np.zeros((3, 300)), RATE_HZ, first_sample=1000)
    meter = fed([live, dead])
    events(meter)
    before = record(meter)
    bad = waves.wave(waves.single_phase(), 50.0, 1000, RATE_HZ, first_sample=2000)
    bad.currents[0, 500] = np.nan
    with pytest.raises(SampleError, match="sample 2500 of I1"):
        meter.step(bad, time_ns(2000))
    assert events(meter) == []
    assert record(meter) == before


def test_energy_beyond_all_measure_is_refused_before_it_is_counted(waves):
    block = waves.wave(waves.single_phase(voltage_v=1e12, current_a=1e12), 50.0, 3000, RATE_HZ)
    meter = Meter(first_state({}))
    with pytest.raises(SampleError, match=r"^sample \d+ of V1"):
        meter.step(block, START_NS)
    assert meter.view().samples == 0
    many = waves.wave(
        waves.three_phase(voltages_v=(7e7,) * 3, currents_a=(7e7,) * 3, angles_deg=(0.0,) * 3), 50.0, 3000, RATE_HZ
    )
    with pytest.raises(SampleError, match=r"^the energy of these samples"):
        meter.step(many, START_NS)
    assert meter.view().samples == 0


@pytest.mark.parametrize("place", [30, 350, 404, 800])
@pytest.mark.parametrize("value", [0.9e8, 1.1e8, 1.9e8, 2.1e8])
def test_whether_a_large_sample_is_refused_does_not_depend_on_cuts(waves, place, value):
    block = waves.wave(waves.single_phase(), 50.0, 1700, RATE_HZ)
    block.voltages[0, place] = value

    def is_refused(cuts):
        try:
            fed(waves.pieces(block, cuts)).end()
        except SampleError:
            return True
        return False

    refused = is_refused([])
    assert refused == (value > 1e8) or (value, place) == (1.1e8, 404)  # half under each taper
    for cut in (place - 5, place, place + 1, place + 5, place + 200):
        assert is_refused([cut]) == refused


# power


def test_with_all_voltages_out_the_meter_is_off_and_counts_nothing(waves):
    block = waves.wave(waves.three_phase(), 50.0, 12000, RATE_HZ)
    block.voltages[:, 4000:8000] *= 12.0 / 230.0  # a rest of voltage, below a tenth of 127 V
    meter = fed([block.part(0, 7800)])
    assert not meter.view().powered
    off = meter.view().exact
    fed([block.part(7800, 7900)], meter)
    assert meter.view().exact == off
    fed([block.part(7900, 12000)], meter).end()
    assert meter.view().powered
    (down, down_ns), (up, up_ns) = events(meter)
    assert (down, up) == (EventKind.POWER_DOWN, EventKind.POWER_UP)
    assert time_ns(4000 - 400) <= down_ns <= time_ns(4000 + 400)
    assert time_ns(8000 - 400) <= up_ns < time_ns(8000) + NANOSECONDS
    assert meter.view().values["power_fail_count"] == 1
    assert meter.view().samples == 12000
    energy_wh = 3 * 575.0 * 8000 / RATE_HZ / 3600
    window_wh = 3 * 575.0 * 0.2 / 3600
    assert meter.view().exact["import_microwh"] / MICRO == pytest.approx(energy_wh, abs=window_wh)
    assert meter.view().values["operating_time_h"] * 3600 == pytest.approx(4.0, abs=0.4)


def test_the_same_with_an_auxiliary_supply_stays_on_and_counts_what_little_there_is(waves):
    block = waves.wave(waves.three_phase(), 50.0, 12000, RATE_HZ)
    block.voltages[:, 4000:8000] *= 12.0 / 230.0
    meter, without = fed([block], auxiliary_supply=True), fed([block])
    meter.end()
    without.end()
    assert meter.view().powered
    assert events(meter) == []
    plain = sum((block.voltages[p] * block.currents[p]).sum() for p in range(3)) / RATE_HZ / 3600e-6
    assert meter.view().exact["import_microwh"] == pytest.approx(plain, abs=4)
    assert meter.view().exact["import_microwh"] > without.view().exact["import_microwh"]


def test_operating_time_is_time_with_voltage_on_whatever_supplies_the_meter(waves):
    block = waves.wave(waves.three_phase(), 50.0, 12000, RATE_HZ)
    block.voltages[:, 4000:8000] = 0.0
    hours = []
    for auxiliary in (True, False):
        meter = fed([block], auxiliary_supply=auxiliary)
        meter.end()
        hours.append(meter.view().values["operating_time_h"])
    assert hours[0] == hours[1]
    assert hours[0] * 3600 == pytest.approx(4.0, abs=0.4)


def test_one_voltage_keeps_the_meter_on(waves):
    meter = fed([waves.wave(waves.single_phase(phase=2), 50.0, 3000, RATE_HZ)])
    meter.end()
    assert meter.view().powered
    assert meter.take_events() == ()


def test_a_rest_near_a_zero_crossing_is_no_power_failure(waves):
    # one phase alone at 20000/s; its first window ends with sample 4003, and its voltage crosses zero at 4006
    theta = waves.phase_angle(50.0, 4040, 20000.0) - 4006 * 2 * math.pi * 50 / 20000 - math.pi / 2
    voltages, currents = waves.sample(waves.single_phase(current_a=0.005, angle_deg=0.0), theta)
    for samples in range(4000, 4040):
        meter = Meter(first_state({}))
        meter.step(waves.block_of(voltages[:, :samples], currents[:, :samples], 20000.0), START_NS)
        meter.end()
        assert meter.view().powered, samples
        assert meter.take_events() == ()
        assert meter.view().samples == samples


def test_a_meter_that_never_saw_voltage_goes_down_at_its_first_window(waves):
    meter = fed([waves.block_of(np.zeros((3, 2000)), np.zeros((3, 2000)), RATE_HZ)])
    assert events(meter) == [(EventKind.POWER_DOWN, START_NS)]
    assert meter.view().values["frequency_hz"] is None
    assert meter.view().values["operating_time_h"] == 0.0


def test_operating_hours_run_with_sample_time(waves):
    meter = fed([waves.wave(waves.single_phase(), 50.0, 7000, RATE_HZ)])
    meter.end()
    assert meter.view().values["operating_time_h"] == pytest.approx(3.5 / 3600, rel=1e-9)


# roll-over


def nearly_full(meter, register=0):
    content = state_to_record(meter.state)
    total = list(content["registers"]["total"])
    total[register] = REGISTER_MODULUS * MICRO - 100_000
    content["registers"] = {**content["registers"], "total": total}
    return Meter(state_from_record(content))


def test_a_register_rolls_over_in_sight_and_goes_on_exactly(waves):
    meter = nearly_full(Meter(first_state({})))
    assert meter.view().values["import_wh"] == 4_294_967_295
    fed([waves.wave(waves.three_phase(), 50.0, 4000, RATE_HZ)], meter).end()
    assert meter.view().values["import_wh"] == 0
    assert meter.view().exact["import_microwh"] > REGISTER_MODULUS * MICRO
    (event,) = meter.take_events()
    assert event.kind is EventKind.ROLL_OVER
    assert dict(event.detail) == {"register": "import_wh"}
    # 100 000 uWh at 1725 W are 0.2087 s: the second window ends at 0.402 s
    assert abs(event.time_ns - START_NS - 0.402 * NANOSECONDS) < 0.002 * NANOSECONDS


@given(cuts=st.lists(st.integers(0, 6000), max_size=5))
@SOON
def test_a_roll_over_has_the_same_instant_however_the_source_is_cut(waves, cuts):
    block = waves.wave(waves.three_phase(), 50.0, 6000, RATE_HZ)
    whole, cut = nearly_full(Meter(first_state({}))), nearly_full(Meter(first_state({})))
    fed([block], whole)
    fed(waves.pieces(block, cuts), cut)
    assert record(cut) == record(whole)
    assert events(cut) == events(whole)


# commands


def test_a_partial_reset_clears_the_partial_counters_alone_and_says_what_they_were(waves):
    meter = fed([waves.wave(waves.three_phase(), 50.0, 6000, RATE_HZ)], ct="200/5", cost_per_kwh="0.25")
    before = meter.view()
    assert meter.command(ResetPartial(interface=Interface.BUS), START_NS + 7).verdict is Verdict.DONE
    after = meter.view()
    changed = {name for name in before.values if before.values[name] != after.values[name]}
    assert changed <= {n for n in before.values if n.startswith("partial_")}
    assert {"partial_import_wh", "partial_q1_varh", "partial_cost", "partial_operating_time_h"} <= changed
    assert after.exact["partial_import_microwh"] == 0
    assert after.exact["import_microwh"] == before.exact["import_microwh"]
    (event,) = meter.take_events()
    assert (event.kind, event.time_ns) == (EventKind.PARTIAL_RESET, START_NS + 7)
    assert event.detail["partial_import_microwh"] == str(before.exact["partial_import_microwh"])
    assert event.detail["interface"] == "bus"
    fed([waves.wave(waves.three_phase(), 50.0, 2000, RATE_HZ, first_sample=6000)], meter).end()
    gained = meter.view().exact["import_microwh"] - before.exact["import_microwh"]
    assert meter.view().exact["partial_import_microwh"] == gained > 0


@pytest.mark.parametrize(
    ("wanted", "interface", "verdict"),
    [
        ({"cost_per_kwh": "0.1234"}, Interface.BUS, Verdict.DONE),
        ({"cost_per_kwh": "0.12345"}, Interface.BUS, Verdict.OUT_OF_RANGE),
        ({"bus_address": 247}, Interface.BUS, Verdict.DONE),
        ({"bus_address": 248}, Interface.BUS, Verdict.OUT_OF_RANGE),
        ({"auxiliary_supply": True}, Interface.BUS, Verdict.READ_ONLY),
        ({"auxiliary_supply": True}, Interface.CONTROL, Verdict.DONE),
        ({"ct": "200/5"}, Interface.CONTROL, Verdict.SEALED),
        ({"summation": "arithmetic", "vt": "2/1"}, Interface.CONFIG, Verdict.SEALED),
        ({"colour": "red"}, Interface.CONTROL, Verdict.REFUSED),
        ({}, Interface.BUS, Verdict.DONE),
        ({"bus_address": 5, "cost_per_kwh": "-1"}, Interface.BUS, Verdict.OUT_OF_RANGE),
        ({"bus_address": 5, "ct": "200/5"}, Interface.CONTROL, Verdict.SEALED),
    ],
)
def test_settings_are_written_all_or_none(wanted, interface, verdict):
    meter = Meter(first_state({}))
    before = dict(meter.view().parameters)
    outcome = meter.command(WriteSettings(settings=wanted, interface=interface), START_NS)
    assert outcome.verdict is verdict
    done = verdict is Verdict.DONE
    assert bool(outcome.message) != done
    changed = {name for name, value in meter.view().parameters.items() if value != before[name]}
    assert changed == (set(wanted) if done else set())
    assert [e.detail["name"] for e in meter.take_events()] == (sorted(wanted) if done else [])


def test_a_setting_written_as_it_was_is_no_event():
    meter = Meter(first_state({}))
    assert meter.command(WriteSettings(settings={"bus_address": 1}, interface=Interface.BUS), 0).verdict is Verdict.DONE
    assert meter.take_events() == ()


def test_events_are_taken_once(waves):
    meter = fed([waves.block_of(np.zeros((3, 2000)), np.zeros((3, 2000)), RATE_HZ)])
    assert len(meter.take_events()) == 1
    assert meter.take_events() == ()
