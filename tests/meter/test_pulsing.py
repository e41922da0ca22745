"""Contacts and the pulse output inside a meter: exact, whatever the blocks, and refused where they cannot be kept up."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from watthour.errors import OutOfRangeError, UsageError
from watthour.meter import Meter, first_state, state_from_record, state_to_record
from watthour.parameters import Interface
from watthour.pulses import Edge
from watthour.units import MICRO
from watthour.view import Verdict, WriteSettings

MS = 10**6


def train(count, every_ms=70, closed_ms=30, contact=1):
    """Pulses, the first beginning after one period."""
    return [
        Edge(time_ns=(every_ms * n + rest) * MS, contact=contact, closed=rest == 0)
        for n in range(1, count + 1)
        for rest in (0, closed_ms)
    ]


def stepped(meter, block, cuts, edges=()):
    """Step a block in pieces, the edges handed over with the piece they fall into."""
    for begin, end in pairwise([0, *cuts, len(block)]):
        first_ns, last_ns = (round(n / block.rate_hz * 1e9) for n in (begin, end))
        meter.switch_contacts([edge for edge in edges if first_ns <= edge.time_ns < last_ns])
        meter.step(block.part(begin, end), first_ns)
    meter.end()
    return meter


@pytest.fixture(scope="module")
def block(waves):
    """Four seconds of 5 A at 230 V, cos phi 0.5: 1725 W."""
    return waves.wave(waves.three_phase(), 50.0, 8000, 2000.0)


def test_pulses_at_an_input_are_counted_and_weighed(block):
    meter = Meter(first_state({"input1_use": "pulses", "input1_weight": "0.25", "input1_unit": "kWh"}))
    values = stepped(meter, block, [333, 4000], train(50)).view().values
    assert (values["input1_count"], values["input1_quantity"], values["input2_count"]) == (50, 12.5, 0)


@pytest.mark.parametrize("cuts", [[1], [399, 400, 401, 5000], list(range(100, 8000, 100))])
def test_the_cuts_of_the_source_change_neither_counts_nor_instants(block, cuts):
    def metered(model, cuts):
        settings = {"model": model, "pulse_weight": 1, "ct": "25/5", "pulse_width_ms": 50, "input1_use": "pulses"}
        meter = stepped(Meter(first_state(settings)), block, cuts, train(50, every_ms=73, closed_ms=29 + len(model) % 2))
        record = state_to_record(meter.state)
        return meter.take_output_pulses(), record["contacts"], record["output"]

    assert metered("Q23612", cuts) == metered("Q23612", [])
    assert metered("Q23601", cuts) == metered("Q23601", [])


def test_a_meter_that_is_off_counts_no_pulses(waves):
    dead = waves.wave(waves.three_phase(voltages_v=(0.0, 0.0, 0.0)), 50.0, 8000, 2000.0)
    for aux, count in ((False, 0), (True, 20)):
        meter = Meter(first_state({"input1_use": "pulses", "auxiliary_supply": aux}))
        assert stepped(meter, dead, [], train(20)).view().values["input1_count"] == count


def test_another_unit_begins_its_quantity_again_and_the_count_goes_on(block):
    meter = stepped(Meter(first_state({"input1_use": "pulses"})), block, [], train(5))
    outcome = meter.command(WriteSettings(settings={"input1_unit": "m3"}, interface=Interface.CONTROL), 0)
    assert outcome.verdict is Verdict.DONE
    values = meter.view().values
    assert (values["input1_count"], values["input1_quantity"]) == (5, 0)


@pytest.mark.parametrize(("model", "shown"), [("Q23601", "pulse_output_"), ("Q23612", "input"), ("Q23621", "input")])
def test_what_a_model_lacks_has_no_value(model, shown):
    names = {name for name in Meter(first_state({"model": model})).view().values if name.startswith(("input", "pulse_"))}
    assert names
    assert all(name.startswith(shown) for name in names)


@pytest.mark.parametrize("quantity", ["import", "q1", "export"])
def test_the_output_gives_one_pulse_for_each_weight_of_the_primary_register(block, quantity):
    meter = Meter(first_state({"model": "Q23601", "ct": "25/5", "pulse_weight": 1, "pulse_quantity": quantity}))
    stepped(meter, block, [1234])
    pulses, view = meter.take_output_pulses(), meter.view()
    owed = view.exact[f"{quantity}_micro{'varh' if quantity == 'q1' else 'wh'}"] // MICRO
    assert view.values["pulse_output_count"] + view.values["pulse_output_pending"] == owed
    assert (owed > 0) == (quantity != "export")
    assert view.values["pulse_output_count"] == len(pulses)
    assert all(later - earlier >= 130 * MS for earlier, later in pairwise(pulses))


def test_a_pulse_comes_when_its_energy_has_been_metered(block):
    meter = stepped(Meter(first_state({"model": "Q23601", "ct": "25/5", "pulse_weight": 1})), block, [])
    for number, pulse_ns in enumerate(meter.take_output_pulses(), 1):  # 1725 W x 5: one watt-hour in 417.391 ms
        assert pulse_ns == pytest.approx(number * 3600 / (1725 * 5) * 1e9, abs=2.1e6)  # counted from the first window on


def test_no_pulse_is_lost_or_doubled_over_a_stop_at_any_place(block):
    settings = {"model": "Q23601", "ct": "400/5", "pulse_weight": 15, "pulse_width_ms": 90}
    whole = Meter(first_state(settings))
    stepped(whole, block, [])
    expected = whole.take_output_pulses()
    assert len(expected) > 5
    for stop in range(50, 8000, 650):
        meter = Meter(first_state(settings))
        meter.step(block.part(0, stop), 0)
        early = meter.take_output_pulses()
        meter = Meter(state_from_record(json.loads(json.dumps(state_to_record(meter.state)))))
        meter.step(block.part(stop, 8000), stop * 500_000)
        meter.end()
        assert (*early, *meter.take_output_pulses()) == expected
        assert meter.state.output == whole.state.output


def test_an_output_that_could_not_keep_up_is_refused_at_the_start_and_on_a_write():
    ratio = {"model": "Q23601", "ct": "200/5"}
    with pytest.raises(OutOfRangeError, match=r"pulse_weight: 1 Wh a pulse .* 3 x 276 V x 6 A x 40 = 198720 W"):
        first_state({**ratio, "pulse_weight": 1})
    first_state({"ct": "200/5", "pulse_weight": 1})  # this model has no output
    with pytest.raises(OutOfRangeError, match="pulse_weight at least 1305"):
        first_state({"model": "Q23601", "ct": "200/5", "vt": "20000/110"})  # 4968 W x 40 x 2000/11 x 0.13 s
    meter = Meter(first_state({**ratio, "pulse_weight": 8}))
    refused = meter.command(WriteSettings(settings={"pulse_weight": 7}, interface=Interface.BUS), 0)
    assert (refused.verdict, "pulse_weight at least 8" in refused.message) == (Verdict.OUT_OF_RANGE, True)
    assert meter.state.settings["pulse_weight"] == 8
    for settings in ({"pulse_width_ms": 99}, {"pulse_weight": 7, "pulse_width_ms": 90}, {"pulse_quantity": "q3"}):
        done = meter.command(WriteSettings(settings=settings, interface=Interface.BUS), 0)
        assert done.verdict is Verdict.DONE


def test_a_one_ampere_range_allows_five_times_the_ratio():
    first_state({"model": "Q23601", "ct": "200/1", "pulse_weight": 8})
    with pytest.raises(OutOfRangeError, match=r"3 x 276 V x 1\.2 A x 200"):
        first_state({"model": "Q23601", "ct": "200/1", "pulse_weight": 7})


def by_rate(view):
    return [view.exact[f"t{rate}_import_microwh"] for rate in range(1, 9)]


def test_the_inputs_select_the_rate_from_the_instant_a_contact_is_believed(block):
    settings = {"rate_source": "inputs", "input1_use": "rate", "input2_use": "rate"}
    switches = [(1000, 1, True), (2000, 2, True), (2500, 1, False), (3210, 2, False), (3215, 2, True)]
    edges = [Edge(time_ns=time_ms * MS, contact=contact, closed=closed) for time_ms, contact, closed in switches]
    for cuts in ([], [2040, 2060, 2061], list(range(50, 8000, 50))):
        view = stepped(Meter(first_state(settings)), block, cuts, edges).view()
        t1, t2, t3, t4, *others = by_rate(view)
        assert sum(by_rate(view)) == view.exact["import_microwh"]
        assert others == [0] * 4
        # the sum of three balanced phases is a steady 1725 W, so each part is known to one sample of 0.5 ms
        for found, seconds in ((t1, 1.03), (t2, 1.0), (t4, 0.5), (t3, 1.47)):
            assert found == pytest.approx(1725 * seconds / 3600 * 1e6, abs=1725 * 0.0021 / 3600 * 1e6)
        assert view.values["active_rate"] == 3


def test_an_input_that_has_another_use_selects_no_rate(block):
    for uses in ({"input1_use": "pulses"}, {"input2_use": "rate"}):
        settings = {"rate_source": "inputs", **uses}
        edges = [Edge(time_ns=10**9, contact=1, closed=True)]
        view = stepped(Meter(first_state(settings)), block, [], edges).view()
        assert by_rate(view)[0] == view.exact["import_microwh"]


def test_a_contact_that_is_closed_from_the_first_sample_on_selects_its_rate_from_there(block):
    edges = [Edge(time_ns=0, contact=2, closed=True)]
    view = stepped(Meter(first_state({"rate_source": "inputs", "input2_use": "rate"})), block, [], edges).view()
    assert by_rate(view)[2] == view.exact["import_microwh"] > 0


def test_a_model_without_inputs_takes_no_rate_from_them():
    with pytest.raises(UsageError, match=r"CEM-D310 .* has no digital inputs"):
        first_state({"model": "Q23601", "rate_source": "inputs"})


def test_a_clock_that_is_set_back_does_not_stop_the_counting(block):
    meter = Meter(first_state({"input1_use": "pulses"}))
    meter.switch_contacts(train(10))
    meter.step(block.part(0, 4000), 0)
    back_ns = -(10**15)
    meter.step(block.part(4000, 6000), back_ns)
    meter.switch_contacts([replace(edge, time_ns=edge.time_ns + back_ns + 10**9) for edge in train(7)])
    meter.step(block.part(6000, 8000), back_ns + 10**9)
    meter.end()
    assert meter.view().values["input1_count"] == 17


@pytest.mark.parametrize(
    ("model", "settings", "lacking"),
    [
        ("Q23612", {"pulse_width_ms": 50}, "pulse_width_ms: CEM-D311-MID (Q23612) has no pulse outputs"),
        ("Q23612", {"bus_address": 7, "pulse_weight": 10}, "pulse_weight: CEM-D311-MID (Q23612) has no pulse outputs"),
        ("Q23601", {"input1_unit": "m3"}, "input1_unit: CEM-D310 (Q23601) has no digital inputs"),
    ],
)
def test_a_setting_of_what_the_model_lacks_is_refused_and_nothing_changes(model, settings, lacking):
    meter = Meter(first_state({"model": model}))
    before = meter.state.settings
    outcome = meter.command(WriteSettings(settings=settings, interface=Interface.CONTROL), 0)
    assert outcome.verdict is Verdict.REFUSED
    assert outcome.message.startswith(lacking)
    assert meter.state.settings == before
    assert meter.take_events() == ()
