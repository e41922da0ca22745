"""A simulated installation seen through a front end: what delays and transformers make of its phasors.

In: the waves of a moment, or the rows of an hour. Out: the same as the front end sees them. The beginning of an event,
a gate and flicker stay where they are in time: of them a delay of microseconds moves nothing that a meter sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from watthour.models import CurrentRange, current_range_of
from watthour.samples import Block
from watthour.units import SECONDS_PER_HOUR, Ratio
from watthour.waveform.front_end import FrontEnd, channel_factors, digitise
from watthour.waveform.network.description import Network
from watthour.waveform.network.flow import Complexes, Wave

Flow = tuple[Complexes, list[Wave]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensing:
    """A front end at the terminals of an installation.

    Parameters
    ----------
    front_end : FrontEnd
    orders : tuple of int
        Those of the installation's phasors.
    current_range : CurrentRange
        Its rated current is the transformers', its largest the full scale.
    seed : int
        Of the converter's noise.
    """

    front_end: FrontEnd
    orders: tuple[int, ...]
    current_range: CurrentRange
    seed: int

    def of_moment(self, flow: Flow, frequency_hz: float) -> Flow:
        """Return the waves of a moment as the front end sees them, gains apart."""
        voltages, waves = flow
        currents = sum((wave.currents_a for wave in waves), np.zeros_like(voltages))
        factors = self._factors(np.asarray(frequency_hz), currents)
        return voltages * factors[:3], [replace(wave, currents_a=wave.currents_a * factors[3:]) for wave in waves]

    def of_rows(
        self, voltages: Complexes, currents: Complexes, frequency_hz: NDArray[np.float64], first_s: int
    ) -> tuple[Complexes, Complexes]:
        """Return rows of seconds, of which `first_s` is the first, as the front end sees them.

        Offset, noise and steps are left out: they carry no power worth a row.
        """
        hours = (first_s + 0.5 + np.arange(len(frequency_hz))) / SECONDS_PER_HOUR
        gains = np.asarray(self.front_end.gain) * (1.0 + 1e-6 * np.outer(hours, self.front_end.drift_ppm_per_h))
        factors = self._factors(frequency_hz, currents) * gains[:, :, np.newaxis]
        return voltages * factors[:, :3], currents * factors[:, 3:]

    def of_samples(self, samples: NDArray[np.float64], rate_hz: float, first_sample: int) -> Block:
        """Return what the converter delivers of samples, shape (6, n)."""
        maximum_a = self.current_range.maximum_a
        return digitise(
            self.front_end,
            samples[:3],
            samples[3:],
            rate_hz=rate_hz,
            first_sample=first_sample,
            maximum_a=maximum_a,
            seed=self.seed,
        )

    def _factors(self, frequency_hz: NDArray[np.float64], currents: Complexes) -> Complexes:
        return channel_factors(
            self.front_end,
            orders=self.orders,
            frequency_hz=frequency_hz,
            currents_a=np.sqrt((np.abs(currents) ** 2).sum(axis=-1)),
            rated_a=float(self.current_range.secondary_a),
        )


def sensing_of(network: Network, orders: Sequence[int], ct: Ratio) -> Sensing | None:
    """Return the front end that a network file describes; None where it describes none.

    Raises
    ------
    UsageError
        If the transformer's secondary is not that of a range of the meter.
    """
    if network.front_end is None:
        return None
    return Sensing(
        front_end=network.front_end.front_end,
        orders=tuple(orders),
        current_range=current_range_of(ct),
        seed=network.front_end.seed,
    )
