"""What a test does where the shared data or a program is missing: skip on a desk, fail under CI."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ASKS = """
def test_data(shared_data):
    assert (shared_data / "README.md").is_file()

def test_program(require_program):
    assert require_program("sh").endswith("/sh")

def test_missing_program(require_program):
    require_program("no-such-program")
"""


def outcome(folder: Path, **environment: str) -> str:
    """Return the last line that pytest prints for tests that ask, run in `folder` with this environment."""
    (folder / "tests").mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("conftest.py"), folder / "tests")
    (folder / "tests" / "test_asks.py").write_text(ASKS, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    known = {name: value for name, value in os.environ.items() if name not in {"CI", "WATTHOUR_SHARED"}}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(command, cwd=folder, env=known | environment, capture_output=True, text=True, check=False, timeout=120)
    return ran.stdout.strip().splitlines()[-1].partition(" in ")[0]


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "elsewhere" / "data"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("data", "utf-8")
    return folder


def test_on_a_desk_what_is_missing_is_skipped(tmp_path):
    assert outcome(tmp_path) == "1 passed, 2 skipped"


def test_under_ci_what_is_missing_fails(tmp_path):
    assert "1 passed" in outcome(tmp_path, CI="true")
    assert "skipped" not in outcome(tmp_path, CI="true")


def test_the_data_are_found_where_the_environment_points(tmp_path, data):
    assert outcome(tmp_path, WATTHOUR_SHARED=str(data.parent)) == "2 passed, 1 skipped"


def test_the_data_are_found_beside_the_project(tmp_path, data):
    project = tmp_path / "project"
    project.mkdir()
    data.parent.rename(tmp_path / "shared")
    assert outcome(project) == "2 passed, 1 skipped"
