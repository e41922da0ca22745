"""All that a meter remembers, as one frozen record.

A step takes one and returns the next, so a meter can be asked what it would show if its source ended here
without being changed by the question. Nothing in it is a clock: instants arrive with the samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from types import MappingProxyType

import numpy as np

from watthour.errors import UsageError
from watthour.history import CLOSINGS, PLAIN, PROFILE_ROWS, Closing, History, ProfileRow, RowFlag
from watthour.meter.once import once_per_settings
from watthour.meter.pulsing import require_pulses
from watthour.meter.watching import NOTHING, Standing
from watthour.metrology import WINDOW, ChannelHistory, LateQuality, OpenWindow, Rows, Thresholds
from watthour.models import RATINGS, VOLTAGE_PRESENT_V, current_range_of, model_of, require_feature
from watthour.parameters import DEFAULTS, Interface, Setting, check_setting
from watthour.pulses import Contacts, PulseOutput
from watthour.registers import (
    NO_DEMAND,
    Carry,
    Demand,
    DemandMethod,
    DemandRule,
    OpenInterval,
    Registers,
    Summation,
    first_carry,
)
from watthour.units import NANOSECONDS, Ratio

_WRAP_HOURS = 4000
"""A 32-bit Wh counter that may wrap sooner at Imax gets a standing warning (MID)."""
_LARGEST_RATIO = {5: 259, 1: 1296}


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """An instant of the sample clock: sample `sample` was taken at `time_ns`."""

    sample: int
    time_ns: int
    rate_hz: float

    @property
    def sample_s(self) -> Fraction:
        """Seconds between two samples, exact."""
        return _period(self.rate_hz)

    def time_of(self, sample: int) -> int:
        """Return the instant of a sample, nanoseconds UTC since 1970."""
        numerator, denominator = self.rate_hz.as_integer_ratio()
        return self.time_ns + (2 * (sample - self.sample) * NANOSECONDS * denominator + numerator) // (2 * numerator)

    def sample_at(self, time_ns: int) -> int:
        """Return the first sample whose instant is this one or later."""
        numerator, denominator = self.rate_hz.as_integer_ratio()
        return self.sample - (-(2 * (time_ns - self.time_ns) - 1) * numerator // (2 * NANOSECONDS * denominator))


@cache
def _period(rate_hz: float) -> Fraction:
    """Return one over a rate; asked several times a step."""
    return 1 / Fraction(rate_hz)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What was asked for at a place of the stream that has not been counted yet.

    Parameters
    ----------
    sample : int
        From this sample on.
    rate : int or None
        The rate that bus or inputs select; None: a billing period is closed.
    interface : str
        Through which it was asked for.
    """

    sample: int
    rate: int | None
    interface: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterState:
    """What a meter remembers from step to step.

    Parameters
    ----------
    settings : mapping of str to Setting
        Every parameter.
    position : int or None
        Index in the source of the next sample; None before the first.
    anchor : Anchor or None
        Sample clock, as of the next sample to be counted.
    anchors_ahead : tuple of Anchor
        Sample clocks that hold from the first window on that begins at their sample or after it.
    marks : tuple of Mark
        In order.
    opened : OpenWindow or None
        Samples not yet measured; None between streams.
    history : ChannelHistory or None
        Samples of late channels, corrected but not yet given out; None where none is late.
    tracker : ndarray of TRACKER or None
        Of the stream before, where it broke.
    last : ndarray of WINDOW, shape (0,) or (1,)
        The last whole window.
    quality : LateQuality or None
        Its harmonics and the like, found when somebody asks; None before there is one.
    carry : ndarray of CARRY
        Remainders and signs of the count.
    samples, duration : int, Fraction
        Samples counted into the registers, and the seconds they stand for.
    operating_ns, partial_operating_ns : int
        Time with voltage on.
    powered : bool
        False with all voltages out and no auxiliary supply.
    power_fail_count : int
        Times that it went off.
    clock_offset_ns : int
        How much the clock, as it was set by command, is ahead of the source's instants.
    down_ns : int or None
        Since when it is not powered.
    time_ns : int
        Instant of the end of what has been counted.
    selected_rate : int
        What bus or inputs have selected, as far as it has been counted.
    interval : OpenInterval or None
        Of the load profile.
    clock_was_set : bool
        Since the last window that was counted.
    period_flags : RowFlag
        What happened since the last closing.
    closed_ns : int
        Instant of the last closing by the calendar; 0 before the first.
    seal_open : bool
        Whether sealed parameters may be changed.
    contacts : Contacts
        The digital inputs, and what is still to come at them.
    output : PulseOutput
        The pulse output and its queue.
    standings : tuple of Standing
        How it stands with what is watched at the terminals.
    """

    settings: Mapping[str, Setting]
    registers: Registers
    carry: Carry
    last: Rows
    quality: LateQuality | None = None
    position: int | None = None
    anchor: Anchor | None = None
    anchors_ahead: tuple[Anchor, ...] = ()
    marks: tuple[Mark, ...] = ()
    opened: OpenWindow | None = None
    history: ChannelHistory | None = None
    tracker: Rows | None = None
    samples: int = 0
    duration: Fraction = Fraction(0)
    operating_ns: int = 0
    partial_operating_ns: int = 0
    powered: bool = True
    power_fail_count: int = 0
    clock_offset_ns: int = 0
    down_ns: int | None = None
    time_ns: int = 0
    selected_rate: int = 1
    seal_open: bool = False
    interval: OpenInterval | None = None
    demand: Demand = NO_DEMAND
    clock_was_set: bool = False
    period_flags: RowFlag = PLAIN
    closed_ns: int = 0
    profile: History[ProfileRow] = field(default_factory=lambda: History(keep=PROFILE_ROWS))
    closings: History[Closing] = field(default_factory=lambda: History(keep=CLOSINGS))
    contacts: Contacts = field(default_factory=Contacts)
    output: PulseOutput = field(default_factory=PulseOutput)
    standings: tuple[Standing, ...] = NOTHING

    @property
    def clock(self) -> Anchor | None:
        """The sample clock of the last block."""
        return self.anchors_ahead[-1] if self.anchors_ahead else self.anchor

    @property
    def is_pending(self) -> bool:
        """Whether there may be samples that were taken in and not counted."""
        return self.opened is not None or self.history is not None

    @property
    def requested_rate(self) -> int:
        """What bus or inputs selected last, counted or not."""
        return next((mark.rate for mark in reversed(self.marks) if mark.rate is not None), self.selected_rate)


def first_state(settings: Mapping[str, object]) -> MeterState:
    """Return the state of a new meter.

    Parameters
    ----------
    settings : mapping
        Settings that differ from their defaults.

    Raises
    ------
    ParameterError, UsageError
        If a setting is unknown or impossible.
    """
    given = {name: check_setting(name, value, Interface.CONFIG) for name, value in settings.items()}
    state = MeterState(
        settings=MappingProxyType({**DEFAULTS, **given}),
        registers=Registers(),
        carry=first_carry(),
        last=np.zeros(0, WINDOW),
    )
    require_possible(state.settings)
    return state


def require_possible(settings: Mapping[str, Setting]) -> None:
    """Refuse settings that are possible one by one, but not together.

    Raises
    ------
    UsageError
        If there is no range for the current transformer, or the rate is to be selected by inputs or a bus that is not there.
    OutOfRangeError
        If the pulse output could not keep up, with the arithmetic.
    """
    maximum_a = current_range_of(ratio_setting(settings, "ct")).maximum_a
    require_pulses(settings, maximum_a=maximum_a, ratio=primary_ratio(settings))
    model = model_of(str(settings["model"]))
    if settings["rate_source"] == "inputs":
        require_feature(model, "digital_inputs")
    if settings["rate_source"] == "bus" and not model.bus:
        msg = f'{model.name} ({model.code}) has no bus that could select its rate: rate_source is "calendar"'
        raise UsageError(msg)


def ratio_setting(settings: Mapping[str, Setting], name: str) -> Ratio:
    """Return a setting that is a transformer's ratio."""
    value = settings[name]
    assert isinstance(value, Ratio)  # noqa: S101 - its parameter row admits nothing else
    return value


@once_per_settings
def primary_ratio(settings: Mapping[str, Setting]) -> Fraction:
    """Return CT x VT, primary per secondary, exact."""
    return ratio_setting(settings, "ct").fraction * ratio_setting(settings, "vt").fraction


@once_per_settings
def thresholds_of(settings: Mapping[str, Setting]) -> Thresholds:
    """Return cut-off and voltage limit of the current range that the CT chooses."""
    return Thresholds(present_v=VOLTAGE_PRESENT_V, cutoff_a=current_range_of(ratio_setting(settings, "ct")).cutoff_a)


@once_per_settings
def summation_of(settings: Mapping[str, Setting]) -> Summation:
    """Return how the three phases make a total."""
    return Summation[str(settings["summation"]).upper()]


@once_per_settings
def demand_rule_of(settings: Mapping[str, Setting]) -> DemandRule:
    """Return how demand is formed."""
    method = DemandMethod(str(settings["demand_method"]))
    return DemandRule(period_min=int(str(settings["demand_period_min"])), method=method)


@once_per_settings
def standing_warnings(settings: Mapping[str, Setting]) -> tuple[str, ...]:
    """Return what stays true and worrying while these settings hold."""
    ratio = primary_ratio(settings)
    limit = _LARGEST_RATIO[int(ratio_setting(settings, "ct").secondary)]
    if ratio <= limit:
        return ()
    reason = f"at Imax the registers of {RATINGS.register_maximum_kwh} kWh roll over in less than {_WRAP_HOURS} h"
    return (f"CT x VT ratio {float(ratio):g} is above {limit}: {reason}",)
