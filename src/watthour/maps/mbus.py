"""The M-Bus records of the CEM-D312, one row a line: what stands in which telegram, and how it is written.

The D312's own telegram is not public; this is ours, after what independent decoders are known to read. The first telegram holds
the energies alone, the plain import total first, for fast polling; the whole readout takes three at most. What it has no place
for is in sets of its own, chosen by the sub-code of an application reset.

Null travels as 0 with the function "value during error state". Values are primary.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from watthour.units import ENERGIES, RATES, energy_name

MANUFACTURER = "CIR"
MEDIUM_ELECTRICITY = 0x02


class Written(IntEnum):
    """How a value is written: the data field of a DIF."""

    INT8 = 0x1
    INT16 = 0x2
    INT32 = 0x4
    INT48 = 0x6
    BCD8 = 0xC
    TEXT = 0xD
    TIME = 0x14
    """Type F: four bytes, a local time to the minute."""


class Set(IntEnum):
    """A choice of telegrams: the sub-code of an application reset (EN 13757-3, table 2)."""

    ALL = 0x00
    SIMPLE_BILLING = 0x20
    ENHANCED_BILLING = 0x30
    MULTI_TARIFF_BILLING = 0x40
    INSTANTANEOUS = 0x50


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
"""Storage number of the last closing; older ones follow."""


def energies(energies_of: tuple[str, ...], *, prefix: str = "", storage: int = 0, tariff: int = 0) -> Iterator[Record]:
    """Yield a record for each energy of a register set."""
    for energy in energies_of:
        yield Record(
            name=energy_name(energy, prefix), written=Written.INT48, vib=_ENERGY_VIB[energy], storage=storage, tariff=tariff
        )


def _per_phase(stem: str, end: str, written: Written, head: str, decimals: int = 0) -> tuple[Record, ...]:
    """Return records of L1, L2, L3: the head, then FC and the place."""
    return tuple(
        Record(name=f"{stem}_l{n}{end}", written=written, vib=bytes.fromhex(head) + bytes([0xFC, n]), decimals=decimals)
        for n in (1, 2, 3)
    )


ENERGY_RECORDS: tuple[Record, ...] = (
    *energies(ENERGIES),
    *energies(ENERGIES, prefix="partial_", storage=PARTIAL_STORAGE),
    *(row for n, rate in enumerate(RATES, 1) for row in energies(("import",), prefix=f"{rate}_", tariff=n)),
)
"""The first telegram."""

MEASURED_RECORDS: tuple[Record, ...] = (
    *_per_phase("voltage", "_v", Written.INT32, "FD C8", 1),
    *_per_phase("current", "_a", Written.INT32, "FD D9", 3),
    *_per_phase("power", "_w", Written.INT32, "AB"),
    Record(name="power_w", written=Written.INT32, vib=bytes.fromhex("2B")),
    *_per_phase("reactive", "_var", Written.INT32, "FB 94"),
    Record(name="reactive_var", written=Written.INT32, vib=bytes.fromhex("FB 14")),
    Record(name="apparent_va", written=Written.INT32, vib=bytes.fromhex("FB 34")),
    *_per_phase("power_factor", "", Written.INT16, "FD BA F3", 3),
    Record(name="power_factor", written=Written.INT16, vib=bytes.fromhex("FD BA 73"), decimals=3),
    Record(name="frequency_hz", written=Written.INT16, vib=bytes.fromhex("FB 2D"), decimals=2),
)
"""The second telegram."""

STATE_RECORDS: tuple[Record, ...] = (
    Record(name="fabrication_number", written=Written.BCD8, vib=bytes.fromhex("78")),
    Record(name="model", written=Written.TEXT, vib=bytes.fromhex("FD 0C")),
    Record(name="firmware", written=Written.INT16, vib=bytes.fromhex("FD 0E")),
    Record(name="error_flags", written=Written.INT8, vib=bytes.fromhex("FD 17")),
    Record(name="clock", written=Written.TIME, vib=bytes.fromhex("6D")),
    Record(name="operating_time_s", written=Written.INT32, vib=bytes.fromhex("20")),
    Record(name="active_rate", written=Written.INT8, vib=bytes.fromhex("FF 01")),
    Record(name="ct_primary", written=Written.INT32, vib=bytes.fromhex("FF 02"), decimals=1),
    Record(name="ct_secondary", written=Written.INT32, vib=bytes.fromhex("FF 03"), decimals=1),
)
"""The third telegram. FF 01 ... are our manufacturer's codes: active rate, CT primary and secondary in tenths of an ampere."""

SETS: Mapping[Set, tuple[tuple[Record, ...], ...]] = MappingProxyType(
    {
        Set.ALL: (ENERGY_RECORDS, MEASURED_RECORDS, STATE_RECORDS),
        Set.SIMPLE_BILLING: (ENERGY_RECORDS,),
        Set.MULTI_TARIFF_BILLING: tuple(
            tuple(energies(ENERGIES, prefix=f"{rate}_", tariff=n))
            for n, rate in enumerate(RATES, 1)
        ),
        Set.INSTANTANEOUS: (MEASURED_RECORDS,),
    }
)
"""The telegrams of each set, in their order."""
