"""The one loop over all rows of an hour: weighted sums of spectra, compiled.

In: factors and spectra. Out: rows. It is written out and not handed to a matrix product, because that may split
its sums otherwise from machine to machine and from call to call, and takes several cores where one is asked for.
"""

import numba
import numpy as np
from numpy.typing import NDArray

_STRIP = 120
"""Rows taken together: their sums stay in the nearest cache."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_draw(weights: NDArray[np.float64], spectrum: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """Add a spectrum times each weight to sums of shape (numbers, weights)."""
    for number in range(len(spectrum)):
        part = spectrum[number]
        if part != 0.0:
            for k in range(len(weights)):
                sums[number, k] += weights[k] * part


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sum_rows(
    factors: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    places: NDArray[np.int64],
    spectra: NDArray[np.float64],
    rows: NDArray[np.float64],
) -> None:
    """Fill rows with the sums, over all draws of each channel, of three factors times a spectrum.

    Parameters
    ----------
    factors : three ndarrays, each of shape (any, n)
    places : ndarray, shape (draws, 4)
        Channel of each draw, and which row it takes of each of the factors.
    spectra : ndarray, shape (draws, numbers)
        Real and imaginary parts side by side.
    rows : ndarray, shape (n, 3, numbers)
        Written.
    """
    count, numbers = rows.shape[0], spectra.shape[1]
    weights, sums = np.empty(_STRIP), np.empty((3, numbers, _STRIP))
    first_factors, second_factors, third_factors = factors
    lines, columns = rows.reshape(count, 3 * numbers), sums.reshape(3 * numbers, _STRIP)
    for begin in range(0, count, _STRIP):
        end = min(begin + _STRIP, count)
        sums[:] = 0.0
        for draw in range(places.shape[0]):
            first = first_factors[places[draw, 1], begin:end]
            second = second_factors[places[draw, 2], begin:end]
            third = third_factors[places[draw, 3], begin:end]
            is_drawn = False
            for k in range(end - begin):
                weights[k] = first[k] * second[k] * third[k]
                is_drawn |= weights[k] != 0.0
            if is_drawn:  # most loads are off most of the time
                add_draw(weights, spectra[draw], sums[places[draw, 0]])
        lines[begin:end] = columns[:, : end - begin].T
