"""The quality of supply in one window: harmonics and THD, crest factors, symmetrical components, unbalance.

In: a `WINDOW` row and the samples, or the phasors, that it was measured from. Out: `Quality`, with None for what is not
known: no frequency, no voltage on a phase, a current below cut-off, an order above 0.45 of the sampling rate.

- Harmonic of order h: subgroup G(h) over subgroup G(1) (IEC 61000-4-7).
- THD is THDS, the subgroup total harmonic distortion: the root of the sum of squares of these, orders 2 to 50.
- Crest factor: the largest sample of the window over its rms value.
- Symmetrical components of the fundamental (Fortescue), with a = exp(j2π/3)::

    zero = (X1 + X2 + X3)/3    positive = (X1 + a X2 + a² X3)/3    negative = (X1 + a² X2 + a X3)/3

- Unbalance: negative, and zero, over positive sequence (IEC 61000-4-30).
"""

import cmath
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from watthour.metrology.harmonics import ORDERS, Subgroups, subgroups_of_phasors, subgroups_of_windows
from watthour.metrology.quantities import Known, KnownPerPhase
from watthour.metrology.records import Rows
from watthour.samples import Block, Delivery, Phasors

_A = cmath.rect(1.0, 2.0 * math.pi / 3.0)
_SYNTHESIS = 1024
"""Points of a cycle that is made of phasors, to find its crest."""

Orders = tuple[KnownPerPhase, ...]
"""By order from 2 to 50 of L1, L2, L3, percent of the fundamental."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The quality of supply in one window, at the meter's terminals (secondary), phases L1 L2 L3.

    ``harmonics`` hold, for each phase, orders 2 to 50 in percent of the fundamental. Sequences are rms values of the
    fundamental: positive, negative, zero. Unbalance is negative over positive, and zero over positive, in percent.
    """

    voltage_harmonics_percent: Orders
    current_harmonics_percent: Orders
    thd_voltage_percent: KnownPerPhase
    thd_current_percent: KnownPerPhase
    crest_factor_voltage: KnownPerPhase
    crest_factor_current: KnownPerPhase
    voltage_sequence_v: KnownPerPhase
    current_sequence_a: KnownPerPhase
    voltage_unbalance_percent: tuple[Known, Known]
    current_unbalance_percent: tuple[Known, Known]


class LateQuality:
    """The quality of one window, found when somebody first asks; what nobody asks for costs nothing.

    Asking changes nothing that can be seen, so it may be asked from any thread.

    Parameters
    ----------
    make : callable
    delivery : Block or Phasors, optional
        What the window was measured from, as long as somebody may want to see it.
    """

    __slots__ = ("_found", "_make", "delivery")

    def __init__(self, make: Callable[[], Quality], delivery: Delivery | None = None) -> None:
        self._make = make
        self.delivery = delivery
        self._found: Quality | None = None

    @property
    def is_found(self) -> bool:
        """Whether somebody has asked."""
        return self._found is not None

    def __call__(self) -> Quality:
        """Return it."""
        if self._found is None:
            self._found = self._make()
        return self._found


def late_quality(rows: Rows, delivery: Delivery, present_v: float) -> LateQuality:
    """Return the quality of the last row, to be found from what it was measured from when somebody asks.

    Parameters
    ----------
    rows : ndarray of `WINDOW`
        At least one.
    delivery : Block or Phasors
        As `watthour.metrology.stream.OpenWindow.window` keeps it.
    present_v : float
        Least voltage of a phase that is on.
    """
    last = rows[-1:].copy()
    return LateQuality(lambda: quality_of(last, delivery, present_v), delivery)


def quality_of(rows: Rows, delivery: Delivery, present_v: float) -> Quality:
    """Return the quality of one window, the only row; parameters as `late_quality`."""
    row = rows[0]
    known = not math.isnan(float(row["frequency_hz"])) and int(row["cycles"]) > 0
    on = [known and bool(voltage >= present_v) for voltage in row["voltage_v"]]
    counting = [known and bool(flag) for flag in row["counting"]]
    shown = np.array([*on, *counting])
    sizes = np.where(shown, np.concatenate([row["voltage_v"], row["current_a"]]), np.nan)
    harmonics = _relative(rows, delivery) if shown.any() else np.zeros((6, ORDERS - 1))
    harmonics[~shown] = np.nan
    thd = np.where(shown, np.sqrt(np.nansum(harmonics**2, axis=1)), np.nan)
    crests = _peaks(delivery) / sizes
    voltages = _sequence([complex(u) if on[p] else 0j for p, u in enumerate(row["voltage_phasor_v"])], known=any(on))
    currents = _sequence(
        [complex(i) if counting[p] else 0j for p, i in enumerate(row["current_phasor_a"])], known=any(counting)
    )
    return Quality(
        voltage_harmonics_percent=tuple(_known(orders) for orders in harmonics[:3]),
        current_harmonics_percent=tuple(_known(orders) for orders in harmonics[3:]),
        thd_voltage_percent=_known(thd[:3]),
        thd_current_percent=_known(thd[3:]),
        crest_factor_voltage=_known(crests[:3]),
        crest_factor_current=_known(crests[3:]),
        voltage_sequence_v=voltages,
        current_sequence_a=currents,
        voltage_unbalance_percent=_unbalance(voltages),
        current_unbalance_percent=_unbalance(currents),
    )


def _relative(rows: Rows, delivery: Delivery) -> Subgroups:
    """Return the subgroups of orders 2 to 50 in percent of the fundamental's, shape (6, 49)."""
    groups = subgroups_of_phasors(delivery) if isinstance(delivery, Phasors) else subgroups_of_windows(rows, delivery)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(100.0 * groups[:, 1:] / groups[:, :1])


def _peaks(delivery: Delivery) -> Subgroups:
    """Return the largest size of any sample, shape (6,)."""
    if isinstance(delivery, Block):
        scale = np.array([*delivery.voltage_scale, *delivery.current_scale])
        offset = np.array([*delivery.voltage_offset, *delivery.current_offset])
        halves = (delivery.voltages, delivery.currents)
        lowest = np.concatenate([half.min(axis=1) for half in halves]) * scale + offset
        highest = np.concatenate([half.max(axis=1) for half in halves]) * scale + offset
        return np.asarray(np.maximum(np.abs(lowest), np.abs(highest)))
    phasors = np.concatenate([delivery.voltages[0], delivery.currents[0]])
    turns = np.exp(2j * math.pi / _SYNTHESIS * np.outer(delivery.orders, np.arange(_SYNTHESIS)))
    return np.asarray(np.abs(math.sqrt(2.0) * (phasors @ turns).real).max(axis=1))


def _sequence(phasors: Sequence[complex], *, known: bool) -> KnownPerPhase:
    """Return the positive, negative and zero sequence, rms."""
    if not known:
        return (None, None, None)
    x1, x2, x3 = phasors
    positive, negative = x1 + _A * x2 + _A * _A * x3, x1 + _A * _A * x2 + _A * x3
    return abs(positive) / 3.0, abs(negative) / 3.0, abs(x1 + x2 + x3) / 3.0


def _unbalance(sequence: KnownPerPhase) -> tuple[Known, Known]:
    positive, negative, zero = sequence
    if not positive or negative is None or zero is None:
        return None, None
    return 100.0 * negative / positive, 100.0 * zero / positive


def _known(values: Subgroups) -> KnownPerPhase:
    if np.isfinite(values).all():
        return tuple(values.tolist())
    return tuple(value if math.isfinite(value) else None for value in values.tolist())


NO_QUALITY = Quality(
    voltage_harmonics_percent=((None,) * (ORDERS - 1),) * 3,
    current_harmonics_percent=((None,) * (ORDERS - 1),) * 3,
    thd_voltage_percent=(None,) * 3,
    thd_current_percent=(None,) * 3,
    crest_factor_voltage=(None,) * 3,
    crest_factor_current=(None,) * 3,
    voltage_sequence_v=(None,) * 3,
    current_sequence_a=(None,) * 3,
    voltage_unbalance_percent=(None, None),
    current_unbalance_percent=(None, None),
)
"""What is known before the first window."""
