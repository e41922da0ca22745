"""What flows in an installation, as phasors: the supply's voltages and what each part of each load draws.

In: a `Network` and the transformers. Out: a `Spectra` at the meter's terminals, of which every second is a
weighted sum. Pure arithmetic on a handful of complex numbers; it knows nothing of time.

With θ the phase of L1's fundamental voltage, every channel is ``Σ √2 Re(-j X_h e^(jhθ))``, that is, a phasor of
angle 0 crosses zero rising with L1. A phase at angle β against L1 carries the same shape later in time::

    U_h = U_1 · p_h/100 · e^(jhβ) · e^(jψ_h)            harmonic h of p_h percent at angle ψ_h
    I_1 = (P - jQ) / U_1 · e^(jβ)                       so that U_1 · conj(I_1) = P + jQ
    I_h = |I_1| · r_h/100 · e^(jh·arg(I_1)) · e^(jψ_h)
"""

import cmath
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watthour.units import Ratio
from watthour.waveform.network.description import Network
from watthour.waveform.network.levels import Gate, Level
from watthour.waveform.network.loads import RESPONSES, Response
from watthour.waveform.network.parts import Part
from watthour.waveform.network.supply import SEQUENCES, Supply
from watthour.waveform.network.vocabulary import PHASE_NAMES, Harmonic

Phasor = NDArray[np.complex128]
FUNDAMENTAL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Currents in one phase that share level, gate and response.

    Parameters
    ----------
    level : int
        Which of the levels of `Spectra`.
    gate : Gate, optional
    response : str
    currents_a : complex ndarray, shape (number of orders,)
    """

    level: int
    gate: Gate | None
    response: Response
    currents_a: Phasor


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """All draws as the loop over seconds takes them, one line each.

    Parameters
    ----------
    places : ndarray of int64, shape (number of draws, 4)
        Phase of a draw, its level, its response (that of the second for L1 follows that of the first for L3), and its gate:
        0 is none, 1 the first of `gates`.
    currents_a : complex ndarray, shape (number of draws, number of orders)
    gates : mapping of Gate to tuple of int
        Each with the levels of what it lets through.
    """

    places: NDArray[np.int64]
    currents_a: Phasor
    gates: Mapping[Gate, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectra:
    """Rms phasors, order by order, at the voltages that are written.

    Parameters
    ----------
    orders : tuple of int
        Multiples of the fundamental, rising; the first is 1.
    voltages_v : complex ndarray, shape (3, number of orders)
        At the meter's terminals, phases L1, L2, L3.
    levels : tuple of Level
    draws : three tuples of Draw
        What is drawn from L1, L2, L3, at level 1.
    lines : Lines
        The same side by side.
    """

    orders: tuple[int, ...]
    voltages_v: Phasor
    levels: tuple[Level, ...]
    draws: tuple[tuple[Draw, ...], ...]
    lines: Lines


def spectra_of(network: Network, *, ct: Ratio, vt: Ratio, parts: Sequence[Part] | None = None) -> Spectra:
    """Return what an installation brings to a meter's terminals.

    Parameters
    ----------
    network : Network
        Primary volts and amperes.
    ct, vt : Ratio
        Transformers between it and the meter; both are ideal.
    parts : sequence of Part, optional
        Instead of all parts of all loads.
    """
    parts, orders = network.parts if parts is None else parts, _orders(network)
    fundamentals = _fundamental_voltages(network.supply)
    voltages: Phasor = np.array([_shape(voltage, network.supply.harmonics, orders) for voltage in fundamentals])
    levels = tuple(dict.fromkeys(part.level for part in parts))
    draws = tuple(
        _draws(phase, voltage, parts=parts, levels=levels, orders=orders, ct=ct) for phase, voltage in enumerate(fundamentals)
    )
    lines = _lines_of(draws, len(orders))
    return Spectra(orders=orders, voltages_v=voltages / float(vt.fraction), levels=levels, draws=draws, lines=lines)


def _orders(network: Network) -> tuple[int, ...]:
    """Return all orders that occur, the fundamental first."""
    rows = [*network.supply.harmonics, *(row for part in network.parts for row in part.harmonics)]
    return (FUNDAMENTAL, *sorted({row.order for row in rows}))


def _fundamental_voltages(supply: Supply) -> tuple[complex, ...]:
    """Return the phasors of L1, L2, L3 against L1, unbalance included."""
    angles_deg = SEQUENCES[supply.sequence]
    size_v = sum(supply.voltages_v) / 3 * supply.unbalance_percent / 100
    voltages = [
        cmath.rect(v, math.radians(a)) + cmath.rect(size_v, math.radians(supply.unbalance_angle_deg - a))
        for v, a in zip(supply.voltages_v, angles_deg, strict=True)
    ]
    turn = cmath.rect(1.0, -cmath.phase(voltages[0])) if size_v else 1.0
    return tuple(voltage * turn for voltage in voltages)


def _draws(
    phase: int, voltage: complex, *, parts: Sequence[Part], levels: Sequence[Level], orders: Sequence[int], ct: Ratio
) -> tuple[Draw, ...]:
    """Return what is drawn from one phase, one draw for all that always goes together."""
    sums: dict[tuple[int, Gate | None, Response], Phasor] = {}
    for part in parts:
        power_va = part.powers_va.get(PHASE_NAMES[phase], 0)
        if power_va:
            key = (levels.index(part.level), part.gate, part.response)
            current = _shape((power_va / voltage).conjugate(), part.harmonics, orders)
            sums[key] = sums.get(key, np.zeros(len(orders), dtype=np.complex128)) + current
    return tuple(
        Draw(level=level, gate=gate, response=response, currents_a=currents / float(ct.fraction))
        for (level, gate, response), currents in sums.items()
    )


def _lines_of(draws: Sequence[Sequence[Draw]], orders: int) -> Lines:
    """Return the draws of all phases side by side."""
    all_draws = [(phase, draw) for phase, row in enumerate(draws) for draw in row]
    gates = list(dict.fromkeys(draw.gate for _, draw in all_draws if draw.gate is not None))
    places = [
        (phase, draw.level, 3 * RESPONSES.index(draw.response) + phase, gates.index(draw.gate) + 1 if draw.gate else 0)
        for phase, draw in all_draws
    ]
    return Lines(
        places=np.array(places, dtype=np.int64).reshape(-1, 4),
        currents_a=np.array([draw.currents_a for _, draw in all_draws], dtype=np.complex128).reshape(-1, orders),
        gates={gate: tuple({draw.level for _, draw in all_draws if draw.gate == gate}) for gate in gates},
    )


def _shape(fundamental: complex, rows: Sequence[Harmonic], orders: Sequence[int]) -> Phasor:
    """Return a fundamental and its harmonics, order by order."""
    phasors = np.zeros(len(orders), dtype=np.complex128)
    for order, phasor in _with_harmonics(fundamental, rows):
        phasors[orders.index(order)] = phasor
    return phasors


def _with_harmonics(fundamental: complex, rows: Sequence[Harmonic]) -> Iterator[tuple[int, complex]]:
    """Yield a fundamental and its harmonics, each with its order."""
    size, angle_rad = cmath.polar(fundamental)
    yield FUNDAMENTAL, fundamental
    for row in rows:
        yield row.order, cmath.rect(size * row.percent / 100, row.order * angle_rad + math.radians(row.angle_deg))
