"""Views to answer from."""

import runpy
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def make_view():
    """The factory of ``tests/station/views.py``."""
    return runpy.run_path(str(Path(__file__).parents[2] / "station" / "views.py"))["make_view"]
