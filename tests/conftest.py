"""What tests of every folder ask for: other people's data, and other people's programs.

Both are there under CI; on a desk without them the test says plainly what is missing and is skipped.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
