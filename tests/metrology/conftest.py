"""The waves of known energy that these tests meter, and a stream measured from its first sample to its last."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from watthour.metrology import (
    Thresholds,
    measure,
    measure_end,
    open_window,
    seconds,
    stream,
    sums,
    tone,
    tracking,
    window,
    windows,
)


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


@pytest.fixture(scope="session")
def thresholds() -> Thresholds:
    """Those of the .../5 A range: 12.7 V and 1 mA."""
    return Thresholds(present_v=12.7, cutoff_a=0.001)


@pytest.fixture(scope="session")
def measure_all(thresholds):
    """Return a function: blocks of one stream in, every `WINDOW` row out, the rest included."""

    def measured(blocks, before=None):
        opened, found = None, []
        for block in blocks:
            opened = opened or open_window(block, before)
            opened, rows = measure(opened, block, thresholds)
            found.append(rows)
        opened, rest = measure_end(opened, thresholds)
        return np.concatenate([*found, rest])

    return measured


@pytest.fixture
def interpreted(monkeypatch):
    """Run every kernel as the plain Python it is written in, until the test ends."""
    for module in (sums, tone, tracking, window, windows, seconds):
        for name, value in vars(module).copy().items():
            if hasattr(value, "py_func"):
                monkeypatch.setattr(module, name, value.py_func)
    monkeypatch.setattr(stream, "measure_windows", windows.measure_windows)
    monkeypatch.setattr(stream, "measure_seconds", seconds.measure_seconds)
    monkeypatch.setattr(stream, "measure_rest", windows.measure_rest)
    monkeypatch.setattr(stream, "window_cycles", tracking.window_cycles)
