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
    weights, sums = np.empty(_STRIP), np.empty((numbers, _STRIP))
    first_factors, second_factors, third_factors = factors
    for first in range(0, count, _STRIP):
        length = min(_STRIP, count - first)
        for channel in range(3):
            sums[:] = 0.0
            for draw in range(places.shape[0]):
                if places[draw, 0] != channel:
                    continue
                one, two, three = places[draw, 1], places[draw, 2], places[draw, 3]
                is_drawn = False
                for k in range(length):
                    product = first_factors[one, first + k] * second_factors[two, first + k]
                    weights[k] = product * third_factors[three, first + k]
                    is_drawn |= weights[k] != 0.0
                if is_drawn:  # most loads are off most of the time
                    add_draw(weights, spectra[draw], sums)
            for k in range(length):
                for number in range(numbers):
                    rows[first + k, channel, number] = sums[number, k]
