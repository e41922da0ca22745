"""What may draw from an installation, kind by kind, as a network file writes it.

In: ``[[load]]`` tables. Out: checked records, each knowing the keys of its kind alone. Powers are those of the
fundamental at the voltages of ``[supply]``; how they flow at another voltage is `Load.response`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from watthour.waveform.network.times import DayProfile, OnLines, second_of_day
from watthour.waveform.network.vocabulary import (
    MAXIMUM_POWER_W,
    PHASE_NAMES,
    CosPhi,
    Harmonic,
    PhaseName,
    Phases,
    Power,
    Spectrum,
    Table,
    is_number,
    reactive_of,
    refusal,
)

Response = Literal["power", "impedance"]
"""What stays when the voltage changes: the power drawn, or the impedance (power then follows its square)."""

RESPONSES: tuple[Response, ...] = ("power", "impedance")

_SHARED = ("power_w", "reactive_var", "peak_w", "rated_var", "losses_w")
MAXIMUM_PATTERN_CYCLES = 3000


class Load(Table):
    """What all kinds have.

    Parameters
    ----------
    name : str
    kind : str
    phases : list of ``"L1"``, ``"L2"``, ``"L3"``
        Where it is connected, each phase against neutral.
    harmonics : rows of order, percent, angle_deg
        Of the current, against its own fundamental.
    """

    name: str = Field(min_length=1)
    kind: str
    phases: Phases

    @field_validator(*_SHARED, mode="before", check_fields=False)
    @classmethod
    def _shared(cls, given: Any, info: ValidationInfo) -> Any:
        count = len(info.data.get("phases", PHASE_NAMES))
        if is_number(given):
            return (given / count if abs(given) <= MAXIMUM_POWER_W else given,) * count
        if isinstance(given, list) and len(given) == count:
            return tuple(given)
        msg = f"give one number, the total, or a list with one for each phase of this load ({count})"
        raise ValueError(msg)

    @property
    def spectrum(self) -> tuple[Harmonic, ...]:
        """Harmonics of its current."""
        rows: tuple[Harmonic, ...] = getattr(self, "harmonics", ())
        return rows


class Consumer(Load):
    """A load written by its power.

    Parameters
    ----------
    power_w : float or list of floats
        Total, shared evenly, or one for each of `phases`. Negative power is exported.
    cos_phi : str or float, optional
        Of the fundamental, as `reactive_of` reads it; 1 if neither this nor `reactive_var` is given.
    reactive_var : float or list of floats, optional
        Instead of `cos_phi`; positive is inductive.
    """

    power_w: tuple[Power, ...]
    cos_phi: CosPhi = 1
    reactive_var: tuple[Power, ...] | None = None
    harmonics: Spectrum = ()

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if {"cos_phi", "reactive_var"} <= self.model_fields_set:
            raise refusal(["reactive_var"], "cos_phi is given too; keep one of them")
        return self

    @property
    def powers_va(self) -> dict[PhaseName, complex]:
        """Active and reactive power P + jQ of the fundamental of each phase it is on."""
        reactive = self.reactive_var or tuple(reactive_of(power, self.cos_phi) for power in self.power_w)
        return {phase: complex(p, q) for phase, p, q in zip(self.phases, self.power_w, reactive, strict=True)}


class ConstantLoad(Consumer):
    """A load that draws the same power all the time."""

    kind: Literal["constant"]
    response: Response = "power"


class TimedConsumer(Consumer):
    """A load with hours and habits.

    Parameters
    ----------
    on : lines such as ``"mon-fri 06:00-14:00"``, optional
        When it is on; always if not given.
    profile : DayProfile, optional
        Percent of its power by the hour of the day.
    varies_percent : float
        Most that its power strays, seeded, from minute to minute.
    """

    on: OnLines | None = None
    profile: DayProfile | None = None
    varies_percent: float = Field(default=0.0, ge=0, le=100)


class ScheduledLoad(TimedConsumer):
    """A load that is on at its hours."""

    kind: Literal["scheduled"]
    on: OnLines
    response: Response = "power"


class ProfileLoad(TimedConsumer):
    """A load that follows a profile of the day or the week."""

    kind: Literal["profile"]
    profile: DayProfile
    response: Response = "power"


class MotorLoad(TimedConsumer):
    """A motor, switched directly to the mains.

    Parameters
    ----------
    run_s, rest_s : int, optional
        It runs and rests in turns while it is on, as a compressor does.
    starting_current : float
        Times its running current.
    starting_cos_phi : str or float
    starting_s : int
        Whole seconds of each start.
    """

    kind: Literal["motor"]
    cos_phi: CosPhi = "0.85 ind"
    run_s: int | None = Field(default=None, ge=1, le=86_400)
    rest_s: int | None = Field(default=None, ge=1, le=86_400)
    starting_current: float = Field(default=6.0, ge=1, le=20)
    starting_cos_phi: CosPhi = "0.3 ind"
    starting_s: int = Field(default=3, ge=0, le=60)

    @model_validator(mode="after")
    def _in_turns(self) -> Self:
        if (self.run_s is None) != (self.rest_s is None):
            given = "run_s" if self.rest_s is None else "rest_s"
            raise refusal([given], "run_s and rest_s go together; give both or neither")
        return self


class RectifierLoad(TimedConsumer):
    """A rectifier, such as those of frequency converters, with the spectrum of an ideal one.

    Parameters
    ----------
    pulses : int
        2, 6 or 12 a cycle.
    highest_order : int
        Where its spectrum is cut off.
    harmonics : rows, optional
        Its real spectrum, instead of the ideal one.
    """

    kind: Literal["rectifier"]
    cos_phi: CosPhi = "0.95 ind"
    pulses: Literal[2, 6, 12] = 6
    highest_order: int = Field(default=13, ge=2, le=100)

    @property
    def spectrum(self) -> tuple[Harmonic, ...]:
        """Orders k p +- 1 at 1/h of the fundamental, of current blocks of 180 or 120 degrees.

        Notes
        -----
        Six pulses: b_h is proportional to cos(30 h degrees) / h, so that 5 and 7 are against the fundamental, 11 and
        13 with it, and so on; twelve keep those that two such bridges 30 degrees apart share.
        """
        if "harmonics" in self.model_fields_set:
            return self.harmonics
        orders = [h for h in range(2, self.highest_order + 1) if (h + 1) % self.pulses == 0 or (h - 1) % self.pulses == 0]
        return tuple(Harmonic(order=h, percent=100 / h, angle_deg=self._angle_deg(h)) for h in orders)

    def _angle_deg(self, order: int) -> float:
        return 180.0 if self.pulses == 6 and order % 12 in {5, 7} else 0.0  # noqa: PLR2004 - pulses


class HeaterLoad(TimedConsumer):
    """A heater in burst firing: whole cycles on, whole cycles off.

    Parameters
    ----------
    setting_percent : float
        Cycles on, in percent of the pattern, rounded to whole cycles.
    pattern_cycles : int
        Cycles after which the pattern begins again.
    """

    kind: Literal["heater"]
    setting_percent: float = Field(default=50.0, ge=0, le=100)
    pattern_cycles: int = Field(default=50, ge=2, le=MAXIMUM_PATTERN_CYCLES)


class WelderLoad(TimedConsumer):
    """A resistance welder: bursts of whole cycles while somebody works with it.

    Parameters
    ----------
    weld_cycles, pause_cycles : int
    busy_percent : float
        Share of the half-minutes, seeded, in which it is used.
    """

    kind: Literal["welder"]
    cos_phi: CosPhi = "0.6 ind"
    weld_cycles: int = Field(default=10, ge=1, le=MAXIMUM_PATTERN_CYCLES)
    pause_cycles: int = Field(default=40, ge=1, le=MAXIMUM_PATTERN_CYCLES)
    busy_percent: float = Field(default=100.0, ge=0, le=100)


class CapacitorLoad(Load):
    """A bank of capacitors, giving reactive power with the square of the voltage.

    Parameters
    ----------
    rated_var : float or list of floats
        Reactive power it gives, as on its plate: positive.
    losses_w : float or list of floats
    on : lines, optional
    harmonics : rows, optional
    """

    kind: Literal["capacitor"]
    rated_var: tuple[Annotated[float, Field(ge=0, le=MAXIMUM_POWER_W)], ...]
    losses_w: tuple[Annotated[float, Field(ge=0, le=MAXIMUM_POWER_W)], ...] | None = None
    on: OnLines | None = None
    harmonics: Spectrum = ()

    @property
    def powers_va(self) -> dict[PhaseName, complex]:
        """Losses and, below 0, the reactive power it gives."""
        losses = self.losses_w or (0.0,) * len(self.phases)
        return {phase: complex(p, -q) for phase, p, q in zip(self.phases, losses, self.rated_var, strict=True)}


class PhotovoltaicLoad(Load):
    """Photovoltaics that export what sun and weather give.

    Parameters
    ----------
    peak_w : float or list of floats
        At 1000 W per square metre on the panels: positive.
    latitude_deg : float
        North is positive; panels look to the equator.
    tilt_deg : float
        Of the panels, against level ground.
    solar_noon : str
        When the sun stands highest, by the local clock.
    clouds_percent : float
        About how much of the time clouds are before the sun.
    cos_phi : str or float
    """

    kind: Literal["photovoltaics"]
    peak_w: tuple[Annotated[float, Field(ge=0, le=MAXIMUM_POWER_W)], ...]
    latitude_deg: float = Field(default=40.0, ge=-90, le=90)
    tilt_deg: float = Field(default=30.0, ge=0, le=90)
    solar_noon: str = "12:00"
    clouds_percent: float = Field(default=30.0, ge=0, le=100)
    cos_phi: CosPhi = 1
    harmonics: Spectrum = ()

    @field_validator("solar_noon")
    @classmethod
    def _is_a_time(cls, given: str) -> str:
        second_of_day(given)
        return given

    @property
    def powers_va(self) -> dict[PhaseName, complex]:
        """At the panels' peak: exported."""
        return {phase: complex(-p, reactive_of(p, self.cos_phi)) for phase, p in zip(self.phases, self.peak_w, strict=True)}


AnyLoad = Annotated[
    ConstantLoad
    | ScheduledLoad
    | ProfileLoad
    | MotorLoad
    | RectifierLoad
    | HeaterLoad
    | WelderLoad
    | CapacitorLoad
    | PhotovoltaicLoad,
    Field(discriminator="kind"),
]
