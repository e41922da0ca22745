"""The samples of the last window as they are shown: volts and amperes of the primary side, made when somebody asks."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from watthour.meter.state import ratio_setting
from watthour.parameters import Setting
from watthour.samples import Block, Delivery, Phasors
from watthour.view import Waves

_POINTS_A_CYCLE = 256
_CYCLES = 3
"""Of a wave that is made of phasors."""


def waves_of(delivery: Delivery, settings: Mapping[str, Setting]) -> Waves:
    """Return what a window was measured from; of phasors, some cycles that they are."""
    vt, ct = (float(ratio_setting(settings, name).fraction) for name in ("vt", "ct"))
    if isinstance(delivery, Phasors):
        rate_hz = float(delivery.frequency_hz[-1]) * _POINTS_A_CYCLE
        voltages, currents = (_synthesised(half[-1], delivery.orders) for half in (delivery.voltages, delivery.currents))
    else:
        rate_hz = delivery.rate_hz
        voltages, currents = _scaled(delivery)
    return Waves(rate_hz=rate_hz, voltages_v=voltages * vt, currents_a=currents * ct)


def _scaled(block: Block) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    voltages = block.voltages * np.array(block.voltage_scale)[:, None] + np.array(block.voltage_offset)[:, None]
    currents = block.currents * np.array(block.current_scale)[:, None] + np.array(block.current_offset)[:, None]
    return voltages, currents


def _synthesised(phasors: NDArray[np.complex128], orders: tuple[int, ...]) -> NDArray[np.float64]:
    turns = np.exp(2j * math.pi / _POINTS_A_CYCLE * np.outer(orders, np.arange(_POINTS_A_CYCLE * _CYCLES)))
    return np.asarray(math.sqrt(2.0) * (phasors @ turns).real)
