"""The program, called in this process for its words, and started as a process of its own for its behaviour."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from watthour.cli import main

PATIENCE_S = 120.0
WATTHOUR = (sys.executable, "-m", "watthour")

SMALL_NETWORK = """\
[supply]
voltages_v = 230
frequency_hz = 50
[[load]]
name = "oven"
kind = "constant"
phases = ["L1", "L2", "L3"]
power_w = 3000
cos_phi = "0.9 ind"
[noise]
seed = 7
voltage_v = 0.1
current_a = 0.01
[sampling]
rate_hz = 1600
"""


@pytest.fixture
def ask(monkeypatch, capsys):
    """Call the program with words; return its exit status and the lines of both outputs."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["watthour", *(str(word) for word in words)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _heed_interrupts():
    """Undo what a shell does to the programs that it runs behind it: these ignore SIGINT, and so would theirs."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Program:
    """The program running by itself; `told` are the lines of its standard error, as they come."""

    def __init__(self, *words, stderr=subprocess.PIPE, env=None, program=WATTHOUR):
        self.process = subprocess.Popen(
            [*program, *(str(word) for word in words)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **(env or {})},
            preexec_fn=_heed_interrupts,  # noqa: PLW1509 - one call, which takes no lock
        )
        self.lines = []
        self._told = queue.Queue()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self):
        for line in self.process.stderr or ():
            self.lines.append(line.decode().rstrip("\n"))
            self._told.put(self.lines[-1])

    def hear(self, words):
        """Return the next line that holds these words."""
        while words not in (line := self._told.get(timeout=PATIENCE_S)):
            pass
        return line

    def url(self):
        return self.hear("listening on ").split("listening on ")[1]

    def end(self, number=None):
        """Wait for the end, asked for by a signal or not; return exit status and standard output."""
        if number is not None:
            self.process.send_signal(number)
        out = self.process.stdout.read().decode()
        status = self.process.wait(PATIENCE_S)
        self._listening.join(PATIENCE_S)
        return status, out

    def clear_away(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self._listening.join(PATIENCE_S)
        self.process.stdout.close()
        if self.process.stderr is not None:
            self.process.stderr.close()


def _starting():
    """Start the program by itself; whatever happens, it does not outlive the test."""
    programs = []

    def begin(*words, **options):
        programs.append(Program(*words, **options))
        return programs[-1]

    yield begin
    for program in programs:
        program.clear_away()


start = pytest.fixture(_starting, name="start")
start_for_all = pytest.fixture(_starting, scope="module", name="start_for_all")
"""One program for all tests of a module that leave it as they found it."""


@pytest.fixture
def result_of(ask):
    """Run to the end, in this process; return the JSON object of the last line."""

    def run(*words):
        status, out, err = ask("run", *words, "--json")
        assert status == 0, err
        return json.loads(out[-1])

    return run


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "kitchen.network.toml"
    path.write_text(SMALL_NETWORK)
    return path


@pytest.fixture
def config(tmp_path, network):
    path = tmp_path / "kitchen.toml"
    path.write_text(f'[meter]\nserial = 42\nct = "50/5"\n[source]\nnetwork = "{network.name}"\n')
    return path


@pytest.fixture
def substation(tmp_path, shared_data) -> Path:
    path = tmp_path / "substation.toml"
    recording = shared_data / "waveforms" / "substation_60hz.cfg"
    path.write_text(
        '[meter]\nserial = 132\nct = "200/1"\nvt = "132000/110"\n'
        f'[source]\nrecording = "{recording}"\nchannels = [6, 7, 8, 1, 2, 3]\nvalues = "primary"\n'
    )
    return path
