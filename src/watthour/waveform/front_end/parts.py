"""The parts of a front end as records: what a current transformer adds, what a converter adds.

In: numbers of a datasheet. Out: frozen records. Nothing here touches a sample. The channels are V1 V2 V3 I1 I2 I3.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from watthour.errors import UsageError
from watthour.models import RATINGS

SixFloats = tuple[float, float, float, float, float, float]
ONES_6: SixFloats = (1.0,) * 6
ZEROS_6: SixFloats = (0.0,) * 6

_BITS = (8, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class CtPoint:
    """Errors of a current transformer at one current.

    Parameters
    ----------
    current_percent : float
        Of the rated current, above 0.
    ratio_percent : float
        Ratio error (IEC 61869-2, 3.4.3): the secondary is this much larger than it should be.
    phase_minutes : float
        Phase displacement (3.4.4) in minutes of arc; positive: the secondary current leads the primary.
    """

    current_percent: float
    ratio_percent: float
    phase_minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentTransformer:
    """A current transformer by its errors over current.

    Between points both errors are interpolated over the logarithm of the current; beyond the first and last they
    stay as they are there.

    Parameters
    ----------
    points : tuple of CtPoint
        By rising current.
    name : str

    Raises
    ------
    UsageError
        If there is no point, or currents do not rise from above 0.
    """

    points: tuple[CtPoint, ...]
    name: str = ""

    def __post_init__(self) -> None:
        currents = [point.current_percent for point in self.points]
        rising = all(low < high for low, high in zip([0.0, *currents], currents, strict=False))
        if not currents or not rising:
            msg = f"a current transformer's points are given by rising current above 0 %, not {currents}"
            raise UsageError(msg)

    def errors_at(self, current_percent: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ratio error (as a fraction) and phase displacement (rad, positive leads) at some currents."""
        known = np.log([point.current_percent for point in self.points])
        asked = np.log(np.maximum(current_percent, math.exp(known[0])))
        ratio = np.interp(asked, known, [point.ratio_percent / 100.0 for point in self.points])
        phase = np.interp(asked, known, [math.radians(point.phase_minutes / 60.0) for point in self.points])
        return ratio, phase


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontEnd:
    """What a meter's input circuits and converter make of the volts and amperes at its terminals.

    A channel's ideal value x(t) becomes the number

        code = round((gain · (1 + drift · t) · x(t - delay) + offset · full scale) / step + noise)

    held at the ends of the converter's range. The meter takes a step for its nominal value: what gain, offset and
    delay do is for calibration to undo.

    Parameters
    ----------
    name, source : str
        What it is called, and where its numbers come from.
    bits : int or None
        Of the converter; None: ideal, the samples stay float64 and know no step or noise.
    gain : six floats
        1 is right.
    offset : six floats
        Share of full scale.
    delay_s : six floats
        How much later than the instant of the sample a channel shows its input.
    drift_ppm_per_h : six floats
        What the gain changes an hour, from the first sample of the source.
    noise_lsb : float
        Rms of the converter's own noise in steps, before rounding, which adds 0.29.
    headroom : float
        Full scale is this much larger than the peak of the largest sine.
    ct : CurrentTransformer, optional
        Before the meter's current inputs.

    Raises
    ------
    UsageError
        If a number is impossible.
    """

    name: str
    source: str = ""
    bits: int | None = None
    gain: SixFloats = field(default=ONES_6)
    offset: SixFloats = field(default=ZEROS_6)
    delay_s: SixFloats = field(default=ZEROS_6)
    drift_ppm_per_h: SixFloats = field(default=ZEROS_6)
    noise_lsb: float = 0.0
    headroom: float = 1.2
    ct: CurrentTransformer | None = None

    def __post_init__(self) -> None:
        if self.bits is not None and not _BITS[0] <= self.bits <= _BITS[1]:
            msg = f"a converter has {_BITS[0]} to {_BITS[1]} bits, not {self.bits}"
            raise UsageError(msg)
        if self.bits is None and self.noise_lsb:
            msg = "noise in steps needs a converter: give it bits"
            raise UsageError(msg)
        if not (self.noise_lsb >= 0 and self.headroom > 0 and all(gain > 0 for gain in self.gain)):
            msg = f"front end {self.name}: gains and headroom are above 0, noise at least 0"
            raise UsageError(msg)

    @property
    def sample_type(self) -> str:
        """Type of the samples it delivers."""
        if self.bits is None:
            return "float64"
        return "int16" if self.bits <= 16 else "int32"  # noqa: PLR2004 - bits of the type


def full_scale(front_end: FrontEnd, maximum_a: float) -> tuple[float, float]:
    """Return the volts and amperes at the end of the converter's range.

    Parameters
    ----------
    maximum_a : float
        Imax of the meter's range. The largest voltage is the highest nominal one with its tolerance.
    """
    maximum_v = max(RATINGS.voltages_v) * (1.0 + RATINGS.voltage_tolerance)
    peak = front_end.headroom * math.sqrt(2.0)
    return peak * maximum_v, peak * maximum_a
