"""What flows in an installation, as phasors: the supply's voltages and the sum of all loads' currents.

In: a `Network` and the transformers. Out: a `Spectrum` at the meter's terminals. Pure arithmetic on a handful
of complex numbers; it knows nothing of samples.

With θ the phase of L1's fundamental voltage, every channel is ``Σ √2 Re(-j X_h e^(jhθ))``, that is, a phasor of
angle 0 crosses zero rising with L1. A phase at angle β against L1 carries the same shape later in time::

    U_h = U_1 · p_h/100 · e^(jhβ) · e^(jψ_h)            harmonic h of p_h percent at angle ψ_h
    I_1 = (P - jQ) / U_1 · e^(jβ)                       so that U_1 · conj(I_1) = P + jQ
    I_h = |I_1| · r_h/100 · e^(jh·arg(I_1)) · e^(jψ_h)
"""

import cmath
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watthour.units import Ratio
from watthour.waveform.network.description import PHASE_NAMES, SEQUENCES, ConstantLoad, Harmonic, Network

FUNDAMENTAL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """Rms phasors of six channels, order by order.

    Parameters
    ----------
    orders : tuple of int
        Multiples of the fundamental, rising; the first is 1.
    voltages_v, currents_a : complex ndarray, shape (3, number of orders)
        At the meter's terminals, phases L1, L2, L3.
    """

    orders: tuple[int, ...]
    voltages_v: NDArray[np.complex128]
    currents_a: NDArray[np.complex128]


def spectrum_of(network: Network, *, ct: Ratio, vt: Ratio) -> Spectrum:
    """Return what an installation brings to a meter's terminals.

    Parameters
    ----------
    network : Network
        Primary volts and amperes.
    ct, vt : Ratio
        Transformers between it and the meter; both are ideal.
    """
    orders = _orders(network)
    voltages = np.zeros((3, len(orders)), dtype=np.complex128)
    currents = np.zeros_like(voltages)
    fundamentals = _fundamental_voltages(network)
    for phase, voltage in enumerate(fundamentals):
        for order, phasor in _with_harmonics(voltage, network.supply.harmonics):
            voltages[phase, orders.index(order)] = phasor
    for load in network.loads:
        for phase, current in _fundamental_currents(load, fundamentals):
            for order, phasor in _with_harmonics(current, load.harmonics):
                currents[phase, orders.index(order)] += phasor
    return Spectrum(orders=orders, voltages_v=voltages / float(vt.fraction), currents_a=currents / float(ct.fraction))


def _orders(network: Network) -> tuple[int, ...]:
    """Return all orders that occur, the fundamental first."""
    rows = [*network.supply.harmonics, *(row for load in network.loads for row in load.harmonics)]
    return (FUNDAMENTAL, *sorted({row.order for row in rows}))


def _fundamental_voltages(network: Network) -> tuple[complex, ...]:
    """Return the phasors of L1, L2, L3 against L1."""
    angles_deg = SEQUENCES[network.supply.sequence]
    return tuple(cmath.rect(v, math.radians(a)) for v, a in zip(network.supply.voltages_v, angles_deg, strict=True))


def _fundamental_currents(load: ConstantLoad, voltages: Sequence[complex]) -> Iterator[tuple[int, complex]]:
    """Yield the phases a load draws from and its fundamental current in each."""
    for name, power_va in load.powers_va.items():
        phase = PHASE_NAMES.index(name)
        if power_va:
            yield phase, (power_va / voltages[phase]).conjugate()


def _with_harmonics(fundamental: complex, rows: Sequence[Harmonic]) -> Iterator[tuple[int, complex]]:
    """Yield a fundamental and its harmonics, each with its order."""
    size, angle_rad = cmath.polar(fundamental)
    yield FUNDAMENTAL, fundamental
    for row in rows:
        yield row.order, cmath.rect(size * row.percent / 100, row.order * angle_rad + math.radians(row.angle_deg))
