"""What a network file may say: the supply, the loads, the wiring, the noise, the sampling.

In: the tables of a parsed ``network.toml``. Out: a frozen, checked `Network`; or pydantic's refusal with the
path of the key, which whoever opened the file turns into a line. Nothing here makes samples, and none of
these records enters the sample path. All volts and amperes are primary; powers are those at the fundamental.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from watthour.samples import MINIMUM_RATE_HZ
from watthour.units import NANOSECONDS
from watthour.waveform.network.contacts import AnyContact
from watthour.waveform.network.front_end import FrontEndTable
from watthour.waveform.network.loads import AnyLoad
from watthour.waveform.network.parts import Part, parts_of
from watthour.waveform.network.supply import Supply
from watthour.waveform.network.times import offset_seconds
from watthour.waveform.network.vocabulary import (
    LEAST_VOLTAGE_V,
    MAXIMUM_CURRENT_A,
    MAXIMUM_VOLTAGE_V,
    PHASE_NAMES,
    Harmonic,
    Table,
    as_tuple,
    refusal,
)
from watthour.waveform.network.wiring import AnyWiringFault

MAXIMUM_RATE_HZ = 1_000_000
"""A second of samples is made at a time: six channels of this rate are 48 MB (ours)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Noise(Table):
    """White Gaussian noise on every channel, made again from its seed at any position."""

    seed: int = Field(default=0, ge=0, lt=2**64)
    voltage_v: float = Field(default=0.0, ge=0, le=MAXIMUM_VOLTAGE_V)
    current_a: float = Field(default=0.0, ge=0, le=MAXIMUM_CURRENT_A)


class Sampling(Table):
    """How often the installation is sampled."""

    rate_hz: int = Field(default=8000, ge=int(MINIMUM_RATE_HZ), le=MAXIMUM_RATE_HZ)


class Network(Table):
    """A whole network file.

    Parameters
    ----------
    start : datetime, optional
        Instant of sample 0, where the file says so.
    utc_offset : str, optional
        Of the installation's clock, by which its hours go; that of `start` if not given, else UTC.
    supply : Supply
    loads : rows of any kind
    wiring : rows of faults, each applied to what the one before it left
    contacts : rows
        What closes at the digital inputs of the meter, and when.
    noise : Noise
        Its seed is that of everything drawn by chance.
    front_end : FrontEndTable, optional
        Through which the meter sees it all; without it the samples are ideal.
    sampling : Sampling
    """

    start: datetime | None = None
    utc_offset: str | None = None
    supply: Supply
    loads: Annotated[tuple[AnyLoad, ...], BeforeValidator(as_tuple)] = Field(default=(), alias="load")
    wiring: Annotated[tuple[AnyWiringFault, ...], BeforeValidator(as_tuple)] = ()
    contacts: Annotated[tuple[AnyContact, ...], BeforeValidator(as_tuple)] = Field(default=(), alias="contact")
    noise: Noise = Noise()
    front_end: FrontEndTable | None = None
    sampling: Sampling = Sampling()

    @field_validator("start")
    @classmethod
    def _with_zone(cls, start: datetime | None) -> datetime | None:
        if start is not None and start.tzinfo is None:
            msg = "an instant needs its zone, such as 2026-01-15T00:00:00Z"
            raise ValueError(msg)
        return start

    @field_validator("utc_offset")
    @classmethod
    def _is_an_offset(cls, given: str | None) -> str | None:
        if given is not None:
            offset_seconds(given)
        return given

    @model_validator(mode="after")
    def _can_be_sampled(self) -> Self:
        self._check_orders(["supply"], self.supply.harmonics)
        for index, load in enumerate(self.loads):
            self._check_orders(["load", index], load.spectrum)
        return self

    @model_validator(mode="after")
    def _has_voltage(self) -> Self:
        for index, load in enumerate(self.loads):
            for phase in {phase for part in parts_of(load, index) for phase, power in part.powers_va.items() if power}:
                if self.supply.voltages_v[PHASE_NAMES.index(phase)] < LEAST_VOLTAGE_V:
                    problem = (
                        f"{phase} has no voltage to draw power from; take it out, or give it at least {LEAST_VOLTAGE_V:g} V"
                    )
                    raise refusal(["load", index, "phases"], problem)
        return self

    def _check_orders(self, table: list[str | int], rows: Sequence[Harmonic]) -> None:
        """Refuse a harmonic that the sampling would fold back to another frequency."""
        highest_hz = Fraction(repr(self.supply.frequency_hz)) + Fraction(repr(self.supply.frequency_drift_hz))
        for index, row in enumerate(rows):
            if 2 * row.order * highest_hz >= self.sampling.rate_hz:
                at_hz, rate_hz = row.order * float(highest_hz), self.sampling.rate_hz
                problem = f"{at_hz:g} Hz is not below half of {rate_hz} samples/s; leave it out, or raise rate_hz"
                raise refusal([*table, "harmonics", index, "order"], problem)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What all loads consist of."""
        return tuple(part for index, load in enumerate(self.loads) for part in parts_of(load, index))

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

    @property
    def offset_s(self) -> int:
        """Of the installation's clock from UTC."""
        if self.utc_offset is not None:
            return offset_seconds(self.utc_offset)
        offset = None if self.start is None else self.start.utcoffset()
        return 0 if offset is None else int(offset.total_seconds())
