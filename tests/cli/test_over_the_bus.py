"""A running meter is set, reset, closed and given rates over Modbus, by the program and by another maker's master."""

import json
import signal
import time

import pytest
from pymodbus.client import ModbusTcpClient

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2
RATE_SELECT, CT_SECONDARY = 0x1302, 0x0452


@pytest.fixture
def running(start, config, tmp_path):
    config.write_text(config.read_text() + '[tariff]\nsource = "bus"\n')
    program = start("run", config, "--data", tmp_path / "state", "--json", "--listen", "modbus+tcp://127.0.0.1:0")
    program.location = program.url()
    return program


@pytest.fixture
def master(running):
    host, port = running.location.removeprefix("modbus+tcp://").partition("?")[0].split(":")
    client = ModbusTcpClient(host, port=int(port), timeout=30, retries=0)
    assert client.connect()
    yield client
    client.close()


def test_what_is_written_over_modbus_is_done_kept_and_logged(running, master, ask, tmp_path):
    def values():
        status, out, err = ask("read", running.location, "--json")
        assert status == 0, err
        return json.loads(out[-1])["values"]

    status, _, err = ask("set", running.location, "cost_per_kwh=0.25")
    assert (status, err) == (0, [])
    assert values()["cost_per_kwh"] == 0.25
    assert master.write_register(CT_SECONDARY, 1, device_id=1).exception_code == ILLEGAL_ADDRESS
    status, _, err = ask("set", running.location, "ct=100/5")
    assert (status, len(err)) == (2, 1)  # wrong usage
    assert "ct: not written over Modbus" in err[0]

    for rate in (2, 1):
        assert not master.write_registers(RATE_SELECT, [rate], device_id=1).isError()
        begun_wh, give_up_s = values()[f"t{rate}_import_wh"], time.monotonic() + 60
        while (shown := values())[f"t{rate}_import_wh"] <= begun_wh:
            assert time.monotonic() < give_up_s
            time.sleep(0.2)
        assert shown["active_rate"] == rate
        assert 0 <= shown["import_wh"] - shown["t1_import_wh"] - shown["t2_import_wh"] <= 1  # each is rounded down
    assert master.write_registers(RATE_SELECT, [9], device_id=1).isError()

    status, _, err = ask("reset-partial", running.location)
    assert (status, err) == (0, [])
    assert values()["partial_import_wh"] < values()["import_wh"]
    status, _, err = ask("close-period", running.location)
    assert (status, err) == (0, [])
    time.sleep(1.0)  # it is closed with the window at hand
    status, out = running.end(signal.SIGINT)
    assert status == 0
    exact = json.loads(out.splitlines()[-1])["exact"]
    assert exact["t1_import_microwh"] + exact["t2_import_microwh"] == exact["import_microwh"]
    assert exact["t1_import_microwh"] > 0 < exact["t2_import_microwh"]

    told = [json.loads(line) for line in ask("log", tmp_path / "state", "--json")[1]]
    by_kind = {event["kind"]: event["detail"] for event in told}
    assert by_kind["parameter changed"]["name"] == "cost_per_kwh"
    for kind in ("parameter changed", "partial reset", "period closed"):
        assert by_kind[kind]["interface"] == "bus"
    assert int(by_kind["partial reset"]["partial_import_microwh"]) > 0
    assert ask("check", tmp_path / "state")[0] == 0


def test_a_rate_is_not_selected_over_modbus_where_the_calendar_does(start, config):
    program = start("run", config, "--listen", "modbus+tcp://127.0.0.1:0")
    host, port = program.url().removeprefix("modbus+tcp://").partition("?")[0].split(":")
    with ModbusTcpClient(host, port=int(port), timeout=30, retries=0) as master:
        assert master.write_registers(RATE_SELECT, [2], device_id=1).exception_code == ILLEGAL_FUNCTION
    assert program.end(signal.SIGINT)[0] == 0
