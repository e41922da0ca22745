"""Installations for tests, as samples, as rows, and through a meter."""

from types import SimpleNamespace

import numpy as np
import pytest

from watthour.meter import Meter, first_state
from watthour.units import Ratio
from watthour.waveform.network import Network, NetworkSource, PhasorSource

THREE = ["L1", "L2", "L3"]
PHASES = ("l1", "l2", "l3")
ONE = Ratio.parse("1/1")
CT = Ratio.parse("200/5")
WHO = {"name": "a", "identity": "0", "vt": ONE}


def described(**tables):
    """Return a description with a plain supply unless another is given."""
    return Network.model_validate({"supply": {"voltages_v": 230}, "sampling": {"rate_hz": 4000}, **tables})


def load(kind, **keys):
    return {"name": "Load", "kind": kind, "phases": keys.pop("phases", THREE), **keys}


def sampled(network, *, first=0, count=1):
    """Return voltages and currents of so many seconds, primary."""
    source = NetworkSource(network, ct=ONE, **WHO)
    blocks = source.blocks(first * network.sampling.rate_hz)
    made = [next(blocks) for _ in range(count)]
    return tuple(np.concatenate([getattr(block, side) for block in made], axis=1) for side in ("voltages", "currents"))


def rows(network, hour=0):
    """Return the rows of an hour, primary."""
    return PhasorSource(network, ct=ONE, **WHO).hour(hour)


def powers(phasors):
    """Return P + jQ of the fundamental, shape (seconds, 3)."""
    return phasors.voltages[:, :, 0] * phasors.currents[:, :, 0].conj()


def metered(network, seconds):
    """Return active and reactive energy of each phase as a meter counts samples, in watt-seconds and var-seconds."""
    meter = Meter(first_state({"ct": CT}))
    blocks = NetworkSource(network, ct=CT, **WHO).blocks()
    for second in range(seconds):
        meter.step(next(blocks), second * 10**9)
    meter.end()
    exact = meter.view().exact
    active = [exact[f"{p}_import_microwh"] - exact[f"{p}_export_microwh"] for p in PHASES]
    signs = {"q1": 1, "q2": 1, "q3": -1, "q4": -1}
    reactive = [sum(sign * exact[f"{p}_{q}_microvarh"] for q, sign in signs.items()) for p in PHASES]
    return np.array(active) * 3600 / 1e6, np.array(reactive) * 3600 / 1e6


@pytest.fixture(scope="session")
def plant():
    """All of the above."""
    return SimpleNamespace(described=described, load=load, sampled=sampled, rows=rows, powers=powers, metered=metered)
