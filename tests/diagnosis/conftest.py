"""Phasors at a meter's terminals, with what an installer did to them, as the values a meter shows."""

import cmath
import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BACK = cmath.exp(-2j * math.pi / 3)


def star(size_v=230.0, *, backwards=False):
    """Three voltages a third of a turn apart."""
    return np.array([size_v * (BACK.conjugate() if backwards else BACK) ** place for place in range(3)])


def drawn(voltages, currents_a, angles_deg):
    """Currents of a size, behind their voltages by an angle (inductive is positive)."""
    return np.array(currents_a) * np.exp(1j * (np.angle(voltages) - np.radians(angles_deg)))


def values_of(voltages, currents):
    """What a meter shows of them; angles against the first voltage there is."""
    reference = next((u for u in voltages if abs(u) > 10), 1.0)
    values = {}
    for place, (u, i) in enumerate(zip(voltages, currents, strict=True), 1):
        values |= {f"voltage_l{place}_v": abs(u), f"current_l{place}_a": abs(i)}
        values[f"voltage_angle_l{place}_deg"] = math.degrees(cmath.phase(u / reference)) if abs(u) > 10 else None
        values[f"current_angle_l{place}_deg"] = math.degrees(cmath.phase(i / reference)) if abs(i) > 0 else None
    return values


def wired(fault, voltages, currents):
    """What the terminals see of an installation."""
    return values_of(fault.voltage_turn() @ voltages, fault.current_turn() @ currents)


@pytest.fixture(scope="session")
def bench():
    """All of the above."""
    return SimpleNamespace(star=star, drawn=drawn, values_of=values_of, wired=wired)


@pytest.fixture(scope="session")
def measuring():
    """What ``tools/diagnosis.py`` measures with."""
    return SimpleNamespace(**runpy.run_path(str(ROOT / "tools" / "diagnosis.py")))
