"""Billing quantities of very many meters at once: energy, highest demand and excess squares of each meter, month and period.

In: dense rows of energies, a meter a row, and the months and periods of a calendar as runs of columns. Out: integers, the same that
`usage` finds for one meter. Sums are added into what is there, so that a year may come in pieces of any length and order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import numba
import numpy as np
from numpy.typing import NDArray

from watthour.billing.intervals import Integers
from watthour.errors import ReadingsError
from watthour.tariff import Calendar, rates_at, zone_of
from watthour.tariff.clock import DAY_S, EPOCH_DAY, offsets_between
from watthour.units import NANOSECONDS, SECONDS_PER_HOUR

NOT_READ = -1
"""How a dense row writes an interval without a reading."""

_LARGEST = 2**62
_MOST_INTERVALS = 2**14
_SHIFT = 24
_SHIFT_MASK = 2**_SHIFT - 1
_CROSS_MASK = 2 ** (_SHIFT - 1) - 1
_LOW_BITS = 2 * _SHIFT
_LOW_MASK = 2**_LOW_BITS - 1
_OUTSIDE = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs:
    """Columns of a block as runs that belong to one month and one period.

    Parameters
    ----------
    edges : (n + 1,) int64 array
        Columns where runs begin, and the end.
    cells : (n,) int32 array
        Month x periods + period, both from 0; -1 of what belongs to no month asked for.
    """

    edges: Integers
    cells: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BulkQuantities:
    """Billing quantities, arrays of shape (meters, months, periods).

    Parameters
    ----------
    energy : int64 array
        In micro-watt-hours.
    highest : int64 array
        Highest energy of one interval, in micro-watt-hours.
    squares_high, squares_low : int64 arrays
        Sum of (demand - contracted)^2 over the intervals above it in square microwatts, which 64 bits do not hold:
        high × 2^48 + low.
    present : int32 array
        Intervals of which the energy is known.
    doubtful : int32 array
        Those of them that were estimated, or metered in part.
    """

    energy: Integers
    highest: Integers
    squares_high: Integers
    squares_low: Integers
    present: NDArray[np.int32]
    doubtful: NDArray[np.int32]

    def add(self, other: "BulkQuantities", meters: slice | NDArray[np.intp], months: slice) -> None:
        """Add the quantities of some meters and months."""
        self.energy[meters, months] += other.energy
        self.highest[meters, months] = np.maximum(self.highest[meters, months], other.highest)
        low = self.squares_low[meters, months] + other.squares_low
        self.squares_high[meters, months] += other.squares_high + (low >> _LOW_BITS)
        self.squares_low[meters, months] = low & _LOW_MASK
        self.present[meters, months] += other.present
        self.doubtful[meters, months] += other.doubtful

    def squares(self) -> NDArray[np.object_]:
        """Return the sums of squares as exact integers, in square microwatts."""
        found: NDArray[np.object_] = (self.squares_high.astype(object) << _LOW_BITS) + self.squares_low.astype(object)
        return found


def empty(meters: int, months: int, periods: int) -> BulkQuantities:
    """Return quantities of which nothing has been added yet."""
    shape = (meters, months, periods)
    energy, highest, squares_high, squares_low = (np.zeros(shape, np.int64) for _ in range(4))
    present, doubtful = (np.zeros(shape, np.int32) for _ in range(2))
    return BulkQuantities(
        energy=energy,
        highest=highest,
        squares_high=squares_high,
        squares_low=squares_low,
        present=present,
        doubtful=doubtful,
    )


def runs_of(calendar: Calendar, first_month: date, months: int, *, begin_ns: int, step_ns: int, columns: int) -> Runs:
    """Return the runs of a block of columns by a calendar's local months and periods."""
    starts_ns = begin_ns + step_ns * np.arange(columns, dtype=np.int64)
    seconds = starts_ns // NANOSECONDS
    changes, ahead = np.array(offsets_between(zone_of(calendar.zone), int(seconds[0]), int(seconds[-1]) + 1), np.int64).T
    days = (seconds + ahead[np.searchsorted(changes, seconds, side="right") - 1]) // DAY_S
    by_day = {
        int(day): (each.year - first_month.year) * 12 + each.month - first_month.month
        for day in np.unique(days)
        for each in (date.fromordinal(int(day) + EPOCH_DAY),)
    }
    month = np.array([by_day[int(day)] for day in np.unique(days)])[np.searchsorted(np.unique(days), days)]
    cell = month * len(calendar.rates) + rates_at(calendar, starts_ns).astype(np.int64) - 1
    cell[(month < 0) | (month >= months)] = _OUTSIDE
    starts = np.flatnonzero(np.diff(cell, prepend=cell[0] + 1))
    return Runs(edges=np.append(starts, columns), cells=cell[starts].astype(np.int32))


def add_block(
    into: BulkQuantities,
    values: NDArray[Any],
    runs: Runs,
    contracted_microw: Integers,
    step_ns: int,
    *,
    unit_micro: int = 1,
    doubtful: NDArray[np.bool_] | None = None,
) -> None:
    """Add dense rows to quantities.

    Parameters
    ----------
    values : (meters, columns) int32 or int64 array
        Energies; `NOT_READ` where there is none.
    contracted_microw : (meters, periods) int64 array
        Contracted power.
    unit_micro : int
        Micro-watt-hours in 1 of the rows.
    doubtful : (meters, columns) bool array, optional
        What was estimated, or metered in part.

    Raises
    ------
    ReadingsError
        If an energy is so large that sums could leave their integers: some hundred megawatts all the time.
    """
    per_hour = SECONDS_PER_HOUR * NANOSECONDS // step_ns
    meters, months, periods = into.energy.shape
    flat = [
        each.reshape(meters, months * periods)
        for each in (into.energy, into.highest, into.squares_high, into.squares_low, into.present, into.doubtful)
    ]
    guessed = np.zeros((1, 0), np.bool_) if doubtful is None else doubtful
    largest = int(_add(values, guessed, runs.edges, runs.cells, contracted_microw, unit_micro, per_hour, *flat))
    most = int(into.present.max(initial=0))
    high = (largest * unit_micro * per_hour) >> _SHIFT
    if most >= _MOST_INTERVALS or high * high * max(most, 1) > _LARGEST:
        msg = "energies are too large, or too many, to be summed exactly: check the unit of their rows"
        raise ReadingsError(msg)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return cast("Callable[..., Any]", numba.njit(cache=True, nogil=True)(function))


@_compiled
def _add(  # noqa: PLR0917 - a compiled loop takes positions
    values: NDArray[Any],
    doubtful: NDArray[np.bool_],
    edges: Integers,
    cells: NDArray[np.int32],
    contracted: Integers,
    unit: int,
    per_hour: int,
    energy: Integers,
    highest: Integers,
    squares_high: Integers,
    squares_low: Integers,
    present: NDArray[np.int32],
    guessed: NDArray[np.int32],
) -> np.int64:
    """Add rows; return the largest of their numbers.

    With an excess of a + b, b its lowest `_SHIFT` bits, the square is a^2 + 2ab + b^2: three sums that 64 bits hold.
    """
    periods = contracted.shape[1]
    largest = np.int64(0)
    for meter in range(values.shape[0]):
        row = values[meter]
        for run in range(cells.size):
            cell = cells[run]
            if cell < 0:
                continue
            limit = contracted[meter, cell % periods]
            total = np.int64(0)
            most = np.int64(0)
            high_high = np.int64(0)
            high_low = np.int64(0)
            low_low = np.int64(0)
            count = np.int64(0)
            for column in range(edges[run], edges[run + 1]):
                value = np.int64(row[column])
                known = value >= 0
                value = max(value, np.int64(0))
                over = max(value * unit * per_hour - limit, np.int64(0))
                high = over >> _SHIFT
                low = over & _SHIFT_MASK
                total += value
                most = max(most, value)
                high_high += high * high
                high_low += high * low
                low_low += low * low
                count += known
            energy[meter, cell] += total * unit
            highest[meter, cell] = max(highest[meter, cell], most * unit)
            largest = max(largest, most)
            lower = low_low + ((high_low & _CROSS_MASK) << (_SHIFT + 1)) + squares_low[meter, cell]
            squares_high[meter, cell] += high_high + (high_low >> (_SHIFT - 1)) + (lower >> _LOW_BITS)
            squares_low[meter, cell] = lower & _LOW_MASK
            present[meter, cell] += np.int32(count)
            if doubtful.shape[1]:
                unsure = np.int64(0)
                for column in range(edges[run], edges[run + 1]):
                    unsure += doubtful[meter, column]
                guessed[meter, cell] += np.int32(unsure)
    return largest
