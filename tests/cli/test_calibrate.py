"""``watthour calibrate`` from a job's file to settings that a run takes."""

import json
import math
import tomllib
from types import SimpleNamespace

import numpy as np
import pytest

BENCH = """
[front_end]
preset = "24 bit"
gain = [1.03, 0.97, 1.01, 1.03, 0.98, 1.02]
offset_percent = [0.5, -0.5, 0.2, 0.5, -0.3, 0.5]
delay_us = [0.0, 3.0, -5.0, 12.0, 8.0, -12.0]

[[load]]
name = "PF 1"
voltage_v = 230.0
current_a = 5.0
angle_deg = 0.0
duration_s = 3
rate_hz = 2000

[[load]]
name = "PF 0.5"
voltage_v = 230.0
current_a = 5.0
angle_deg = 60.0
duration_s = 3
rate_hz = 2000
"""

RECORDED = """
[[load]]
name = "{name}"
recording = "{name}.csv"
voltage_v = 230.0
current_a = [5.0, 5.0, 5.0]
power_w = {power_w}
reactive_var = {reactive_var}
"""


@pytest.fixture
def job(tmp_path):
    path = tmp_path / "job.toml"

    def write(text):
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def watthour(ask):
    def call(*words):
        status, out, err = ask(*words)
        return SimpleNamespace(returncode=status, stdout="\n".join(out), stderr="\n".join(err))

    return call


def recorded(tmp_path, name, angle_deg, *, gain=1.01, late_s=12e-6):
    """Write a recording of 230 V and 5 A whose currents are late and too large, and return its row of a job."""
    t = np.arange(5000) / 2000.0
    phases = [0.0, -2 * math.pi / 3, 2 * math.pi / 3]
    angle = math.radians(angle_deg)
    omega = 2 * math.pi * 50.0
    rows = [230 * math.sqrt(2) * np.cos(omega * t + p) for p in phases]
    rows += [gain * 5 * math.sqrt(2) * np.cos(omega * (t - late_s) + p - angle) for p in phases]
    header = "time_s,v1,v2,v3,i1,i2,i3"
    np.savetxt(tmp_path / f"{name}.csv", np.column_stack([t, *rows]), delimiter=",", header=header, comments="", fmt="%.9f")
    return RECORDED.format(name=name, power_w=1150 * math.cos(angle), reactive_var=1150 * math.sin(angle))


def test_a_bench_made_wrong_is_put_right(watthour, job, tmp_path):
    done = watthour("calibrate", job(BENCH), "--json", "--write", tmp_path / "found.toml")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert [row["channel"] for row in found["channels"]] == ["v1", "v2", "v3", "i1", "i2", "i3"]
    assert [row["gain"] for row in found["channels"]] == pytest.approx(
        [1 / g for g in (1.03, 0.97, 1.01, 1.03, 0.98, 1.02)], rel=1e-6
    )
    assert [row["delay_s"] for row in found["channels"]] == pytest.approx([0, 3e-6, -5e-6, 12e-6, 8e-6, -12e-6], abs=5e-9)
    assert max(abs(row["before_percent"]) for row in found["errors"]) > 3
    assert max(abs(row["after_percent"]) for row in found["errors"]) < 0.001
    settings = tomllib.loads((tmp_path / "found.toml").read_text("utf-8"))["meter"]
    assert settings == pytest.approx(found["settings"])
    assert len(settings) == 18


def test_the_settings_written_correct_a_run(watthour, job, tmp_path):
    text = recorded(tmp_path, "one", 0.0) + recorded(tmp_path, "half", 60.0)
    done = watthour("calibrate", job(text), "--write", tmp_path / "found.toml")
    assert done.returncode == 0, done.stderr
    assert "Correction" in done.stdout
    config = tmp_path / "meter.toml"
    source = '[source]\nrecording = "half.csv"\n'
    powers = {}
    for name, head in (("plain", ""), ("calibrated", (tmp_path / "found.toml").read_text("utf-8"))):
        config.write_text(head + source, "utf-8")
        run = watthour("run", config, "--speed", "max", "--json")
        assert run.returncode == 0, run.stderr
        powers[name] = json.loads(run.stdout.splitlines()[-1])["values"]["power_l1_w"]
    truth = 1150 * math.cos(math.radians(60))
    late = 1.01 * math.cos(math.radians(60) + 2 * math.pi * 50 * 12e-6) / math.cos(math.radians(60))
    assert powers["plain"] == pytest.approx(truth * late, rel=1e-5)
    assert powers["calibrated"] == pytest.approx(truth, rel=2e-6)


REFUSED = {
    "one load": (BENCH[: BENCH.rindex("[[load]]")], 1, "1 reference load: give at least 2"),
    "no front end": (BENCH[BENCH.index("[[load]]") :], 2, "job.toml:1: load = {...}: a simulated load needs a [front_end]"),
    "an unknown key": (BENCH.replace("angle_deg = 60.0", "angel_deg = 60.0"), 2, "unknown key angel_deg in load"),
    "a word of recordings": (
        BENCH.replace("angle_deg = 60.0", "angle_deg = 60.0\npower_w = 1.0"),
        2,
        "power_w = 1.0: belongs to a recording",
    ),
    "two currents of three phases": (
        BENCH.replace("current_a = 5.0", "current_a = [5.0, 4.0]", 1),
        2,
        "job.toml:11: current_a = [5.0, 4.0]: item 3 is missing; add it",
    ),
    "three scales of six channels": (
        RECORDED.format(name="x", power_w=1.0, reactive_var=0.0) + "scale = [1.0, 1.0, 1.0]\n",
        2,
        "scale = [1.0, 1.0, 1.0]: List should have at least 6 items, not 3",
    ),
    "two names": (BENCH.replace('"PF 0.5"', '"PF 1"'), 2, "two loads have this name"),
    "a class nobody knows": (BENCH.replace("[[load]]", 'ct_class = "9"\n[[load]]', 1), 2, "must be one of 0.1, 0.2"),
    "noise without steps": (BENCH.replace('preset = "24 bit"', "noise_lsb = 1.0"), 2, "noise in steps needs a converter"),
    "a gain too wrong": (
        BENCH.replace("gain = [1.03", "gain = [1.2"),
        1,
        "calibration_gain_v1: 0.8333333 is outside 0.9 to 1.1",
    ),
    "no recording there": (RECORDED.format(name="x", power_w=1.0, reactive_var=0.0), 1, "x.csv: there is no such file"),
    "no angle": (BENCH.replace("angle_deg = 60.0\n", ""), 2, "say angle_deg for a simulated load"),
    "no power": (
        RECORDED.format(name="x", power_w=1.0, reactive_var=0.0).replace("power_w = 1.0\n", ""),
        2,
        "power_w is missing",
    ),
    "another ct": ('[meter]\nct = "5/3"\n' + BENCH, 2, "this meter takes current transformers"),
}


@pytest.mark.parametrize(("text", "code", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_job_is_refused_in_one_line(watthour, job, text, code, reason):
    done = watthour("calibrate", job(text))
    assert done.returncode == code
    assert reason in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_file_that_is_there_is_not_written_over(watthour, job, tmp_path):
    text = recorded(tmp_path, "one", 0.0) + recorded(tmp_path, "half", 60.0)
    (tmp_path / "found.toml").write_text("mine", "utf-8")
    done = watthour("calibrate", job(text), "--write", tmp_path / "found.toml")
    assert done.returncode == 2
    assert "it is there already" in done.stderr
    assert (tmp_path / "found.toml").read_text("utf-8") == "mine"


def test_a_recording_with_a_gap_is_no_reference(watthour, job, tmp_path):
    text = recorded(tmp_path, "one", 0.0) + recorded(tmp_path, "half", 60.0)
    lines = (tmp_path / "half.csv").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "half.csv").write_text("".join(lines[:3000] + lines[3100:]), "utf-8")
    done = watthour("calibrate", job(text))
    assert done.returncode == 1
    assert "samples are missing before sample" in done.stderr


def test_a_load_may_be_a_part_of_a_recording(watthour, job, tmp_path):
    part = "begin_s = 0.2\nduration_s = 2.2\n"
    text = recorded(tmp_path, "one", 0.0) + part + recorded(tmp_path, "half", 60.0) + part
    done = watthour("calibrate", job(text), "--json")
    assert done.returncode == 0, done.stderr
    short = job(text.replace("duration_s = 2.2", "duration_s = 1.0"))
    assert "windows with mains voltage" in watthour("calibrate", short).stderr


def test_the_result_goes_into_a_meter_while_its_seal_is_open_and_no_sooner(watthour, ask, job, tmp_path, network):
    config = tmp_path / "meter.toml"
    config.write_text(f'data = "state"\n[meter]\nserial = 42\n[source]\nnetwork = "{network.name}"\n', "utf-8")
    assert ask("run", config, "--speed", "max", "--duration", "1", "--json")[0] == 0
    state = tmp_path / "state"
    refused = watthour("calibrate", job(BENCH), "--write", state)
    assert refused.returncode == 1
    assert "changes only while the seal is open" in refused.stderr
    assert ask("unseal", state)[0] == 0
    done = watthour("calibrate", job(BENCH), "--write", state)
    assert done.returncode == 0, done.stderr
    status, lines, _ = ask("log", state, "--json")
    changed = [json.loads(line) for line in lines]
    assert sum(event["kind"] == "parameter changed" for event in changed) == 18 - 1  # the first delay is 0, as it was
    assert (status, ask("check", state)[0]) == (0, 0)


def test_where_no_file_can_be_written_nothing_is_measured(watthour, job, tmp_path):
    done = watthour("calibrate", job(BENCH), "--write", tmp_path / "none" / "found.toml")
    assert done.returncode == 2
    assert done.stderr.endswith("found.toml: cannot be written: No such file or directory; name another place")
    assert "measuring" not in done.stderr
    there = tmp_path / "there.toml"
    there.write_text("[meter]\n", "utf-8")
    done = watthour("calibrate", job(BENCH), "--write", there)
    assert "measuring" not in done.stderr
    assert "it is there already" in done.stderr
    assert there.read_text("utf-8") == "[meter]\n"
