"""The sample loops made ready: compiled once on a machine, then loaded from disk, before anyone waits for the meter."""

import threading
from collections.abc import Callable

import numpy as np

from watthour.meter import Meter, first_state
from watthour.metrology import warm_harmonics
from watthour.samples import MINIMUM_RATE_HZ, PHASORS, Block, Delivery, Phasors

_PATIENCE_S = 4.0


def warm(sample_type: str, tell: Callable[[str], None]) -> None:
    """Make the loops ready for a type of sample; `tell` is called with a word if that takes a while."""
    slow = threading.Timer(_PATIENCE_S, tell, ("compiling the sample loops, once on this machine: some ten to twenty seconds",))
    slow.daemon = True
    slow.start()
    try:
        meter = Meter(first_state({}))
        meter.step(_nothing(sample_type), 0)
        meter.end()
        if sample_type != PHASORS:
            warm_harmonics(sample_type)
    finally:
        slow.cancel()


def _nothing(sample_type: str) -> Delivery:
    """Return a second without voltage."""
    if sample_type == PHASORS:
        zeros = np.zeros((1, 3, 1), np.complex128)
        return Phasors(voltages=zeros, currents=zeros, orders=(1,), frequency_hz=np.zeros(1), first_sample=0)
    rows = np.zeros((3, int(MINIMUM_RATE_HZ)), sample_type)
    return Block(voltages=rows, currents=rows, rate_hz=MINIMUM_RATE_HZ, first_sample=0)
