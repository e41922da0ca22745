"""A simulated installation as a source, of samples or of seconds.

In: a checked `Network`, the transformers, and what identifies the file it was read from. Out: blocks or rows from
any position, without end, the same bits each time. It opens nothing and knows no clock.

Samples are float64 unless a front end makes them whole numbers: the rounding of float32 (6e-8) would be the largest error of the source.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from watthour.samples import PHASORS, Block, Phasors
from watthour.units import Ratio
from watthour.waveform.network.conditions import Conditions, Installation
from watthour.waveform.network.contacts import Schedule
from watthour.waveform.network.description import Network
from watthour.waveform.network.flow import rows_of
from watthour.waveform.network.happenings import Happening
from watthour.waveform.network.sampled import samples_of_second
from watthour.waveform.network.sensing import sensing_of
from watthour.waveform.network.synthesis import Samples, steady_turns
from watthour.waveform.network.times import HOUR_S
from watthour.waveform.noise import noise_of

HOURS_KEPT = 2
HOURS_AHEAD = 24
"""Seconds as phasors are made so many hours at a time."""


class NetworkSource:
    """Samples of a simulated installation (a `watthour.waveform.source.Source`).

    Parameters
    ----------
    network : Network
    name : str
        The file as the user named it.
    identity : str
        SHA-256 of the file's bytes. The transformers do not enter it: another CT on the same installation is
        no other installation.
    ct, vt : Ratio
        Between the installation and the meter.
    start_ns : int, optional
        Instant of sample 0, where somebody says otherwise than the file; the hours of its loads go by it.
    """

    def __init__(
        self, network: Network, *, name: str, identity: str, ct: Ratio, vt: Ratio, start_ns: int | None = None
    ) -> None:
        self.name = name
        self.identity = identity
        self.start_ns = network.start_ns if start_ns is None else start_ns
        self.rate_hz = float(network.sampling.rate_hz)
        self.samples: int | None = None
        self.remarks: tuple[str, ...] = ()
        self._rate_hz = network.sampling.rate_hz
        self._installation = Installation.of(network, ct=ct, vt=vt, start_ns=start_ns)
        self.contacts = Schedule(rows=network.contacts, local_zero_s=self._installation.local_zero_s)
        self._sensing = sensing_of(network, self._installation.spectra.orders, ct)
        self.sample_type = "float64" if self._sensing is None else self._sensing.front_end.sample_type
        self._hours = lru_cache(HOURS_KEPT)(self._installation.conditions)
        self._turns = steady_turns(self._installation.spectra.orders, network.cycles_per_sample, self._rate_hz)
        self._seed = network.noise.seed
        self._noise_rms = np.repeat(
            [network.noise.voltage_v / float(vt.fraction), network.noise.current_a / float(ct.fraction)], 3
        )

    def blocks(self, first_sample: int = 0, *, block_samples: int | None = None) -> Iterator[Block]:
        """Yield the samples from `first_sample` on, without end.

        Parameters
        ----------
        first_sample : int
            Any position, from 0.
        block_samples : int, optional
            The most samples of a block; a whole second if not given. A block never reaches over the end of a
            second.
        """
        most = self._rate_hz if block_samples is None else block_samples
        second, start = divmod(first_sample, self._rate_hz)
        while True:
            whole = self._second(second)
            for begin in range(start, len(whole), most):
                yield whole.part(begin, min(begin + most, len(whole)))
            second, start = second + 1, 0

    def happenings(self, first_s: int, last_s: int) -> list[Happening]:
        """Return the events and wiring faults that touch [first_s, last_s) seconds since the first sample."""
        return self._installation.diary.happenings(first_s, last_s)

    def _second(self, second: int) -> Block:
        """Return one whole second of samples."""
        rows = self._with_noise(self._synthesised(second), second)
        first_sample = second * self._rate_hz
        if self._sensing is not None:
            return self._sensing.of_samples(rows, self.rate_hz, first_sample)
        return Block(voltages=rows[:3], currents=rows[3:], rate_hz=self.rate_hz, first_sample=first_sample)

    def _synthesised(self, second: int) -> Samples:
        """Return the samples of a second without noise."""
        (conditions,) = self._hours(second // HOUR_S)
        return samples_of_second(
            self._installation, conditions, second, steady=self._turns, rate_hz=self._rate_hz, sensing=self._sensing
        )

    def _with_noise(self, rows: Samples, second: int) -> Samples:
        """Return the samples of a second with its noise on them."""
        if not self._noise_rms.any():
            return rows
        noise = noise_of(self._seed, second, self._rate_hz)
        noise *= self._noise_rms[:, np.newaxis]
        return np.add(rows, noise, out=rows)


class PhasorSource:
    """Seconds of a simulated installation, as rows of phasors; its rate is one row a second.

    Parameters
    ----------
    network, name, identity, ct, vt, start_ns
        As those of `NetworkSource`. Noise is left out: it carries no power.
    """

    def __init__(
        self, network: Network, *, name: str, identity: str, ct: Ratio, vt: Ratio, start_ns: int | None = None
    ) -> None:
        self.name = name
        self.identity = identity
        self.start_ns = network.start_ns if start_ns is None else start_ns
        self.rate_hz = 1.0
        self.sample_type = PHASORS
        self.samples: int | None = None
        self.remarks: tuple[str, ...] = ()
        self._installation = Installation.of(network, ct=ct, vt=vt, start_ns=start_ns)
        self.contacts = Schedule(rows=network.contacts, local_zero_s=self._installation.local_zero_s)
        self._sensing = sensing_of(network, self._installation.spectra.orders, ct)

    def blocks(self, first_sample: int = 0) -> Iterator[Phasors]:
        """Yield the rows from second `first_sample` on, without end, an hour or the rest of one at a time."""
        hour, start = divmod(first_sample, HOUR_S)
        while True:
            for conditions in self._installation.conditions(hour, HOURS_AHEAD):
                whole = self._rows(conditions)
                yield whole if start == 0 else whole.part(start, HOUR_S)
                start = 0
            hour += HOURS_AHEAD

    def hour(self, number: int) -> Phasors:
        """Return the 3600 rows of an hour since the first sample; those below 0 are before it."""
        (conditions,) = self._installation.conditions(number)
        return self._rows(conditions)

    def _rows(self, conditions: Conditions) -> Phasors:
        voltages, currents = rows_of(self._installation, conditions)
        if self._sensing is not None:
            voltages, currents = self._sensing.of_rows(voltages, currents, conditions.frequency_hz, conditions.first_s)
        return Phasors(
            voltages=voltages,
            currents=currents,
            orders=self._installation.spectra.orders,
            frequency_hz=conditions.frequency_hz,
            first_sample=conditions.first_s,
        )

    def happenings(self, first_s: int, last_s: int) -> list[Happening]:
        """Return the events and wiring faults that touch [first_s, last_s) seconds since the first sample."""
        return self._installation.diary.happenings(first_s, last_s)
