"""When things happen in an installation: its local clock, hours of the week, profiles of a day, single moments.

In: what a network file writes (``"mon-fri 06:00-14:00"``, 24 values a day, ``daily_at = "10:15"``). Out: masks and
factors for stretches of whole seconds. The local clock is a fixed offset from UTC: an installation has no summer
time here, which belongs to tariffs and invoices.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from watthour.waveform.network.vocabulary import Table, as_tuple, refusal

Floats = NDArray[np.float64]

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400
WEEK_S = 7 * DAY_S
QUARTER_S = 900
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_EPOCH_WEEKDAY = 3
"""1 January 1970 was a Thursday."""

_ON = re.compile(r"(?:([a-z]{3}(?:[-,][a-z]{3})*)\s+)?(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")
_LONGEST_OFFSET_S = 14 * HOUR_S
_ON_HELP = 'write it such as "mon-fri 06:00-14:00", "sat,sun 22:00-06:00" or "06:00-24:00"'


def second_of_day(text: str) -> float:
    """Return a time of day in seconds; raise ValueError if it is none.

    >>> second_of_day("10:15:00.25")
    36900.25
    """
    match = _TIME.fullmatch(text)
    hours, minutes, seconds = (int(match[1]), int(match[2]), float(match[3] or 0)) if match else (99, 0, 0.0)
    total = hours * HOUR_S + minutes * MINUTE_S + seconds
    if minutes >= MINUTE_S or seconds >= MINUTE_S or total > DAY_S:
        msg = 'write a time of day such as "06:30" or "10:15:30"'
        raise ValueError(msg)
    return total


def offset_seconds(text: str) -> int:
    """Return an offset from UTC in seconds; raise ValueError if it is none.

    >>> offset_seconds("-03:30")
    -12600
    """
    match = _OFFSET.fullmatch(text)
    total = int(match[2]) * HOUR_S + int(match[3]) * MINUTE_S if match else _LONGEST_OFFSET_S + 1
    if match is None or total > _LONGEST_OFFSET_S:
        msg = 'write an offset from UTC such as "+01:00"'
        raise ValueError(msg)
    return total if match[1] == "+" else -total


def second_of_week(local_s: int) -> int:
    """Return seconds since Monday 00:00 of local seconds since 1970-01-01 00:00."""
    return (local_s + _EPOCH_WEEKDAY * DAY_S) % WEEK_S


def weekdays(text: str | None) -> list[int]:
    """Return the days that ``mon-fri``, ``sat,sun`` or nothing (every day) names, Monday 0; ValueError if one is none."""
    if text is None:
        return list(range(len(DAYS)))
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, stop = DAYS.index(first), DAYS.index(last or first)
        found += [(start + step) % len(DAYS) for step in range((stop - start) % len(DAYS) + 1)]
    return found


def _week_intervals(text: str) -> Iterator[tuple[int, int]]:
    """Yield the intervals of the week that one line of ``on`` names; an end at or before its start is on the next day."""
    match = _ON.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(_ON_HELP)
    try:
        days, start, end = weekdays(match[1]), int(second_of_day(match[2])), int(second_of_day(match[3]))
    except ValueError:
        raise ValueError(_ON_HELP) from None
    for day in days:
        yield day * DAY_S + start, day * DAY_S + end + (DAY_S if end <= start else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTimes:
    """Hours of the week, as intervals [start, end) in seconds since Monday 00:00."""

    intervals: tuple[tuple[int, int], ...]

    def mask(self, local_s: int, count: int) -> NDArray[np.bool_]:
        """Say for each of `count` seconds from the local second `local_s` on whether it lies within."""
        inside = np.zeros(count, dtype=np.bool_)
        here = second_of_week(local_s)
        for start, end in self.intervals:
            for begin in (start - here - WEEK_S, start - here, start - here + WEEK_S):
                if begin < count and begin + end - start > 0:
                    inside[max(begin, 0) : begin + end - start] = True
        return inside


def on_times(lines: Sequence[str]) -> OnTimes:
    """Return the hours that the lines of ``on`` name together."""
    return OnTimes(intervals=tuple(interval for line in lines for interval in _week_intervals(line)))


def _readable_on(lines: tuple[str, ...]) -> tuple[str, ...]:
    on_times(lines)
    return lines


OnLines = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else as_tuple(given)),
    Field(min_length=1),
    AfterValidator(_readable_on),
]


def _a_days_values(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) not in {24, 96}:
        msg = f"give 24 values, one an hour, or 96, one a quarter-hour, not {len(values)}"
        raise ValueError(msg)
    return values


DayValues = Annotated[
    tuple[Annotated[float, Field(ge=0, le=1000)], ...], BeforeValidator(as_tuple), AfterValidator(_a_days_values)
]


class DayProfile(Table):
    """Percent by the hour or quarter-hour of the day, for all days or by the kind of day.

    Parameters
    ----------
    day, workday, weekend, saturday, sunday : 24 or 96 floats
        The most particular that is given counts; together they must cover the week.
    smooth : bool
        Straight lines between the middles of the intervals; else steps.
    """

    day: DayValues | None = None
    workday: DayValues | None = None
    weekend: DayValues | None = None
    saturday: DayValues | None = None
    sunday: DayValues | None = None
    smooth: bool = True

    @model_validator(mode="after")
    def _covers_the_week(self) -> Self:
        if None in self.week:
            msg = "give day, or workday and weekend, or workday, saturday and sunday"
            raise ValueError(msg)
        return self

    @property
    def week(self) -> tuple[DayValues | None, ...]:
        """The values of Monday to Sunday."""
        workday = self.workday or self.day
        weekend = self.weekend or self.day
        return (workday,) * 5 + (self.saturday or weekend, self.sunday or weekend)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekCurve:
    """A factor over the week, by the quarter-hour from Monday 00:00."""

    quarters: tuple[float, ...]
    smooth: bool

    def factors(self, local_s: int, count: int, step_s: int = 1) -> Floats:
        """Return `count` factors, so many seconds apart, from the local second `local_s` on."""
        seconds = (second_of_week(local_s) + step_s * np.arange(count)) % WEEK_S
        values = np.array(self.quarters)
        if not self.smooth:
            return np.asarray(values[seconds // QUARTER_S % len(values)])
        place = (seconds + (0.5 - QUARTER_S / 2)) / QUARTER_S
        below = np.floor(place).astype(np.int64)
        rest = place - below
        return np.asarray(values[below % len(values)] * (1 - rest) + values[(below + 1) % len(values)] * rest)


def week_curve(profile: DayProfile) -> WeekCurve:
    """Return a profile as factors (1 is 100 percent)."""
    quarters = np.concatenate([np.repeat(day or (), 96 // len(day or (0,))) for day in profile.week]) / 100
    if profile.smooth and any(len(day or ()) == 24 for day in profile.week):  # noqa: PLR2004 - hours
        middles = np.concatenate([_middles(len(day or ()), place) for place, day in enumerate(profile.week)])
        values = np.concatenate([day or () for day in profile.week]) / 100.0
        wanted = (np.arange(len(quarters)) + 0.5) * QUARTER_S
        quarters = np.interp(wanted, middles, values, period=WEEK_S)
    return WeekCurve(quarters=tuple(quarters.tolist()), smooth=profile.smooth)


def _middles(count: int, day: int) -> Floats:
    """Return the middle of each interval of a day, in seconds of the week."""
    return np.asarray(day * DAY_S + (np.arange(count) + 0.5) * (DAY_S / count))


class Moment(Table):
    """When something begins and how long it lasts: once, or each day.

    Parameters
    ----------
    at_s : float, optional
        Seconds since the source's first sample.
    daily_at : str, optional
        Instead: a time of the local day, such as ``"10:15"``.
    duration_s : float, optional
        Seconds.
    """

    at_s: float | None = Field(default=None, ge=0, le=1e12)
    daily_at: str | None = None
    duration_s: float | None = Field(default=None, gt=0, le=1e12)

    @field_validator("daily_at")
    @classmethod
    def _is_a_time(cls, given: str | None) -> str | None:
        if given is not None:
            second_of_day(given)
        return given

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if self.at_s is not None and self.daily_at is not None:
            raise refusal(["daily_at"], "at_s is given too; keep one of them")
        if self.daily_at is not None and (self.duration_s is None or self.duration_s > DAY_S):
            raise refusal(["daily_at"], "what begins each day needs a duration_s of at most 86400")
        return self

    def spans(self, first_s: int, last_s: int, local_zero_s: int) -> Iterator[tuple[float, float]]:
        """Yield when it begins and ends, as far as it touches [first_s, last_s).

        Parameters
        ----------
        first_s, last_s : int
            Seconds since the source's first sample.
        local_zero_s : int
            Local clock at the first sample, seconds since 1970-01-01 00:00.
        """
        lasting = np.inf if self.duration_s is None else self.duration_s
        if self.daily_at is None:
            begins = [self.at_s or 0.0]
        else:
            of_day = second_of_day(self.daily_at) - local_zero_s % DAY_S
            days = range(int((first_s - lasting - of_day) // DAY_S), int((last_s - of_day) // DAY_S) + 1)
            begins = [day * DAY_S + of_day for day in days]
        yield from ((begin, begin + lasting) for begin in begins if begin < last_s and begin + lasting > first_s)


class Occasion(Moment):
    """A moment that must say when and how long."""

    @model_validator(mode="before")
    @classmethod
    def _is_placed(cls, given: Any) -> Any:
        if isinstance(given, dict):
            if "at_s" not in given and "daily_at" not in given:
                msg = "say when it begins: at_s, seconds from the first sample, or daily_at, a time of the day"
                raise ValueError(msg)
            if "duration_s" not in given:
                msg = "say how long it lasts: duration_s"
                raise ValueError(msg)
        return given
