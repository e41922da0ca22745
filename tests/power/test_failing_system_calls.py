"""The real program where the system refuses: calls that fail, a disk that is full, a directory that cannot be written.

Calls are made to fail by strace. The full and the read-only disk are file systems in memory, mounted for the test; where the system
forbids either, the test says so.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from killed_runs import CONFIG, SERIAL

from watthour.host.evidence import faults_of, read_meters

WATTHOUR = (sys.executable, "-m", "watthour")
PATIENCE_S = 150.0
PACED = ("--speed", "4", "--duration", "12", "--json")
STATE_FILES = ("a.db", "a.db-wal", "b.db", "b.db-wal")
"""What may not fail untold; the note beside them may."""
FAULTS = {
    "all syncs fail for a while": "fdatasync,fsync:error=EIO:when=5..10",
    "the disk is full for a while": "pwrite64:error=ENOSPC:when=20..40",
    "a write fails once": "pwrite64:error=EIO:when=25",
}


def finished(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False, **options)


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("meter") / "meter.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def whole(config):
    """What a run ends with that nothing befell."""
    done = finished(*WATTHOUR, "run", config, *PACED)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def strace(require_program):
    program = require_program("strace")
    tried = finished(program, "-qq", "-e", "trace=none", "true")
    if tried.returncode:
        pytest.skip(f"strace may trace nothing here: {tried.stderr.strip()}")
    return program


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_system_call_that_fails_loses_nothing_and_is_told_in_a_line(tmp_path, strace, config, whole, fault):
    words = (*WATTHOUR, "run", config, "--data", tmp_path / "state", *PACED)
    place = tmp_path / "state" / str(SERIAL)
    of_files = [word for name in STATE_FILES for word in ("-P", place / name)]
    traced = ("-f", "-qq", "-o", tmp_path / "calls", *of_files, "-e", "trace=fdatasync,fsync,pwrite64", "-e", f"inject={fault}")
    failed = finished(strace, *traced, *words)
    assert "(INJECTED)" in (tmp_path / "calls").read_text()
    assert "Traceback" not in failed.stderr
    told = [line for line in failed.stderr.splitlines() if "storage fault" in line or "could not be kept" in line]
    assert told, failed.stderr
    if failed.returncode:
        assert failed.returncode == 1
        assert "could not be kept" in failed.stderr.splitlines()[-1]
    again = finished(*words)
    assert again.returncode == 0, again.stderr
    result = json.loads(again.stdout.splitlines()[-1])
    assert (result["exact"], result["samples"]) == (whole["exact"], whole["samples"])
    (meter,) = read_meters(tmp_path / "state")
    assert faults_of(meter) == []


class Running:
    """A run whose lines of standard error are heard as they come."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines = queue.Queue()
        self.heard = []
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self):
        for line in self.process.stderr:
            self.heard.append(line.rstrip("\n"))
            self._lines.put(self.heard[-1])

    def clear_away(self):
        """End it, whatever it does, and let go of what it said."""
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self._listening.join(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()

    def hear(self, words):
        """Return the next line that holds these words."""
        give_up_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_s:
            with suppress(queue.Empty):
                line = self._lines.get(timeout=1.0)
                if words in line:
                    return line
        msg = f"{words!r} was not heard, exit status {self.process.poll()}: {self.heard}"
        raise AssertionError(msg)


def fill(file):
    """Write until there is no room."""
    with suppress(OSError), file.open("wb", buffering=0) as writing:
        while True:
            writing.write(bytes(4096))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = finished("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place) if os.geteuid() == 0 else None
    if mounted is None or mounted.returncode:
        pytest.skip(f"nothing may be mounted here: {'not root' if mounted is None else mounted.stderr.strip()}")
    yield place
    finished("umount", "--lazy", place)


def test_a_full_disk_is_told_and_shown_and_once_there_is_room_nothing_was_lost(tmp_path, small_disk, config):
    running = Running(
        *WATTHOUR, "run", config, "--data", small_disk / "state", "--listen", "modbus+tcp://127.0.0.1:0", "--json"
    )
    try:
        url = running.hear("listening on ").split("listening on ")[1]

        def shown():
            read = finished(*WATTHOUR, "read", url, "--json")
            assert read.returncode == 0, read.stderr
            return json.loads(read.stdout)["values"]

        assert shown()["storage_fault"] == 0
        filler = small_disk / "filler"
        fill(filler)
        line = running.hear("storage fault")
        assert "full" in line
        before = shown()
        assert before["storage_fault"] == 1
        refused = finished(*WATTHOUR, "reset-partial", small_disk / "state")
        assert refused.returncode == 1
        assert len(refused.stderr.splitlines()) == 1
        assert "could not be kept" in refused.stderr
        assert shown()["partial_import_wh"] >= before["partial_import_wh"]
        filler.unlink()
        give_up_s = time.monotonic() + PATIENCE_S  # a file that failed is tried again within a minute
        while shown()["storage_fault"]:
            assert time.monotonic() < give_up_s, running.heard
        running.hear("written again, whole")
        running.process.send_signal(signal.SIGINT)
        out = running.process.stdout.read()
        assert running.process.wait(PATIENCE_S) == 0
    finally:
        running.clear_away()
    result = json.loads(out.splitlines()[-1])
    alone = finished(*WATTHOUR, "run", config, "--speed", "max", "--duration", str(result["duration_s"]), "--json")
    expected = json.loads(alone.stdout.splitlines()[-1])
    assert (result["samples"], result["exact"]) == (expected["samples"], expected["exact"])
    (meter,) = read_meters(small_disk / "state")
    assert faults_of(meter) == []


def test_a_directory_that_cannot_be_written_is_refused_in_a_line_and_can_still_be_read(small_disk, config):
    kept = finished(*WATTHOUR, "run", config, "--data", small_disk / "state", "--speed", "max", "--duration", "2", "--json")
    assert kept.returncode == 0, kept.stderr
    assert finished("mount", "-o", "remount,ro", small_disk).returncode == 0
    refused = finished(*WATTHOUR, "run", config, "--data", small_disk / "state", "--speed", "max")
    assert (refused.returncode, refused.stdout) == (1, "")
    place = Path(small_disk) / "state" / str(SERIAL)
    assert refused.stderr.splitlines()[-1] == (
        f"watthour: {place}: cannot keep state here (Read-only file system): name another directory with --data"
    )
    checked = finished(*WATTHOUR, "check", small_disk / "state")
    assert (checked.returncode, "all agrees" in checked.stdout) == (0, True)
