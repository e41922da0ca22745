"""What a user sees in a terminal: the live page, the progress bar; nothing there may crash a run."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import termios
import threading

import pytest

PATIENCE_S = 120.0


@pytest.fixture
def in_terminal(start):
    """Start the program with a terminal as its standard error; `screen` is what was written there, without its colours."""
    masters = []

    def begin(*words, columns=80, rows=40):
        master, slave = pty.openpty()
        masters.append(master)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        program = start(*words, stderr=slave, env={"TERM": "xterm-256color", "COLUMNS": "", "LINES": ""})
        os.close(slave)
        program.screen = Screen(master)
        return program

    yield begin
    for master in masters:
        os.close(master)


class Screen:
    """What a program writes to a terminal."""

    def __init__(self, master):
        self._master = master
        self._written = b""
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with contextlib.suppress(OSError):  # the other end is closed: Linux says EIO
            while data := os.read(self._master, 65536):
                with self._changed:
                    self._written += data
                    self._changed.notify_all()

    @property
    def text(self):
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._written.decode(errors="replace"))

    def wait_for(self, pattern):
        with self._changed:
            assert self._changed.wait_for(lambda: re.search(pattern, self.text), PATIENCE_S), self.text[-2000:]


def test_a_live_run_shows_its_values_and_stops_in_order(in_terminal, config):
    program = in_terminal("run", config, "--listen", "modbus+tcp://127.0.0.1:0")
    program.screen.wait_for(r"listening on modbus\+tcp://127\.0\.0\.1:\d+")
    program.screen.wait_for(r"L1 +2(29|30)\.\d+ V")
    program.screen.wait_for(r"metered at 1600 samples/s, \d+ coming in")
    status, out = program.end(signal.SIGINT)
    assert status == 0
    assert "Traceback" not in program.screen.text
    assert "…" not in program.screen.text
    assert "Registers" in out  # standard output is no terminal: the result belongs there


def test_a_fast_run_shows_how_far_it_has_come(in_terminal, config):
    program = in_terminal("run", config, "--speed", "max", "--duration", "300")
    status, out = program.end()
    assert status == 0
    assert "kitchen.network.toml" in program.screen.text
    assert re.search(r"100 %.*Wh imported", program.screen.text)
    assert "Traceback" not in program.screen.text
    assert "Registers" in out


@pytest.mark.parametrize(("columns", "rows", "speed"), [(0, 0, "1"), (1, 1, "1"), (20, 5, "max")])
def test_no_size_of_the_terminal_crashes_a_run(in_terminal, config, columns, rows, speed):
    program = in_terminal("run", config, "--duration", "0.5", "--speed", speed, columns=columns, rows=rows)
    status, _ = program.end()
    assert status == 0
    assert "Traceback" not in program.screen.text


def test_a_held_run_keeps_its_bar_and_stops_in_order(in_terminal, config):
    program = in_terminal("run", config, "--duration", "0.5", "--speed", "max", "--hold")
    program.screen.wait_for("100 %")
    status, _ = program.end(signal.SIGTERM)
    assert status == 0
    assert "Traceback" not in program.screen.text


def test_json_in_a_terminal_draws_nothing(in_terminal, config):
    program = in_terminal("run", config, "--speed", "max", "--duration", "1", "--json")
    status, out = program.end()
    assert status == 0
    assert out.count("\n") == 1
    assert program.screen.text.splitlines() == ["watthour: state lives in memory only: name a directory with --data to keep it"]
