"""The waves of known energy that these tests meter."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


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
