"""Dates and times of M-Bus records, types F, G, I and J, from bytes to what they say and back (EN 13757-3:2018, annex A).

::

    G  2 bytes  YYYDDDDD YYYYMMMM                           a date; the year's lowest bits are in the first byte
    J  3 bytes  --SSSSSS --MMMMMM ---HHHHH                  a time of day
    F  4 bytes  !-MMMMMM S CC HHHHH, then G                 ! invalid, S summer time, C hundreds of years
    I  6 bytes  L S SSSSSS  ! + MMMMMM  WWW HHHHH, then G, then DD NNNNNN
                L leap year, W day of the week, D hours and + sign of what summer time deviates by, N week

A part with all bits set (of the day: none) is any: every hour, every month. Times are those of the meter's own clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import IntEnum
from types import MappingProxyType


class TimeType(IntEnum):
    """Types of dates and times, by their bytes."""

    G = 2
    J = 3
    F = 4
    I = 6  # noqa: E741 - its name in the standard


_CENTURY = 100
_YEAR_PIVOT = 81
"""Two-digit years below it are of this century (EN 13757-3:2018, annex A)."""
_ANY_YEAR, _ANY_MONTH, _ANY_DAY = 0x7F, 0x0F, 0x00
_ANY_HOUR, _ANY_SIXTIETH = 0x1F, 0x3F
_INVALID = 0x80
_SUMMER_OF_MINUTE, _SUMMER_OF_SECOND, _LEAP_YEAR, _AHEAD = 0x80, 0x40, 0x80, 0x40
_WEEKDAYS, _WEEKS, _DEVIATIONS_H = range(8), range(54), range(-3, 4)

_Date = tuple[int | None, int | None, int | None]
"""Year, month, day; None: any."""
_Time = tuple[int | None, int | None, int | None]
"""Hour, minute, second."""
_LEAP = 2000
_NEW_YEAR, _MIDNIGHT = (_LEAP, 1, 1), (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """A date or time with a part that is any, such as every first of a month.

    Parameters
    ----------
    on : tuple of int or None, optional
        Year, month and day; None is any. Left out: there is no date.
    at : tuple of int or None, optional
        Hour, minute and second, as the date.

    Raises
    ------
    ValueError
        If a part cannot be, or none is any.

    >>> str(Recurring(on=(None, None, 1), at=(0, 0, 0)))
    '****-**-01 00:00:00'
    """

    on: _Date | None = None
    at: _Time | None = None

    def __post_init__(self) -> None:
        """Refuse what never comes."""
        on, at = self.on or _NEW_YEAR, self.at or _MIDNIGHT
        date(*_told(on, _NEW_YEAR))
        time(*_told(at, _MIDNIGHT))
        if None not in (*on, *at):
            msg = "nothing is any"
            raise ValueError(msg)

    def __str__(self) -> str:
        """Return it as ISO 8601 has it, with stars for what is any."""
        words = [] if self.on is None else ["-".join(_starred(self.on, (4, 2, 2)))]
        return " ".join(words if self.at is None else [*words, ":".join(_starred(self.at, (2, 2, 2)))])


def _told(parts: tuple[int | None, ...], least: tuple[int, ...]) -> tuple[int, int, int]:
    """Return parts with the least that they can be where they are any."""
    first, second, third = (low if part is None else part for part, low in zip(parts, least, strict=True))
    return first, second, third


def _starred(parts: tuple[int | None, ...], widths: tuple[int, ...]) -> list[str]:
    return ["*" * width if part is None else f"{part:0{width}}" for part, width in zip(parts, widths, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTime:
    """A time as types F and I carry it: local, without a zone.

    Parameters
    ----------
    when : datetime or Recurring
        Naive.
    is_summer : bool
        Whether summer time holds.
    weekday : int
        1 Monday to 7; 0: not told. This and the following of type I only.
    week : int
        Of the year; 0: not told.
    deviation_h : int
        What summer time deviates by, -3 to 3.
    """

    when: datetime | Recurring
    is_summer: bool = False
    weekday: int = 0
    week: int = 0
    deviation_h: int = 0


Moment = LocalTime | date | time | Recurring
"""What a date or time can be."""


def decode_time(data: bytes) -> Moment | None:
    """Return what a time is by its size: type G (2 bytes), J (3), F (4), I (6); None: marked invalid, or none at all.

    >>> decode_time(bytes.fromhex("37 08 4F 31")).when.isoformat()
    '2026-01-15T08:55:00'
    """
    decode = _DECODERS.get(len(data))
    try:
        return None if decode is None or data.count(0xFF) == len(data) else decode(data)
    except ValueError:
        return None


def encode_time(moment: Moment, kind: TimeType) -> bytes:
    """Return the bytes of a date or time of a type.

    Raises
    ------
    OverflowError
        If its year is not one of 1981 to 2080, which two digits carry (of type F: to 2299), or another part is out of range.
    TypeError
        If the type does not hold it.
    """
    match kind, moment:
        case TimeType.F, LocalTime(weekday=0, week=0, deviation_h=0):
            return _encode_minute(moment)
        case TimeType.I, LocalTime():
            return _encode_second(moment)
        case TimeType.G, Recurring(on=tuple(day), at=None):
            return _encode_date(day)
        case TimeType.G, date() if not isinstance(moment, datetime):
            return _encode_date((moment.year, moment.month, moment.day))
        case TimeType.J, Recurring(on=None, at=tuple(clock)):
            return _encode_clock(clock)
        case TimeType.J, time():
            return _encode_clock((moment.hour, moment.minute, moment.second))
        case _:
            msg = f"type {kind.name} does not hold {moment}"
            raise TypeError(msg)


def _year(number: int) -> int:
    return number + (2000 if number < _YEAR_PIVOT else 1900)


def _date_of(data: bytes, hundreds: int = 0) -> _Date:
    low, high = data
    number = low >> 5 | (high & 0xF0) >> 1
    if _CENTURY <= number < _ANY_YEAR:
        msg = f"year {number}"
        raise ValueError(msg)
    year = 1900 + _CENTURY * hundreds + number if hundreds else _year(number)
    return (
        None if number == _ANY_YEAR else year,
        _part(high & 0x0F, _ANY_MONTH),
        _part(low & 0x1F, _ANY_DAY),
    )


def _part(number: int, any_of_them: int) -> int | None:
    return None if number == any_of_them else number


def _joined(on: _Date, at: _Time) -> datetime | Recurring:
    """Return a time of these parts.

    Raises
    ------
    ValueError
        If there is no such time.
    """
    year, month, day = on
    hour, minute, second = at
    if year is None or month is None or day is None or hour is None or minute is None or second is None:
        return Recurring(on=on, at=at)
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the meter's own clock


def _decode_date(data: bytes) -> date | Recurring:
    on = _date_of(data)
    whole = _joined(on, _MIDNIGHT)
    return whole.date() if isinstance(whole, datetime) else Recurring(on=on)


def _decode_clock(data: bytes) -> time | Recurring:
    second, minute, hour = data
    at = _part(hour & 0x1F, _ANY_HOUR), _part(minute & 0x3F, _ANY_SIXTIETH), _part(second & 0x3F, _ANY_SIXTIETH)
    whole = _joined(_NEW_YEAR, at)
    return whole.time() if isinstance(whole, datetime) else Recurring(at=at)


def _decode_minute(data: bytes) -> LocalTime | None:
    minute, hour = data[:2]
    if minute & _INVALID:
        return None
    on = _date_of(data[2:], hour >> 5 & 0x03)
    at = _part(hour & 0x1F, _ANY_HOUR), _part(minute & 0x3F, _ANY_SIXTIETH), 0
    return LocalTime(when=_joined(on, at), is_summer=bool(hour & _SUMMER_OF_MINUTE))


def _decode_second(data: bytes) -> LocalTime | None:
    second, minute, hour = data[:3]
    if minute & _INVALID:
        return None
    at = _part(hour & 0x1F, _ANY_HOUR), _part(minute & 0x3F, _ANY_SIXTIETH), _part(second & 0x3F, _ANY_SIXTIETH)
    deviation_h, week = data[5] >> 6, data[5] & 0x3F
    if week not in _WEEKS:
        return None
    return LocalTime(
        when=_joined(_date_of(data[3:5]), at),
        is_summer=bool(second & _SUMMER_OF_SECOND),
        weekday=hour >> 5,
        week=week,
        deviation_h=deviation_h if minute & _AHEAD else -deviation_h,
    )


_DECODERS: Mapping[int, Callable[[bytes], Moment | None]] = MappingProxyType(
    {TimeType.G: _decode_date, TimeType.J: _decode_clock, TimeType.F: _decode_minute, TimeType.I: _decode_second}
)
"""By size."""


def _parts(when: datetime | Recurring) -> tuple[_Date, _Time]:
    if isinstance(when, Recurring):
        if when.on is None or when.at is None:
            msg = f"{when}: a date and a time are due"
            raise TypeError(msg)
        return when.on, when.at
    return (when.year, when.month, when.day), (when.hour, when.minute, when.second)


def _encode_minute(local: LocalTime) -> bytes:
    on, (hour, minute, second) = _parts(local.when)
    if second != 0:
        msg = f"{local.when}: type F has no seconds"
        raise OverflowError(msg)
    year, hundreds = on[0], 0
    if year is not None and year >= _year(0) + _YEAR_PIVOT:
        hundreds = (year - 1900) // _CENTURY
        on = (_year(year % _CENTURY), *on[1:])
    high = _number(hour, _ANY_HOUR) | _within(hundreds, range(4)) << 5 | (_SUMMER_OF_MINUTE if local.is_summer else 0)
    return bytes([_number(minute, _ANY_SIXTIETH), high]) + _encode_date(on)


def _encode_second(local: LocalTime) -> bytes:
    on, at = _parts(local.when)
    second, minute, hour = _encode_clock(at)
    second |= _SUMMER_OF_SECOND if local.is_summer else 0
    second |= _LEAP_YEAR if on[0] is not None and _is_leap(on[0]) else 0
    minute |= _AHEAD if local.deviation_h > 0 else 0
    hour |= _within(local.weekday, _WEEKDAYS) << 5
    last = _within(local.week, _WEEKS) | abs(_within(local.deviation_h, _DEVIATIONS_H)) << 6
    return bytes([second, minute, hour]) + _encode_date(on) + bytes([last])


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % _CENTURY != 0 or year % (4 * _CENTURY) == 0)


def _encode_clock(at: _Time) -> bytes:
    hour, minute, second = at
    return bytes([_number(second, _ANY_SIXTIETH), _number(minute, _ANY_SIXTIETH), _number(hour, _ANY_HOUR)])


def _encode_date(on: _Date) -> bytes:
    year, month, day = on
    number = _ANY_YEAR if year is None else year % _CENTURY
    if year is not None and _year(number) != year:
        msg = f"{year}: two digits carry 1981 to 2080"
        raise OverflowError(msg)
    return bytes([_number(day, _ANY_DAY) | (number & 0x07) << 5, _number(month, _ANY_MONTH) | (number & 0x78) << 1])


def _number(part: int | None, any_of_them: int) -> int:
    return any_of_them if part is None else part


def _within(number: int, allowed: range) -> int:
    if number not in allowed:
        msg = f"{number}: {allowed[0]} to {allowed[-1]} can be told"
        raise OverflowError(msg)
    return number
