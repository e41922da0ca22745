"""What stands at the six terminals, as phasors, from the values that a meter shows.

In: values named as `watthour.units.VALUES`, and the plate (what the transformers are said to be). Out: `Terminals`,
rms phasors in the frame of the first voltage. A meter that shows no angles is taken to have a supply that turns forward. A voltage that is not there is put back from the others, so that the
angles of its phase can still be judged; which one it was stays known.
"""

import cmath
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watthour.units import PHASES
from watthour.view import Number

Phasors = NDArray[np.complex128]
"""Three phasors, those of the terminals L1, L2, L3."""

TURN = cmath.exp(2j * math.pi / 3)
"""A third of a turn forward."""

_FORWARD, _BACKWARD = np.array([1, TURN, TURN**2]), np.array([1, TURN**2, TURN])

PRESENT_SHARE = 0.2
"""A voltage below this share of the highest one is missing (ours: no supply that works has a phase so low)."""

NAMES = tuple(phase.upper() for phase in PHASES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """What is said of the meter's transformers and of its plant.

    Parameters
    ----------
    ct_primary_a : float
        Rated primary current of the CTs, as the meter is set.
    generates : bool
        Whether the plant may export; without anybody's word it may.
    """

    ct_primary_a: float
    generates: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminals:
    """Phasors at the terminals, primary.

    Parameters
    ----------
    voltages_v : complex ndarray, shape (3,)
        Against neutral; a missing one as it would be.
    currents_a : complex ndarray, shape (3,)
        0 where there is none.
    present : tuple of bool
        Which voltages are really there.
    is_backwards : bool
        Whether the voltages follow one another L1-L3-L2.
    """

    voltages_v: Phasors
    currents_a: Phasors
    present: tuple[bool, ...]
    is_backwards: bool


def terminals_of(values: Mapping[str, Number]) -> Terminals | None:
    """Return what stands at the terminals; None where no voltage or no angle is known, as before the first window.

    Examples
    --------
    >>> found = terminals_of({"voltage_l1_v": 230.0, "voltage_angle_l1_deg": 0.0})
    >>> found.present, [round(float(abs(u))) for u in found.voltages_v]
    ((True, False, False), [230, 230, 230])
    """
    sizes = [float(values.get(f"voltage_{phase}_v") or 0.0) for phase in PHASES]
    angles = _voltage_angles(values)
    present = tuple(size > PRESENT_SHARE * max(sizes) and angle is not None for size, angle in zip(sizes, angles, strict=True))
    if not any(present):
        return None
    voltages = [_phasor(size, angle) if there else 0j for size, angle, there in zip(sizes, angles, present, strict=True)]
    whole = np.array(completed(voltages, present))
    currents = [_current(values, phase, voltage) for phase, voltage in zip(PHASES, whole, strict=True)]
    frame = np.conj(whole[0]) / abs(whole[0])
    return Terminals(
        voltages_v=whole * frame, currents_a=np.array(currents) * frame, present=present, is_backwards=_is_backwards(whole)
    )


def _voltage_angles(values: Mapping[str, Number]) -> list[Number]:
    """Return the angles of the voltages; of a meter that shows none, those of voltages that turn forward."""
    angles = [values.get(f"voltage_angle_{phase}_deg") for phase in PHASES]
    shows_none = not any(f"voltage_angle_{phase}_deg" in values for phase in PHASES)
    return [0.0, -120.0, 120.0] if shows_none else angles


def _current(values: Mapping[str, Number], phase: str, voltage_v: complex) -> complex:
    """Return a current, its angle from P and Q where the meter shows none."""
    size = values.get(f"current_{phase}_a")
    if f"current_angle_{phase}_deg" in values or not size:
        return _phasor(size, values.get(f"current_angle_{phase}_deg"))
    power, reactive = values.get(f"power_{phase}_w"), values.get(f"reactive_{phase}_var")
    if not power and not reactive:
        return 0j
    return cmath.rect(size, cmath.phase(voltage_v) - math.atan2(reactive or 0.0, power or 0.0))


def _phasor(size: Number, angle_deg: Number) -> complex:
    return 0j if size is None or angle_deg is None else cmath.rect(size, math.radians(angle_deg))


def completed(voltages: Sequence[complex], present: Sequence[bool]) -> list[complex]:
    """Return three voltages: a missing one is what closes the star, two are turned from the third, forward."""
    known = [place for place, there in enumerate(present) if there]
    if len(known) == 1:
        return [voltages[known[0]] * TURN ** (known[0] - place) for place in range(3)]
    closing = -sum(voltages)
    return [voltage if there else closing for voltage, there in zip(voltages, present, strict=True)]


def _is_backwards(voltages: Phasors) -> bool:
    """Say whether the negative sequence is the larger one (symmetrical components, Fortescue 1918)."""
    forward = abs(voltages @ _FORWARD)
    backward = abs(voltages @ _BACKWARD)
    return bool(backward > forward)
