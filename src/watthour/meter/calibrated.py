"""Calibration as the meter keeps it: 18 sealed parameters, and the correction that they are to metrology."""

from collections.abc import Mapping
from decimal import Decimal

from watthour.meter.once import once_per_settings
from watthour.metrology.conditioning import Correction, SixFloats
from watthour.parameters import CALIBRATED_CHANNELS, DEFAULTS, PARAMETER_BY_NAME, Setting

_GAINS = tuple(f"calibration_gain_{channel}" for channel in CALIBRATED_CHANNELS)
_OFFSETS = tuple(f"calibration_offset_{channel}_{'v' if channel[0] == 'v' else 'a'}" for channel in CALIBRATED_CHANNELS)
_DELAYS = tuple(f"calibration_delay_{channel}_us" for channel in CALIBRATED_CHANNELS)
_ALL = (*_GAINS, *_OFFSETS, *_DELAYS)
_MICRO = Decimal(1_000_000)
_NEUTRAL = Correction()


@once_per_settings
def correction_of(settings: Mapping[str, Setting]) -> Correction:
    """Return what a meter's settings correct."""
    if all(settings[name] == DEFAULTS[name] for name in _ALL):
        return _NEUTRAL
    return Correction(
        gain=_six(settings, _GAINS, Decimal(1)),
        offset=_six(settings, _OFFSETS, Decimal(1)),
        delay_s=_six(settings, _DELAYS, _MICRO),
    )


def calibration_settings(correction: Correction) -> dict[str, Decimal]:
    """Return the settings that make a meter correct so, rounded to what they can hold.

    Raises
    ------
    OutOfRangeError
        If a number is beyond what is plausible; the message names it and the limit.
    """
    microseconds = tuple(delay_s * float(_MICRO) for delay_s in correction.delay_s)
    values = zip(_ALL, (*correction.gain, *correction.offset, *microseconds), strict=True)
    settings = {name: _rounded(name, value) for name, value in values}
    for name, value in settings.items():
        PARAMETER_BY_NAME[name].check(value)
    return settings


def _rounded(name: str, value: float) -> Decimal:
    return Decimal(float(value)).quantize(Decimal(1).scaleb(-PARAMETER_BY_NAME[name].decimals))


def _six(settings: Mapping[str, Setting], names: tuple[str, ...], unit: Decimal) -> SixFloats:
    v1, v2, v3, i1, i2, i3 = (float(Decimal(str(settings[name])) / unit) for name in names)
    return v1, v2, v3, i1, i2, i3
