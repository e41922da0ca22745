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


ALL_REVERSED = """\
[[wiring]]
kind = "ct_reversed"
phases = ["L1", "L2", "L3"]
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


@pytest.mark.parametrize(("words", "found"), [("", []), ("generation = true", []), ("generation = false", ["ct_reversed"])])
def test_a_run_of_a_plant_that_cannot_export_names_all_cts_reversed(plant, ask, tmp_path, words, found):
    config = tmp_path / "meter.toml"
    config.write_text(f'[source]\nnetwork = "{plant(ALL_REVERSED).name}"\n[diagnosis]\n{words}\n', "utf-8")
    status, out, _ = ask("run", config, "--speed", "max", "--duration", "80", "--json")
    assert (status, [each["kind"] for each in json.loads(out[-1])["diagnosis"]]) == (0, found)


def test_a_word_of_the_diagnosis_that_does_not_exist_is_refused_with_its_line(plant, ask, tmp_path):
    config = tmp_path / "meter.toml"
    config.write_text(f'[source]\nnetwork = "{plant().name}"\n[diagnosis]\ngenerator = false\n', "utf-8")
    status, out, err = ask("run", config, "--speed", "max")
    assert (status, out, len(err)) == (2, [], 1)
    assert "meter.toml:4" in err[0]
    assert "generator" in err[0]


def test_a_meter_whose_plant_cannot_export_is_told_all_its_cts_are_reversed(plant, start, ask):
    words = ("run", "--source", plant(ALL_REVERSED), "--speed", "max", "--duration", "20", "--hold", "--json")
    url = start(*words, "--model", "Q23612", "--listen", "modbus+tcp://127.0.0.1:0").url()
    for _ in range(100):
        if (json.loads(ask("read", url, "--json")[1][-1])["values"]["power_w"] or 0) != 0:
            break
    assert ask("diagnose", url)[0] == 0
    status, out, err = ask("diagnose", url, "--no-generation", "--json")
    (finding,) = json.loads(out[-1])["findings"]
    assert (status, err, finding["kind"], finding["phases"]) == (1, [], "ct_reversed", ["L1", "L2", "L3"])
    assert "or the voltages rotated" in finding["evidence"]


def test_a_meter_that_is_not_there_is_one_line(ask):
    status, out, err = ask("diagnose", "modbus+tcp://127.0.0.1:9")
    assert (status, out, len(err)) == (1, [], 1)
