"""The ``[front_end]`` table: a converter and transformers, and what is wrong with them on purpose.

In: the table as a TOML parser gives it. Out: a checked record, and the front end that it describes.
"""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from watthour.errors import UsageError
from watthour.waveform.front_end import CT_CLASSES, CtPoint, CurrentTransformer, FrontEnd, ct_class, front_end
from watthour.waveform.front_end.parts import SixFloats
from watthour.waveform.network.vocabulary import Table, as_tuple

Preset = Literal["ideal", "16 bit", "24 bit"]

_LARGEST_OFFSET_PERCENT = 10.0
_LARGEST_DELAY_US = 1000.0

_Gain = Annotated[float, Field(gt=0.5, lt=2.0)]
_Offset = Annotated[float, Field(ge=-_LARGEST_OFFSET_PERCENT, le=_LARGEST_OFFSET_PERCENT)]
_Delay = Annotated[float, Field(ge=-_LARGEST_DELAY_US, le=_LARGEST_DELAY_US)]
_Drift = Annotated[float, Field(ge=-1e6, le=1e6)]


class CtRow(Table):
    """Errors of the current transformers at one current, as `watthour.waveform.front_end.CtPoint` has them."""

    current_percent: float = Field(gt=0, le=10_000)
    ratio_percent: float = Field(ge=-50, le=50)
    phase_minutes: float = Field(ge=-1000, le=1000)


class FrontEndTable(Table):
    """A front end by name, with errors. Lists are for V1 V2 V3 I1 I2 I3.

    Parameters
    ----------
    preset : str
        A row of `watthour.waveform.front_end.FRONT_ENDS`.
    gain : six numbers
    offset_percent : six numbers
        Of full scale.
    delay_us : six numbers
        How much later than the others a channel shows its input.
    drift_ppm_per_h : six numbers
    noise_lsb : float, optional
        Instead of the preset's.
    ct_class : str, optional
        Transformers at the limits of this class.
    ct : rows, optional
        Transformers by their errors over current, instead of a class.
    seed : int
        Of the converter's noise.
    """

    preset: Preset = "ideal"
    gain: Annotated[tuple[_Gain, _Gain, _Gain, _Gain, _Gain, _Gain], BeforeValidator(as_tuple)] = (1.0,) * 6
    offset_percent: Annotated[tuple[_Offset, _Offset, _Offset, _Offset, _Offset, _Offset], BeforeValidator(as_tuple)] = (
        0.0,
    ) * 6
    delay_us: Annotated[tuple[_Delay, _Delay, _Delay, _Delay, _Delay, _Delay], BeforeValidator(as_tuple)] = (0.0,) * 6
    drift_ppm_per_h: Annotated[tuple[_Drift, _Drift, _Drift, _Drift, _Drift, _Drift], BeforeValidator(as_tuple)] = (0.0,) * 6
    noise_lsb: float | None = Field(default=None, ge=0, le=1e6)
    ct_class: str | None = None
    ct: Annotated[tuple[CtRow, ...], BeforeValidator(as_tuple)] = ()
    seed: int = Field(default=0, ge=0, lt=2**64)

    @field_validator("ct_class")
    @classmethod
    def _known_class(cls, name: str | None) -> str | None:
        if name is not None and name not in CT_CLASSES:
            msg = f"must be one of {', '.join(CT_CLASSES)}"
            raise ValueError(msg)
        return name

    @field_validator("ct")
    @classmethod
    def _rising(cls, rows: tuple[CtRow, ...]) -> tuple[CtRow, ...]:
        try:
            _transformer(rows)
        except UsageError as problem:
            raise ValueError(str(problem)) from None
        return rows

    @field_validator("noise_lsb")
    @classmethod
    def _has_steps(cls, noise_lsb: float | None, info: object) -> float | None:
        if noise_lsb and getattr(info, "data", {}).get("preset", "ideal") == "ideal":
            msg = 'noise in steps needs a converter; say preset = "16 bit" or "24 bit"'
            raise ValueError(msg)
        return noise_lsb

    @property
    def front_end(self) -> FrontEnd:
        """What it describes."""
        row = front_end(self.preset)
        return replace(
            row,
            gain=self.gain,
            offset=_times(self.offset_percent, 1e-2),
            delay_s=_times(self.delay_us, 1e-6),
            drift_ppm_per_h=self.drift_ppm_per_h,
            noise_lsb=row.noise_lsb if self.noise_lsb is None else self.noise_lsb,
            ct=ct_class(self.ct_class) if self.ct_class else _transformer(self.ct),
        )


def _times(six: SixFloats, factor: float) -> SixFloats:
    v1, v2, v3, i1, i2, i3 = (number * factor for number in six)
    return v1, v2, v3, i1, i2, i3


def _transformer(rows: tuple[CtRow, ...]) -> CurrentTransformer | None:
    if not rows:
        return None
    points = (
        CtPoint(current_percent=row.current_percent, ratio_percent=row.ratio_percent, phase_minutes=row.phase_minutes)
        for row in rows
    )
    return CurrentTransformer(points=tuple(points))
