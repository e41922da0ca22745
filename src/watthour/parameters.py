"""Every setting of the meter as a row: name, kind, range, default, whether it is sealed, who may write it.

In: a name and what somebody wrote. Out: the checked value, or an error that names value and limit. Where a
setting is kept, and what it does, is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType

from watthour.errors import OutOfRangeError, ReadOnlyError, UnknownParameterError
from watthour.units import ENERGIES, Ratio

Setting = int | bool | str | Decimal | Ratio
"""What a setting may hold."""


class Interface(StrEnum):
    """Where a request comes from; it is written into the event log with what it changed."""

    CONFIG = "config"
    CONTROL = "control"
    BUS = "bus"
    KEYS = "keys"
    WEB = "web"


class Kind(StrEnum):
    """What a setting holds, and so how it is read from text."""

    WHOLE = "whole number"
    DECIMAL = "decimal number"
    CHOICE = "choice"
    SWITCH = "true or false"
    RATIO = "ratio"
    TEXT = "text"


_LOCAL = frozenset({Interface.CONFIG, Interface.CONTROL, Interface.WEB})
_AT_THE_METER = _LOCAL | {Interface.KEYS}
_ALL = frozenset(Interface)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One setting.

    Parameters
    ----------
    minimum, maximum : Decimal or int, optional
        Both ends belong to the range.
    decimals : int
        Decimal places kept of a `Kind.DECIMAL`; more are refused.
    choices : tuple of str
        What a `Kind.CHOICE` may hold.
    sealed : bool
        Legally relevant: changes only while the seal is open.
    writers : frozenset of Interface
        Who may write it at all.
    needs : str
        Feature of `watthour.models.Model` without which it does nothing.
    """

    name: str
    kind: Kind
    default: Setting
    unit: str = ""
    minimum: int | Decimal | None = None
    maximum: int | Decimal | None = None
    decimals: int = 0
    choices: tuple[str, ...] = ()
    sealed: bool = False
    writers: frozenset[Interface] = _LOCAL
    meaning: str = ""
    needs: str = ""

    def check(self, given: object) -> Setting:
        """Return `given` as this setting's value.

        Raises
        ------
        OutOfRangeError
            If it is of another kind or outside the range; the message names both.
        """
        value = _READERS[self.kind](self, given)
        low, high = self.minimum, self.maximum
        if isinstance(value, int | Decimal) and ((low is not None and value < low) or (high is not None and value > high)):
            msg = f"{value} is outside {low} to {high}{' ' + self.unit if self.unit else ''}"
            raise OutOfRangeError(self.name, msg)
        return value


_LONGEST_WHOLE = 18
"""Digits of a whole number; a longer one is refused before anybody spells it out."""


def _whole(row: Parameter, given: object) -> Setting:
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(given, bool) or not number.is_finite() or number != number.to_integral_value():
        raise OutOfRangeError(row.name, f"{given!r} is no whole number")
    if number.adjusted() >= _LONGEST_WHOLE:
        raise OutOfRangeError(row.name, f"{str(given)[:_LONGEST_WHOLE]!r} is outside {row.minimum} to {row.maximum}")
    return int(number)


def _decimal(row: Parameter, given: object) -> Setting:
    try:
        number = Decimal(str(given))
        kept = number.quantize(Decimal(1).scaleb(-row.decimals))
    except InvalidOperation:
        raise OutOfRangeError(row.name, f"{given!r} is no number") from None
    if isinstance(given, bool) or kept != number:
        raise OutOfRangeError(row.name, f"{given!r} is no number of at most {row.decimals} decimals")
    return abs(kept) if kept.is_zero() else kept


def _choice(row: Parameter, given: object) -> Setting:
    if str(given) not in row.choices:
        raise OutOfRangeError(row.name, f"{given!r} is none of {', '.join(row.choices)}")
    return str(given)


def _switch(row: Parameter, given: object) -> Setting:
    known = {"true": True, "false": False}
    if str(given).lower() not in known:
        raise OutOfRangeError(row.name, f"{given!r} is neither true nor false")
    return known[str(given).lower()]


def _ratio(row: Parameter, given: object) -> Setting:
    try:
        return given if isinstance(given, Ratio) else Ratio.parse(str(given))
    except ValueError as problem:
        raise OutOfRangeError(row.name, str(problem)) from None


_LONGEST_TEXT = 250


def _text(row: Parameter, given: object) -> Setting:
    text = str(given)
    if not isinstance(given, str) or not text or text != text.strip() or not text.isprintable() or len(text) > _LONGEST_TEXT:
        raise OutOfRangeError(row.name, f"{text[:_LONGEST_TEXT]!r} is no line of 1 to {_LONGEST_TEXT} characters")
    return text


_READERS = {Kind.WHOLE: _whole, Kind.DECIMAL: _decimal, Kind.CHOICE: _choice, Kind.SWITCH: _switch, Kind.RATIO: _ratio,
            Kind.TEXT: _text}

BAUD_RATES = ("9600", "19200", "38400")
MBUS_BAUD_RATES = ("300", "600", "1200", "2400", "4800", "9600")
FRAMINGS = ("8N1", "8E1", "8O1", "8N2", "8E2", "8O2")
SUMMATIONS = ("vectorial", "arithmetic")
RATE_SOURCES = ("calendar", "inputs", "bus")
DEMAND_METHODS = ("block", "sliding")
HOLE_REPLIES = ("02", "03", "silence")
PAGES_SHOWN = ("all", "basic")
INPUT_USES = ("state", "pulses", "rate")
INPUT_UNITS = ("pulses", "Wh", "kWh", "varh", "kvarh", "m3", "l", "kg", "t", "h")
LARGEST_PULSE_WEIGHT = 65_535
"""What the register of the family map holds."""


def _of_input(number: int) -> tuple["Parameter", ...]:
    """Return the settings of a digital input."""
    return (
        Parameter(name=f"input{number}_use", kind=Kind.CHOICE, default="state", choices=INPUT_USES, sealed=True, needs="digital_inputs", writers=_AT_THE_METER,
                  meaning=f"what input {number} is for: its state alone, counting pulses, or selecting the rate"),
        Parameter(name=f"input{number}_weight", kind=Kind.DECIMAL, default=Decimal("1.000000"), minimum=Decimal("0.000001"),
                  maximum=1_000_000, decimals=6, needs="digital_inputs", writers=_AT_THE_METER,
                  meaning=f"what one pulse at input {number} stands for, in its unit"),
        Parameter(name=f"input{number}_unit", kind=Kind.CHOICE, default="pulses", choices=INPUT_UNITS, needs="digital_inputs", writers=_AT_THE_METER,
                  meaning=f"unit of what input {number} counts; another one begins its quantity again at 0"),
    )


CALIBRATED_CHANNELS = ("v1", "v2", "v3", "i1", "i2", "i3")

_LEAST_GAIN, _LARGEST_GAIN = Decimal("0.9"), Decimal("1.1")
_LARGEST_OFFSET = {"v": Decimal(10), "i": Decimal("0.2")}
_LARGEST_DELAY_US = 200
"""Beyond these a channel is broken or miswired, and nothing to be calibrated away (ours)."""


def _calibration_of(channel: str) -> tuple[Parameter, ...]:
    """Return the rows that calibrate one channel."""
    unit, decimals, largest = ("V", 6, _LARGEST_OFFSET["v"]) if channel[0] == "v" else ("A", 9, _LARGEST_OFFSET["i"])
    return (
        Parameter(name=f"calibration_gain_{channel}", kind=Kind.DECIMAL, default=Decimal("1.0000000"), minimum=_LEAST_GAIN,
                  maximum=_LARGEST_GAIN, decimals=7, sealed=True, meaning=f"factor that puts {channel.upper()} right"),
        Parameter(name=f"calibration_offset_{channel}_{unit.lower()}", kind=Kind.DECIMAL, default=Decimal(1).scaleb(-decimals) * 0,
                  minimum=-largest, maximum=largest, decimals=decimals, unit=unit, sealed=True,
                  meaning=f"what {channel.upper()} shows without input, taken away before the gain"),
        Parameter(name=f"calibration_delay_{channel}_us", kind=Kind.DECIMAL, default=Decimal("0.0000"), minimum=-_LARGEST_DELAY_US,
                  maximum=_LARGEST_DELAY_US, decimals=4, unit="us", sealed=True,
                  meaning=f"how much later than the others {channel.upper()} shows its input"),
    )


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(name="model", kind=Kind.CHOICE, default="Q23612", sealed=True, meaning="code of the model",
              choices=("Q23601", "Q23602", "Q23611", "Q23612", "Q23621", "Q23622"), writers=frozenset({Interface.CONFIG})),
    Parameter(name="serial", kind=Kind.WHOLE, default=1, minimum=1, maximum=4_294_967_295, sealed=True,
              writers=frozenset({Interface.CONFIG}), meaning="serial number"),
    Parameter(name="ct", kind=Kind.RATIO, default=Ratio.parse("5/5"), unit="A", sealed=True,
              meaning="current transformer; a secondary of 5 or 1 A chooses the current range"),
    Parameter(name="vt", kind=Kind.RATIO, default=Ratio.parse("1/1"), unit="V", sealed=True, meaning="voltage transformer"),
    Parameter(name="summation", kind=Kind.CHOICE, default="vectorial", choices=SUMMATIONS, sealed=True,
              meaning="vectorial: sum the phases, then take the sign; arithmetic: the sign of each phase"),
    Parameter(name="calendar", kind=Kind.TEXT, default="flat", sealed=True,
              meaning="which rate holds when: name of a bundled calendar, or path of a calendar file"),
    Parameter(name="rate_source", kind=Kind.CHOICE, default="calendar", choices=RATE_SOURCES, sealed=True,
              meaning="what selects the rate: the calendar, the two inputs (1 + IN1 + 2 IN2), or a command on the bus"),
    Parameter(name="demand_period_min", kind=Kind.WHOLE, default=15, minimum=1, maximum=60, unit="min", sealed=True,
              meaning="length of a demand period"),
    Parameter(name="demand_method", kind=Kind.CHOICE, default="block", choices=DEMAND_METHODS, sealed=True,
              meaning="block: a demand each period; sliding: one each minute, of the last period"),
    Parameter(name="closing_day", kind=Kind.WHOLE, default=1, minimum=0, maximum=28,
              meaning="day of the month at whose local 00:00 a billing period is closed; 0: never"),
    Parameter(name="nominal_voltage_v", kind=Kind.DECIMAL, default=Decimal("230.0"), minimum=Decimal("50.0"),
              maximum=Decimal("300.0"), decimals=1, unit="V",
              meaning="nominal voltage to neutral at the terminals, from which under- and overvoltage are judged"),
    Parameter(name="auxiliary_supply", kind=Kind.SWITCH, default=False,
              meaning="true: the meter stays on when all voltages are out"),
    Parameter(name="bus_address", kind=Kind.WHOLE, default=1, minimum=1, maximum=247, writers=_ALL, meaning="Modbus unit"),
    Parameter(name="bus_baudrate", kind=Kind.CHOICE, default="9600", choices=BAUD_RATES, unit="Bd", writers=_ALL,
              meaning="speed of the serial line"),
    Parameter(name="bus_framing", kind=Kind.CHOICE, default="8N1", choices=FRAMINGS, writers=_ALL,
              meaning="data bits, parity, stop bits of the serial line"),
    Parameter(name="mbus_address", kind=Kind.WHOLE, default=1, minimum=0, maximum=250, writers=_ALL, meaning="M-Bus primary address"),
    Parameter(name="mbus_identification", kind=Kind.WHOLE, default=0, minimum=0, maximum=99_999_999, writers=_ALL,
              meaning="M-Bus identification, eight digits; 0: the last eight of the serial number"),
    Parameter(name="mbus_baudrate", kind=Kind.CHOICE, default="2400", choices=MBUS_BAUD_RATES, unit="Bd", writers=_ALL,
              meaning="speed of the M-Bus line"),
    Parameter(name="hole_reply", kind=Kind.CHOICE, default="02", choices=HOLE_REPLIES,
              meaning="what a Modbus read of an address that does not exist gets: an exception, or silence"),
    Parameter(name="cost_per_kwh", kind=Kind.DECIMAL, default=Decimal("0.0000"), minimum=0, maximum=Decimal("429496.7295"),
              decimals=4, unit="1/kWh", writers=_ALL, meaning="cost of one kWh"),
    Parameter(name="co2_kg_per_kwh", kind=Kind.DECIMAL, default=Decimal("0.0000"), minimum=0, maximum=Decimal("429496.7295"),
              decimals=4, unit="kg/kWh", writers=_ALL, meaning="CO2 of one kWh"),
    Parameter(name="backlight_s", kind=Kind.WHOLE, default=0, minimum=0, maximum=3600, unit="s", writers=_AT_THE_METER,
              meaning="how long the display is lit after a key; 0: always"),
    Parameter(name="pages_shown", kind=Kind.CHOICE, default="all", choices=PAGES_SHOWN, writers=_AT_THE_METER,
              meaning="pages of the display: all, or the basic ones"),
    *(row for channel in CALIBRATED_CHANNELS for row in _calibration_of(channel)),
    *_of_input(1),
    *_of_input(2),
    Parameter(name="pulse_quantity", kind=Kind.CHOICE, default="import", choices=ENERGIES, writers=_ALL, needs="pulse_outputs",
              meaning="the register whose growth the pulse output gives: import, export, or a quadrant"),
    Parameter(name="pulse_weight", kind=Kind.WHOLE, default=1000, minimum=1, maximum=LARGEST_PULSE_WEIGHT, writers=_ALL,
              needs="pulse_outputs", meaning="primary Wh or varh per pulse of the output"),
    Parameter(name="pulse_width_ms", kind=Kind.WHOLE, default=100, minimum=30, maximum=500, unit="ms", writers=_ALL,
              needs="pulse_outputs", meaning="how long the output is closed for a pulse"),
)

PARAMETER_BY_NAME: Mapping[str, Parameter] = MappingProxyType({row.name: row for row in PARAMETERS})

DEFAULTS: Mapping[str, Setting] = MappingProxyType({row.name: row.default for row in PARAMETERS})


def parameter(name: str) -> Parameter:
    """Return the row of a setting.

    Raises
    ------
    UnknownParameterError
        If there is none of that name; the message lists those there are.
    """
    try:
        return PARAMETER_BY_NAME[name]
    except KeyError:
        raise UnknownParameterError(name, f"no such setting; there are {', '.join(PARAMETER_BY_NAME)}") from None


def check_setting(name: str, given: object, interface: Interface) -> Setting:
    """Return the checked value of a setting as `interface` asks for it.

    Raises
    ------
    UnknownParameterError, OutOfRangeError
        As `parameter` and `Parameter.check`.
    ReadOnlyError
        If this interface may not write it.
    """
    row = parameter(name)
    if interface not in row.writers:
        raise ReadOnlyError(name, f"not to be written by {interface}; it is set by {', '.join(sorted(row.writers))}")
    return row.check(given)
