"""A run from its start to its end, without a terminal and without a process of its own."""

import asyncio
import json
from dataclasses import replace

import pytest

from watthour.errors import RecordingError, UsageError, WatthourError
from watthour.host.config import Plan, SourceWish
from watthour.host.instants import DEFAULT_START_NS
from watthour.host.lines import parse_url
from watthour.host.metering import MeteringThread, Pace, begin_work
from watthour.host.running import result_of, run_meters
from watthour.host.starting import ThreadPort, starting_view
from watthour.meter import Meter
from watthour.parameters import Interface
from watthour.units import Ratio
from watthour.view import Verdict, WriteSettings

FAST = Pace(speed=None)


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "day.csv"
    rows = "".join(f"{k / 1600},{325 * (-1) ** (k // 16)},0,0,{(-1) ** (k // 16)},0,0\n" for k in range(1600))
    path.write_text("time_s,V1,V2,V3,I1,I2,I3\n" + rows)
    return Plan(source=SourceWish(path=path), data=tmp_path / "state")


def never():
    return False


def test_the_result_is_what_the_view_shows(plan):
    assert plan.source is not None
    view = begin_work(plan, plan.source, None).meter.view()
    result = result_of(view)
    assert list(result) == ["model", "serial", "time", "samples", "duration_s", "values", "exact", "diagnosis"]
    assert result["time"] == "2026-01-01T00:00:00Z"
    assert view.time_ns == DEFAULT_START_NS
    assert result["values"] == dict(view.values)
    assert result["exact"] == dict(view.exact)
    assert json.loads(json.dumps(result)) == result


def test_a_run_prints_its_object_and_keeps_its_state(plan, capsys):
    run_meters([plan], FAST, stop_asked=never, as_json=True)
    result = json.loads(capsys.readouterr().out)
    assert result["samples"] == 1600
    assert result["exact"]["import_microwh"] == pytest.approx(325 / 3600 * 1e6, abs=1)
    assert (plan.data / "1" / "a.db").exists()


def test_a_run_asked_to_stop_before_it_began_ends_in_order(plan, capsys):
    run_meters([plan], Pace(speed=1e-9, hold=True), stop_asked=lambda: True, as_json=True)
    assert json.loads(capsys.readouterr().out)["samples"] == 0


def test_a_held_run_ends_when_it_is_asked_to(plan, capsys):
    asked = iter([False, False, True])
    run_meters([plan], Pace(speed=None, hold=True), stop_asked=lambda: next(asked, True), as_json=True)
    assert json.loads(capsys.readouterr().out)["samples"] in {0, 1600}


def test_a_failure_of_the_thread_ends_the_run_with_it(plan, monkeypatch, capsys):
    failure = RecordingError("day.csv", "the disk is gone")

    def gone(*_arguments):
        raise failure

    monkeypatch.setattr("watthour.meter.Meter.step", gone)
    with pytest.raises(RecordingError, match="the disk is gone"):
        run_meters([plan], FAST, stop_asked=never, as_json=True)
    assert capsys.readouterr().out == ""


def test_a_port_asks_the_thread_and_waits_for_its_outcome(plan):
    assert plan.source is not None
    thread = MeteringThread(begin_work(plan, plan.source, None), Pace(speed=1e-9))
    port = ThreadPort(starting_view(plan))
    command = WriteSettings(settings={"bus_address": 9}, interface=Interface.BUS)
    assert asyncio.run(port.ask(command)).message == asyncio.run(port.switch(1, closed=True)).message == "the meter is starting"
    assert port.view().starting
    assert set(port.view().values.values()) == {None}
    port.begin(thread)
    assert not port.view().starting
    thread.start()
    try:
        outcome = asyncio.run(asyncio.wait_for(port.ask(command), 60))
    finally:
        thread.stop()
        thread.join(60)
    assert outcome.verdict is Verdict.DONE
    assert port.view().parameters["bus_address"] == 9


# ---------------------------------------------------------------- several meters


@pytest.fixture
def plans(plan):
    """Three meters, of which the second imports twice what the others do."""
    names = ("a.toml", "b.toml", "c.toml")
    made = [replace(plan, name=name, settings={"serial": serial}) for serial, name in enumerate(names, 1)]
    made[1] = replace(made[1], settings={"serial": 2, "ct": Ratio.parse("10/5")})
    return made


def test_several_meters_print_an_object_each_in_their_order_and_keep_their_state_apart(plans, capsys):
    run_meters(plans, FAST, stop_asked=never, as_json=True)
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [result["serial"] for result in results] == [1, 2, 3]
    energies = [result["exact"]["import_microwh"] for result in results]
    assert energies[0] == energies[2]
    assert energies[1] == 2 * energies[0]
    assert sorted(path.name for path in plans[0].data.iterdir()) == ["1", "2", "3"]


def test_several_meters_are_a_table_with_a_row_each(plans, capsys):
    run_meters(plans, FAST, stop_asked=never, as_json=False)
    out = capsys.readouterr().out.splitlines()
    assert out[0].strip() == "Meters"
    assert [line.split()[0] for line in out[-3:]] == ["1", "2", "3"]


def test_what_is_told_of_several_meters_names_them(plans, capsys):
    run_meters([replace(plan, data=None) for plan in plans], FAST, stop_asked=never, as_json=True)
    err = capsys.readouterr().err.splitlines()
    assert [line.split(" ")[1] for line in err if "memory only" in line] == ["a.toml:", "b.toml:", "c.toml:"]


def test_the_same_serial_in_the_same_directory_is_refused_naming_both(plans):
    plans[2] = replace(plans[2], settings={"serial": 1})
    with pytest.raises(UsageError, match=r"a\.toml and c\.toml keep their state as serial 1 in .*: give each its own serial"):
        run_meters(plans, FAST, stop_asked=never, as_json=True)
    assert not plans[0].data.exists()


def test_the_same_serial_elsewhere_or_in_memory_is_allowed(plans, capsys, tmp_path):
    twins = [
        replace(plan, settings={"serial": 1}, data=data) for plan, data in zip(plans, (None, None, tmp_path / "x"), strict=True)
    ]
    run_meters(twins, FAST, stop_asked=never, as_json=True)
    assert capsys.readouterr().out.count('"serial": 1') == 3


def test_the_failure_of_one_names_it_and_stops_all_with_their_state_kept(plans, monkeypatch, capsys):
    step = Meter.step

    def fail_in_the_second(meter, *arguments):
        if meter.state.settings["serial"] == 2:
            file, problem = "day.csv", "the disk is gone"
            raise RecordingError(file, problem)
        return step(meter, *arguments)

    monkeypatch.setattr("watthour.meter.Meter.step", fail_in_the_second)
    with pytest.raises(WatthourError, match=r"^b\.toml: day\.csv: the disk is gone$"):
        run_meters(plans, Pace(speed=None, hold=True), stop_asked=never, as_json=True)
    assert capsys.readouterr().out == ""
    assert all((plans[0].data / serial / "a.db").exists() for serial in ("1", "3"))


def test_units_that_clash_are_refused_before_anything_is_metered(plans):
    url = parse_url("modbus+tcp://127.0.0.1:1502")
    with pytest.raises(UsageError, match=r"unit 1 is wanted by a\.toml and b\.toml"):
        run_meters([replace(plan, listen=(url,)) for plan in plans], FAST, stop_asked=never, as_json=True)


def test_the_sample_time_of_a_port_counts_from_the_first_sample(plan):
    thread = MeteringThread(begin_work(plan, plan.source, None), FAST)
    port = ThreadPort(starting_view(plan))
    assert port.sample_time_s() == 0.0
    port.begin(thread)
    assert port.sample_time_s() == 0.0
    thread.start()
    thread.join(60)
    assert port.sample_time_s() == pytest.approx(1.0)
