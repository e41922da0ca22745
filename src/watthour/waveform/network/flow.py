"""The phasors of an hour: 3600 rows of voltages and currents at the terminals, and those of one moment.

In: an installation and the conditions of an hour. Out: rows as `watthour.samples.Phasors` has them. All rows
are weighted sums of a few spectra. A second inside which something begins or ends is a mean of
its stretches: the rms of each voltage, and the current that gives each order's P + jQ their mean::

    U_h = √(Σ d_k |U_hk|²)        conj(I_h) = Σ d_k U_hk conj(I_hk) / U_h
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from watthour.waveform.network.conditions import Conditions, Installation, current_factors, follows_inversely
from watthour.waveform.network.happenings import Stretch
from watthour.waveform.network.levels import Cycles, Gate
from watthour.waveform.network.loads import RESPONSES
from watthour.waveform.network.times import HOUR_S

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_OF_EACH_PHASE = np.array([(phase, phase, 0, 0) for phase in range(3)])
"""Places of the voltages: each of its own phase, with no other factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Currents of one moment that a gate or flicker treats alike.

    Parameters
    ----------
    gate : Gate or None
    inverse : bool
        Whether they fall as flicker raises the voltage.
    currents_a : complex ndarray, shape (3, number of orders)
    """

    gate: Gate | None
    inverse: bool
    currents_a: Complexes


def rows_of(installation: Installation, conditions: Conditions) -> tuple[Complexes, Complexes]:
    """Return the voltages and currents of an hour, each of shape (3600, 3, number of orders)."""
    spectra = installation.spectra
    shares = conditions.voltages if conditions.flicker_rms is None else conditions.voltages * conditions.flicker_rms
    whole, cut = _apart(conditions)
    shares = _with_events(shares, whole)
    voltages, currents = np.empty((2, HOUR_S, 3, len(spectra.orders)), dtype=np.complex128)  # one piece is one page walk
    always = np.ones((1, HOUR_S))
    _fill(voltages, (shares, always, always), _OF_EACH_PHASE, spectra.voltages_v)
    lines = spectra.lines
    factors = (
        conditions.levels,
        np.concatenate([current_factors(response, shares) for response in RESPONSES]),
        np.vstack([always, *(_shares(conditions, gate, levels) for gate, levels in lines.gates.items())]),
    )
    _fill(currents, factors, lines.places, lines.currents_a)
    _wire(voltages, currents, whole)
    for row, stretches in cut:
        voltages[row], currents[row] = _mean(installation, conditions, row, stretches)
    return voltages, currents


def _shares(conditions: Conditions, gate: Gate, levels: Iterable[int]) -> Floats:
    """Return the share of each second's cycles that a gate lets through; none where all that is behind it is off."""
    if any(conditions.levels[level].any() for level in levels):
        return gate.shares(conditions.cycles)
    return np.zeros(HOUR_S)


def _apart(conditions: Conditions) -> tuple[list[tuple[int, int, Stretch]], list[tuple[int, list[Stretch]]]]:
    """Return the stretches with the whole rows they have, and the rows that several of them share."""
    first_s = conditions.first_s
    whole, shared = [], set()
    for stretch in conditions.stretches:
        begin, end = stretch.begin_s - first_s, stretch.end_s - first_s
        if np.ceil(begin) < np.floor(end):
            whole.append((int(np.ceil(begin)), int(np.floor(end)), stretch))
        shared |= {int(np.floor(edge)) for edge in (begin, end) if edge != np.floor(edge)}
    return whole, [(row, conditions.within(first_s + row)) for row in sorted(shared)]


def _with_events(shares: Floats, whole: Iterable[tuple[int, int, Stretch]]) -> Floats:
    """Return the voltages' shares with what dips and interruptions leave of them."""
    changed = [(begin, end, stretch) for begin, end, stretch in whole if stretch.remaining != (1.0, 1.0, 1.0)]
    if not changed:
        return shares
    shares = shares.copy()
    for begin, end, stretch in changed:
        shares[:, begin:end] *= np.array(stretch.remaining)[:, np.newaxis]
    return shares


def _wire(voltages: Complexes, currents: Complexes, whole: Iterable[tuple[int, int, Stretch]]) -> None:
    """Turn the rows of wrong wiring as it turns them."""
    for begin, end, stretch in whole:
        if stretch.voltage_turn is not None:
            voltages[begin:end] = stretch.voltage_turn @ voltages[begin:end]
        if stretch.current_turn is not None:
            currents[begin:end] = stretch.current_turn @ currents[begin:end]


def _fill(
    rows: Complexes,
    factors: tuple[Floats, Floats, Floats],
    places: NDArray[np.int64],
    spectra: Complexes,
) -> None:
    """Fill rows with the sum of spectra times factors on each channel."""
    from watthour.waveform.network.summing import sum_rows  # noqa: PLC0415 - numba takes its time to load

    sum_rows(factors, places, spectra.view(np.float64), rows.view(np.float64))


def _mean(
    installation: Installation, conditions: Conditions, row: int, stretches: Sequence[Stretch]
) -> tuple[Complexes, Complexes]:
    """Return the row of a second with several stretches."""
    second = conditions.first_s + row
    flicker = 1.0 if conditions.flicker_rms is None else conditions.flicker_rms[row]
    cycles = replace(conditions.cycles, since=conditions.cycles.since[row : row + 2])
    seen = np.zeros_like(installation.spectra.voltages_v)
    squares, powers = np.zeros(seen.shape), np.zeros_like(seen)
    for stretch in stretches:
        part = min(stretch.end_s, second + 1) - max(stretch.begin_s, second)
        voltages, waves = moment(installation, conditions, row, stretch, flicker=flicker)
        currents = sum((wave.currents_a * _share(wave.gate, cycles) for wave in waves), np.zeros_like(seen))
        squares = squares + part * np.abs(voltages) ** 2
        powers = powers + part * voltages * np.conj(currents)
        seen = np.where(seen == 0, voltages, seen)
    mean = np.sqrt(squares) * np.exp(1j * np.angle(seen))
    there = mean != 0
    return mean, np.conj(np.divide(powers, mean, out=np.zeros_like(mean), where=there))


def _share(gate: Gate | None, cycles: Cycles) -> float:
    """Return the share of a second's cycles in which current flows."""
    return 1.0 if gate is None else float(gate.shares(cycles)[0])


def moment(
    installation: Installation, conditions: Conditions, row: int, stretch: Stretch, *, flicker: float = 1.0
) -> tuple[Complexes, list[Wave]]:
    """Return the voltages and the waves of current in one second of a stretch.

    Parameters
    ----------
    row : int
        Second of the hour.
    flicker : float
        Factor of the voltage; 1 where flicker is applied by the sample.

    Returns
    -------
    complex ndarray, shape (3, number of orders)
    list of Wave
        Gates not applied.
    """
    spectra = installation.spectra
    share = conditions.voltages[:, row] * stretch.remaining * flicker
    waves: dict[tuple[Gate | None, bool], Complexes] = {}
    for phase, draws in enumerate(spectra.draws):
        for draw in draws:
            factor = conditions.levels[draw.level, row] * current_factors(draw.response, share[phase])
            if factor:
                key = (draw.gate, bool(follows_inversely(draw.response, share[phase])))
                currents = waves.setdefault(key, np.zeros_like(spectra.voltages_v))
                currents[phase] += factor * draw.currents_a
    voltages = spectra.voltages_v * share[:, np.newaxis]
    if stretch.voltage_turn is not None:
        voltages = stretch.voltage_turn @ voltages
    turn = np.eye(3) if stretch.current_turn is None else stretch.current_turn
    return voltages, [Wave(gate=gate, inverse=inverse, currents_a=turn @ found) for (gate, inverse), found in waves.items()]
