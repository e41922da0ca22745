"""What one window shows: rms values, powers, factors, angles, frequency.

In: one `WINDOW` row (secondary). Out: `Quantities`, frozen, with None for what is not known or has no meaning:
a factor below cut-off, an angle without voltage. Registers never read from here.
"""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

import numpy as np

from watthour.metrology.records import WINDOW, Record

Known = float | None
PerPhase = tuple[float, ...]
KnownPerPhase = tuple[Known, ...]
"""Three values, L1 L2 L3."""


_LETTERS = {"i1": "b", "i4": "i", "i8": "q", "f8": "d", "c16": "dd"}


def _numbers_of(row: "np.dtype[np.void]") -> tuple[Struct, dict[str, slice]]:
    """Return how to take a row apart into plain numbers, and where each field stands among them: once for all, not field by field."""
    letters, places = "=", {}
    for name in row.names or ():
        base, shape = row[name].base, row[name].shape
        field = _LETTERS[base.str[1:]] * math.prod(shape)
        places[name] = slice(len(letters) - 1, len(letters) - 1 + len(field))
        letters += field
    return Struct(letters), places


_NUMBERS, _AT = _numbers_of(WINDOW)


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


def quantities_of(row: Record, present_v: float) -> Quantities:
    """Return the quantities of a whole window.

    Parameters
    ----------
    row : record of `WINDOW`
    present_v : float
        A voltage below it has no angle.
    """
    numbers = _NUMBERS.unpack(row.tobytes())
    voltage, current = numbers[_AT["voltage_v"]], numbers[_AT["current_a"]]
    power, reactive = numbers[_AT["power_w"]], numbers[_AT["reactive_var"]]
    apparent = tuple(u * i for u, i in zip(voltage, current, strict=True))
    counting = [bool(flag) for flag in numbers[_AT["counting"]]]
    present = [u >= present_v for u in voltage]
    voltages = _complexes(numbers[_AT["voltage_phasor_v"]])
    currents = [i if on else 0j for i, on in zip(_complexes(numbers[_AT["current_phasor_a"]]), counting, strict=True)]
    fundamental = [u * i.conjugate() for u, i in zip(voltages, currents, strict=True)]
    reference = next((u for u, on in zip(voltages, present, strict=True) if on), None)
    (frequency,), (neutral,) = numbers[_AT["frequency_hz"]], numbers[_AT["neutral_current_a"]]
    total_power, total_apparent = sum(power), sum(apparent)
    return Quantities(
        voltage_v=voltage,
        line_voltage_v=numbers[_AT["line_voltage_v"]],
        current_a=current,
        neutral_current_a=neutral if any(counting) else 0.0,
        power_w=power,
        reactive_var=reactive,
        apparent_va=apparent,
        power_factor=tuple(_ratio(p, s) for p, s in zip(power, apparent, strict=True)),
        cos_phi=tuple(_cos_phi(s, p) for s, p in zip(fundamental, power, strict=True)),
        total_power_w=total_power,
        total_reactive_var=sum(reactive),
        total_apparent_va=total_apparent,
        total_power_factor=_ratio(total_power, total_apparent),
        total_cos_phi=_cos_phi(sum(fundamental), total_power),
        frequency_hz=None if math.isnan(frequency) else frequency,
        voltage_angle_deg=_angles(voltages, present, reference),
        current_angle_deg=_angles(currents, counting, reference),
        powered=numbers[_AT["powered"]] == (1,),
    )


def _complexes(parts: Sequence[float]) -> list[complex]:
    return [complex(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]


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
