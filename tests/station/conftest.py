"""Views to answer from."""

import runpy
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def make_view():
    """The factory of `views.py`."""
    return runpy.run_path(str(Path(__file__).with_name("views.py")))["make_view"]
