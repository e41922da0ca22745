"""The procedure of a calibration: look at every reference load, correct, look again.

In: loads with their references, as blocks that can be had twice. Out: settings for a meter, how sure they are, and the
error of each load before and after. What was measured after is measured through the correction as a meter would
hold it, rounded to the decimals of its parameters.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from watthour.meter import first_state
from watthour.meter.calibrated import calibration_settings, correction_of
from watthour.metrology import Correction, condition, rest_of
from watthour.metrology.calibration import Calibration, Observation, Reference, calibrate, observe
from watthour.models import CurrentRange
from watthour.samples import Block
from watthour.waveform.front_end import FrontEnd, channel_factors, digitise

QUANTITIES = ("voltage", "current", "active power", "reactive power")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLoad:
    """A load with its truth.

    Parameters
    ----------
    reference : Reference
    blocks : callable
        Returns its samples as the front end delivers them, from the first on, each time it is called.
    """

    reference: Reference
    blocks: Callable[[], Iterable[Block]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadError:
    """Error of one quantity of one phase under one load.

    Parameters
    ----------
    quantity : str
        One of `QUANTITIES`; errors of powers are in percent of the apparent power times its true cosine or sine,
        that is of the power itself.
    scatter_percent : float
        Standard uncertainty of the error after, by the scatter of the windows.
    """

    load: str
    phase: str
    quantity: str
    before_percent: float
    after_percent: float
    scatter_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationReport:
    """What a calibration found.

    Parameters
    ----------
    calibration : Calibration
    settings : mapping of str to Decimal
        Parameters of the meter and their values.
    errors : tuple of LoadError
    """

    calibration: Calibration
    settings: Mapping[str, Decimal]
    errors: tuple[LoadError, ...]


def run_calibration(loads: Sequence[ReferenceLoad], tell: Callable[[str], None]) -> CalibrationReport:
    """Return the calibration that a few reference loads ask for.

    Parameters
    ----------
    tell : callable
        Is told what is being looked at, a line for each load.

    Raises
    ------
    CalibrationError
        If no correction follows from the loads.
    OutOfRangeError
        If it does, but is beyond what is plausible.
    """
    before = []
    for load in loads:
        tell(f"measuring {load.reference.name}")
        before.append(observe(load.reference.name, load.blocks()))
    found = calibrate(before, [load.reference for load in loads])
    settings = calibration_settings(found.correction)
    held = correction_of(first_state(settings).settings)
    after = []
    for load in loads:
        tell(f"measuring {load.reference.name} as corrected")
        after.append(observe(load.reference.name, corrected_blocks(load.blocks(), held)))
    errors = [
        error
        for load, old, new in zip(loads, before, after, strict=True)
        for phase in range(3)
        for error in _errors(load.reference, phase, old, new)
    ]
    return CalibrationReport(calibration=found, settings=settings, errors=tuple(errors))


def corrected_blocks(blocks: Iterable[Block], correction: Correction) -> Iterator[Block]:
    """Yield blocks as a meter with this correction measures them."""
    history = None
    for block in blocks:
        history, corrected = condition(history, block, correction)
        assert isinstance(corrected, Block)  # noqa: S101 - of a block comes a block
        yield corrected
    if history is not None:
        yield rest_of(history)


def _errors(truth: Reference, phase: int, before: Observation, after: Observation) -> Iterator[LoadError]:
    """Yield the errors of a phase; of what is 0 there is none."""
    reactive_var = None if truth.reactive_var is None else truth.reactive_var[phase]
    values = (truth.voltage_v[phase], truth.current_a[phase], truth.power_w[phase], reactive_var)
    apparent_va = truth.voltage_v[phase] * truth.current_a[phase]
    for quantity, true, old, new, scatter in zip(
        QUANTITIES, values, _seen(before, phase), _seen(after, phase), _scatter(after, phase), strict=True
    ):
        if true and (quantity in QUANTITIES[:2] or abs(true) > 1e-3 * apparent_va):
            yield LoadError(
                load=truth.name,
                phase=f"L{phase + 1}",
                quantity=quantity,
                before_percent=100.0 * (old / true - 1.0),
                after_percent=100.0 * (new / true - 1.0),
                scatter_percent=abs(100.0 * scatter / true),
            )


def _seen(seen: Observation, phase: int) -> tuple[float, float, float, float]:
    return (
        float(seen.rms[phase]),
        float(seen.rms[3 + phase]),
        float(seen.power_w[phase]),
        float(seen.reactive_var[phase]),
    )


def _scatter(seen: Observation, phase: int) -> tuple[float, float, float, float]:
    """Return the standard uncertainty of what was seen, in its own unit."""
    volts, amps, active, reactive = _seen(seen, phase)
    size = math.hypot(seen.rms_scatter[phase], seen.rms_scatter[3 + phase])
    angle = seen.angle_scatter[phase]
    return (
        volts * float(seen.rms_scatter[phase]),
        amps * float(seen.rms_scatter[3 + phase]),
        math.hypot(active * size, reactive * angle),
        math.hypot(reactive * size, active * angle),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SineLoad:
    """A load of the simulated bench: sines of a symmetric supply, the same current and angle in each phase.

    Parameters
    ----------
    angle_deg : float
        From current to voltage; positive is inductive.
    """

    name: str
    voltage_v: float
    current_a: float
    angle_deg: float
    frequency_hz: float
    duration_s: int
    uncertainty: float = 0.0

    @property
    def reference(self) -> Reference:
        """Its truth."""
        apparent_va, angle = self.voltage_v * self.current_a, math.radians(self.angle_deg)
        return Reference(
            name=self.name,
            voltage_v=(self.voltage_v,) * 3,
            current_a=(self.current_a,) * 3,
            power_w=(apparent_va * math.cos(angle),) * 3,
            reactive_var=(apparent_va * math.sin(angle),) * 3,
            voltage_angle_deg=(0.0, -120.0, 120.0),
            uncertainty=self.uncertainty,
        )


def bench_blocks(
    load: SineLoad, front_end: FrontEnd, current_range: CurrentRange, *, rate_hz: int = 8000, seed: int = 0
) -> Iterator[Block]:
    """Yield a load of the simulated bench as a front end delivers it, a second at a time.

    Delays and current transformers act on the phasors, before there is a sample.
    """
    factors = channel_factors(
        front_end,
        orders=(1,),
        frequency_hz=load.frequency_hz,
        currents_a=(load.current_a,) * 3,
        rated_a=float(current_range.secondary_a),
    )
    phasors = _sine_phasors(load) * factors[:, 0] * math.sqrt(2.0)
    for second in range(load.duration_s):
        first = second * rate_hz
        cycles = (first + np.arange(rate_hz)) * (load.frequency_hz / rate_hz)
        angle = 2.0 * np.pi * (cycles % 1.0)
        values = np.outer(phasors.real, np.cos(angle)) - np.outer(phasors.imag, np.sin(angle))
        yield digitise(
            front_end,
            values[:3],
            values[3:],
            rate_hz=float(rate_hz),
            first_sample=first,
            maximum_a=current_range.maximum_a,
            seed=seed,
        )


def _sine_phasors(load: SineLoad) -> NDArray[np.complex128]:
    turns = np.exp(-2j * np.pi / 3.0 * np.arange(3))
    return np.concatenate([load.voltage_v * turns, load.current_a * turns * np.exp(-1j * math.radians(load.angle_deg))])
