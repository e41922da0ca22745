"""The wiring diagnosis from a user's chair: in a run, and over the bus."""

import json

import pytest

from watthour.view import FindingKind

PLANT = """\
[supply]
voltages_v = 230
[[load]]
name = "pumps"
kind = "constant"
phases = ["L1", "L2", "L3"]
power_w = [500, 400, 450]
cos_phi = "0.9 ind"
[sampling]
rate_hz = 1600
"""
SWAPPED = """\
[[wiring]]
kind = "cts_swapped"
phases = ["L1", "L2"]
"""


@pytest.fixture
def plant(tmp_path):
    """Write an installation with a fault, or none, and return its file."""

    def write(fault=""):
        path = tmp_path / "plant.network.toml"
        path.write_text(PLANT + fault, "utf-8")
        return path

    return write


def test_a_run_prints_what_it_found(plant, ask):
    status, out, _ = ask("run", "--source", plant(SWAPPED), "--speed", "max", "--duration", "30", "--json")
    result = json.loads(out[-1])
    assert status == 0
    assert [(each["kind"], each["phases"]) for each in result["diagnosis"]] == [("cts_swapped", ["L1", "L2"])]
    assert result["values"]["wiring_findings"] == 1 << FindingKind.CTS_SWAPPED.bit
    assert set(result["diagnosis"][0]) == {"kind", "phases", "confidence", "evidence"}


def test_a_run_shows_what_it_found(plant, ask):
    status, out, _ = ask("run", "--source", plant(SWAPPED), "--speed", "max", "--duration", "30")
    assert status == 0
    assert any(line.startswith("CTs swapped") and "L1 L2" in line for line in out)


def test_a_run_of_a_right_wiring_finds_nothing(plant, ask):
    _, out, _ = ask("run", "--source", plant(), "--speed", "max", "--duration", "90", "--json")
    result = json.loads(out[-1])
    assert (result["diagnosis"], result["values"]["wiring_findings"]) == ([], 0)


@pytest.mark.parametrize(("fault", "found"), [("", []), (SWAPPED, ["cts_swapped"])])
def test_a_meter_is_diagnosed_over_its_bus_and_the_status_says_whether_something_was_found(plant, start, ask, fault, found):
    words = ("run", "--source", plant(fault), "--speed", "max", "--duration", "20", "--hold", "--json")
    program = start(*words, "--model", "Q23612", "--listen", "modbus+tcp://127.0.0.1:0")
    url = program.url()
    for _ in range(100):
        if (json.loads(ask("read", url, "--json")[1][-1])["values"]["power_w"] or 0) != 0:
            break
    status, out, err = ask("diagnose", url, "--json")
    told = json.loads(out[-1])
    assert (status, err) == (int(bool(found)), [])
    assert list(told) == ["url", "time", "serial", "findings"]
    assert [each["kind"] for each in told["findings"]] == found
    status, out, err = ask("diagnose", url)
    assert (status, err) == (int(bool(found)), [])
    words = "CTs swapped" if found else "nothing wrong is seen"
    assert any(line.startswith(words) for line in out)


def test_a_meter_that_is_not_there_is_one_line(ask):
    status, out, err = ask("diagnose", "modbus+tcp://127.0.0.1:9")
    assert (status, out, len(err)) == (1, [], 1)
