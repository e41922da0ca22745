"""What the head-end knows of a place, as intervals to bill: its gaps are missing, its estimates are estimates.

In: starts, energies and how each is known. Out: `Intervals`; those shorter than a quarter of an hour are joined to quarters, since
that is what demand is billed by.
"""

import numpy as np
from numpy.typing import NDArray

from watthour.billing.bulk import NOT_READ
from watthour.billing.intervals import QUARTER_NS, Integers, Intervals, Quality, intervals_from
from watthour.errors import ReadingsError
from watthour.headend.reading import Quality as Known
from watthour.units import NANOSECONDS, SECONDS_PER_HOUR

_HOUR_NS = SECONDS_PER_HOUR * NANOSECONDS

_WORTH: dict[Known, Quality] = {
    Known.MEASURED: Quality(0),
    Known.PROFILE: Quality(0),
    Known.INTERPOLATED: Quality.ESTIMATED,
    Known.ESTIMATED: Quality.ESTIMATED,
    Known.INCOMPLETE: Quality.INCOMPLETE,
    Known.GAP: Quality.MISSING,
}
"""What is made of how an energy is known. A boundary on a straight line leaves the sum right, and the split is an estimate."""

_WORTH_BY_NUMBER = np.array([_WORTH[each] for each in sorted(Known)], np.uint8)


def intervals_of_place(
    starts_ns: Integers, energies: dict[str, Integers], quality: NDArray[np.uint8], step_ns: int
) -> Intervals:
    """Return the intervals of a place.

    Parameters
    ----------
    starts_ns : (n,) int64 array
        Each once, in any order.
    energies : dict of str to (n,) int64 array
        Micro-units; `NOT_READ` where nothing is known. One that is never known is not there.
    quality : (n,) uint8 array
        `watthour.headend.reading.Quality`.

    Raises
    ------
    ReadingsError
        If no energy is known, or intervals do not make quarters or divide the hour.
    """
    whole_ns = max(step_ns, QUARTER_NS)
    if whole_ns % step_ns or _HOUR_NS % whole_ns:
        minutes = step_ns / (60 * NANOSECONDS)
        msg = f"intervals of {minutes:g} minutes: bills need some that make quarters of an hour, or 15, 20, 30 or 60 minutes"
        raise ReadingsError(msg)
    known = energies["import"] != NOT_READ
    if not known.any():
        msg = "no interval whose imported energy is known"
        raise ReadingsError(msg)
    starts = starts_ns[known] // whole_ns * whole_ns
    worth = _WORTH_BY_NUMBER[quality[known]]
    found: dict[str, Integers] = {}
    for name, values in energies.items():
        lacking = values[known] == NOT_READ
        if not lacking.all():
            found[name] = np.where(lacking, 0, values[known])
            worth[lacking] |= np.uint8(Quality.INCOMPLETE)
    _, which, pieces = np.unique(starts, return_inverse=True, return_counts=True)
    worth[pieces[which] < whole_ns // step_ns] |= np.uint8(Quality.INCOMPLETE)
    return intervals_from(starts, found, worth, whole_ns)
