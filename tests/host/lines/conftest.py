"""Views to answer from."""

import runpy
import subprocess
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def make_view():
    """The factory of ``tests/station/views.py``."""
    return runpy.run_path(str(Path(__file__).parents[2] / "station" / "views.py"))["make_view"]


@pytest.fixture
def serial_pair(tmp_path, require_program):
    """Two linked ptys, as a serial line: the paths of its ends."""
    ends = [str(tmp_path / name) for name in ("line_a", "line_b")]
    command = [require_program("socat"), *(f"pty,raw,echo=0,link={end}" for end in ends)]
    socat = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: all(Path(end).exists() for end in ends))
        yield ends
    finally:
        socat.terminate()
        socat.wait(10)


def wait_until(is_so, patience_s=10.0):
    end_s = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end_s, "this never came"
        time.sleep(0.01)
