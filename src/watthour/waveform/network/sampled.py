"""The samples of one second: the waves of its stretches, as flicker and gates let them through.

In: an installation, the conditions of an hour, the number of a second. Out: six channels, without noise.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from watthour.waveform.network.conditions import Conditions, Installation, flicker_factors
from watthour.waveform.network.flow import Wave, moment
from watthour.waveform.network.levels import Cycles
from watthour.waveform.network.sensing import Sensing
from watthour.waveform.network.synthesis import Samples, Turns, add_waves, drifting_turns, start_turns
from watthour.waveform.network.times import HOUR_S


@dataclass(frozen=True, slots=True, kw_only=True)
class _Second:
    """What all stretches of a second share.

    Parameters
    ----------
    row : int
        Second of its hour.
    turns : Turns
    started : complex ndarray, shape (number of orders,)
        How far each order has turned when it begins.
    cycles : Cycles
        At each sample.
    cycles_per_sample : float
    modulation : ndarray or None
        What flicker makes of the voltage at each sample.
    """

    row: int
    turns: Turns
    started: NDArray[np.complex128]
    cycles: Cycles
    cycles_per_sample: float
    modulation: Samples | None


def samples_of_second(
    installation: Installation,
    conditions: Conditions,
    number: int,
    *,
    steady: Turns,
    rate_hz: int,
    sensing: Sensing | None = None,
) -> Samples:
    """Return V1 V2 V3 I1 I2 I3 of a second, shape (6, rate_hz), in volts and amperes at the terminals.

    Parameters
    ----------
    conditions : Conditions
        Of the hour that holds it.
    number : int
        Of the second, from the first sample.
    steady : Turns
        Those of the frequency as written.
    sensing : Sensing, optional
        Whose delays and transformers the phasors pass.
    """
    second = _second(installation, conditions, number, steady, rate_hz)
    samples = np.zeros((6, rate_hz))
    for stretch in conditions.within(number):
        begin, end = (_sample_at(edge - number, rate_hz) for edge in (stretch.begin_s, stretch.end_s))
        if begin < end:
            flow = moment(installation, conditions, second.row, stretch)
            if sensing is not None:
                flow = sensing.of_moment(flow, float(conditions.frequency_hz[second.row]))
            _fill(samples[:, begin:end], begin, second, flow)
    return samples


def _second(installation: Installation, conditions: Conditions, number: int, steady: Turns, rate_hz: int) -> _Second:
    row, flicker = number % HOUR_S, installation.supply.flicker
    drifts = bool(installation.supply.frequency_drift_hz)
    begin, end = conditions.cycles.since[row : row + 2]
    return _Second(
        row=row,
        turns=drifting_turns(steady.orders, conditions.frequency_hz[row], rate_hz) if drifts else steady,
        started=start_turns(steady.orders, installation.frequency, number, conditions.drift_cycles[row]),
        cycles=replace(conditions.cycles, since=np.linspace(begin, end, rate_hz, endpoint=False)),
        cycles_per_sample=(end - begin) / rate_hz,
        modulation=None if flicker is None else flicker_factors(flicker, number, rate_hz),
    )


def _sample_at(seconds: float, rate_hz: int) -> int:
    """Return the sample of a second that is nearest to an instant of it."""
    return round(min(max(seconds, 0.0), 1.0) * rate_hz)


def _fill(samples: Samples, begin: int, second: _Second, flow: tuple[NDArray[np.complex128], list[Wave]]) -> None:
    """Make the samples of one stretch of a second."""
    voltages, waves = flow
    plain = [wave.currents_a for wave in waves if wave.gate is None and second.modulation is None]
    currents = sum(plain, np.zeros_like(voltages))
    add_waves(samples, np.concatenate([voltages, currents]) * second.started, second.turns, begin)
    if second.modulation is not None:
        samples[:3] *= second.modulation[begin : begin + samples.shape[1]]
    for wave in waves:
        if wave.gate is not None or second.modulation is not None:
            _add_current(samples[3:], begin, second, wave)


def _add_current(currents: Samples, begin: int, second: _Second, wave: Wave) -> None:
    """Add a wave of current to a stretch of samples, as flicker and its gate let it through."""
    stretch = slice(begin, begin + currents.shape[1])
    made = np.zeros_like(currents)
    add_waves(made, wave.currents_a * second.started, second.turns, begin)
    if second.modulation is not None:
        modulation = second.modulation[stretch]
        made *= 1 / modulation if wave.inverse else modulation
    if wave.gate is not None:
        cycles = replace(second.cycles, since=second.cycles.since[stretch])
        made *= wave.gate.openness(cycles, second.cycles_per_sample)
    currents += made
