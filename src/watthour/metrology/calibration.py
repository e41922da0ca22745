"""Gain, offset and delay of each channel from a few reference loads.

In: what the meter sees of loads whose true voltages, currents and powers somebody else has measured. Out: the
correction, and how sure it is. Bad data is refused with its reason, never fitted. Who applies a load, and who keeps the
correction, is not known here.

With U, I the rms values without their steady part and φ the angle from current to voltage of the fundamental, each
load k gives of each phase::

    gain = U_ref / U,  I_ref / I       offset = mean       delay = (φ - φ_ref) / (2π f)

and the loads are weighed by their own scatter. The delay is that of the current against its voltage, and of
V2 and V3 against V1 where their true angles are known: no measurement of power can tell more.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watthour.errors import CalibrationError
from watthour.metrology.conditioning import Correction, SixFloats
from watthour.metrology.records import Rows
from watthour.metrology.stream import Thresholds, measure, open_window
from watthour.samples import Block, Triple

CHANNELS = ("V1", "V2", "V3", "I1", "I2", "I3")

LEAST_LOADS = 2
LEAST_WINDOWS = 10
"""Two seconds: fewer say nothing of their scatter (ours)."""

LARGEST_SPREAD = 0.005
"""Loads that ask for gains this far apart, or for angles in radians, are not loads of one meter (ours)."""

LARGEST_UNCERTAINTY = 2e-4
"""Standard uncertainty by scatter of a gain, or of an angle in radians: a fiftieth of class 1's limit (ours)."""

LEAST_SINE = 0.25
"""From active power alone an angle is found where the sine is at least this; at power factor 1 it hides (ours)."""

_LARGEST_TURN = math.radians(10.0)
_LEAST_PART = 0.5
_THRESHOLDS = Thresholds(present_v=1.0, cutoff_a=0.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The truth of one load at the meter's terminals, as a reference standard shows it.

    Parameters
    ----------
    voltage_v, current_a : three floats
        Rms; 0 where a phase is not loaded.
    power_w : three floats
    reactive_var : three floats, optional
        Of the fundamental, positive inductive; without it angles are sought from the active power.
    voltage_angle_deg : three floats, optional
        Of the fundamental voltages, where the reference knows them.
    uncertainty : float
        Standard uncertainty of its values, relative, the same for all loads.
    """

    name: str
    voltage_v: Triple
    current_a: Triple
    power_w: Triple
    reactive_var: Triple | None = None
    voltage_angle_deg: Triple | None = None
    uncertainty: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the meter sees of one load: a mean over windows, and the scatter of that mean.

    Parameters
    ----------
    rms, rms_scatter : ndarray, shape (6,)
        Without the steady part; the scatter is relative.
    offset, offset_scatter : ndarray, shape (6,)
        The steady part.
    power_w, reactive_var : ndarray, shape (3,)
        Without the product of steady parts; of the fundamental.
    phasors : ndarray of complex, shape (6,)
        Of the fundamental, turned so that V1 (or the first voltage there is) has angle 0.
    angle_scatter : ndarray, shape (3,)
        Of the angle from current to voltage, in radians.
    frequency_hz : float
    windows : int
    """

    rms: Floats
    rms_scatter: Floats
    offset: Floats
    offset_scatter: Floats
    power_w: Floats
    reactive_var: Floats
    phasors: NDArray[np.complex128]
    angle_scatter: Floats
    frequency_hz: float
    windows: int

    @property
    def angles(self) -> Floats:
        """From current to voltage of each phase, in radians; positive is inductive."""
        angles: Floats = np.angle(self.phasors[:3] * np.conj(self.phasors[3:]))
        return angles


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A correction and its standard uncertainties, for V1 V2 V3 I1 I2 I3."""

    correction: Correction
    gain_uncertainty: SixFloats
    offset_uncertainty: SixFloats
    delay_uncertainty_s: SixFloats


def observe(name: str, blocks: Iterable[Block]) -> Observation:
    """Return what a meter without cut-off sees of a load.

    Parameters
    ----------
    name : str
        Of the load, for messages.
    blocks : iterable of Block
        Consecutive.

    Raises
    ------
    CalibrationError
        If they hold fewer than `LEAST_WINDOWS` windows, or no mains voltage.
    """
    opened, rows, means = None, [], []
    held: list[Block] = []
    for block in blocks:
        opened = opened or open_window(block)
        opened, found = measure(opened, block, _THRESHOLDS)
        held.append(block)
        values = np.concatenate([_values(one) for one in held], axis=1)
        means += [_steady_part(values, row, held[0].first_sample, block.rate_hz) for row in found if _is_sound(row)]
        rows += [row for row in found if _is_sound(row)]
        held = [one for one in held if one.end_sample > int(opened.tracker["first_sample"][0])]
    if len(rows) < LEAST_WINDOWS:
        msg = f"{name}: {len(rows)} windows with mains voltage: give at least {LEAST_WINDOWS}, about two seconds"
        raise CalibrationError(msg)
    return _observation(np.array(rows), np.array(means))


def _is_sound(row: Rows) -> bool:
    return bool(row["cycles"] > 0 and row["frequency_hz"] > 0)


def _values(block: Block) -> Floats:
    volts = block.voltages * np.array(block.voltage_scale)[:, np.newaxis] + np.array(block.voltage_offset)[:, np.newaxis]
    amps = block.currents * np.array(block.current_scale)[:, np.newaxis] + np.array(block.current_offset)[:, np.newaxis]
    return np.concatenate([volts, amps])


def _steady_part(values: Floats, row: Rows, first_sample: int, rate_hz: float) -> Floats:
    """Return the steady part of a window, by least squares of it and the fundamental under a Hann weight."""
    begin = max(0, int(row["first_sample"]) - first_sample)
    samples = values[:, begin : int(row["first_sample"]) - first_sample + int(row["samples"])]
    k = np.arange(samples.shape[1])
    turn = 2.0 * np.pi * float(row["frequency_hz"]) / rate_hz * k
    weight = np.sin(np.pi * (k + 0.5) / len(k))
    design = np.array([np.ones(len(k)), np.cos(turn), np.sin(turn)]) * weight
    found: Floats = np.linalg.lstsq(design.T, (samples * weight).T, rcond=None)[0][0]
    return found


def _observation(rows: Rows, means: Floats) -> Observation:
    count = len(rows)
    offset = means.mean(axis=0)
    squares = np.concatenate([rows["voltage_v"], rows["current_a"]], axis=1) ** 2 - offset**2
    rms = np.sqrt(np.maximum(squares.mean(axis=0), 0.0))
    phasors = np.concatenate([rows["voltage_phasor_v"], rows["current_phasor_a"]], axis=1)
    reference = phasors[:, int(np.argmax(rms[:3] >= _LEAST_PART * rms[:3].max()))]
    turned = (phasors * (np.conj(reference) / np.abs(reference))[:, np.newaxis]).mean(axis=0)
    angles = np.angle(phasors[:, :3] * np.conj(phasors[:, 3:]) * np.exp(-1j * np.angle(turned[:3] * np.conj(turned[3:]))))
    root = math.sqrt(count)
    with np.errstate(divide="ignore", invalid="ignore"):
        rms_scatter = squares.std(axis=0, ddof=1) / (2.0 * rms**2) / root
    return Observation(
        rms=rms,
        rms_scatter=rms_scatter,
        offset=offset,
        offset_scatter=means.std(axis=0, ddof=1) / root,
        power_w=rows["power_w"].mean(axis=0) - offset[:3] * offset[3:],
        reactive_var=rows["reactive_var"].mean(axis=0),
        phasors=turned,
        angle_scatter=angles.std(axis=0, ddof=1) / root,
        frequency_hz=float(rows["frequency_hz"].mean()),
        windows=count,
    )


def calibrate(observations: Sequence[Observation], references: Sequence[Reference]) -> Calibration:
    """Return the correction that makes the observations agree with their references.

    Raises
    ------
    CalibrationError
        If there are too few loads; if a voltage or current is missing or in another's place; if no load tells a
        delay; if loads contradict each other; if the scatter is too large.
    """
    if len(references) < LEAST_LOADS:
        msg = f"{len(references)} reference load: give at least {LEAST_LOADS}, so that one can vouch for the other"
        raise CalibrationError(msg)
    pairs = list(zip(observations, references, strict=True))
    for seen, truth in pairs:
        _require_in_place(seen, truth)
    gains = [_gain(channel, pairs) for channel in range(6)]
    offsets = [_weighed([(seen.offset[c], max(seen.offset_scatter[c], 1e-12)) for seen, _ in pairs]) for c in range(6)]
    late_v = [_voltage_delay(phase, pairs) for phase in range(3)]
    late_i = [_current_delay(phase, pairs) for phase in range(3)]
    delays = [*late_v, *((late_v[p][0] + late_i[p][0], math.hypot(late_v[p][1], late_i[p][1])) for p in range(3))]
    return Calibration(
        correction=Correction(gain=_six(gains, 0), offset=_six(offsets, 0), delay_s=_six(delays, 0)),
        gain_uncertainty=_six(gains, 1),
        offset_uncertainty=_six(offsets, 1),
        delay_uncertainty_s=_six(delays, 1),
    )


Pairs = Sequence[tuple[Observation, Reference]]
Found = tuple[float, float]
"""A value and its standard uncertainty."""


def _six(found: Sequence[Found], which: int) -> SixFloats:
    v1, v2, v3, i1, i2, i3 = (float(one[which]) for one in found)
    return v1, v2, v3, i1, i2, i3


def _true_rms(truth: Reference) -> tuple[float, ...]:
    return (*truth.voltage_v, *truth.current_a)


def _weighed(found: Sequence[Found]) -> Found:
    """Return the mean of values, each weighed by its scatter."""
    weights = [1.0 / scatter**2 for _, scatter in found]
    mean = sum(value * weight for (value, _), weight in zip(found, weights, strict=True)) / sum(weights)
    return mean, 1.0 / math.sqrt(sum(weights))


_FINEST = 1e-9
"""Scatter below this is rounding, and no reason to believe one load alone."""


def _gain(channel: int, pairs: Pairs) -> Found:
    found = [
        (_true_rms(truth)[channel] / seen.rms[channel], max(float(seen.rms_scatter[channel]), _FINEST))
        for seen, truth in pairs
        if _true_rms(truth)[channel] > 0
    ]
    if not found:
        quantity = "voltage" if channel < 3 else "current"  # noqa: PLR2004 - V1 V2 V3 come first
        msg = f"no load has {quantity} at {CHANNELS[channel]}: its gain is unknown; add one"
        raise CalibrationError(msg)
    _require_agreement(f"gain of {CHANNELS[channel]}", found)
    mean, scatter = _weighed(found)
    _require_quiet(f"gain of {CHANNELS[channel]}", scatter)
    return mean, mean * math.hypot(scatter, max(truth.uncertainty for _, truth in pairs))


def _voltage_delay(phase: int, pairs: Pairs) -> Found:
    """Return how late a voltage is against V1, as far as anybody knows."""
    turns = []
    for seen, truth in pairs:
        if phase and truth.voltage_angle_deg is not None and truth.voltage_v[0] and truth.voltage_v[phase]:
            expected = math.radians(truth.voltage_angle_deg[phase] - truth.voltage_angle_deg[0])
            turn = _wrapped(expected - float(np.angle(seen.phasors[phase] * np.conj(seen.phasors[0]))))
            scatter = math.hypot(seen.rms_scatter[0], seen.rms_scatter[phase])
            turns.append((turn / _omega(seen), max(scatter, _FINEST) / _omega(seen)))
    return _weighed(turns) if turns else (0.0, 0.0)


def _current_delay(phase: int, pairs: Pairs) -> Found:
    """Return how late a current is against its voltage."""
    turns, omegas = [], []
    for seen, truth in pairs:
        known = _true_angle(seen, truth, phase)
        if known is not None:
            angle, uncertainty = known
            turn = _wrapped(float(seen.angles[phase]) - angle)
            turns.append((turn, max(float(seen.angle_scatter[phase]), _FINEST), uncertainty))
            omegas.append(_omega(seen))
    if not turns:
        msg = (
            f"no load tells the delay of {CHANNELS[3 + phase]}: at power factor 1 active power does not depend on it; "
            "add a load at power factor 0.5, or give reactive_var"
        )
        raise CalibrationError(msg)
    _require_agreement(f"angle of {CHANNELS[3 + phase]} in radians", [turn[:2] for turn in turns])
    _, scatter = _weighed([turn[:2] for turn in turns])
    _require_quiet(f"angle of {CHANNELS[3 + phase]} in radians", scatter)
    delay_s, uncertainty_s = _weighed(
        [
            (turn / omega, math.hypot(scatter, unsure) / omega)
            for (turn, scatter, unsure), omega in zip(turns, omegas, strict=True)
        ]
    )
    least = min(unsure / omega for (_, _, unsure), omega in zip(turns, omegas, strict=True))
    return delay_s, max(uncertainty_s, least)  # what the reference does not know, no number of loads mends


def _omega(seen: Observation) -> float:
    return 2.0 * math.pi * seen.frequency_hz


def _wrapped(angle: float) -> float:
    return math.remainder(angle, 2.0 * math.pi)


def _true_angle(seen: Observation, truth: Reference, phase: int) -> Found | None:
    """Return the angle from current to voltage as the reference knows it, and how well; None where it does not."""
    apparent_va = truth.voltage_v[phase] * truth.current_a[phase]
    if not apparent_va:
        return None
    if truth.reactive_var is not None:
        return math.atan2(truth.reactive_var[phase], truth.power_w[phase]), truth.uncertainty
    cosine = max(-1.0, min(1.0, truth.power_w[phase] / apparent_va))
    angle = math.copysign(math.acos(cosine), seen.angles[phase])
    if abs(math.sin(angle)) < LEAST_SINE:
        return None
    return angle, truth.uncertainty * abs(cosine / math.sin(angle))


def _require_in_place(seen: Observation, truth: Reference) -> None:
    """Refuse a load of which a voltage or current is missing, reversed, or another's."""
    for channel, expected in enumerate(_true_rms(truth)):
        if seen.rms[channel] < _LEAST_PART * expected:
            unit = "V" if channel < 3 else "A"  # noqa: PLR2004 - V1 V2 V3 come first
            msg = f"{truth.name}: {CHANNELS[channel]} shows {seen.rms[channel]:.3g} {unit} of {expected:g} {unit}: is it connected?"
            raise CalibrationError(msg)
    if all(truth.voltage_v):
        expected_deg = truth.voltage_angle_deg or (0.0, -120.0, 120.0)
        _require_sequence(seen, truth.name, expected_deg)
    for phase in range(3):
        _require_current_of_phase(seen, truth, phase)


def _require_sequence(seen: Observation, name: str, expected_deg: Triple) -> None:
    for phase in (1, 2):
        expected = math.radians(expected_deg[phase] - expected_deg[0])
        found = float(np.angle(seen.phasors[phase] * np.conj(seen.phasors[0])))
        if abs(_wrapped(found - expected)) > _LARGEST_TURN:
            msg = (
                f"{name}: V{phase + 1} stands at {math.degrees(found):.0f} degrees of V1, not at {math.degrees(expected):.0f}: "
                "are voltages exchanged?"
            )
            raise CalibrationError(msg)


def _require_current_of_phase(seen: Observation, truth: Reference, phase: int) -> None:
    known = _true_angle(seen, truth, phase)
    if known is None:
        expected = 0.0 if truth.power_w[phase] >= 0 else math.pi
        largest = math.asin(LEAST_SINE) + _LARGEST_TURN
    else:
        expected, largest = known[0], _LARGEST_TURN
    if not truth.current_a[phase] or abs(_wrapped(float(seen.angles[phase]) - expected)) <= largest:
        return
    off = math.degrees(_wrapped(float(seen.angles[phase]) - expected))
    guess = "it is reversed" if abs(off) > 165 else "it belongs to another phase"  # noqa: PLR2004 - degrees
    msg = f"{truth.name}: I{phase + 1} stands {off:.0f} degrees from where its reference has it: {guess}, or the loads are out of order"
    raise CalibrationError(msg)


def _require_agreement(what: str, found: Sequence[Found]) -> None:
    values = [value for value, _ in found]
    if max(values) - min(values) > LARGEST_SPREAD:
        listed = ", ".join(f"{value:.4f}" for value in values)
        msg = f"the loads contradict each other over the {what} ({listed}): check their reference values and order"
        raise CalibrationError(msg)


def _require_quiet(what: str, scatter: float) -> None:
    if not scatter <= LARGEST_UNCERTAINTY:
        msg = f"the {what} is known to {scatter:.2g} only (largest {LARGEST_UNCERTAINTY:g}): measure longer, or at more current"
        raise CalibrationError(msg)
