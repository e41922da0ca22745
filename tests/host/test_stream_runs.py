"""The whole program on a pipe: what it prints, how it stops, and what memory it takes."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

CONFIG = """
[meter]
model = "Q23612"
serial = 7
[source]
stream = "{stream}"
format = "int16"
rate_hz = 8000
scale = [0.01, 0.01, 0.01, 0.001, 0.001, 0.001]
"""
ROW_BYTES = 12


def second() -> bytes:
    """Return a second of 50 Hz, which may be repeated without a seam."""
    angle = 2 * np.pi * 50 / 8000 * np.arange(8000)[:, None] - 2 * np.pi / 3 * np.arange(3)
    rows = np.concatenate([32000 * np.cos(angle), 5000 * np.cos(angle - 0.5)], axis=1)
    return np.rint(rows).astype("<i2").tobytes()


@pytest.fixture
def start(tmp_path):
    """Start the program on standard input, or on a FIFO."""
    started = []

    def begin(*options: str, stream: str = "-") -> subprocess.Popen[bytes]:
        (tmp_path / "meter.toml").write_text(CONFIG.format(stream=stream))
        command = [sys.executable, "-m", "watthour", "run", str(tmp_path / "meter.toml"), "--json", *options]
        program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        started.append(program)
        return program

    yield begin
    for program in started:
        program.kill()
        with program:
            pass


def ended(program: subprocess.Popen[bytes]) -> tuple[dict, str]:
    out, errors = program.communicate(timeout=60)
    assert program.returncode == 0, errors
    return json.loads(out.splitlines()[-1]), errors.decode()


def send(program: subprocess.Popen[bytes], content: bytes) -> None:
    while content:
        content = content[program.stdin.write(content) :]


def wait_for(program: subprocess.Popen[bytes], text: str) -> str:
    """Read the program's log until it holds a text."""
    log = ""
    for line in program.stderr:
        log += line.decode()
        if text in log:
            return log
    pytest.fail(f"{text!r} was never told: {log}")


def test_a_closed_pipe_is_an_end_and_a_cut_row_is_told(start):
    program = start()
    send(program, second() * 3 + b"abcde")
    result, log = ended(program)
    assert (result["samples"], result["duration_s"], result["time"]) == (24000, 3.0, "2026-01-01T00:00:03Z")
    assert "source ended: samples 24000, dropped_bytes 5" in log


def test_a_stalled_pipe_is_a_logged_gap_and_the_run_goes_on(start):
    program = start()
    send(program, second())
    log = wait_for(program, "source gap: state samples stopped, silent_s 1.")
    send(program, second())
    result, rest = ended(program)
    assert (result["samples"], result["duration_s"]) == (16000, 2.0)
    gap = next(line for line in rest.splitlines() if "2026-01-01T00:00:01Z source gap: samples" in line)
    assert 1.0 < float(gap.rpartition("duration_s ")[2]) < 4.0
    assert "gap" not in log.split("samples stopped")[0].rpartition("source gap")[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("seconds", [0, 1])
def test_a_signal_stops_a_run_whose_writer_is_silent(start, number, seconds):
    program = start()
    wait_for(program, "state lives in memory")
    send(program, second() * seconds)
    if seconds:
        wait_for(program, "samples stopped")
    else:
        time.sleep(2.0)  # it listens to signals by now
    program.send_signal(number)
    program.wait(60)  # with its writer still there: a pipe that closes would be an end of its own
    result, _ = ended(program)
    assert result["samples"] == 8000 * seconds


def test_a_signal_stops_a_run_whose_fifo_nobody_has_opened(start, tmp_path):
    os.mkfifo(tmp_path / "samples")
    program = start(stream="samples")
    wait_for(program, "state lives in memory")
    time.sleep(2.0)
    program.send_signal(signal.SIGTERM)
    assert ended(program)[0]["samples"] == 0


def test_a_duration_ends_a_run_while_its_writer_goes_on(start):
    program = start("--duration", "1.5")
    send(program, second() * 2)
    assert program.wait(60) == 0  # the pipe is still open
    assert json.loads(program.stdout.read().splitlines()[-1])["samples"] == 12000


def test_a_speed_does_not_pace_a_stream(start):
    program = start("--speed", "0.01")
    begun_s = time.monotonic()
    send(program, second() * 60)
    assert ended(program)[0]["duration_s"] == 60.0
    assert time.monotonic() - begun_s < 600  # paced, it would take 6000


def test_the_registers_go_on_from_run_to_run(start, tmp_path):
    energies = []
    for run in range(2):
        program = start("--data", str(tmp_path / "state"))
        send(program, second() * 5)
        result, log = ended(program)
        energies.append(result["exact"]["import_microwh"])
        assert result["samples"] == 40000 * (run + 1)
        assert ("another source than before: the registers go on" in log) == bool(run)
    assert abs(energies[1] - 2 * energies[0]) <= 3  # a remainder in each phase


def peak_mb(start, seconds: int) -> float:
    program = start()
    content = memoryview(second())
    for _ in range(seconds):
        send(program, content)
    program.stdin.close()
    out = program.stdout.read()
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    assert json.loads(out.splitlines()[-1])["samples"] == 8000 * seconds
    return usage.ru_maxrss * 1024 / 1e6


def test_memory_does_not_grow_with_the_stream(start):
    """A fiftieth of the 4 GB that ``bench/pipe_memory.py`` sends."""
    assert peak_mb(start, 833) < peak_mb(start, 60) + 50
