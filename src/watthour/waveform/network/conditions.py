"""The state of an installation, second by second, an hour at a time: what samples and phasors are both made from.

In: a description compiled once. Out: for any hour its frequency, its voltages as shares of what is written, the
level of every load, and the stretches between events. An hour is always made whole and at the same place, so
that its numbers are the same bits whoever asks and from wherever; hours that are asked for together cost less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Self

import numpy as np
from numpy.typing import NDArray

from watthour.units import NANOSECONDS, Ratio
from watthour.waveform.network.chance import wander, wander_terms, wanders
from watthour.waveform.network.description import Network
from watthour.waveform.network.happenings import Diary, Stretch
from watthour.waveform.network.levels import Cycles, Hours, along, between_knots
from watthour.waveform.network.loads import Response
from watthour.waveform.network.parts import Part
from watthour.waveform.network.spectrum import Spectra, spectra_of
from watthour.waveform.network.supply import Flicker, Supply
from watthour.waveform.network.times import HOUR_S, MINUTE_S, WeekCurve, week_curve

Floats = NDArray[np.float64]

LOWEST_STEADY = 0.7
"""Below this share of its voltage a load of constant power becomes one of constant impedance (ours; as OpenDSS does it)."""

FREQUENCY_STEP_S = 10
"""The frequency stays the same for as long as a supply's frequency is averaged (IEC 61000-4-30, 5.1)."""

FREQUENCY_STREAM = (1 << 20) + 16
VOLTAGE_STREAM = (1 << 20) + 17
DEFAULT_START_NS = 1_767_225_600 * NANOSECONDS
"""2026-01-01T00:00:00Z, where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """One hour.

    Parameters
    ----------
    first_s : int
        Second of the source it begins with, a multiple of 3600; below 0 before the first sample.
    drift_cycles : ndarray, shape (3601,)
        Cycles more than the written frequency makes, at each full second since the first sample.
    cycles : Cycles
        At each full second.
    frequency_hz : ndarray, shape (3600,)
    voltages : ndarray, shape (3, 3600)
        Shares of the written voltages, events and flicker apart.
    flicker_rms : ndarray, shape (3600,), or None
        What flicker makes of the rms voltage of each second.
    levels : ndarray, shape (number of levels, 3600)
    stretches : tuple of Stretch
    """

    first_s: int
    drift_cycles: Floats
    cycles: Cycles
    frequency_hz: Floats
    voltages: Floats
    flicker_rms: Floats | None
    levels: Floats
    stretches: tuple[Stretch, ...]

    def within(self, second: int) -> list[Stretch]:
        """Return the stretches that touch a second of this hour."""
        return [each for each in self.stretches if each.begin_s < second + 1 and each.end_s > second]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A description made ready: what every hour has in common.

    Parameters
    ----------
    spectra : Spectra
    supply : Supply
    frequency : Fraction
        Hertz, of the decimal number as written.
    seed : int
    local_zero_s : int
        Local clock at the first sample, seconds since 1970-01-01 00:00.
    diary : Diary
    pattern_cycles : int
        A multiple of every gate's pattern.
    curve : WeekCurve or None
        Of the voltages.
    """

    spectra: Spectra
    supply: Supply
    frequency: Fraction
    seed: int
    local_zero_s: int
    diary: Diary
    pattern_cycles: int
    curve: WeekCurve | None

    @classmethod
    def of(
        cls, network: Network, *, ct: Ratio, vt: Ratio, start_ns: int | None = None, parts: Sequence[Part] | None = None
    ) -> Self:
        """Return an installation, seen through transformers.

        Parameters
        ----------
        start_ns : int, optional
            Instant of the first sample; else the file's own, else `DEFAULT_START_NS`.
        parts : sequence of Part, optional
            Instead of all parts of all loads.
        """
        starts = (start_ns, network.start_ns, DEFAULT_START_NS)
        start_s = next(start for start in starts if start is not None) // NANOSECONDS
        local_zero_s = start_s + network.offset_s
        spectra = spectra_of(network, ct=ct, vt=vt, parts=parts)
        profile = network.supply.voltage_profile
        return cls(
            spectra=spectra,
            supply=network.supply,
            frequency=Fraction(repr(network.supply.frequency_hz)),
            seed=network.noise.seed,
            local_zero_s=local_zero_s,
            diary=Diary(events=network.supply.events, wiring=network.wiring, local_zero_s=local_zero_s),
            pattern_cycles=lcm(*(draw.gate.pattern_cycles for row in spectra.draws for draw in row if draw.gate)),
            curve=None if profile is None else week_curve(profile),
        )

    def conditions(self, first: int, count: int = 1) -> list[Conditions]:
        """Return consecutive hours of the source, at most a week; hours below 0 are those before the first sample."""
        first_s = first * HOUR_S
        hours = Hours(first_s=first_s, local_s=self.local_zero_s + first_s, seed=self.seed, count=count)
        drift, voltages, levels = self._drift_cycles(hours), self._voltages(hours), self._levels(hours)
        begins = range(0, hours.seconds, HOUR_S)
        return [
            self._hour(first_s + begin, drift[begin : begin + HOUR_S + 1], voltages[place], levels[place])
            for place, begin in enumerate(begins)
        ]

    def _hour(self, first_s: int, drift: Floats, voltages: Floats, levels: Floats) -> Conditions:
        """Return one hour, with what it has beside drift, voltages and levels."""
        so_far = self.frequency * first_s
        before = int(so_far // self.pattern_cycles) * self.pattern_cycles
        since = float(so_far - before) + float(self.frequency) * np.arange(HOUR_S + 1) + drift
        return Conditions(
            first_s=first_s,
            drift_cycles=drift,
            cycles=Cycles(before=before, since=since, seed=self.seed),
            frequency_hz=float(self.frequency) + np.diff(drift),
            voltages=voltages,
            flicker_rms=self._flicker_rms(first_s),
            levels=levels,
            stretches=tuple(self.diary.stretches(first_s, first_s + HOUR_S)),
        )

    def _levels(self, hours: Hours) -> Floats:
        """Return the factors of every level, shape (hours, number of levels, 3600)."""
        levels = np.empty((hours.count, len(self.spectra.levels), HOUR_S))
        for place, level in enumerate(self.spectra.levels):
            levels[:, place] = level.factors(hours).reshape(hours.count, HOUR_S)
        return levels

    def _drift_cycles(self, hours: Hours) -> Floats:
        """Return the integral of the frequency's wandering from the first sample on, straight for ten seconds at a time."""
        most_hz = self.supply.frequency_drift_hz
        if not most_hz:
            return np.zeros(hours.seconds + 1)
        seconds = hours.first_s + np.arange(0.0, hours.seconds + 1, FREQUENCY_STEP_S)
        total = np.zeros(len(seconds))
        for size, period_s, phase in wander_terms(self.seed, FREQUENCY_STREAM, self.supply.frequency_drift_s):
            turns = np.cos(phase) - np.cos(2 * np.pi * np.fmod(seconds, period_s) / period_s + phase)
            total += most_hz * size * period_s / (2 * np.pi) * turns
        return np.append(between_knots(total, FREQUENCY_STEP_S), total[-1])

    def _voltages(self, hours: Hours) -> Floats:
        """Return profile and drift of the three voltages, shape (hours, 3, 3600)."""
        shares = np.ones((hours.count, 3, HOUR_S))
        if self.curve is not None:
            shares *= along(self.curve, hours).reshape(hours.count, 1, HOUR_S)
        most = self.supply.voltage_drift_percent / 100
        if most:
            minutes_s = MINUTE_S * hours.minutes.astype(np.float64)
            common = wander(self.seed, VOLTAGE_STREAM, minutes_s, self.supply.voltage_drift_s)
            streams = [VOLTAGE_STREAM + 1 + phase for phase in range(3)]
            own = wanders(self.seed, streams, minutes_s, self.supply.voltage_drift_s / 2)
            for phase, wandering in enumerate(own):
                strayed = between_knots(1 + most * (0.75 * common + 0.25 * wandering), MINUTE_S)
                shares[:, phase] *= strayed.reshape(hours.count, HOUR_S)
        return shares

    def _flicker_rms(self, first_s: int) -> Floats | None:
        """Return the root of the mean of (1 + a sin)^2 over each second, in closed form."""
        flicker = self.supply.flicker
        if flicker is None or not flicker.percent:
            return None
        size = flicker.percent / 200
        turns = float(Fraction(repr(flicker.frequency_hz)) * first_s % 1)
        angle = 2 * np.pi * (turns + flicker.frequency_hz * np.arange(HOUR_S + 1))
        width = 2 * np.pi * flicker.frequency_hz
        linear = -2 * size * np.diff(np.cos(angle)) / width
        return np.asarray(np.sqrt(1 + linear + size**2 / 2 - size**2 * np.diff(np.sin(2 * angle)) / (4 * width)))


def flicker_factors(flicker: Flicker, second: int, rate_hz: int) -> Floats:
    """Return what flicker makes of the voltage at each sample of a second."""
    turns = float(Fraction(repr(flicker.frequency_hz)) * second % 1)
    angle = 2 * np.pi * (turns + flicker.frequency_hz / rate_hz * np.arange(rate_hz))
    return np.asarray(1 + flicker.percent / 200 * np.sin(angle))


def follows_inversely(response: Response, share: Floats) -> NDArray[np.bool_]:
    """Say where a current falls as the voltage rises, which is what constant power means."""
    return np.asarray((share >= LOWEST_STEADY) & (response == "power"))


def current_factors(response: Response, share: Floats) -> Floats:
    """Return a current, as a share of that at full voltage, where the voltage is a share of it."""
    if response == "impedance":
        return share
    factors = 1 / np.maximum(share, LOWEST_STEADY)
    low = share < LOWEST_STEADY
    return np.where(low, share / LOWEST_STEADY**2, factors) if np.any(low) else factors
