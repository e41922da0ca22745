"""What a VIF and its VIFEs mean: quantity, unit, power of ten, and what qualifies them (EN 13757-3:2018, 6.4).

In: VIF and VIFEs. Out: a `Meaning`. The tables are rows of ranges: the first code, how many, what they
stand for, the power of ten of the first; codes that no row knows stay what they are, by number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from watthour.wire.mbus.record import EXTENDED, PLAIN_TEXT

FIRST_EXTENSION = 0xFB
SECOND_EXTENSION = 0xFD
THIRD_EXTENSION = 0xEF
ANY = 0x7E
MANUFACTURER = 0x7F
VIFE_EXTENSION = 0xFC
"""As a VIFE: the next one is of the table of places (L1, Q1 ...)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a number is.

    Parameters
    ----------
    quantity : str
        In words; "manufacturer specific" and "reserved" are among them.
    unit : str, optional
        Without prefix; None: it has none.
    factor : int
        The number counts this many of ten to the power `exponent` units: 1, or the seconds of a minute, an hour, a day.
    exponent : int
        Power of ten.
    qualifiers : tuple of str
        Phase, quadrant, direction, limits, manufacturer's codes ..., in the order of the wire.
    is_time : bool
        Whether the data are a date or a time.
    scale : int or Decimal
        Factor and exponent in one: what the number is multiplied by.
    """

    quantity: str
    unit: str | None = None
    factor: int = 1
    exponent: int = 0
    qualifiers: tuple[str, ...] = ()
    is_time: bool = False
    scale: int | Decimal = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Make one factor of factor and exponent."""
        scale = self.factor * 10**self.exponent if self.exponent >= 0 else Decimal(self.factor).scaleb(self.exponent)
        object.__setattr__(self, "scale", scale)


@dataclass(frozen=True, slots=True)
class _Row:
    """Codes `first` to `first + count - 1`, of which each multiplies by ten once more, or by the next factor."""

    first: int
    count: int
    quantity: str
    unit: str | None = None
    exponent: int = 0
    factors: tuple[int, ...] = field(default=())
    is_time: bool = False


_TIMES = (1, 60, 3600, 86400)
_LONG_TIMES = (3600, 86400)
_DAYS = (86400,)

_PRIMARY = (
    _Row(0x00, 8, "energy", "Wh", -3),
    _Row(0x08, 8, "energy", "J"),
    _Row(0x10, 8, "volume", "m³", -6),
    _Row(0x18, 8, "mass", "kg", -3),
    _Row(0x20, 4, "on time", "s", factors=_TIMES),
    _Row(0x24, 4, "operating time", "s", factors=_TIMES),
    _Row(0x28, 8, "power", "W", -3),
    _Row(0x30, 8, "power", "J/h"),
    _Row(0x38, 8, "volume flow", "m³/h", -6),
    _Row(0x40, 8, "volume flow", "m³/min", -7),
    _Row(0x48, 8, "volume flow", "m³/s", -9),
    _Row(0x50, 8, "mass flow", "kg/h", -3),
    _Row(0x58, 4, "flow temperature", "°C", -3),
    _Row(0x5C, 4, "return temperature", "°C", -3),
    _Row(0x60, 4, "temperature difference", "K", -3),
    _Row(0x64, 4, "external temperature", "°C", -3),
    _Row(0x68, 4, "pressure", "bar", -3),
    _Row(0x6C, 2, "time point", is_time=True),
    _Row(0x6E, 1, "heat cost allocation"),
    _Row(0x70, 4, "averaging duration", "s", factors=_TIMES),
    _Row(0x74, 4, "actuality duration", "s", factors=_TIMES),
    _Row(0x78, 1, "fabrication number"),
    _Row(0x79, 1, "identification"),
    _Row(0x7A, 1, "bus address"),
    _Row(ANY, 1, "any"),
    _Row(MANUFACTURER, 1, "manufacturer specific"),
)

_FD = (
    _Row(0x00, 4, "credit", "currency", -3),
    _Row(0x04, 4, "debit", "currency", -3),
    _Row(0x08, 1, "access number"),
    _Row(0x09, 1, "medium"),
    _Row(0x0A, 1, "manufacturer"),
    _Row(0x0B, 1, "parameter set identification"),
    _Row(0x0C, 1, "model"),
    _Row(0x0D, 1, "hardware version"),
    _Row(0x0E, 1, "firmware version"),
    _Row(0x0F, 1, "software version"),
    _Row(0x10, 1, "customer location"),
    _Row(0x11, 1, "customer"),
    _Row(0x12, 1, "access code user"),
    _Row(0x13, 1, "access code operator"),
    _Row(0x14, 1, "access code system operator"),
    _Row(0x15, 1, "access code developer"),
    _Row(0x16, 1, "password"),
    _Row(0x17, 1, "error flags"),
    _Row(0x18, 1, "error mask"),
    _Row(0x19, 1, "security key"),
    _Row(0x1A, 1, "digital output"),
    _Row(0x1B, 1, "digital input"),
    _Row(0x1C, 1, "baud rate", "Bd"),
    _Row(0x1D, 1, "response delay", "bit times"),
    _Row(0x1E, 1, "retry"),
    _Row(0x1F, 1, "remote control"),
    _Row(0x20, 1, "first storage number"),
    _Row(0x21, 1, "last storage number"),
    _Row(0x22, 1, "size of storage block"),
    _Row(0x23, 1, "descriptor of tariff and sub-unit"),
    _Row(0x24, 4, "storage interval", "s", factors=_TIMES),
    _Row(0x28, 1, "storage interval", "month"),
    _Row(0x29, 1, "storage interval", "year"),
    _Row(0x2A, 1, "operator specific data"),
    _Row(0x2B, 1, "second of the time point"),
    _Row(0x2C, 4, "duration since last readout", "s", factors=_TIMES),
    _Row(0x30, 1, "start of tariff", is_time=True),
    _Row(0x31, 3, "duration of tariff", "s", factors=_TIMES[1:]),
    _Row(0x34, 4, "period of tariff", "s", factors=_TIMES),
    _Row(0x38, 1, "period of tariff", "month"),
    _Row(0x39, 1, "period of tariff", "year"),
    _Row(0x3A, 1, "dimensionless"),
    _Row(0x3B, 1, "wireless M-Bus data"),
    _Row(0x3C, 4, "period of transmissions", "s", factors=_TIMES),
    _Row(0x40, 16, "voltage", "V", -9),
    _Row(0x50, 16, "current", "A", -12),
    _Row(0x60, 1, "reset counter"),
    _Row(0x61, 1, "cumulation counter"),
    _Row(0x62, 1, "control signal"),
    _Row(0x63, 1, "day of week"),
    _Row(0x64, 1, "week number"),
    _Row(0x65, 1, "time point of day change", is_time=True),
    _Row(0x66, 1, "state of parameter activation"),
    _Row(0x67, 1, "special supplier information"),
    _Row(0x68, 2, "duration since last cumulation", "s", factors=_LONG_TIMES),
    _Row(0x6A, 1, "duration since last cumulation", "month"),
    _Row(0x6B, 1, "duration since last cumulation", "year"),
    _Row(0x6C, 2, "operating time of battery", "s", factors=_LONG_TIMES),
    _Row(0x6E, 1, "operating time of battery", "month"),
    _Row(0x6F, 1, "operating time of battery", "year"),
    _Row(0x70, 1, "time point of battery change", is_time=True),
    _Row(0x71, 1, "radio level", "dBm"),
    _Row(0x72, 1, "summer time"),
    _Row(0x73, 1, "listening window"),
    _Row(0x74, 1, "remaining life of battery", "s", factors=_DAYS),
    _Row(0x75, 1, "stops of the meter"),
    _Row(0x76, 1, "manufacturer's data"),
)

_FB = (
    _Row(0x00, 2, "energy", "Wh", 5),
    _Row(0x02, 2, "reactive energy", "varh", 3),
    _Row(0x04, 2, "apparent energy", "VAh", 3),
    _Row(0x08, 2, "energy", "J", 8),
    _Row(0x0C, 4, "energy", "cal", 5),
    _Row(0x10, 2, "volume", "m³", 2),
    _Row(0x14, 4, "reactive power", "var"),
    _Row(0x18, 2, "mass", "kg", 5),
    _Row(0x1A, 2, "relative humidity", "%", -1),
    _Row(0x20, 1, "volume", "ft³"),
    _Row(0x21, 1, "volume", "ft³", -1),
    _Row(0x28, 2, "power", "W", 5),
    _Row(0x2A, 1, "phase angle U-U", "°", -1),
    _Row(0x2B, 1, "phase angle U-I", "°", -1),
    _Row(0x2C, 4, "frequency", "Hz", -3),
    _Row(0x30, 2, "power", "J/h", 8),
    _Row(0x34, 4, "apparent power", "VA"),
    _Row(0x58, 4, "flow temperature", "°F", -3),
    _Row(0x5C, 4, "return temperature", "°F", -3),
    _Row(0x60, 4, "temperature difference", "°F", -3),
    _Row(0x64, 4, "external temperature", "°F", -3),
    _Row(0x68, 1, "rating factor K times 4096"),
    _Row(0x69, 1, "rating factor KQ times 4096"),
    _Row(0x70, 4, "temperature limit", "°F", -3),
    _Row(0x74, 4, "temperature limit", "°C", -3),
    _Row(0x78, 8, "cumulative maximum power", "W", -3),
)

_PLACES = {
    0x01: "L1", 0x02: "L2", 0x03: "L3", 0x04: "N", 0x05: "L1-L2", 0x06: "L2-L3", 0x07: "L3-L1",
    0x08: "Q1", 0x09: "Q2", 0x0A: "Q3", 0x0B: "Q4", 0x0C: "import minus export", 0x10: "absolute",
}  # fmt: skip
"""VIFE behind FC: where a value belongs."""

_COMBINABLE = (
    (0x12, "average"), (0x13, "inverse compact profile"), (0x14, "relative deviation"), (0x1D, "standard content"),
    (0x1E, "compact profile with registers"), (0x1F, "compact profile"),
    *((code, f"per {unit}") for code, unit in zip(
        range(0x20, 0x28), ("s", "min", "h", "d", "week", "month", "year", "revolution"), strict=True)),
    *((code, text) for code, text in zip(
        range(0x28, 0x2C), ("per pulse of input 0", "per pulse of input 1", "per pulse of output 0", "per pulse of output 1"),
        strict=True)),
    *((code, f"per {unit}") for code, unit in zip(
        range(0x2C, 0x36), ("l", "m³", "kg", "K", "kWh", "GJ", "kW", "K l", "V", "A"), strict=True)),
    *((code, f"times {unit}") for code, unit in zip(range(0x36, 0x39), ("s", "s/V", "s/A"), strict=True)),
    (0x39, "start of"), (0x3A, "uncorrected"), (0x3B, "import"), (0x3C, "export"),
    (0x3D, "not metric"), (0x3E, "at base conditions"), (0x3F, "OBIS declared"),
    *((0x40 | upper << 3, f"{limit} limit") for upper, limit in enumerate(("lower", "upper"))),
    *((0x41 | upper << 3, f"times beyond {limit} limit") for upper, limit in enumerate(("lower", "upper"))),
    *((0x42 | upper << 3 | last << 2 | end, f"{edge} of {which} time beyond {limit} limit")
      for upper, limit in enumerate(("lower", "upper")) for last, which in enumerate(("first", "last"))
      for end, edge in enumerate(("begin", "end"))),
    *((0x50 | upper << 3 | last << 2 | nn, f"duration of {which} time beyond {limit} limit")
      for upper, limit in enumerate(("lower", "upper")) for last, which in enumerate(("first", "last")) for nn in range(4)),
    *((0x60 | last << 2 | nn, f"duration of {which}") for last, which in enumerate(("first", "last")) for nn in range(4)),
    (0x68, "during lower limit"), (0x69, "leakage"), (0x6C, "during upper limit"), (0x6D, "overflow"),
    *((0x6A | last << 2 | end, f"{edge} of {which}") for last, which in enumerate(("first", "last"))
      for end, edge in enumerate(("begin", "end"))),
    *((0x78 + nn, f"plus {Decimal(1).scaleb(nn - 3)}") for nn in range(4)),
    (0x7E, "future"),
)  # fmt: skip
_WORDS = dict(_COMBINABLE)

_MULTIPLY = range(0x70, 0x78)
"""Times ten to the power of the code less 76h."""
_MULTIPLY_ZERO = 0x76
_THOUSANDFOLD = 0x7D
_TIME_POINTS = frozenset({0x39, *(0x42 | code for code in (0, 1, 4, 5, 8, 9, 12, 13)), 0x6A, 0x6B, 0x6E, 0x6F})
"""VIFE that make the data a time point: start of, begin and end of a limit exceeded."""
_COUNTS = frozenset({0x41, 0x49})
"""VIFE that make the number a count."""
_DURATIONS = range(0x50, 0x68)
"""VIFE that make it a duration, of the unit that their lowest two bits tell."""

_NO_ERROR = 0x00
_RECORD_ERRORS = {
    0x01: "too many DIFE", 0x02: "no such storage number", 0x03: "no such sub-unit", 0x04: "no such tariff",
    0x05: "no such function", 0x06: "no such data class", 0x07: "no such data size", 0x0B: "too many VIFE",
    0x0C: "illegal VIF group", 0x0D: "illegal VIF exponent", 0x0E: "VIF does not fit DIF", 0x0F: "no such action",
    0x15: "no data available", 0x16: "data overflow", 0x17: "data underflow", 0x18: "data error", 0x1C: "premature end of record",
}  # fmt: skip


def meaning_of(vif: int, more: bytes = b"", text: bytes = b"") -> Meaning:
    """Return what a record's number is.

    Parameters
    ----------
    vif : int
    more : bytes
        VIFEs.
    text : bytes
        Plain text of a VIF 7C, last character first.

    >>> reactive = meaning_of(0xFB, bytes.fromhex("82 F3 FC 08"))
    >>> reactive.unit, reactive.exponent, reactive.qualifiers
    ('varh', 0, ('Q1',))
    """
    vifes = list(more)
    if vif & ~EXTENDED == PLAIN_TEXT:
        meaning = Meaning(quantity="plain text", unit=text[::-1].decode("latin-1"))
    elif vif in {FIRST_EXTENSION, SECOND_EXTENSION} and vifes:
        table = _FB if vif == FIRST_EXTENSION else _FD
        code = vifes.pop(0)
        meaning = _find(table, code & ~EXTENDED) or Meaning(quantity=f"reserved {vif:02X} {code & ~EXTENDED:02X}")
    else:
        code = vif & ~EXTENDED
        meaning = _find(_PRIMARY, code) or Meaning(quantity=f"reserved {code:02X}")
    return _qualified(meaning, vifes, manufacturers=vif & ~EXTENDED == MANUFACTURER)


def _find(table: Sequence[_Row], code: int) -> Meaning | None:
    for row in table:
        place = code - row.first
        if 0 <= place < row.count:
            factor = row.factors[place] if row.factors else 1
            exponent = row.exponent if row.factors else row.exponent + place
            unit = row.unit
            return Meaning(
                quantity=row.quantity, unit=unit, factor=factor, exponent=exponent if unit else 0, is_time=row.is_time
            )
    return None


def _qualified(meaning: Meaning, vifes: Sequence[int], *, manufacturers: bool) -> Meaning:
    """Return a meaning with what its VIFEs add; behind a manufacturer's code all are the manufacturer's."""
    at_place = False
    for byte in vifes:
        code = byte & ~EXTENDED
        if manufacturers:
            meaning = _with(meaning, f"manufacturer {code:02X}")
        elif at_place:
            meaning, at_place = _with(meaning, _PLACES.get(code, f"FC {code:02X}")), False
        elif byte == VIFE_EXTENSION:
            at_place = True
        elif code == MANUFACTURER:
            manufacturers = True
        elif code in _MULTIPLY:
            meaning = replace(meaning, exponent=meaning.exponent + code - _MULTIPLY_ZERO)
        elif code == _THOUSANDFOLD:
            meaning = replace(meaning, exponent=meaning.exponent + 3)
        else:
            meaning = _combined(meaning, code)
    return meaning


def _combined(meaning: Meaning, code: int) -> Meaning:
    """Return a meaning with what a combinable VIFE makes of it; 00, no record error, makes nothing."""
    if code == _NO_ERROR:
        return meaning
    if code in _COUNTS:
        meaning = replace(meaning, unit=None, factor=1, exponent=0, is_time=False)
    elif code in _DURATIONS:
        meaning = replace(meaning, unit="s", factor=_TIMES[code & 0x03], exponent=0, is_time=False)
    elif code in _TIME_POINTS:
        meaning = replace(meaning, is_time=True)
    error = f"record error: {_RECORD_ERRORS[code]}" if code in _RECORD_ERRORS else f"VIFE {code:02X}"
    return _with(meaning, _WORDS.get(code, error))


def _with(meaning: Meaning, word: str) -> Meaning:
    return replace(meaning, qualifiers=(*meaning.qualifiers, word))
