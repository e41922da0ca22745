"""``--pulses FILE``: what a test bench would see, in step with the registers over stops and restarts."""

import signal
import time

import pytest

from watthour.pulses import MICRO_PER_PULSE


@pytest.fixture
def oven(tmp_path):
    """A load of 30 kW at the terminals: some thirty pulses a second."""
    path = tmp_path / "oven.network.toml"
    path.write_text(
        '[supply]\nvoltages_v = 230\nfrequency_hz = 50\n[[load]]\nname = "oven"\nkind = "constant"\nphases = ["L1", "L2", "L3"]\n'
        'power_w = 30000\ncos_phi = "0.8 ind"\n[sampling]\nrate_hz = 1200\n'
    )
    return path


def rows_of(path):
    head, *rows = path.read_text().splitlines()
    assert head == "time,led,count"
    return [row.split(",") for row in rows]


def assert_in_step(rows, result):
    exact = result["exact"]
    energy = {
        "kWh": exact["secondary_import_microwh"] + exact["secondary_export_microwh"],
        "kvarh": sum(exact[f"secondary_q{n}_microvarh"] for n in (1, 2, 3, 4)),
    }
    for led, amount in energy.items():
        assert [int(count) for _, name, count in rows if name == led] == list(range(1, amount // MICRO_PER_PULSE + 1))
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_pulses_are_those_of_the_register_that_is_printed(result_of, oven, tmp_path):
    file = tmp_path / "pulses.csv"
    result = result_of("--source", oven, "--speed", "max", "--duration", "20.05", "--pulses", file)
    rows = rows_of(file)
    assert_in_step(rows, result)
    assert len(rows) > 900
    assert rows[0][0].startswith("2026-01-01T00:00:00.03")  # 900 Ws at 30 kW


def test_runs_that_stop_anywhere_leave_the_file_of_one_run(result_of, oven, tmp_path):
    whole = tmp_path / "whole.csv"
    result_of("--source", oven, "--speed", "max", "--duration", "10", "--pulses", whole)
    parts = tmp_path / "parts.csv"
    for duration in ("1.11", "1.12", "4.7", "10"):
        words = ("--data", tmp_path / "state", "--pulses", parts)
        result = result_of("--source", oven, "--speed", "max", "--duration", duration, *words)
        assert_in_step(rows_of(parts), result)
    assert parts.read_text() == whole.read_text()


def test_a_run_killed_between_two_commits_doubles_nothing(start, result_of, oven, tmp_path):
    file, whole = tmp_path / "pulses.csv", tmp_path / "whole.csv"
    words = ("run", "--source", oven, "--data", tmp_path / "state", "--pulses", file)
    program = start(*words, "--speed", "50")
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_text().count("\n") > 100) and time.monotonic() < deadline:
        time.sleep(0.05)
    program.process.send_signal(signal.SIGKILL)
    program.process.wait(60)
    assert len(rows_of(file)) > 50
    result = result_of(*words[1:], "--speed", "max", "--duration", "30")
    assert_in_step(rows_of(file), result)
    result_of("--source", oven, "--speed", "max", "--duration", "30", "--pulses", whole)
    assert file.read_text() == whole.read_text()


def test_one_file_is_for_one_meter(ask, config, tmp_path):
    status, _, err = ask("run", config, config, "--pulses", tmp_path / "p.csv")
    assert status == 2
    assert len(err) == 1


def test_a_file_of_something_else_is_left_alone(ask, oven, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("mine\n")
    status, _, err = ask("run", "--source", oven, "--speed", "max", "--duration", "1", "--pulses", file)
    assert status == 2
    assert err == [f"watthour: {file}: holds something else than pulses (time,led,count): name another file with --pulses"]
    assert file.read_text() == "mine\n"
