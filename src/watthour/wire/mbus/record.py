"""M-Bus data records as they travel: DIF, DIFE, VIF, VIFE and data, cut apart and put together (EN 13757-3:2018, 6.2 to 6.5).

::

    DIF   E S FF DDDD     E more follow, S lowest bit of the storage number, FF function, DDDD data field
    DIFE  E U TT SSSS     sub-unit, tariff, storage number, lowest bits first, up to ten of them
    VIF   E vvvvvvv       unit and multiplier, then VIFE, up to ten of them; 7C: the unit as text

In: bytes of a telegram behind its header. Out: `Record`, which holds any of them unchanged, so that ``to_bytes`` gives back the
same bytes. What a VIF means and what the data say is for ``unit`` and ``value``.
"""

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum, StrEnum
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple

from watthour.errors import TelegramError

EXTENDED = 0x80
"""Bit of a DIF, DIFE, VIF or VIFE behind which another one follows."""
MORE_MAXIMUM = 10
"""DIFE or VIFE of a record."""

STORAGE_BIT = 0x40
FUNCTION_SHIFT = 4
FUNCTION_MASK = 0x03
DATA_MASK = 0x0F

SUBUNIT_BIT = 0x40
TARIFF_SHIFT = 4
TARIFF_MASK = 0x03
TARIFF_BITS = 2
STORAGE_MASK = 0x0F
STORAGE_BITS = 4

PLAIN_TEXT = 0x7C
"""VIF whose unit stands behind it as text."""

MANUFACTURER_DATA = 0x0F
MORE_FOLLOW = 0x1F
FILLER = 0x2F
READOUT_ALL = 0x7F
"""DIFs that begin no record."""


_HEADS = 4096
"""Kinds of record whose heads are remembered."""


class Function(StrEnum):
    """What a value is of its quantity."""

    INSTANTANEOUS = "inst"
    MAXIMUM = "max"
    MINIMUM = "min"
    ERROR = "err"


FUNCTIONS = (Function.INSTANTANEOUS, Function.MAXIMUM, Function.MINIMUM, Function.ERROR)
"""By their code in a DIF."""


class DataField(IntEnum):
    """How data are written: the low four bits of a DIF."""

    NONE = 0x0
    INT8 = 0x1
    INT16 = 0x2
    INT24 = 0x3
    INT32 = 0x4
    REAL32 = 0x5
    INT48 = 0x6
    INT64 = 0x7
    SELECTION = 0x8
    BCD2 = 0x9
    BCD4 = 0xA
    BCD6 = 0xB
    BCD8 = 0xC
    VARIABLE = 0xD
    BCD12 = 0xE


SIZES: Mapping[DataField, int] = MappingProxyType(
    {
        DataField.NONE: 0,
        DataField.INT8: 1,
        DataField.INT16: 2,
        DataField.INT24: 3,
        DataField.INT32: 4,
        DataField.REAL32: 4,
        DataField.INT48: 6,
        DataField.INT64: 8,
        DataField.SELECTION: 0,
        DataField.BCD2: 1,
        DataField.BCD4: 2,
        DataField.BCD6: 3,
        DataField.BCD8: 4,
        DataField.BCD12: 6,
    }
)
"""Bytes of data; those of `DataField.VARIABLE` are told by the first of them."""


class Fault(StrEnum):
    """What can be wrong with the records of a telegram."""

    END_IN_DIF = "premature end of DIF"
    END_IN_VIF = "premature end of VIF"
    END_IN_TEXT = "premature end of the plain text of a VIF"
    END_IN_DATA = "premature end of data"
    TOO_MANY_DIFE = "more than 10 DIFE"
    TOO_MANY_VIFE = "more than 10 VIFE"
    RESERVED_DIF = "reserved DIF"
    RESERVED_LENGTH = "reserved length of variable data"


class Head(NamedTuple):
    """What stands before the data of a record, taken apart.

    Parameters
    ----------
    dif, vif : int
        With their extension bits.
    difes, vifes : bytes
        With theirs.
    text : bytes
        Plain text of a VIF 7C, in the order of the wire: last character first.
    field : DataField
        How the data are written.
    function : Function
        What the value is of its quantity.
    storage, tariff, subunit : int
        Storage number, 0 is now; tariff, 0 is the total; sub-unit of the device.
    """

    dif: int
    vif: int
    difes: bytes
    vifes: bytes
    text: bytes
    field: DataField
    function: Function
    storage: int
    tariff: int
    subunit: int


class Record(NamedTuple):
    """One record, byte for byte; a tuple, as telegrams are made of many, and one is made in a third of a dataclass's time.

    Parameters
    ----------
    head : bytes
        DIF, DIFEs, VIF with its plain text, VIFEs.
    data : bytes
        Lowest byte first; of variable length, with the byte that tells it.
    """

    head: bytes
    data: bytes = b""

    @classmethod
    def of(
        cls, *, dif: int, vif: int, difes: bytes = b"", vifes: bytes = b"", text: bytes = b"", data: bytes = b""
    ) -> "Record":
        """Return the record of these parts, as `Head` has them."""
        plain = bytes([len(text)]) + text if vif & ~EXTENDED == PLAIN_TEXT else b""
        return cls(bytes([dif]) + difes + bytes([vif]) + plain + vifes, data)

    @property
    def parts(self) -> Head:
        """Its head, taken apart."""
        return head_of(self.head)

    @property
    def dif(self) -> int:
        """DIF, with its extension bit."""
        return head_of(self.head).dif

    @property
    def vif(self) -> int:
        """VIF, with its extension bit."""
        return head_of(self.head).vif

    @property
    def difes(self) -> bytes:
        """DIFEs, with their extension bits."""
        return head_of(self.head).difes

    @property
    def vifes(self) -> bytes:
        """VIFEs, with their extension bits."""
        return head_of(self.head).vifes

    @property
    def field(self) -> DataField:
        """How the data are written."""
        return head_of(self.head).field

    @property
    def function(self) -> Function:
        """What the value is of its quantity."""
        return head_of(self.head).function

    @property
    def storage(self) -> int:
        """Storage number; 0 is now."""
        return head_of(self.head).storage

    @property
    def tariff(self) -> int:
        """Tariff; 0 is the total."""
        return head_of(self.head).tariff

    @property
    def subunit(self) -> int:
        """Sub-unit of the device."""
        return head_of(self.head).subunit

    def to_bytes(self) -> bytes:
        """Return the record as it travels."""
        return self.head + self.data


@lru_cache(maxsize=_HEADS)
def head_of(head: bytes) -> Head:
    """Return the head of a record, taken apart."""
    vif_at = 1 + next(place for place, byte in enumerate(head) if not byte & EXTENDED)
    dif, difes, vif, rest = head[0], head[1:vif_at], head[vif_at], head[vif_at + 1 :]
    text_size = 1 + rest[0] if vif & ~EXTENDED == PLAIN_TEXT else 0
    storage = int(bool(dif & STORAGE_BIT))
    for place, dife in enumerate(difes):
        storage |= (dife & STORAGE_MASK) << (1 + STORAGE_BITS * place)
    return Head(
        dif=dif,
        vif=vif,
        difes=difes,
        vifes=rest[text_size:],
        text=rest[1:text_size],
        field=DataField(dif & DATA_MASK),
        function=FUNCTIONS[dif >> FUNCTION_SHIFT & FUNCTION_MASK],
        storage=storage,
        tariff=sum((dife >> TARIFF_SHIFT & TARIFF_MASK) << (TARIFF_BITS * place) for place, dife in enumerate(difes)),
        subunit=sum(bool(dife & SUBUNIT_BIT) << place for place, dife in enumerate(difes)),
    )


def information_block(
    field: DataField,
    *,
    function: Function = Function.INSTANTANEOUS,
    storage: int = 0,
    tariff: int = 0,
    subunit: int = 0,
) -> tuple[int, bytes]:
    """Return DIF and DIFEs, as few as possible.

    >>> dif, difes = information_block(DataField.INT48, tariff=4)
    >>> bytes([dif, *difes]).hex(" ")
    '86 80 10'
    """
    dif = field | FUNCTIONS.index(function) << FUNCTION_SHIFT | (STORAGE_BIT if storage & 1 else 0)
    storage >>= 1
    difes: list[int] = []
    while storage or tariff or subunit:
        dife = storage & STORAGE_MASK | (tariff & TARIFF_MASK) << TARIFF_SHIFT | (SUBUNIT_BIT if subunit & 1 else 0)
        storage, tariff, subunit = storage >> STORAGE_BITS, tariff >> TARIFF_BITS, subunit >> 1
        difes.append(dife)
    if len(difes) > MORE_MAXIMUM:
        msg = f"{len(difes)} DIFE: a record has at most {MORE_MAXIMUM}"
        raise ValueError(msg)
    chain = [byte | EXTENDED for byte in (dif, *difes)[:-1]] + [(dif, *difes)[-1]]
    return chain[0], bytes(chain[1:])


class Records(NamedTuple):
    """The records of a telegram; a tuple, as `Record` is.

    Parameters
    ----------
    records : tuple of Record
    manufacturer_data : bytes, optional
        What stands behind a DIF 0F or 1F; None where there is none.
    more_follow : bool
        Whether it is 1F: the next telegram holds more.
    selects_all : bool
        Whether a DIF 7F asks for all there is (master to meter).
    """

    records: tuple[Record, ...] = ()
    manufacturer_data: bytes | None = None
    more_follow: bool = False
    selects_all: bool = False

    def to_bytes(self) -> bytes:
        """Return the records as they travel."""
        body = b"".join(record.to_bytes() for record in self.records)
        if self.selects_all:
            body += bytes([READOUT_ALL])
        if self.manufacturer_data is None and not self.more_follow:
            return body
        return body + bytes([MORE_FOLLOW if self.more_follow else MANUFACTURER_DATA]) + (self.manufacturer_data or b"")


def parse_records(body: bytes) -> Records:
    """Return the records that bytes hold; fillers are passed over.

    Raises
    ------
    TelegramError
        Naming the `Fault`, the record and the byte; it holds what stood before it.

    >>> [record] = parse_records(bytes.fromhex("86 10 03 40 42 0F 00 00 00")).records
    >>> record.tariff, record.data.hex()
    (1, '40420f000000')
    """
    return _by_shape(body) or _one_by_one(body)


class _Shape(NamedTuple):
    """Where records stand in a telegram: the heads in their order, what cuts heads and data apart, and where they end."""

    heads: tuple[bytes, ...]
    cut: Callable[[bytes], tuple[bytes, ...]]
    end: int


_SHAPES = 256
_SHAPES_ALIKE = 4
"""Shapes of one length and first head that are remembered."""


@lru_cache(maxsize=_SHAPES)
def _shapes(size: int, begin: bytes) -> list[_Shape]:  # noqa: ARG001 - what they are remembered by
    """Return the shapes met so far, of telegrams of a size that begin alike; what is remembered changes no answer."""
    return []


def _by_shape(body: bytes) -> Records | None:
    """Return the records of a telegram whose shape is known, as a meter sends it each time; None: it is not known."""
    size = len(body)
    for heads, cut, end in _shapes(size, body[:2]):
        pieces = cut(body)
        if pieces[::2] == heads and (end == size or body[end] in _ENDS):
            records = tuple(map(_record_of, zip(heads, pieces[1::2], strict=True)))
            return Records(records) if end == size else Records(records, **_tail(body, end))
    return None


_ENDS = frozenset({MANUFACTURER_DATA, MORE_FOLLOW})
_record_of = partial(tuple.__new__, Record)
"""Makes a record of a head and its data."""


def _tail(body: bytes, end: int) -> dict[str, Any]:
    """Return what stands behind the records, as `Records` has it."""
    if end == len(body):
        return {}
    return {"manufacturer_data": body[end + 1 :], "more_follow": body[end] == MORE_FOLLOW}


def _remember(body: bytes, records: Sequence[Record], end: int) -> None:
    """Keep the shape of a telegram that holds nothing but plain records, and maybe an end."""
    known = _shapes(len(body), body[:2])
    heads = tuple(record.head for record in records)
    if len(known) < _SHAPES_ALIKE and heads:
        layout = struct.Struct("".join(f"{len(record.head)}s{len(record.data)}s" for record in records))
        known.append(_Shape(heads, layout.unpack_from, end))


def _one_by_one(body: bytes) -> Records:
    records: list[Record] = []
    at, is_plain, selects_all = 0, True, False
    while at < len(body):
        match = _PLAIN_HEAD(body, at)
        if match is not None:
            head, begin = match[0], match.end()
            size = _plain_size(head)
            if 0 <= size <= len(body) - begin:
                at = begin + size
                records.append(Record(head, body[begin:at]))
                continue
        dif = body[at]
        if dif in _ENDS:
            break
        is_plain = False
        if dif == FILLER:
            at += 1
        elif dif == READOUT_ALL:
            selects_all = True
            at += 1
        else:
            record, at = _record(body, at, tuple(records))
            records.append(record)
    if is_plain:
        _remember(body, records, at)
    return Records(tuple(records), selects_all=selects_all, **_tail(body, at))


_PLAIN_HEAD = re.compile(rb"[\x80-\xFF]*[\x00-\x7F][\x80-\xFF]*[\x00-\x7F]", re.DOTALL).match
_NOT_PLAIN = -1


@lru_cache(maxsize=_HEADS)
def _plain_size(head: bytes) -> int:
    """Return the size of the data behind a record's head; -1 where the long way has to be gone.

    Most records of most meters have a head of the same few kinds, and data whose size it tells.
    """
    vif_at = 1 + next(place for place, byte in enumerate(head) if not byte & EXTENDED)
    code, vif = head[0] & DATA_MASK, head[vif_at]
    if code in (DATA_MASK, DataField.VARIABLE) or vif & ~EXTENDED == PLAIN_TEXT:
        return _NOT_PLAIN
    if vif_at - 1 > MORE_MAXIMUM or len(head) - vif_at - 1 > MORE_MAXIMUM:
        return _NOT_PLAIN
    return SIZES[DataField(code)]


def _record(body: bytes, at: int, before: tuple[Record, ...]) -> tuple[Record, int]:
    """Return the record at `at`, and where the next one begins."""
    begin = at

    def wrong(fault: Fault) -> TelegramError:
        return TelegramError(str(fault), f"record {len(before) + 1}, at byte {begin} of the records", before, body[begin:])

    dif = body[at]
    if dif & DATA_MASK == DATA_MASK:
        raise wrong(Fault.RESERVED_DIF)
    difes, at, ended = _chain(body, at)
    if len(difes) > MORE_MAXIMUM:
        raise wrong(Fault.TOO_MANY_DIFE)
    if ended:
        raise wrong(Fault.END_IN_DIF)
    if at >= len(body):
        raise wrong(Fault.END_IN_VIF)
    vif, text = body[at], b""
    if vif & ~EXTENDED == PLAIN_TEXT:
        text = _text(body, at + 1, wrong)
        at += 1 + len(text)
    vifes, at, ended = _chain(body, at, extended=bool(vif & EXTENDED))
    if len(vifes) > MORE_MAXIMUM:
        raise wrong(Fault.TOO_MANY_VIFE)
    if ended:
        raise wrong(Fault.END_IN_VIF)
    size = _data_size(body, at, DataField(dif & DATA_MASK), wrong)
    if at + size > len(body):
        raise wrong(Fault.END_IN_DATA)
    record = Record.of(dif=dif, difes=difes, vif=vif, text=text, vifes=vifes, data=body[at : at + size])
    return record, at + size


def _chain(body: bytes, at: int, *, extended: bool | None = None) -> tuple[bytes, int, bool]:
    """Return the extensions behind the byte at `at`, where they end, and whether the bytes ended before."""
    goes_on = bool(body[at] & EXTENDED) if extended is None else extended
    first = at = at + 1
    while goes_on and at < len(body):
        goes_on = bool(body[at] & EXTENDED)
        at += 1
    return body[first:at], at, goes_on


def _text(body: bytes, at: int, wrong: Callable[[Fault], TelegramError]) -> bytes:
    """Return the plain text whose length stands at `at`."""
    if at >= len(body) or at + 1 + body[at] > len(body):
        raise wrong(Fault.END_IN_TEXT)
    return body[at + 1 : at + 1 + body[at]]


TEXT_LENGTHS = range(0xC0)
POSITIVE_BCD_LENGTHS = range(0xC0, 0xCA)
NEGATIVE_BCD_LENGTHS = range(0xD0, 0xDA)
BINARY_LENGTHS = range(0xE0, 0xF0)
LONG_BINARY_LENGTHS: Mapping[int, int] = MappingProxyType(
    {0xF0: 16, 0xF1: 20, 0xF2: 24, 0xF3: 28, 0xF4: 32, 0xF5: 48, 0xF6: 64}
)
"""First bytes of variable data, LVAR (EN 13757-3:2018, table 5): text, BCD of either sign, a binary number."""


def variable_size(length: int) -> int | None:
    """Return the bytes behind a byte LVAR; None where it is reserved."""
    for lengths in (TEXT_LENGTHS, POSITIVE_BCD_LENGTHS, NEGATIVE_BCD_LENGTHS, BINARY_LENGTHS):
        if length in lengths:
            return length - lengths.start
    return LONG_BINARY_LENGTHS.get(length)


def _data_size(body: bytes, at: int, field: DataField, wrong: Callable[[Fault], TelegramError]) -> int:
    """Return the bytes of data at `at`."""
    if field is not DataField.VARIABLE:
        return SIZES[field]
    if at >= len(body):
        raise wrong(Fault.END_IN_DATA)
    size = variable_size(body[at])
    if size is None:
        raise wrong(Fault.RESERVED_LENGTH)
    return 1 + size
