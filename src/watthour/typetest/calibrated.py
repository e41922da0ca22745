"""What a calibrated meter is worth: its error under one load, and what another seed of the noise may change.

In: a front end as wrong as one likes, and the settings that calibration found. Out: the error of the register against closed
form, with its standard uncertainty by the scatter of the windows. Loads are balanced sines, so that the energy of
any number of samples is power times time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from watthour.meter import Meter, first_state
from watthour.meter.calibrated import correction_of
from watthour.metrology.calibration import Observation, observe
from watthour.models import CurrentRange
from watthour.typetest.calibration import SineLoad, bench_blocks, corrected_blocks
from watthour.units import MICRO, NANOSECONDS, SECONDS_PER_HOUR
from watthour.waveform.front_end import FrontEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedPoint:
    """The error of a calibrated meter under one load, all in percent of the true energy.

    Parameters
    ----------
    error_percent : float
        Of the import register of all phases together.
    scatter_percent : float
        Its standard uncertainty.
    phase_scatter_percent : float
        That of the worst phase alone.
    quantum_percent : float
        One microwatt-hour of each phase: what counting in whole ones may change.
    """

    load: SineLoad
    error_percent: float
    scatter_percent: float
    phase_scatter_percent: float
    quantum_percent: float

    @property
    def reach_percent(self) -> float:
        """The largest error that three standard uncertainties leave room for, quanta apart."""
        return max(0.0, abs(self.error_percent) - self.quantum_percent) + 3.0 * self.scatter_percent


def measure_point(
    load: SineLoad,
    front_end: FrontEnd,
    current_range: CurrentRange,
    settings: Mapping[str, Decimal],
    *,
    rate_hz: int = 8000,
    seed: int = 0,
) -> CalibratedPoint:
    """Return the error of a meter with these settings under an importing load of the bench.

    Parameters
    ----------
    settings : mapping
        From a calibration of this front end.
    seed : int
        Of the noise; another than those of the calibration.
    """
    meter = Meter(first_state({"ct": f"{current_range.secondary_a}/{current_range.secondary_a}", **settings}))
    blocks = list(bench_blocks(load, front_end, current_range, rate_hz=rate_hz, seed=seed))
    for block in blocks:
        meter.step(block, block.first_sample * NANOSECONDS // rate_hz)
    meter.end()
    true_microwh = sum(load.reference.power_w) * load.duration_s / SECONDS_PER_HOUR * MICRO
    seen = observe(load.name, corrected_blocks(blocks, correction_of(meter.state.settings)))
    scatter_w = _power_scatter_w(seen)
    power_w = np.asarray(load.reference.power_w)
    return CalibratedPoint(
        load=load,
        error_percent=100.0 * (meter.view().exact["import_microwh"] / true_microwh - 1.0),
        scatter_percent=float(100.0 * np.sqrt((scatter_w**2).sum()) / power_w.sum()),
        phase_scatter_percent=float(100.0 * (scatter_w / power_w).max()),
        quantum_percent=100.0 * len(power_w) / true_microwh,
    )


def _power_scatter_w(seen: Observation) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the standard uncertainty of each phase's active power: by size, and by angle."""
    size = np.hypot(seen.rms_scatter[:3], seen.rms_scatter[3:]) * seen.power_w
    scatter: np.ndarray[tuple[int], np.dtype[np.float64]] = np.hypot(size, seen.angle_scatter * seen.reactive_var)
    return scatter
