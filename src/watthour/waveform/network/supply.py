"""What the mains bring: voltages, frequency, harmonics, and how they wander, flicker, dip and fail.

In: the ``[supply]`` table and its ``[[supply.event]]`` rows. Out: checked records. All volts are primary.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from watthour.waveform.network.times import DayProfile, Occasion
from watthour.waveform.network.vocabulary import (
    PHASE_NAMES,
    Phases,
    Spectrum,
    Table,
    Voltage,
    as_tuple,
    is_number,
    refusal,
)

SEQUENCES: dict[str, tuple[int, int, int]] = {"L1-L2-L3": (0, -120, 120), "L1-L3-L2": (0, 120, -120)}
"""Angle of each phase's fundamental voltage against L1, in degrees."""

FREQUENCIES_HZ = (40.0, 70.0)
"""What a supply may run at: the meter's 45 to 65 Hz and some way beyond, to see it there (ours)."""


def _for_each_phase(given: Any) -> Any:
    """Return one voltage for all phases, or one for each, as three."""
    if is_number(given):
        return (given,) * 3
    if isinstance(given, list) and len(given) == len(PHASE_NAMES):
        return tuple(given)
    msg = "give one voltage for all phases, or a list of three for L1, L2, L3"
    raise ValueError(msg)


class Flicker(Table):
    """A sinusoidal modulation of all voltages (as in the tests of IEC 61000-4-15).

    Parameters
    ----------
    percent : float
        Relative voltage change dU/U, from the highest to the lowest.
    frequency_hz : float
        Of the modulation; 8.8 Hz is where lamps disturb most.
    """

    percent: float = Field(ge=0, le=10)
    frequency_hz: float = Field(default=8.8, ge=0.1, le=33)


class SupplyEvent(Occasion):
    """A dip, a swell or an interruption.

    Parameters
    ----------
    kind : str
    remaining_percent : float, optional
        Voltage during a dip (below 100) or a swell (above 100), in percent of what it would be.
    phases : list of ``"L1"``, ``"L2"``, ``"L3"``
        All of them if not given.
    """

    kind: Literal["dip", "swell", "interruption"]
    remaining_percent: float | None = Field(default=None, ge=0, le=200)
    phases: Phases = PHASE_NAMES

    @model_validator(mode="after")
    def _on_its_side(self) -> Self:
        percent = self.remaining_percent
        if self.kind == "interruption" and percent is not None:
            raise refusal(["remaining_percent"], "an interruption leaves nothing; take it out, or call it a dip")
        if self.kind == "dip" and not (percent is not None and percent < 100):  # noqa: PLR2004 - of the voltage
            raise refusal(["remaining_percent"], "a dip leaves less than 100 percent of the voltage; say how much")
        if self.kind == "swell" and not (percent is not None and percent > 100):  # noqa: PLR2004 - of the voltage
            raise refusal(["remaining_percent"], "a swell brings more than 100 percent of the voltage; say how much")
        return self

    @property
    def factor(self) -> float:
        """Voltage that remains, 1 being all of it."""
        return (self.remaining_percent or 0.0) / 100

    def __str__(self) -> str:
        where = "" if len(self.phases) == len(PHASE_NAMES) else f" on {', '.join(self.phases)}"
        much = "" if self.remaining_percent is None else f" to {self.remaining_percent:g} %"
        return f"{self.kind}{much}{where}"


class Supply(Table):
    """The mains, stiff: no load changes its voltage.

    Parameters
    ----------
    voltages_v : one or three floats
        Phase to neutral, rms of the fundamental.
    frequency_hz : float
        Exactly the decimal number that is written.
    sequence : str
        ``"L1-L2-L3"`` or ``"L1-L3-L2"``.
    harmonics : rows of order, percent, angle_deg
        The same wave shape on each phase.
    frequency_drift_hz, frequency_drift_s : float
        Most that the frequency wanders from `frequency_hz`, and about how long a swing takes.
    voltage_drift_percent, voltage_drift_s : float
        Most that each voltage wanders, and about how long a swing takes.
    voltage_profile : DayProfile, optional
        Percent of the voltages by the hour of the day; 100 is as written.
    unbalance_percent, unbalance_angle_deg : float
        Negative-sequence voltage, in percent of the mean of `voltages_v`, and its angle at L1.
    flicker : Flicker, optional
    events : rows of `SupplyEvent`
    """

    voltages_v: Annotated[tuple[Voltage, Voltage, Voltage], BeforeValidator(_for_each_phase)]
    frequency_hz: float = Field(default=50.0, ge=FREQUENCIES_HZ[0], le=FREQUENCIES_HZ[1])
    sequence: Literal["L1-L2-L3", "L1-L3-L2"] = "L1-L2-L3"
    harmonics: Spectrum = ()
    frequency_drift_hz: float = Field(default=0.0, ge=0, le=2)
    frequency_drift_s: float = Field(default=900.0, ge=300, le=1e6)
    voltage_drift_percent: float = Field(default=0.0, ge=0, le=20)
    voltage_drift_s: float = Field(default=1800.0, ge=900, le=1e6)
    voltage_profile: DayProfile | None = None
    unbalance_percent: float = Field(default=0.0, ge=0, le=50)
    unbalance_angle_deg: float = Field(default=0.0, ge=-360, le=360)
    flicker: Flicker | None = None
    events: Annotated[tuple[SupplyEvent, ...], BeforeValidator(as_tuple)] = Field(default=(), alias="event")
