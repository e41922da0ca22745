"""A meter on the bench: a load sampled through the front end, stepped through a real `Meter`, and read.

In: a load. Out: registers after a given time, and pulses with their instants, as a test bench would note them. Samples
are made one period at a time, exactly, and repeated: a load is periodic. What its energy truly is, is not known here.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from watthour.meter import Meter, MeterState, first_state
from watthour.pulses import LEDS, Led
from watthour.samples import Block
from watthour.typetest.records import ACTIVE, Bench
from watthour.typetest.series import Load, orders_of, sample_period, truncated
from watthour.units import NANOSECONDS
from watthour.waveform.front_end import FrontEnd, channel_factors, digitise

_PIECE_S = 30
"""Seconds of samples handed over at once: enough that a step costs little beside its samples."""

_FRESH_S = 60
"""Seconds of noise that are made before they come again."""

START_NS = 0
"""A bench counts time from its first sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flashed:
    """Pulses of one LED.

    Parameters
    ----------
    count : int
        Number of the last, counted from the meter's first on; 0: none.
    time_s : ndarray of float64
        Instants, seconds since sample 0.
    """

    count: int = 0
    time_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a bench notes at one instant.

    Parameters
    ----------
    exact : mapping of str to int
        Registers in micro-units, as the meter shows them.
    samples : int
        Metered.
    flashed : mapping of Led to Flashed
        All pulses since the first sample.
    """

    exact: dict[str, int]
    samples: int
    flashed: dict[Led, Flashed]


def state_on(bench: Bench) -> MeterState:
    """Return the state of a new meter of the bench's first model."""
    return first_state({"model": bench.models[0].code, "ct": bench.ct, **bench.settings})


def led_of(quantity: str) -> Led:
    """Return the LED that counts a quantity."""
    return Led.KWH if quantity == ACTIVE else Led.KVARH


class Watched:
    """A meter under test, fed with one load.

    Parameters
    ----------
    state : MeterState, optional
        To go on with; else a new meter.
    seed : int
        Of the converter's noise.
    """

    def __init__(self, bench: Bench, load: Load, *, state: MeterState | None = None, seed: int = 0) -> None:
        self._rate_hz = bench.rate_hz
        self._block = blocks_of(bench, load, seed)
        self._meter = Meter(state or state_on(bench), watches_leds=True)
        self._flashed: dict[Led, list[Flashed]] = {led: [Flashed()] for led in LEDS}
        self._position = 0 if state is None or state.position is None else state.position

    @property
    def meter(self) -> Meter:
        """The meter itself."""
        return self._meter

    @property
    def position(self) -> int:
        """Samples fed so far."""
        return self._position

    def flashed(self, led: Led) -> Flashed:
        """Return a LED's pulses so far, without those of the window at hand."""
        return _joined(self._flashed[led])

    def feed(self, seconds: float) -> None:
        """Meter on to a time since sample 0."""
        end = round(seconds * self._rate_hz)
        while self._position < end:
            block = self._block(self._position, end - self._position)
            self._meter.step(block, START_NS + round(self._position * NANOSECONDS / Fraction(self._rate_hz)))
            self._position = block.end_sample
            for led, flashed in _taken(self._meter):
                self._flashed[led].append(flashed)

    def read(self) -> Reading:
        """Return what the meter has counted up to its last sample, the window at hand included."""
        settled = self._meter.settled()
        last = list(_taken(settled))
        flashed = {led: _joined([*some, *(each for of, each in last if of is led)]) for led, some in self._flashed.items()}
        return Reading(exact=dict(settled.view().exact), samples=self._position, flashed=flashed)


def _taken(meter: Meter) -> Iterator[tuple[Led, Flashed]]:
    """Yield what each LED has flashed since it was last asked."""
    for pulses in meter.take_pulses():
        if len(pulses):
            times = (pulses.time_ns - START_NS) / NANOSECONDS
            yield pulses.led, Flashed(count=pulses.first + len(pulses) - 1, time_s=times)


def _joined(some: Sequence[Flashed]) -> Flashed:
    """Return consecutive pulses as one."""
    return Flashed(count=some[-1].count, time_s=np.concatenate([each.time_s for each in some]))


class _Blocks:
    """Makes any stretch of a periodic load into a block.

    Behind a converter without drift its first minute, or record where that is longer, comes again with its noise: what the
    noise takes of a record is never less than it takes of that time, however long the record.
    """

    def __init__(self, bench: Bench, values: NDArray[np.float64], seed: int) -> None:
        self._bench = bench
        self._values = values
        self._seed = seed
        self._known: dict[int, Block] | None = None if any(bench.front_end.drift_ppm_per_h) else {}
        self._piece = max(1, round(_PIECE_S * bench.rate_hz))

    def __call__(self, position: int, most: int) -> Block:
        """Return a block that begins at a position, of at most so many samples."""
        length = self._values.shape[1]
        start = position % length
        first = start - start % self._piece
        count = min(most, length - start, first + self._piece - start)
        if self._known is None:
            return self._digitised(position, start, count)
        if first not in self._known:
            self._known[first] = self._digitised(first, first, min(self._piece, length - first))
        return replace(self._known[first].part(start - first, start - first + count), first_sample=position)

    def _digitised(self, position: int, start: int, count: int) -> Block:
        part = self._values[:, start : start + count]
        return digitise(
            self._bench.front_end,
            part[:3],
            part[3:],
            rate_hz=self._bench.rate_hz,
            first_sample=position,
            maximum_a=self._bench.current_range.maximum_a,
            seed=self._seed,
        )


def blocks_of(bench: Bench, load: Load, seed: int = 0) -> _Blocks:
    """Return what makes blocks of a load: whole periods of it, a piece of samples or, where they are noisy, a record long."""
    load = truncated(load, bench.rate_hz)
    one = sample_period(load, bench.rate_hz, _factors(bench.front_end, bench, load))
    wanted_s = _PIECE_S if bench.front_end.bits is None else max(_FRESH_S, bench.seconds)
    return _Blocks(bench, np.tile(one, (1, max(1, math.ceil(wanted_s * bench.rate_hz / one.shape[1])))), seed)


def _factors(front_end: FrontEnd, bench: Bench, load: Load) -> NDArray[np.complex128]:
    """Return what the front end does to each phasor: delays and transformers."""
    currents_a = [sum(abs(phasor) ** 2 for phasor in series.values()) ** 0.5 for series in load.currents]
    return channel_factors(
        front_end,
        orders=[float(order) for order in orders_of(load)],
        frequency_hz=float(load.frequency_hz),
        currents_a=currents_a,
        rated_a=float(bench.current_range.secondary_a),
    )
