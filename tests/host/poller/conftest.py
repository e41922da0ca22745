"""A rack of simulated meters on ports of 127.0.0.1, those of ``tools/soak.py``."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def soak():
    """Everything of ``tools/soak.py``."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[3] / "tools" / "soak.py")))
