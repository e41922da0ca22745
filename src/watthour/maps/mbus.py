"""The M-Bus records of the CEM-D312, one row a line: what stands in which telegram, and how it is written.

The D312's own telegram is not public; this is ours, after what independent decoders are known to read. The first telegram holds
the energies alone, the plain import total first, for fast polling; the whole readout takes three. What it has no place for is
in sets of their own, chosen by the sub-code of an application reset.

Storage number 0 is now, 1 the partial counters, 2 the last closing of a billing period, 3 and up the closings before it.
Null travels as 0 with the function "value during error state". Values are primary, times are UTC.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from watthour.history import CLOSINGS
from watthour.units import ENERGIES, RATES, energy_name

MANUFACTURER = "CIR"
MEDIUM_ELECTRICITY = 0x02


class Written(IntEnum):
    """How a value is written: the data field of a DIF."""

    INT8 = 0x1
    INT16 = 0x2
    INT24 = 0x3
    INT32 = 0x4
    INT48 = 0x6
    BCD8 = 0xC
    TEXT = 0xD
    TIME = 0x14
    """Type F: four bytes, a local time to the minute."""


class Set(IntEnum):
    """A choice of telegrams: the sub-code of an application reset (EN 13757-3:2018, 7.2)."""

    ALL = 0x00
    SIMPLE_BILLING = 0x20
    ENHANCED_BILLING = 0x30
    MULTI_TARIFF_BILLING = 0x40
    INSTANTANEOUS = 0x50
    INSTALLATION = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a telegram.

    Parameters
    ----------
    name : str
        Name of a value, or of what the meter says of itself.
    written : Written
    vib : bytes
        VIF and VIFEs.
    decimals : int
        The number is the value times ten to this power, rounded half up once.
    function : int
        0 instantaneous, 1 maximum.
    storage, tariff, subunit : int
    """

    name: str
    written: Written
    vib: bytes
    decimals: int = 0
    function: int = 0
    storage: int = 0
    tariff: int = 0
    subunit: int = 0


_ENERGY_VIB: Mapping[str, bytes] = MappingProxyType(
    {
        "import": bytes.fromhex("03"),
        "export": bytes.fromhex("83 3C"),
        "q1": bytes.fromhex("FB 82 F3 FC 08"),
        "q2": bytes.fromhex("FB 82 F3 FC 09"),
        "q3": bytes.fromhex("FB 82 F3 FC 0A"),
        "q4": bytes.fromhex("FB 82 F3 FC 0B"),
    }
)
"""Wh, and varh: FB 02 counts kvarh, 73 makes a thousandth of it, FC 08 ... 0B name the quadrant."""

PARTIAL_STORAGE = 1
CLOSING_STORAGE = 2
"""Storage number of the last closing; that of the one before it follows, and so on."""
MAXIMUM = 1
"""Function of a highest value."""


def energies(energies_of: tuple[str, ...], *, prefix: str = "", storage: int = 0, tariff: int = 0) -> Iterator[Record]:
    """Yield a record for each energy of a register set."""
    for energy in energies_of:
        yield Record(
            name=energy_name(energy, prefix), written=Written.INT48, vib=_ENERGY_VIB[energy], storage=storage, tariff=tariff
        )


_PLACES: Mapping[str, int] = MappingProxyType({"l1": 1, "l2": 2, "l3": 3, "n": 4, "l12": 5, "l23": 6, "l31": 7})
"""VIFE behind FC."""
_PHASES = ("l1", "l2", "l3")
_LINES = ("l12", "l23", "l31")
_FOLLOWED = 0x80
"""Bit of a VIFE behind which another one follows."""


def _at(
    places: tuple[str, ...], name: str, written: Written, head: str, *, decimals: int = 0, more: str = ""
) -> tuple[Record, ...]:
    """Return records of places, ``{}`` in the name: the head, then FC, the place, and what follows it."""
    end_of_vib = bytes.fromhex(more)
    return tuple(
        Record(
            name=name.format(place),
            written=written,
            vib=bytes.fromhex(head) + bytes([0xFC, _PLACES[place] | (_FOLLOWED if end_of_vib else 0)]) + end_of_vib,
            decimals=decimals,
        )
        for place in places
    )


def maxima(prefix: str = "", *, storage: int = 0, tariff: int = 0) -> tuple[Record, Record]:
    """Return the records of a highest demand and of the end of its period."""
    return (
        Record(name=f"{prefix}max_demand_w", written=Written.INT32, vib=bytes.fromhex("2B"), function=MAXIMUM, storage=storage,
               tariff=tariff),
        Record(name=f"{prefix}max_demand_unix_s", written=Written.TIME, vib=bytes.fromhex("6D"), function=MAXIMUM, storage=storage,
               tariff=tariff),
    )


def closing_time(storage: int) -> Record:
    """Return the record of the instant of a closing."""
    return Record(name="closing_unix_s", written=Written.TIME, vib=bytes.fromhex("6D"), storage=storage)


def _rates_of_closing(storage: int) -> tuple[Record, ...]:
    return tuple(
        row for n, rate in enumerate(RATES, 1) for row in energies(("import",), prefix=f"closing_{rate}_", storage=storage, tariff=n)
    )


def closing_records(storage: int) -> tuple[tuple[Record, ...], ...]:
    """Return the two telegrams of a closing: registers and highest demand, then the highest demand of each rate."""
    registers = (
        closing_time(storage),
        *energies(ENERGIES, prefix="closing_", storage=storage),
        *_rates_of_closing(storage),
        *maxima("closing_", storage=storage),
    )
    of_rates = tuple(row for n, rate in enumerate(RATES, 1) for row in maxima(f"closing_{rate}_", storage=storage, tariff=n))
    return registers, of_rates


ENERGY_RECORDS: tuple[Record, ...] = (
    *energies(ENERGIES),
    *energies(ENERGIES, prefix="partial_", storage=PARTIAL_STORAGE),
    *(row for n, rate in enumerate(RATES, 1) for row in energies(("import",), prefix=f"{rate}_", tariff=n)),
)
"""The first telegram."""

MEASURED_RECORDS: tuple[Record, ...] = (
    *_at(_PHASES, "voltage_{}_v", Written.INT32, "FD C8", decimals=1),
    *_at(_PHASES, "current_{}_a", Written.INT32, "FD D9", decimals=3),
    *_at(_PHASES, "power_{}_w", Written.INT32, "AB"),
    Record(name="power_w", written=Written.INT32, vib=bytes.fromhex("2B")),
    *_at(_PHASES, "reactive_{}_var", Written.INT32, "FB 94"),
    Record(name="reactive_var", written=Written.INT32, vib=bytes.fromhex("FB 14")),
    Record(name="apparent_va", written=Written.INT32, vib=bytes.fromhex("FB 34")),
    *_at(_PHASES, "power_factor_{}", Written.INT16, "FD BA F3", decimals=3),
    Record(name="power_factor", written=Written.INT16, vib=bytes.fromhex("FD BA 73"), decimals=3),
    Record(name="frequency_hz", written=Written.INT16, vib=bytes.fromhex("FB 2D"), decimals=2),
)
"""What the last window measured."""

_ERROR_FLAGS = Record(name="error_flags", written=Written.INT8, vib=bytes.fromhex("FD 17"))
_CT_PRIMARY = Record(name="ct_primary", written=Written.INT24, vib=bytes.fromhex("FF 02"), decimals=1)
_CT_SECONDARY = Record(name="ct_secondary", written=Written.INT8, vib=bytes.fromhex("FF 03"), decimals=1)
_DEMAND_PERIOD = Record(name="demand_period_min", written=Written.INT8, vib=bytes.fromhex("71"))
_SOFTWARE = Record(name="software_id", written=Written.TEXT, vib=bytes.fromhex("FD 0F"))
_EVENT_HEAD = Record(name="event_head", written=Written.TEXT, vib=bytes.fromhex("FF 04"))

ACTIVE_RATE_VIB = bytes.fromhex("FF 01")

NOW_RECORDS: tuple[Record, ...] = (
    *MEASURED_RECORDS,
    _ERROR_FLAGS,
    Record(name="clock", written=Written.TIME, vib=bytes.fromhex("6D")),
    Record(name="operating_time_s", written=Written.INT32, vib=bytes.fromhex("20")),
    Record(name="power_fail_count", written=Written.INT16, vib=bytes.fromhex("FD 60")),
    Record(name="active_rate", written=Written.INT8, vib=ACTIVE_RATE_VIB),
    _CT_PRIMARY,
    _CT_SECONDARY,
    Record(name="digital_inputs", written=Written.INT8, vib=bytes.fromhex("FD 1B")),
    Record(name="input1_count", written=Written.INT32, vib=bytes.fromhex("FD 61"), subunit=1),
    Record(name="input2_count", written=Written.INT32, vib=bytes.fromhex("FD 61"), subunit=2),
    *maxima(),
    _DEMAND_PERIOD,
    closing_time(CLOSING_STORAGE),
)
"""The second telegram: the last window, the state, the highest demand since the last closing, and when that was."""

CLOSING_RECORDS: tuple[Record, ...] = (
    *energies(("import",), prefix="closing_", storage=CLOSING_STORAGE),
    *_rates_of_closing(CLOSING_STORAGE),
    *maxima("closing_", storage=CLOSING_STORAGE),
    _SOFTWARE,
    _EVENT_HEAD,
)
"""The third telegram: the last closing, and what proves the meter to be the one it was."""

FURTHER_RECORDS: tuple[Record, ...] = (
    *_at(_LINES, "voltage_{}_v", Written.INT32, "FD C8", decimals=1),
    *_at(("n",), "current_{}_a", Written.INT32, "FD D9", decimals=3),
    *_at(_PHASES, "apparent_{}_va", Written.INT32, "FB B4"),
    *_at(_PHASES, "cos_phi_{}", Written.INT16, "FD BA F3", decimals=3, more="FF 05"),
    Record(name="cos_phi", written=Written.INT16, vib=bytes.fromhex("FD BA F3 FF 05"), decimals=3),
    Record(name="demand_w", written=Written.INT32, vib=bytes.fromhex("AB FF 06")),
    _DEMAND_PERIOD,
)
"""Measured too, and not in the whole readout."""

INSTALLATION_RECORDS: tuple[Record, ...] = (
    Record(name="fabrication_number", written=Written.BCD8, vib=bytes.fromhex("78")),
    Record(name="model", written=Written.TEXT, vib=bytes.fromhex("FD 0C")),
    Record(name="firmware", written=Written.INT16, vib=bytes.fromhex("FD 0E")),
    _SOFTWARE,
    _ERROR_FLAGS,
    Record(name="wiring_findings", written=Written.INT16, vib=bytes.fromhex("FF 0A")),
    _CT_PRIMARY,
    _CT_SECONDARY,
    Record(name="vt_primary", written=Written.INT32, vib=bytes.fromhex("FF 0B"), decimals=1),
    Record(name="vt_secondary", written=Written.INT32, vib=bytes.fromhex("FF 0C"), decimals=1),
    Record(name="event_count", written=Written.INT32, vib=bytes.fromhex("FF 0D")),
    _EVENT_HEAD,
)
"""What the meter is, and how it is set up."""


def _of_rates(rates: range) -> tuple[Record, ...]:
    return tuple(row for n in rates for row in energies(ENERGIES, prefix=f"{RATES[n - 1]}_", tariff=n))


SETS: Mapping[Set, tuple[tuple[Record, ...], ...]] = MappingProxyType(
    {
        Set.ALL: (ENERGY_RECORDS, NOW_RECORDS, CLOSING_RECORDS),
        Set.SIMPLE_BILLING: (ENERGY_RECORDS,),
        Set.ENHANCED_BILLING: tuple(
            telegram for number in range(CLOSINGS) for telegram in closing_records(CLOSING_STORAGE + number)
        ),
        Set.MULTI_TARIFF_BILLING: (
            _of_rates(range(1, 4)),
            _of_rates(range(4, 7)),
            _of_rates(range(7, 9)),
            tuple(row for n, rate in enumerate(RATES, 1) for row in maxima(f"{rate}_", tariff=n)),
        ),
        Set.INSTANTANEOUS: (MEASURED_RECORDS, FURTHER_RECORDS),
        Set.INSTALLATION: (INSTALLATION_RECORDS,),
    }
)
"""The telegrams of each set, in their order; of the closings, as many as the meter keeps."""
