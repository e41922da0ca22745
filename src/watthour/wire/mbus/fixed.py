"""The fixed data structure of old meters: two counters of four bytes (CI 73; EN 1434-3, and EN 13757-3 up to its edition of 2013).

::

    identification (4)   access number   status   code of counter 1   code of counter 2   counter 1 (4)   counter 2 (4)
    status   bit 0: the counters are binary, else BCD; bit 1: both were stored at a date; the rest as in a long header
    code     two bits of the medium, the lower ones with counter 1; six bits of the unit

In: the data of a frame. Out: the two counters as `Record`, with the DIF and VIF that say the same, so that whoever reads telegrams reads
these too.
"""

from typing import NamedTuple, Self

from watthour.wire.mbus.record import EXTENDED, Record

FIXED_SIZE = 16

_IS_BINARY = 0x01
_IS_STORED = 0x02
_UNIT_BITS = 6
_UNIT = (1 << _UNIT_BITS) - 1
_SAME_UNIT_STORED = 0x3E
"""Counter 2 counts what counter 1 does, as it was at a date."""

_DIF_BINARY = 0x04
_DIF_BCD = 0x0C
_STORAGE_1 = 0x40

_TEN_TIMES = 0x77
_THOUSAND_TIMES = 0x7D
_EXPONENTS = 8
"""Powers of ten that a VIF counts."""


class _Range(NamedTuple):
    """Codes of units that follow one another: the first multiplies by ten to the power `exponent` of what `vif` begins with."""

    first: int
    length: int
    vif: int
    exponent: int


_UNITS = (
    _Range(0x02, 9, 0x00, 3),
    _Range(0x0B, 9, 0x08, 3),
    _Range(0x14, 9, 0x28, 3),
    _Range(0x1D, 9, 0x30, 3),
    _Range(0x26, 9, 0x10, 0),
    _Range(0x2F, 9, 0x38, 0),
    _Range(0x38, 1, 0x58, 0),
    _Range(0x39, 1, 0x6E, 0),
)
"""Wh, kJ, W, kJ/h, ml, ml/h, thousandths of a degree, units of a heat cost allocator; and up to a hundred million times as much."""

_BARE = (0xFD, b"\x3a")
"""No unit; also for a time or date as digits, and codes that nobody has given a meaning."""


class FixedData(NamedTuple):
    """What stands behind CI 73.

    Parameters
    ----------
    identification : bytes
        Four bytes of BCD, lowest first.
    access_number, status : int
        As of a long header, but for the two lowest bits of the status.
    codes : bytes
        Of the two counters.
    counters : bytes
        Eight bytes, and what a meter may put behind them.
    """

    identification: bytes
    access_number: int
    status: int
    codes: bytes
    counters: bytes

    @property
    def serial(self) -> str:
        """Identification as people write it: eight digits."""
        return self.identification[::-1].hex().upper()

    @property
    def medium(self) -> int:
        """Medium, 0 to 15; up to 7 as in a long header."""
        first, second = (code >> _UNIT_BITS for code in self.codes)
        return first | second << 2

    def records(self) -> tuple[Record, Record]:
        """Return the counters as records.

        >>> fixed = FixedData.from_bytes(bytes.fromhex("78563412 0A 00 E9 7E 01000000 35010000"))
        >>> [record.to_bytes().hex(" ") for record in fixed.records()]
        ['0c 13 01 00 00 00', '4c 13 35 01 00 00']
        """
        first, second = (code & _UNIT for code in self.codes)
        is_stored = bool(self.status & _IS_STORED)
        same = second == _SAME_UNIT_STORED
        return (
            self._record(first, self.counters[:4], is_stored=is_stored),
            self._record(first if same else second, self.counters[4:8], is_stored=is_stored or same),
        )

    def _record(self, unit: int, data: bytes, *, is_stored: bool) -> Record:
        dif = (_DIF_BINARY if self.status & _IS_BINARY else _DIF_BCD) | (_STORAGE_1 if is_stored else 0)
        vif, vifes = _vif_of(unit)
        return Record.of(dif=dif, vif=vif, vifes=vifes, data=data)

    def to_bytes(self) -> bytes:
        """Return the data as they travel."""
        return self.identification + bytes((self.access_number, self.status)) + self.codes + self.counters

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return what sixteen bytes hold; what may stand behind them is kept with the counters."""
        return cls(data[:4], data[4], data[5], data[6:8], data[8:])


def _vif_of(unit: int) -> tuple[int, bytes]:
    """Return VIF and VIFEs that mean the same as a code; a power of ten beyond those of a VIF is multiplied on."""
    for row in _UNITS:
        if row.first <= unit < row.first + row.length:
            exponent = row.exponent + unit - row.first
            break
    else:
        return _BARE
    more = bytearray()
    if exponent >= _EXPONENTS:
        exponent -= 3
        more.append(_THOUSAND_TIMES)
    if exponent >= _EXPONENTS:
        exponent -= 1
        more.insert(0, _TEN_TIMES | EXTENDED)
    return row.vif + exponent | (EXTENDED if more else 0), bytes(more)
