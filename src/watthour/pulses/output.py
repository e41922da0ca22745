"""The pulse output: a counter's growth made into pulses, queued and spaced, none ever lost.

In: how one primary register grew, window by window, and the weight of a pulse. Out: the instants at which the output
closes. A pulse is owed wherever the register passes a multiple of the weight; inside a window it is due where a steady
power would have passed it. Whole numbers only::

    owed = floor(counter after / weight) - floor(counter before / weight)

    due      |    | |          |
    output  _|‾‾|_|‾‾|_|‾‾|____|‾‾|_        on: the width, off: at least 30 ms (IEC 62053-31)

What cannot be given yet waits in the queue. A setting that would let the queue grow without end is refused with its
arithmetic. Which register, and what is wired to the output, is not known here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

from watthour.units import MICRO, SECONDS_PER_HOUR

NS_PER_MS = 10**6
LEAST_OFF_MS = 30
"""Between two pulses (IEC 62053-31: on and off at least 30 ms)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseShape:
    """What a pulse is.

    Parameters
    ----------
    weight : int
        Primary Wh or varh per pulse.
    width_ms : int
        How long the output is closed.
    """

    weight: int
    width_ms: int

    @property
    def weight_micro(self) -> int:
        """Primary micro-units per pulse."""
        return self.weight * MICRO

    @property
    def width_ns(self) -> int:
        """How long the output is closed."""
        return self.width_ms * NS_PER_MS

    @property
    def spacing_ms(self) -> int:
        """From the start of a pulse to the earliest start of the next."""
        return self.width_ms + LEAST_OFF_MS

    @property
    def spacing_ns(self) -> int:
        """The same in nanoseconds."""
        return self.spacing_ms * NS_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseOutput:
    """The output of a meter.

    Parameters
    ----------
    count : int
        Pulses given.
    pending : int
        Pulses owed and not yet given.
    free_ns : int or None
        Earliest instant for the next pulse; None before the first.
    """

    count: int = 0
    pending: int = 0
    free_ns: int | None = None


class Course(Protocol):
    """How a register grew over consecutive windows; reading 0 is that before the first."""

    @property
    def first(self) -> int:
        """The register before the first window, micro-units."""
        ...

    @property
    def last(self) -> int:
        """The register after the last window."""
        ...

    def reading(self, window: int) -> int:
        """Return the register after so many windows."""
        ...

    def window_reaching(self, amount: int) -> int:
        """Return the first window, from 0, after which the register holds `amount`."""
        ...


def due_instants(course: Course, instant_of: Callable[[int], int], weight_micro: int) -> list[int]:
    """Return when the pulses of some windows are due, in order.

    Parameters
    ----------
    course : Course
        Of the register, micro-units.
    instant_of : callable
        Instant at which the window of this number begins, which is where the one before it ends.
    weight_micro : int
        Of a pulse.
    """
    found = []
    for multiple in range(course.first // weight_micro + 1, course.last // weight_micro + 1):
        window = course.window_reaching(multiple * weight_micro)
        before, after = course.reading(window), course.reading(window + 1)
        begin_ns, end_ns = instant_of(window), instant_of(window + 1)
        found.append(end_ns - (end_ns - begin_ns) * (after - multiple * weight_micro) // (after - before))
    return found


def give(
    output: PulseOutput, due_ns: Iterable[int], *, since_ns: int, until_ns: int, spacing_ns: int
) -> tuple[PulseOutput, tuple[int, ...]]:
    """Return the output after [since, until), and the instants at which it closed.

    Parameters
    ----------
    due_ns : iterable of int
        When new pulses are due, in order, after `since_ns` and up to `until_ns`.
    """
    free_ns = since_ns if output.free_ns is None else output.free_ns
    starts: list[int] = []
    pending = 0
    for due in (*(since_ns,) * output.pending, *due_ns):
        start = max(due, free_ns)
        if start < until_ns:
            starts.append(start)
            free_ns = start + spacing_ns
        else:
            pending += 1
    given = replace(output, count=output.count + len(starts), pending=pending, free_ns=free_ns if starts else output.free_ns)
    return given, tuple(starts)


def require_rate(shape: PulseShape, *, voltage_v: Fraction, maximum_a: Fraction, ratio: Fraction, unit: str) -> None:
    """Refuse a pulse whose rate the output could not keep up with.

    Parameters
    ----------
    voltage_v, maximum_a : Fraction
        Highest secondary voltage to neutral, and Imax, of each phase.
    ratio : Fraction
        CT x VT, primary per secondary.
    unit : str
        ``Wh`` or ``varh``.

    Raises
    ------
    ValueError
        With the arithmetic, and the smallest weight and the greatest width that would do.
    """
    per_second = 3 * voltage_v * maximum_a * ratio / SECONDS_PER_HOUR
    if per_second * shape.spacing_ms <= 1000 * shape.weight:
        return
    least = -(-per_second * shape.spacing_ms // 1000)
    demanded = float(per_second / shape.weight)
    msg = (
        f"{shape.weight} {unit} a pulse of {shape.width_ms} ms cannot be kept up: at Imax and +20 % voltage"
        f" 3 x {float(voltage_v):g} V x {float(maximum_a):g} A x {float(ratio):g} = {float(per_second) * SECONDS_PER_HOUR:g}"
        f" {unit[:-1]} make {demanded:.4g} pulses/s, the output gives at most"
        f" {1000 / shape.spacing_ms:.4g} (1 / ({shape.width_ms} ms on + {LEAST_OFF_MS} ms off));"
        f" give pulse_weight at least {least}{_or_narrower(shape, per_second)}"
    )
    raise ValueError(msg)


def _or_narrower(shape: PulseShape, per_second: Fraction) -> str:
    """Return the other way out, where there is one."""
    widest = 1000 * shape.weight // per_second - LEAST_OFF_MS
    return f", or pulse_width_ms at most {widest}" if widest >= LEAST_OFF_MS else ""
