"""What tests of every folder ask for: other people's data, and other people's programs.

Both are there under CI; on a desk without them the test says plainly what is missing and is skipped.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 30.0


def absent(what: str) -> None:
    """Skip for want of `what`; under CI=true, where it must be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI needs {what}", pytrace=False)
    pytest.skip(f"this test needs {what}")


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of other people's data: ``$WATTHOUR_SHARED/data``, else ``../shared/data``."""
    data = Path(os.environ.get("WATTHOUR_SHARED") or ROOT.parent / "shared") / "data"
    if not data.is_dir():
        absent(f"the shared data at {data} (or where WATTHOUR_SHARED points: the folder that holds data/)")
    return data


@pytest.fixture(scope="session")
def require_program() -> Callable[[str], str]:
    """Return the full path of a program of somebody else's: ``require_program("mbpoll")``."""

    def require(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            absent(f"the program {name} on the PATH")
        return str(path)

    return require


@pytest.fixture(scope="session")
def node_modules(require_program: Callable[[str], str]) -> Path:
    """Other people's masters for Node.js, as ``npm ci`` in tests/node puts them there."""
    require_program("node")
    folder = ROOT / "tests" / "node" / "node_modules"
    if not (folder / "node-mbus" / "build" / "Release" / "mbus.node").is_file():
        absent("node-mbus, compiled: npm ci --prefix tests/node && npm rebuild --prefix tests/node node-mbus")
    return folder


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which finds what keeps people from using a page; as ``npm ci`` in tests/node puts it there."""
    source = ROOT / "tests" / "node" / "node_modules" / "axe-core" / "axe.min.js"
    if not source.is_file():
        absent("axe-core: npm ci --ignore-scripts --prefix tests/node")
    return source.read_text("utf-8")


class SerialPair(NamedTuple):
    """Two linked ptys in place of a serial line: the paths of its ends, and the program that links them."""

    ours: str
    theirs: str
    socat: "subprocess.Popen[bytes]"


@pytest.fixture
def serial_pair(tmp_path: Path, require_program: Callable[[str], str]) -> Iterator[SerialPair]:
    """A serial line with two ends, for as long as the test lasts."""
    ours, theirs = (str(tmp_path / name) for name in ("line_a", "line_b"))
    command = [require_program("socat"), *(f"pty,raw,echo=0,link={end}" for end in (ours, theirs))]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as socat:
        try:
            give_up_s = time.monotonic() + PATIENCE_S
            while not (Path(ours).exists() and Path(theirs).exists()):
                assert time.monotonic() < give_up_s, "socat does not link its ptys"
                time.sleep(0.01)
            yield SerialPair(ours, theirs, socat)
        finally:
            socat.terminate()
            socat.wait(PATIENCE_S)
