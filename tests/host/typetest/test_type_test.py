"""``watthour typetest``: the verdict, the object, the page, the exit status, and what is refused before any work."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from watthour.cli import main
from watthour.host.typetest import running
from watthour.typetest import Task, tasks_of

POINT_KEYS = ["test", "condition", "quantity", "front_end", "error_percent", "limit_percent", "passed"]
CHECK_KEYS = ["test", "condition", "observed", "limit", "passed"]
FAST = ("--rate", "1200", "--seconds", "5", "--jobs", "1", "--range", "5")


@pytest.fixture
def ask(monkeypatch, capsys):
    """Call the program's type test with words, on a few of its tasks; return status, output and errors."""

    def few(bench, *, quick):
        tasks = tasks_of(bench, quick=quick)
        wanted = ("restart", "starting, active, 230", "intrinsic error, ...", "influence of missing", "repeatability")
        return [next(task for task in tasks if task.words.startswith(words)) for words in wanted]

    monkeypatch.setattr(running, "tasks_of", few)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["watthour", "typetest", "--quick", *(str(word) for word in words)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return call


def test_a_sound_meter_passes_and_its_object_has_the_documented_keys(ask, tmp_path):
    status, out, _ = ask(*FAST, "--front-end", "ideal", "--json", tmp_path / "t.json")
    assert status == 0
    assert out[0].startswith("PASSED: ")
    found = json.loads((tmp_path / "t.json").read_text())
    assert list(found) == ["passed", "software_id", "points", "checks"]
    assert found["passed"] is True
    beyond = next(line for line in out if "active error by register beyond one whole microwatt-hour" in line)
    assert beyond.split(": ")[1] in {"0 ppm", "< 0.001 ppm"}
    assert re.fullmatch("[0-9a-f]{64}", found["software_id"])
    assert {tuple(point) for point in found["points"]} == {tuple(POINT_KEYS)}
    assert {tuple(check) for check in found["checks"]} == {tuple(CHECK_KEYS)}
    conditions = [point["condition"] for point in found["points"]]
    assert "CEM-D311-MID .../5 A, balanced, 230 V, 50 Hz, 5 A, PF 1, import, register" in conditions
    assert "CEM-D311 .../5 A, balanced, 230 V, 50 Hz, 5 A, PF 1, import, pulses" in conditions


def test_a_planted_gain_error_fails_with_exit_status_1(ask, tmp_path):
    status, out, err = ask(*FAST, "--gain-error", "2.5", "--json", tmp_path / "t.json", "--report", tmp_path / "t.html")
    assert status == 1
    assert out[0].startswith("FAILED: ")
    assert err[-1].startswith("watthour: the type test failed: ")
    beyond = next(line for line in out if "active error by register beyond one whole microwatt-hour" in line)
    assert beyond.split(": ")[1].startswith("2.5")  # counting explains none of it
    found = json.loads((tmp_path / "t.json").read_text())
    assert found["passed"] is False
    assert {point["front_end"] for point in found["points"]} == {"24 bit, voltage gain +2.5 %"}
    page = (tmp_path / "t.html").read_text()
    assert "FAILED" in page
    assert "What failed" in page
    assert "Planted fault" in page


JOB = """
[front_end]
preset = "24 bit"
gain = [1.03, 0.97, 1.01, 1.03, 0.98, 1.02]
offset_percent = [0.5, -0.5, 0.2, 0.5, -0.3, 0.5]
delay_us = [0.0, 3.0, -5.0, 12.0, 8.0, -12.0]
"""
LOADS = "".join(
    f"""
[[load]]
name = "{angle_deg} degrees"
voltage_v = 230.0
current_a = 5.0
angle_deg = {angle_deg}
duration_s = 3
rate_hz = 1200
"""
    for angle_deg in (0.0, 60.0)
)


def test_a_meter_calibrated_behind_a_wrong_front_end_passes_and_a_fault_put_in_afterwards_fails_it(ask, tmp_path):
    job = tmp_path / "job.toml"
    job.write_text(JOB + LOADS)
    words = ("--rate", "1200", "--seconds", "5", "--jobs", "1", "--calibration", job, "--json", tmp_path / "t.json")
    status, out, _ = ask(*words)
    assert (status, out[0][:8]) == (0, "PASSED: ")
    found = json.loads((tmp_path / "t.json").read_text())
    assert {point["front_end"] for point in found["points"]} == {"24 bit, calibrated by job.toml"}
    by_register = {
        point["condition"]: point["error_percent"] for point in found["points"] if point["test"] == "intrinsic error"
    }
    error_percent = by_register["CEM-D311-MID .../5 A, balanced, 230 V, 50 Hz, 5 A, PF 1, import, register"]
    assert abs(error_percent) < 0.01  # its channels are off by up to 3 percent
    assert ask(*words, "--gain-error", "2.5")[0] == 1


class Page(HTMLParser):
    """Notes tags left open, and what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched = [], []

    def handle_starttag(self, tag, attrs):
        self.fetched += [value for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "line", "path", "circle", "rect", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in {"line", "path", "circle", "rect"}:
            return
        assert self.open.pop() == tag


def test_the_report_stands_alone_and_marks_unchecked_limits(ask, tmp_path):
    status, _, _ = ask(*FAST, "--front-end", "ideal", "--report", tmp_path / "t.html")
    assert status == 0
    text = (tmp_path / "t.html").read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert "http" not in text
    for words in ("PASSED", "PF 1", "Influences", "not yet checked against the standard", "ideal: float64 samples", "⚠"):
        assert words in text


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--range", "2"), "--range 2: the ranges are 5 and 1"),
        (("--front-end", "8 bit"), "no front end '8 bit'"),
        (("--rate", "1000"), "--rate 1000: ask for whole samples a second, 1200 or more"),
        (("--seconds", "0"), "--seconds 0: ask for 1 to 3600"),
        (("--model", "Q1"), "'Q1' is no model of the range"),
        (("--json", "/nowhere/t.json"), "/nowhere/t.json: cannot be written"),
        (("--jobs", "0"), "--jobs"),
        (("--calibration", "/nowhere/job.toml"), "/nowhere/job.toml"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_any_work(ask, words, complaint):
    status, out, err = ask(*words)
    assert status == 2
    assert out == []
    assert len(err) == 1
    assert complaint in err[0]


def test_processes_find_what_one_process_finds(ask, tmp_path):
    for jobs in ("1", "2"):
        status, _, _ = ask(*FAST[:4], "--range", "5", "--jobs", jobs, "--json", tmp_path / f"{jobs}.json")
        assert status == 0
    assert (tmp_path / "1.json").read_text() == (tmp_path / "2.json").read_text()


def test_a_killed_process_ends_the_test_in_one_line(ask, monkeypatch):
    monkeypatch.setattr(running, "tasks_of", lambda _, *, quick: [Task(words=f"{n}", run=os.abort) for n in range(2 + quick)])
    status, _, err = ask(*FAST[:4], "--range", "5", "--jobs", "2")
    assert status == 1
    assert err[-1] == "watthour: a process of the type test was killed, perhaps for want of memory: try again with --jobs 1"


def test_ctrl_c_while_the_processes_start_ends_them_without_a_word():
    words = [sys.executable, "-m", "watthour", "typetest", "--quick", "--jobs", "2"]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a program called within this process left it ignored
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as test:
        started = []
        until_s = time.monotonic() + 60
        while len(started) < 2:
            assert time.monotonic() < until_s
            time.sleep(0.02)
            children = Path(f"/proc/{test.pid}/task/{test.pid}/children").read_text("utf-8").split()
            started = [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
        time.sleep(0.3)  # they import
        os.killpg(test.pid, signal.SIGINT)
        _, err = test.communicate(timeout=60)
    assert test.returncode == 130
    assert "Traceback" not in err
    assert not any(Path(f"/proc/{child}").exists() for child in started)
