"""The waves of known energy that these tests meter, and the count without its compiler."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from watthour.registers import counters, integers


@pytest.fixture(scope="session")
def waves() -> ModuleType:
    """The module ``tests/metrology/waveforms.py``."""
    path = Path(__file__).resolve().parent.parent / "metrology" / "waveforms.py"
    spec = spec_from_file_location("waveforms", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def interpreted(monkeypatch):
    """Run every kernel as the plain Python it is written in, until the test ends."""
    for name, value in vars(integers).copy().items():
        if hasattr(value, "py_func"):
            monkeypatch.setattr(integers, name, value.py_func)
    monkeypatch.setattr(counters, "count_integers", integers.count_integers)
