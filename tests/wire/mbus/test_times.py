from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.wire.mbus.times import LocalTime, Recurring, TimeType, decode_time, encode_time

DAYS = st.dates(date(1981, 1, 1), date(2080, 12, 31))
MINUTES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
SECONDS = st.times().map(lambda at: at.replace(microsecond=0))


@st.composite
def recurring(draw, days=None, times=None, *, has_seconds=True):
    """A date, a time or both, of which at least one part is any."""
    on = at = None
    if days is not None:
        day = draw(days)
        on = (day.year, day.month, day.day)
    if times is not None:
        clock = draw(times)
        at = (clock.hour, clock.minute, clock.second)
    parts = (on or ()) + (at or ())
    open_parts = len(parts) - (not has_seconds)
    some = draw(st.sets(st.integers(0, open_parts - 1), min_size=1))
    parts = tuple(None if place in some else part for place, part in enumerate(parts))
    return Recurring(on=parts[:3] if on else None, at=(parts[3:] if on else parts) if at else None)


def whole(days, times):
    return st.builds(datetime.combine, days, times)


MOMENTS = st.one_of(
    st.tuples(st.just(TimeType.G), st.one_of(DAYS, recurring(days=DAYS))),
    st.tuples(st.just(TimeType.J), st.one_of(SECONDS, recurring(times=SECONDS))),
    st.tuples(
        st.just(TimeType.F),
        st.builds(
            LocalTime,
            when=st.one_of(
                whole(st.dates(date(1981, 1, 1), date(2199, 12, 31)), MINUTES),
                recurring(days=DAYS, times=MINUTES, has_seconds=False),
            ),
            is_summer=st.booleans(),
        ),
    ),
    st.tuples(
        st.just(TimeType.I),
        st.builds(
            LocalTime,
            when=st.one_of(whole(DAYS, SECONDS), recurring(days=DAYS, times=SECONDS)),
            is_summer=st.booleans(),
            weekday=st.integers(0, 7),
            week=st.integers(0, 53),
            deviation_h=st.integers(-3, 3),
        ),
    ),
)


@given(MOMENTS)
def test_every_date_and_time_makes_the_round_trip(typed):
    kind, moment = typed
    data = encode_time(moment, kind)
    assert len(data) == kind
    assert decode_time(data) == moment


@given(st.sampled_from([2, 3, 4, 6]).flatmap(lambda size: st.binary(min_size=size, max_size=size)))
def test_any_bytes_are_a_moment_that_encodes_to_itself_or_none(data):
    moment = decode_time(data)
    assert moment is None or decode_time(encode_time(moment, TimeType(len(data)))) == moment


def test_years_that_two_digits_do_not_carry_are_refused():
    for year in (1980, 2081):
        with pytest.raises(OverflowError, match=str(year)):
            encode_time(date(year, 1, 1), TimeType.G)
        with pytest.raises(OverflowError, match=str(year)):
            encode_time(LocalTime(when=datetime(year, 1, 1)), TimeType.I)  # noqa: DTZ001
    encode_time(LocalTime(when=datetime(2299, 12, 31)), TimeType.F)  # noqa: DTZ001
    for year in (1980, 2300):
        with pytest.raises(OverflowError):
            encode_time(LocalTime(when=datetime(year, 1, 1)), TimeType.F)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("moment", "kind"),
    [
        (date(2026, 1, 1), TimeType.J),
        (time(8), TimeType.G),
        (datetime(2026, 1, 1), TimeType.G),  # noqa: DTZ001
        (date(2026, 1, 1), TimeType.I),
        (LocalTime(when=datetime(2026, 1, 1), weekday=4), TimeType.F),  # noqa: DTZ001
        (LocalTime(when=Recurring(on=(None, 1, 1))), TimeType.F),
        (Recurring(on=(None, 1, 1), at=(0, 0, 0)), TimeType.G),
    ],
)
def test_a_moment_that_a_type_does_not_hold_is_refused(moment, kind):
    with pytest.raises(TypeError):
        encode_time(moment, kind)


@pytest.mark.parametrize(
    "local", [LocalTime(when=datetime(2026, 1, 1), weekday=8), LocalTime(when=datetime(2026, 1, 1), week=54),  # noqa: DTZ001
              LocalTime(when=datetime(2026, 1, 1), deviation_h=4)]  # noqa: DTZ001
)  # fmt: skip
def test_parts_out_of_range_are_refused(local):
    with pytest.raises(OverflowError):
        encode_time(local, TimeType.I)


def test_a_minute_has_no_seconds():
    with pytest.raises(OverflowError, match="no seconds"):
        encode_time(LocalTime(when=datetime(2026, 1, 1, 0, 0, 1)), TimeType.F)  # noqa: DTZ001


def test_times_by_their_size():
    assert decode_time(bytes.fromhex("4F 31")) == date(2026, 1, 15)
    assert decode_time(bytes.fromhex("1E 37 08")) == time(8, 55, 30)
    local = decode_time(bytes.fromhex("1E 37 08 4F 31 00"))
    assert local == LocalTime(when=datetime(2026, 1, 15, 8, 55, 30))  # noqa: DTZ001
    assert decode_time(b"\x00") is None


def test_type_i_tells_leap_year_day_of_the_week_week_and_what_summer_time_deviates_by():
    thursday = LocalTime(when=datetime(2024, 2, 29, 8, 55, 30), is_summer=True, weekday=4, week=9, deviation_h=1)  # noqa: DTZ001
    data = bytes([0x80 | 0x40 | 30, 0x40 | 55, 4 << 5 | 8, 29 | 0 << 5, 2 | 3 << 4, 1 << 6 | 9])
    assert decode_time(data) == thursday
    assert encode_time(thursday, TimeType.I) == data


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("E0 FF", "****-**-**"),
        ("00 F1", None),
        ("01 31", None),
        ("21 3F", "2025-**-01"),
        ("E1 F1", "****-01-01"),
        ("00 3F", "2024-**-**"),
        ("3F 3F 1F", "**:**:**"),
        ("00 00 1F", "**:00:00"),
        ("00 00 E0 FF", "****-**-** 00:00:00"),
        ("3F 1F E0 FF", "****-**-** **:**:00"),
    ],
)
def test_a_part_that_is_any_is_a_star(text, told):
    moment = decode_time(bytes.fromhex(text))
    when = moment.when if isinstance(moment, LocalTime) else moment
    assert (str(when) if isinstance(when, Recurring) else None) == told


@pytest.mark.parametrize(
    "text",
    [
        "80 08 4F 31",  # marked invalid
        "37 08 40 30",  # month 0
        "FF FF",
        "FF FF FF",
        "FF FF FF FF",
        "3C 00 41 31",  # minute 60
        "00 18 41 31",  # hour 24
        "1E 32",  # 30 February
        "81 C1",  # year 100
        "00 80 00 41 31 00",  # marked invalid
        "00 00 00 41 31 36",  # week 54
    ],
)
def test_what_is_marked_invalid_or_cannot_be_is_no_time(text):
    assert decode_time(bytes.fromhex(text)) is None


@pytest.mark.parametrize(("on", "at"), [((2026, 1, 1), None), ((None, 13, 1), None), (None, (None, 60, 0)), (None, None)])
def test_a_recurring_time_has_a_part_that_is_any_and_none_that_cannot_be(on, at):
    with pytest.raises(ValueError):  # noqa: PT011 - of datetime's own words
        Recurring(on=on, at=at)
