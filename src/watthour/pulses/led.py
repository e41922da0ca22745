"""The two LEDs: how often each has flashed, and at which instant each flash came.

In: secondary counters before and after each window, and the window's span. Out: pulses, numbered and dated. A LED
has flashed floor(energy / 0.25 Wh) times, so it can never disagree with the register it is read beside; inside a window
the energy is taken to grow evenly, and a pulse comes where it passes a multiple of a quarter of a watt-hour::

    energy  before ─────────●────────────────●──────── after      ● multiples of 250 000 µWh
    time    begin           |                |         end        a pulse each, at the nanosecond that completes it

    kWh LED    import + export            kvarh LED    Q1 + Q2 + Q3 + Q4

Nothing is remembered: the same counters and spans give the same pulses, before a stop and after it. Whole numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from watthour.errors import SampleError
from watthour.units import ENERGIES, MICRO, NANOSECONDS, energy_unit

Integers = NDArray[np.int64]

PULSES_PER_KILO = 4000
"""Meter constant: pulses per kWh and per kvarh (datasheet), of secondary energy."""

MICRO_PER_PULSE = 1000 * MICRO // PULSES_PER_KILO
"""Microwatt-hours, or microvar-hours, of one pulse: a quarter of a watt-hour."""

MOST_PULSES_PER_S = 10_000
"""More cannot be told apart by any reader (ours); at Imax and +20 % voltage there are 5.5."""


class Led(StrEnum):
    """Which of the two."""

    KWH = "kWh"
    KVARH = "kvarh"


LEDS = tuple(Led)

_ENERGIES = {
    Led.KWH: tuple(n for n, energy in enumerate(ENERGIES) if energy_unit(energy) == "wh"),
    Led.KVARH: tuple(n for n, energy in enumerate(ENERGIES) if energy_unit(energy) == "varh"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Windows as a LED sees them: how far the secondary counters were before and after each.

    Parameters
    ----------
    begin_ns, end_ns : ndarray of int64, shape (n,)
        Instants, nanoseconds UTC since 1970, in order and without overlap.
    before, after : ndarray of int64, shape (n, 6)
        Secondary import, export, Q1 ... Q4 in micro-units.
    """

    begin_ns: Integers
    end_ns: Integers
    before: Integers
    after: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulses:
    """Flashes of one LED.

    Parameters
    ----------
    first : int
        Number of the first, counted from the meter's first on; the others follow one by one.
    time_ns : ndarray of int64, shape (n,)
        Instants, nanoseconds UTC since 1970, each later than the one before.
    """

    led: Led
    first: int
    time_ns: Integers

    def __len__(self) -> int:
        return len(self.time_ns)


def led_energy(secondary: Sequence[int], led: Led) -> int:
    """Return the energy that a LED counts, of six secondary counters, in micro-units.

    >>> led_energy((700_000, 300_000, 0, 0, 0, 5), Led.KWH)
    1000000
    """
    return sum(secondary[n] for n in _ENERGIES[led])


def led_count(secondary: Sequence[int], led: Led) -> int:
    """Return how often a LED has flashed.

    >>> led_count((700_000, 300_000, 0, 0, 0, 5), Led.KWH)
    4
    """
    return led_energy(secondary, led) // MICRO_PER_PULSE


def flashes(spans: Spans, led: Led) -> Pulses:
    """Return every flash of a LED in some windows.

    Raises
    ------
    SampleError
        If there are more than `MOST_PULSES_PER_S`: the samples, or their scale, are beyond all measure.
    """
    before, after = (rows[:, _ENERGIES[led]].sum(axis=1) for rows in (spans.before, spans.after))
    last = after // MICRO_PER_PULSE
    counts = last - before // MICRO_PER_PULSE
    duration_ns = spans.end_ns - spans.begin_ns
    _require_tellable(after - before, duration_ns)
    place = np.repeat(np.arange(len(counts)), counts)
    first = int(last[0] - counts[0]) + 1 if len(counts) else 1
    number = np.arange(first, first + len(place))
    into = (number * MICRO_PER_PULSE - before[place]) * duration_ns[place]
    late_ns = -(-into // (after - before)[place])  # rounded up: a pulse is never early
    return Pulses(led=led, first=first, time_ns=spans.begin_ns[place] + late_ns)


def _require_tellable(energy: Integers, duration_ns: Integers) -> None:
    """Refuse windows whose pulses come too fast; all products of the rest fit 63 bits."""
    if np.any(energy * (NANOSECONDS / MOST_PULSES_PER_S / MICRO_PER_PULSE) > duration_ns):
        msg = (
            f"a LED would flash more than {MOST_PULSES_PER_S} times a second: the samples are far above the meter's ratings;"
            " mend their scale or the transformers' ratio, or leave the pulses out"
        )
        raise SampleError(msg)
