"""A run from its start to its end, without a terminal and without a process of its own."""

import asyncio
import json

import pytest

from watthour.errors import RecordingError
from watthour.host.config import Plan, SourceWish
from watthour.host.instants import DEFAULT_START_NS
from watthour.host.metering import MeteringThread, Pace, begin_work
from watthour.host.running import ThreadPort, result_of, run_meters
from watthour.parameters import Interface
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
    assert list(result) == ["model", "serial", "time", "samples", "duration_s", "values", "exact"]
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
    assert (plan.data / "1" / "meter.state").exists()


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
    port = ThreadPort(thread)
    thread.start()
    try:
        command = WriteSettings(settings={"bus_address": 9}, interface=Interface.BUS)
        outcome = asyncio.run(asyncio.wait_for(port.ask(command), 60))
    finally:
        thread.stop()
        thread.join(60)
    assert outcome.verdict is Verdict.DONE
    assert port.view().parameters["bus_address"] == 9
