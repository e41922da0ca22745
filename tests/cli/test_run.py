"""A run from a user's chair: its result, its stops and its restarts, to the bit."""

import json
import signal
import time

import pytest

from watthour.units import ENERGIES, PHASES, RATES, VALUES, exact_name, shown_register

STOPS = [signal.SIGINT, signal.SIGTERM]
KEYS = ["model", "serial", "time", "samples", "duration_s", "values", "exact", "diagnosis"]


def object_of(out):
    return json.loads(out.splitlines()[-1])


def test_the_result_is_one_object_with_the_documented_keys_on_the_last_line(start, config):
    status, out = start("run", config, "--speed", "max", "--duration", "2", "--json").end()
    assert status == 0
    assert out.count("\n") == 1
    result = object_of(out)
    assert list(result) == KEYS
    assert list(result["values"]) == [value.name for value in VALUES if value.needs != "pulse_outputs"]
    prefixes = ["", "partial_", *(f"{rate}_" for rate in RATES), *(f"{phase}_" for phase in PHASES), "secondary_"]
    assert list(result["exact"]) == [exact_name(energy, prefix) for prefix in prefixes for energy in ENERGIES]
    assert {type(amount) for amount in result["exact"].values()} == {int}
    assert (result["model"], result["serial"], result["time"]) == ("Q23612", 42, "2026-01-01T00:00:02Z")
    assert (result["samples"], result["duration_s"]) == (3200, 2.0)
    for energy in ENERGIES:
        unit = "wh" if energy in {"import", "export"} else "varh"
        assert result["values"][f"{energy}_{unit}"] == shown_register(result["exact"][exact_name(energy)])


def test_values_are_not_said_before_there_is_a_window(result_of, config):
    result = result_of(config, "--speed", "max", "--duration", "0.01")
    assert result["values"]["voltage_l1_v"] is None
    assert result["samples"] == 16


def test_without_json_the_values_are_printed_as_tables(ask, config):
    status, out, err = ask("run", config, "--speed", "max", "--duration", "1")
    assert status == 0
    assert "Registers" in [line.strip() for line in out]
    assert any(line.startswith("L1") and "230.0" in line for line in out)
    assert err == ["watthour: state lives in memory only: name a directory with --data to keep it"]


def test_the_model_of_the_command_line_is_the_one_that_runs(result_of, config):
    assert result_of(config, "--model", "cem-d310", "--speed", "max", "--duration", "0.1")["model"] == "Q23601"


def test_a_network_is_named_as_a_source(result_of, network):
    assert result_of("--source", network, "--speed", "max", "--duration", "1")["samples"] == 1600


def test_a_finished_recording_run_again_prints_the_same_object_and_meters_nothing(ask, substation, tmp_path):
    words = ("run", substation, "--speed", "max", "--json", "--data", tmp_path / "state")
    _, first, _ = ask(*words)
    status, out, err = ask(*words)
    assert status == 0
    assert out == first
    assert "watthour: this source has already been metered to its end" in err[0]


def test_a_command_with_a_duration_run_again_prints_the_same_object(result_of, config, tmp_path):
    words = (config, "--speed", "max", "--duration", "3", "--data", tmp_path / "state")
    assert result_of(*words) == result_of(*words)


def test_another_recording_on_the_same_directory_goes_on_counting(result_of, ask, substation, tmp_path):
    first = result_of(substation, "--speed", "max", "--data", tmp_path / "state")
    other = tmp_path / "two.csv"
    other.write_text("time_s,V1,V2,V3,I1,I2,I3\n" + "".join(f"{k / 1600},132000,0,0,200,0,0\n" for k in range(1600)))
    words = (substation, "--source", other, "--channels", "1,2,3,4,5,6", "--speed", "max", "--data", tmp_path / "state")
    status, _, err = ask("run", *words)
    assert (status, len(err)) == (1, 1)
    assert "source_channels: 1, 2, 3, 4, 5, 6 is asked for, but the meter in" in err[0]
    assert ask("unseal", tmp_path / "state")[0] == 0
    both = result_of(*words)
    assert both["samples"] == first["samples"] + 1600
    more_wh = (both["exact"]["import_microwh"] - first["exact"]["import_microwh"]) / 1e6
    assert more_wh == pytest.approx(132_000 * 200 / 3600, abs=1)


def test_a_stopped_recording_ends_with_the_bits_of_one_that_was_not(start, result_of, substation, tmp_path):
    whole = result_of(substation, "--speed", "max")
    for stop in STOPS:
        program = start("run", substation, "--speed", "3", "--json", "--data", tmp_path / "state")
        program.hear("CT x VT ratio")
        time.sleep(0.8)
        status, out = program.end(stop)
        assert status == 0
        assert list(object_of(out)) == KEYS
    parted = result_of(substation, "--speed", "max", "--data", tmp_path / "state", "--duration", "4.3217")
    assert parted["samples"] < 7200
    assert result_of(substation, "--speed", "max", "--data", tmp_path / "state") == whole


def test_a_stopped_workshop_ends_with_the_bits_of_one_that_was_not(start, result_of, project_root, tmp_path):
    words = (
        project_root / "examples" / "workshop.toml",
        "--listen",
        "modbus+tcp://127.0.0.1:0",
        "--web",
        "127.0.0.1:0",
        "--speed",
        "max",
    )
    whole = result_of(*words, "--duration", "90")
    metered = []
    paced = (*words[:-1], "60")
    for stop in STOPS:
        program = start("run", *paced, "--json", "--data", tmp_path / "state", "--duration", "85")
        program.url()
        time.sleep(0.4)
        status, out = program.end(stop)
        assert status == 0
        metered.append(object_of(out)["samples"])
    assert metered == sorted(metered)
    parted = result_of(*words, "--data", tmp_path / "state", "--duration", "90")
    assert (parted["exact"], parted["values"], parted["time"]) == (whole["exact"], whole["values"], whole["time"])


@pytest.mark.parametrize("number", STOPS)
def test_a_stop_before_the_first_sample_ends_in_order(start, config, number):
    program = start("run", config, "--json", env={"PYTHONPROFILEIMPORTTIME": "1"})
    program.hear("pydantic")  # what is heavy has only begun to be imported
    status, out = program.end(number)
    assert status == 0
    assert list(object_of(out)) == KEYS
    assert object_of(out)["samples"] < 1600


def test_a_directory_in_use_is_refused_and_left_alone(start, config, tmp_path):
    words = ("run", config, "--data", tmp_path / "state", "--json")
    owner = start(*words, "--listen", "modbus+tcp://127.0.0.1:0")
    owner.url()
    second = start(*words)
    status, out = second.end()
    assert (status, out) == (1, "")
    assert len(second.lines) == 1
    assert "another process meters into this directory" in second.lines[0]
    assert owner.end(signal.SIGTERM)[0] == 0


def test_a_damaged_file_is_healed_from_the_other_with_a_word(ask, config, tmp_path):
    words = ("run", config, "--data", tmp_path / "state", "--speed", "max", "--duration", "1", "--json")
    whole = json.loads(ask(*words)[1][-1])
    file = tmp_path / "state" / "42" / "b.db"
    damaged = bytearray(file.read_bytes())
    damaged[damaged.index(b"watthour-state") + 200] ^= 1
    file.write_bytes(damaged)
    status, out, err = ask(*words)
    assert status == 0
    assert json.loads(out[-1]) == whole
    assert len([line for line in err if "b.db" in line and "healed from the other file" in line]) == 1
    assert (tmp_path / "state" / "42" / "b.db.damaged").read_bytes() == damaged
    assert not any("b.db" in line for line in ask(*words)[2])


def test_a_sealed_setting_that_differs_is_refused_naming_both(ask, config, tmp_path):
    words = ("run", config, "--data", tmp_path / "state", "--speed", "max", "--duration", "1", "--json")
    ask(*words)
    config.write_text(config.read_text().replace("50/5", "100/5"))
    status, out, err = ask(*words)
    assert (status, out, len(err)) == (1, [], 1)
    assert "ct: 100/5 is asked for" in err[0]
    assert "sealed with 50/5" in err[0]


def test_the_data_directory_of_the_configuration_lies_beside_it(result_of, config, tmp_path):
    config.write_text(f'data = "state"\n{config.read_text()}')
    result_of(config, "--speed", "max", "--duration", "1")
    assert (tmp_path / "state" / "42" / "a.db").exists()


def test_a_paced_run_takes_its_time(result_of, config):
    begun_s = time.monotonic()
    assert result_of(config, "--speed", "2", "--duration", "1")["samples"] == 1600
    assert time.monotonic() - begun_s >= 0.5
