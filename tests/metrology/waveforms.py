"""Waves whose energy is known in closed form, and the blocks that hold their samples.

A channel is a sum of cosines, given by its rms phasors: order -> X stands for √2 Re(X exp(j·order·θ)); order 0 is
a steady part, X its value. Truth is the integral over the support of n samples, [-1/2, n - 1/2]/rate.
"""

import cmath
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from watthour.samples import Block

Channel = Mapping[int, complex]
TURN = cmath.exp(-2j * math.pi / 3)
"""From L1 to L2, and from L2 to L3."""


def single_phase(*, voltage_v=230.0, current_a=5.0, angle_deg=60.0, phase=0, voltage_orders=(), current_orders=()):
    """Return six channels with one phase alone; ``(order, part, degrees)`` adds a part of the fundamental."""
    voltage = {1: voltage_v + 0j, **{h: cmath.rect(voltage_v * part, math.radians(a)) for h, part, a in voltage_orders}}
    lag = -math.radians(angle_deg)
    current = {1: cmath.rect(current_a, lag)}
    current.update({h: cmath.rect(current_a * part, math.radians(a)) for h, part, a in current_orders})
    six = [{}, {}, {}, {}, {}, {}]
    six[phase], six[3 + phase] = voltage, current
    return six


def three_phase(*, voltages_v=(230.0, 230.0, 230.0), currents_a=(5.0, 5.0, 5.0), angles_deg=(60.0, 60.0, 60.0)):
    """Return six channels of a symmetric supply; a positive angle is an inductive current."""
    supply = [TURN**p for p in range(3)]
    volts = [{1: u * s} for u, s in zip(voltages_v, supply, strict=True)]
    lags = [cmath.exp(-1j * math.radians(a)) for a in angles_deg]
    amps = [{1: i * s * lag} for i, s, lag in zip(currents_a, supply, lags, strict=True)]
    return [*volts, *amps]


def phase_angle(frequency_hz, samples: int, rate_hz: float):
    """Return θ of each sample; `frequency_hz` is one, or (from sample, hertz) pairs whose phase is continuous."""
    if isinstance(frequency_hz, (int, float)):
        return 2.0 * math.pi * frequency_hz / rate_hz * np.arange(samples)
    theta, start = np.zeros(samples), 0.0
    for (first, hertz), (last, _) in zip(frequency_hz, [*frequency_hz[1:], (samples, 0.0)], strict=True):
        step = 2.0 * math.pi * hertz / rate_hz
        theta[first:last] = start + step * np.arange(last - first)
        start += step * (last - first)
    return theta


def sample(six: Sequence[Channel], theta) -> tuple[np.ndarray, np.ndarray]:
    """Return voltages and currents at the angles θ, float64, shape (3, n)."""
    rows = np.zeros((6, len(theta)))
    for k, channel in enumerate(six):
        for order, phasor in channel.items():
            rows[k] += phasor.real if order == 0 else math.sqrt(2.0) * np.real(phasor * np.exp(1j * order * theta))
    return rows[:3].copy(), rows[3:].copy()


def block_of(voltages, currents, rate_hz: float, *, first_sample: int = 0, kind: str = "float64", **scales) -> Block:
    """Return a block of these samples in one of the sample types."""
    return Block(
        voltages=np.ascontiguousarray(voltages.astype(kind)),
        currents=np.ascontiguousarray(currents.astype(kind)),
        rate_hz=rate_hz,
        first_sample=first_sample,
        **scales,
    )


def wave(six: Sequence[Channel], frequency_hz, samples: int, rate_hz: float, *, kind: str = "float64", first_sample: int = 0):
    """Return a block of `samples` samples of these channels."""
    return block_of(*sample(six, phase_angle(frequency_hz, samples, rate_hz)), rate_hz, kind=kind, first_sample=first_sample)


def pieces(block: Block, cuts: Iterable[int]):
    """Yield the block cut at these places."""
    places = [0, *sorted(cuts), len(block)]
    for start, stop in pairwise(places):
        yield block.part(start, stop)


def _integral(omega: float, first_s: float, last_s: float) -> complex:
    """Return the integral of exp(jωt)."""
    if omega == 0.0:
        return complex(last_s - first_s)
    return (cmath.exp(1j * omega * last_s) - cmath.exp(1j * omega * first_s)) / (1j * omega)


def active_ws(voltage: Channel, current: Channel, frequency_hz: float, samples: int, rate_hz: float) -> float:
    """Return the integral of u·i over the support of samples 0 ... n-1, in closed form."""
    first_s, last_s = -0.5 / rate_hz, (samples - 0.5) / rate_hz
    omega = 2.0 * math.pi * frequency_hz
    total = 0.0
    for h, a in voltage.items():
        for k, b in current.items():
            u = a / math.sqrt(2.0) if h == 0 else a
            i = b / math.sqrt(2.0) if k == 0 else b
            total += (u * i.conjugate() * _integral((h - k) * omega, first_s, last_s)).real
            total += (u * i * _integral((h + k) * omega, first_s, last_s)).real
    return total


def reactive_vars(voltage: Channel, current: Channel, samples: int, rate_hz: float) -> float:
    """Return Q1 times the duration of the support."""
    return (voltage[1] * current[1].conjugate()).imag * samples / rate_hz


def relative(found: float, truth: float) -> float:
    """Return the relative error in parts per million."""
    return (found / truth - 1.0) * 1e6
