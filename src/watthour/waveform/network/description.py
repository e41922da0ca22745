"""What a network file may say: the supply, the loads, the noise, the sampling.

In: the tables of a parsed ``network.toml``. Out: a frozen, checked `Network`; or pydantic's refusal with the
path of the key, which whoever opened the file turns into a line. Nothing here makes samples, and none of
these records enters the sample path. All volts and amperes are primary; powers are those at the fundamental.

The file is laid out to grow: another ``kind`` of ``[[load]]`` brings its own keys, and further tables
(``[[supply.event]]``, ``[[wiring]]``) stand beside these without changing what is here.
"""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from watthour.samples import MINIMUM_RATE_HZ
from watthour.units import NANOSECONDS

PhaseName = Literal["L1", "L2", "L3"]
PHASE_NAMES: tuple[PhaseName, ...] = ("L1", "L2", "L3")

SEQUENCES: dict[str, tuple[int, int, int]] = {"L1-L2-L3": (0, -120, 120), "L1-L3-L2": (0, 120, -120)}
"""Angle of each phase's fundamental voltage against L1, in degrees."""

MAXIMUM_RATE_HZ = 1_000_000
"""A second of samples is made at a time: six channels of this rate are 48 MB (ours)."""

FREQUENCIES_HZ = (40.0, 70.0)
"""What a supply may run at: the meter's 45 to 65 Hz and some way beyond, to see it there (ours)."""

MAXIMUM_ORDER = 12_500
"""Of the slowest supply at half the fastest sampling; the sampling of a file allows fewer (ours)."""

MAXIMUM_VOLTAGE_V = 1e6
MAXIMUM_CURRENT_A = 1e6
MAXIMUM_POWER_W = 1e12
LEAST_VOLTAGE_V = 1.0
"""Below it a phase is without voltage, and no load can draw power from it (ours)."""

LEAST_COS_PHI = 0.01
"""Below it a load is written by its reactive power (ours)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COS_PHI = re.compile(r"\s*(\d*\.?\d+)\s*(ind|cap)?\s*")


class _Table(BaseModel):
    """A table of the file: no key that is not known, no number as text, nothing infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def refusal(path: Sequence[str | int], problem: str) -> PydanticCustomError:
    """Return the refusal of a key that lies deeper than the table whose check found it out.

    Parameters
    ----------
    path : sequence of str and int
        Of the key, from that table; it travels as the context's ``path``.
    problem : str
        What is wrong and what to do.
    """
    return PydanticCustomError("impossible", "{problem}", {"problem": problem, "path": tuple(path)})


class Harmonic(_Table):
    """One row of a spectrum.

    Parameters
    ----------
    order : int
        Multiple of the fundamental frequency, from 2.
    percent : float
        Rms value, in percent of the fundamental it belongs to.
    angle_deg : float
        Phase where that fundamental crosses zero rising; 0 means that the harmonic does so too.
    """

    order: int = Field(ge=2, le=MAXIMUM_ORDER)
    percent: float = Field(ge=0, le=1000)
    angle_deg: float = Field(default=0.0, ge=-360, le=360)


def _each_order_once(rows: tuple[Harmonic, ...]) -> tuple[Harmonic, ...]:
    orders = [row.order for row in rows]
    twice = next((order for order in orders if orders.count(order) > 1), None)
    if twice is not None:
        msg = f"order {twice} stands here twice; keep one row of it"
        raise ValueError(msg)
    return rows


def _as_tuple(given: Any) -> Any:
    """Return a list of the file as the tuple a frozen record holds."""
    return tuple(given) if isinstance(given, list) else given


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _for_each_phase(given: Any) -> Any:
    """Return one voltage for all phases, or one for each, as three."""
    if _is_number(given):
        return (given,) * 3
    if isinstance(given, list) and len(given) == len(PHASE_NAMES):
        return tuple(given)
    msg = "give one voltage for all phases, or a list of three for L1, L2, L3"
    raise ValueError(msg)


Spectrum = Annotated[tuple[Harmonic, ...], BeforeValidator(_as_tuple), AfterValidator(_each_order_once)]
Voltage = Annotated[float, Field(ge=0, le=MAXIMUM_VOLTAGE_V)]
Power = Annotated[float, Field(ge=-MAXIMUM_POWER_W, le=MAXIMUM_POWER_W)]


class Supply(_Table):
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
    """

    voltages_v: Annotated[tuple[Voltage, Voltage, Voltage], BeforeValidator(_for_each_phase)]
    frequency_hz: float = Field(default=50.0, ge=FREQUENCIES_HZ[0], le=FREQUENCIES_HZ[1])
    sequence: Literal["L1-L2-L3", "L1-L3-L2"] = "L1-L2-L3"
    harmonics: Spectrum = ()


def reactive_of(power_w: float, cos_phi: str | float) -> float:
    """Return the reactive power that goes with an active one.

    Parameters
    ----------
    power_w : float
        Of either sign.
    cos_phi : str or float
        ``"0.85 ind"``, ``"0.9 cap"`` or 1. Inductive is positive reactive power, capacitive negative,
        whichever way the active power flows.

    Raises
    ------
    ValueError
        If it is written otherwise, or is outside `LEAST_COS_PHI` to 1.

    Examples
    --------
    >>> reactive_of(-800.0, "0.8 cap")
    -600.0
    """
    match = _COS_PHI.fullmatch(cos_phi if isinstance(cos_phi, str) else repr(cos_phi))
    value = float(match[1]) if match else 0.0
    if match is None or not LEAST_COS_PHI <= value <= 1 or (value < 1 and match[2] is None):
        msg = 'write it from 0.01 to 1 with its side, such as "0.85 ind" or "0.9 cap" (plain 1 needs no side)'
        raise ValueError(msg)
    reactive = abs(power_w) * math.sqrt((1 - value) * (1 + value)) / value
    return -reactive if match[2] == "cap" else reactive


class ConstantLoad(_Table):
    """A load that draws the same power all the time, each of its phases against neutral.

    Parameters
    ----------
    phases : list of ``"L1"``, ``"L2"``, ``"L3"``
        Where it is connected.
    power_w : float or list of floats
        Total, shared evenly, or one for each of `phases`. Negative power is exported.
    cos_phi : str or float, optional
        Of the fundamental, as `reactive_of` reads it; 1 if neither this nor `reactive_var` is given.
    reactive_var : float or list of floats, optional
        Instead of `cos_phi`; positive is inductive.
    harmonics : rows of order, percent, angle_deg
        Of the current, against its own fundamental.
    """

    name: str = Field(min_length=1)
    kind: Literal["constant"]
    phases: Annotated[tuple[PhaseName, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    power_w: tuple[Power, ...]
    cos_phi: str | float = 1
    reactive_var: tuple[Power, ...] | None = None
    harmonics: Spectrum = ()

    @field_validator("phases")
    @classmethod
    def _once(cls, phases: tuple[PhaseName, ...]) -> tuple[PhaseName, ...]:
        if len(set(phases)) != len(phases):
            msg = "a phase stands here twice; name each once"
            raise ValueError(msg)
        return phases

    @field_validator("power_w", "reactive_var", mode="before")
    @classmethod
    def _shared(cls, given: Any, info: ValidationInfo) -> Any:
        count = len(info.data.get("phases", PHASE_NAMES))
        if _is_number(given):
            return (given / count if abs(given) <= MAXIMUM_POWER_W else given,) * count
        if isinstance(given, list) and len(given) == count:
            return tuple(given)
        msg = f"give one number, the total, or a list with one for each phase of this load ({count})"
        raise ValueError(msg)

    @field_validator("cos_phi", mode="before")
    @classmethod
    def _readable(cls, given: Any) -> Any:
        reactive_of(0.0, given)
        return given

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


class Noise(_Table):
    """White Gaussian noise on every channel, made again from its seed at any position."""

    seed: int = Field(default=0, ge=0, lt=2**64)
    voltage_v: float = Field(default=0.0, ge=0, le=MAXIMUM_VOLTAGE_V)
    current_a: float = Field(default=0.0, ge=0, le=MAXIMUM_CURRENT_A)


class Sampling(_Table):
    """How often the installation is sampled."""

    rate_hz: int = Field(default=8000, ge=int(MINIMUM_RATE_HZ), le=MAXIMUM_RATE_HZ)


class Network(_Table):
    """A whole network file; `start` is the instant of sample 0, where the file says so."""

    start: datetime | None = None
    supply: Supply
    loads: Annotated[tuple[ConstantLoad, ...], BeforeValidator(_as_tuple)] = Field(default=(), alias="load")
    noise: Noise = Noise()
    sampling: Sampling = Sampling()

    @field_validator("start")
    @classmethod
    def _with_zone(cls, start: datetime | None) -> datetime | None:
        if start is not None and start.tzinfo is None:
            msg = "an instant needs its zone, such as 2026-01-15T00:00:00Z"
            raise ValueError(msg)
        return start

    @model_validator(mode="after")
    def _can_be_sampled(self) -> Self:
        self._check_orders(["supply"], self.supply.harmonics)
        for index, load in enumerate(self.loads):
            self._check_orders(["load", index], load.harmonics)
        return self

    @model_validator(mode="after")
    def _has_voltage(self) -> Self:
        for index, load in enumerate(self.loads):
            for phase, power_va in load.powers_va.items():
                if power_va and self.supply.voltages_v[PHASE_NAMES.index(phase)] < LEAST_VOLTAGE_V:
                    problem = (
                        f"{phase} has no voltage to draw power from; take it out, or give it at least {LEAST_VOLTAGE_V:g} V"
                    )
                    raise refusal(["load", index, "phases"], problem)
        return self

    def _check_orders(self, table: list[str | int], rows: Sequence[Harmonic]) -> None:
        """Refuse a harmonic that the sampling would fold back to another frequency."""
        for index, row in enumerate(rows):
            if 2 * row.order * self.cycles_per_sample >= 1:
                at_hz, rate_hz = row.order * self.supply.frequency_hz, self.sampling.rate_hz
                problem = f"{at_hz:g} Hz is not below half of {rate_hz} samples/s; leave it out, or raise rate_hz"
                raise refusal([*table, "harmonics", index, "order"], problem)

    @property
    def cycles_per_sample(self) -> Fraction:
        """Fundamental cycles from one sample to the next, of the decimal number as written."""
        return Fraction(repr(self.supply.frequency_hz)) / self.sampling.rate_hz

    @property
    def start_ns(self) -> int | None:
        """Instant of sample 0, nanoseconds UTC since 1970."""
        if self.start is None:
            return None
        return (self.start - _EPOCH) // timedelta(microseconds=1) * (NANOSECONDS // 10**6)
