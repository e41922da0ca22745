"""Sun and clouds over photovoltaic panels, by the minute.

In: where the panels are and look, the local clock. Out: their output as a share of the peak. The sun's path is
closed astronomy of everyday exactness (a degree); clouds are drawn, seeded, by the quarter-hour and the minute.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watthour.waveform.network.chance import even_chances
from watthour.waveform.network.times import DAY_S, MINUTE_S, QUARTER_S

Floats = NDArray[np.float64]

_YEAR_DAYS = 365.2425
_OBLIQUITY_RAD = np.radians(23.44)
_SOLSTICE_DAYS = 10
"""The southern solstice is about ten days before the new year."""

_CLOUD_SHADE = 0.78
"""Share of the light that a thick cloud takes (ours)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panels:
    """Where panels are and look.

    Parameters
    ----------
    latitude_rad, tilt_rad : float
        North is positive; they look to the equator.
    noon_s : float
        Second of the local day at which the sun stands highest.
    cloudiness : float
        About the share of time in which clouds are before the sun.
    """

    latitude_rad: float
    tilt_rad: float
    noon_s: float
    cloudiness: float


def output(panels: Panels, local_s: NDArray[np.int64], minutes: NDArray[np.int64], seed: int, stream: int) -> Floats:
    """Return what panels give at each minute, as a share of their peak.

    Parameters
    ----------
    local_s : ndarray of int64
        Seconds of the local clock since 1970-01-01 00:00.
    minutes : ndarray of int64
        Of the source, for the clouds.
    """
    clear = clear_sky(panels, local_s)
    if not clear.any() or not panels.cloudiness:
        return clear
    return clear * (1 - _CLOUD_SHADE * clouds(panels.cloudiness, minutes, seed, stream))


def clear_sky(panels: Panels, local_s: NDArray[np.int64]) -> Floats:
    """Return the share of the peak under a clear sky.

    Notes
    -----
    Direct light of 1353 W/m2 times 0.7^(m^0.678) through the air mass m (A. B. Meinel and M. P. Meinel, *Applied
    Solar Energy*, 1976), m after F. Kasten and A. T. Young, DOI 10.1364/AO.28.004735; a tenth more is diffuse.
    """
    declination = -_OBLIQUITY_RAD * np.cos(2 * np.pi * (local_s / DAY_S + _SOLSTICE_DAYS) / _YEAR_DAYS)
    hour_angle = 2 * np.pi * (np.mod(local_s, DAY_S) - panels.noon_s) / DAY_S
    height = _cosine_of_sun(panels.latitude_rad, declination, hour_angle)
    if not (height > 0).any():
        return np.zeros(len(local_s))
    facing = panels.latitude_rad - np.copysign(panels.tilt_rad, panels.latitude_rad)
    incidence = _cosine_of_sun(facing, declination, hour_angle)
    up = np.maximum(height, 1e-3)
    air_mass = 1 / (up + 0.50572 * (np.degrees(np.arcsin(np.minimum(up, 1.0))) + 6.07995) ** -1.6364)
    direct = 1.353 * 0.7 ** (air_mass**0.678)
    share: Floats = np.where(height > 0, 1.1 * direct * np.maximum(incidence, 0.05 * up), 0.0)
    return share


def _cosine_of_sun(latitude_rad: float, declination: Floats, hour_angle: Floats) -> Floats:
    """Return the cosine between the sun and the vertical at a latitude."""
    level: Floats = np.sin(latitude_rad) * np.sin(declination)
    level += np.cos(latitude_rad) * np.cos(declination) * np.cos(hour_angle)
    return level


def clouds(cloudiness: float, minutes: NDArray[np.int64], seed: int, stream: int) -> Floats:
    """Return from 0 (none) to 1 (thick) what stands before the sun at each minute."""
    quarter = QUARTER_S // MINUTE_S
    below, rest = minutes // quarter, (minutes % quarter) / quarter
    first, second = (even_chances(seed, stream, below + step) for step in (0, 1))
    field = first * (1 - rest) + second * rest
    field = 0.75 * field + 0.25 * even_chances(seed, stream + 1, minutes)
    return np.clip((field - 1.3 * (1 - cloudiness) + 0.15) / 0.3 + 0.5, 0.0, 1.0)
