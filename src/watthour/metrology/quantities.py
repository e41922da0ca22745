"""What one window shows: rms values, powers, factors, angles, frequency.

In: one `WINDOW` row (secondary). Out: `Quantities`, frozen, with None for what is not known or has no meaning:
a factor below cut-off, an angle without voltage. Registers never read from here.
"""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watthour.metrology.records import Rows

Known = float | None
PerPhase = tuple[float, ...]
KnownPerPhase = tuple[Known, ...]
"""Three values, L1 L2 L3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantities:
    """The quantities of one window, at the meter's terminals (secondary), phases L1 L2 L3.

    ``apparent_va`` of a phase is U·I; the total is the arithmetic sum S1+S2+S3 (IEEE 1459). Power factor is
    P/S and cos phi that of the fundamental; both carry the sign of P. Inductive or capacitive is the sign of Q.
    Angles are those of the fundamental against the voltage of the reference phase, in degrees, (-180, 180].
    """

    voltage_v: PerPhase
    line_voltage_v: PerPhase
    current_a: PerPhase
    neutral_current_a: float
    power_w: PerPhase
    reactive_var: PerPhase
    apparent_va: PerPhase
    power_factor: KnownPerPhase
    cos_phi: KnownPerPhase
    total_power_w: float
    total_reactive_var: float
    total_apparent_va: float
    total_power_factor: Known
    total_cos_phi: Known
    frequency_hz: Known
    voltage_angle_deg: KnownPerPhase
    current_angle_deg: KnownPerPhase
    powered: bool


def quantities_of(row: Rows, present_v: float) -> Quantities:
    """Return the quantities of a whole window.

    Parameters
    ----------
    row : record of `WINDOW`
    present_v : float
        A voltage below it has no angle.
    """
    voltage, current = _floats(row["voltage_v"]), _floats(row["current_a"])
    power, reactive = _floats(row["power_w"]), _floats(row["reactive_var"])
    apparent = tuple(u * i for u, i in zip(voltage, current, strict=True))
    counting = [bool(flag) for flag in row["counting"]]
    present = [u >= present_v for u in voltage]
    voltages = [complex(u) for u in row["voltage_phasor_v"]]
    currents = [complex(i) if on else 0j for i, on in zip(row["current_phasor_a"], counting, strict=True)]
    fundamental = [u * i.conjugate() for u, i in zip(voltages, currents, strict=True)]
    reference = next((u for u, on in zip(voltages, present, strict=True) if on), None)
    frequency = float(row["frequency_hz"])
    return Quantities(
        voltage_v=voltage,
        line_voltage_v=_floats(row["line_voltage_v"]),
        current_a=current,
        neutral_current_a=float(row["neutral_current_a"]) if any(counting) else 0.0,
        power_w=power,
        reactive_var=reactive,
        apparent_va=apparent,
        power_factor=tuple(_ratio(p, s) for p, s in zip(power, apparent, strict=True)),
        cos_phi=tuple(_cos_phi(s, p) for s, p in zip(fundamental, power, strict=True)),
        total_power_w=sum(power),
        total_reactive_var=sum(reactive),
        total_apparent_va=sum(apparent),
        total_power_factor=_ratio(sum(power), sum(apparent)),
        total_cos_phi=_cos_phi(sum(fundamental), sum(power)),
        frequency_hz=None if math.isnan(frequency) else frequency,
        voltage_angle_deg=_angles(voltages, present, reference),
        current_angle_deg=_angles(currents, counting, reference),
        powered=bool(row["powered"]),
    )


def _floats(three: NDArray[np.float64]) -> PerPhase:
    return tuple(float(x) for x in three)


def _ratio(power_w: float, apparent_va: float) -> Known:
    """Return P/S, or None where there is no apparent power."""
    return power_w / apparent_va if apparent_va > 0.0 else None


def _cos_phi(fundamental_va: complex, power_w: float) -> Known:
    """Return P1/S1 with the sign of P, or None where the fundamental carries no power at all."""
    size = abs(fundamental_va)
    return math.copysign(fundamental_va.real / size, power_w) if size > 0.0 else None


def _angles(phasors: Sequence[complex], shown: Sequence[bool], reference: complex | None) -> KnownPerPhase:
    """Return the angles against the reference phase's voltage in degrees; None for a phase that is not shown."""
    if reference is None:
        return (None,) * len(phasors)
    return tuple(
        math.degrees(cmath.phase(phasor * reference.conjugate())) if on else None
        for phasor, on in zip(phasors, shown, strict=True)
    )
