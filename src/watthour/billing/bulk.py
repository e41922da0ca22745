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
        In the unit of the rows.
    highest : int64 array
        Highest energy of one interval.
    squares : int64 array
        Sum of (demand - contracted)^2 over the intervals above it, demand in units an hour.
    present : int32 array
        Intervals that were read.
    """

    energy: Integers
    highest: Integers
    squares: Integers
    present: NDArray[np.int32]

    def rows(self, meters: slice) -> "BulkQuantities":
        """Return a view of some meters."""
        return BulkQuantities(
            energy=self.energy[meters], highest=self.highest[meters], squares=self.squares[meters], present=self.present[meters]
        )


def empty(meters: int, months: int, periods: int) -> BulkQuantities:
    """Return quantities of which nothing has been added yet."""
    shape = (meters, months, periods)
    return BulkQuantities(
        energy=np.zeros(shape, np.int64),
        highest=np.zeros(shape, np.int64),
        squares=np.zeros(shape, np.int64),
        present=np.zeros(shape, np.int32),
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


def add_block(into: BulkQuantities, values: NDArray[Any], runs: Runs, contracted: Integers, step_ns: int) -> None:
    """Add dense rows to quantities.

    Parameters
    ----------
    values : (meters, columns) int32 or int64 array
        Energies; `NOT_READ` where there is none.
    contracted : (meters, periods) int64 array
        Contracted power in units an hour.

    Raises
    ------
    ReadingsError
        If squares could leave 64 bits: the unit of the rows is too small for their size.
    """
    per_hour = SECONDS_PER_HOUR * NANOSECONDS // step_ns
    meters, months, periods = into.energy.shape
    flat = [each.reshape(meters, months * periods) for each in (into.energy, into.highest, into.squares, into.present)]
    _add(values, runs.edges, runs.cells, contracted, per_hour, *flat)
    largest = int(into.highest.max(initial=0)) * per_hour
    if largest * largest * max(int(into.present.max(initial=0)), 1) > _LARGEST:
        msg = "energies are too large for the unit of their rows: write them in a larger one"
        raise ReadingsError(msg)


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    return cast("Callable[..., None]", numba.njit(cache=True, nogil=True)(function))


@_compiled
def _add(  # noqa: PLR0917 - a compiled loop takes positions
    values: NDArray[Any],
    edges: Integers,
    cells: NDArray[np.int32],
    contracted: Integers,
    per_hour: int,
    energy: Integers,
    highest: Integers,
    squares: Integers,
    present: NDArray[np.int32],
) -> None:
    periods = contracted.shape[1]
    for meter in range(values.shape[0]):
        row = values[meter]
        for run in range(cells.size):
            cell = cells[run]
            if cell < 0:
                continue
            limit = contracted[meter, cell % periods]
            total = np.int64(0)
            most = np.int64(0)
            square = np.int64(0)
            count = np.int64(0)
            for column in range(edges[run], edges[run + 1]):
                value = np.int64(row[column])
                known = value >= 0
                value = max(value, np.int64(0))
                over = max(value * per_hour - limit, np.int64(0))
                total += value
                most = max(most, value)
                square += over * over
                count += known
            energy[meter, cell] += total
            highest[meter, cell] = max(highest[meter, cell], most)
            squares[meter, cell] += square
            present[meter, cell] += np.int32(count)
