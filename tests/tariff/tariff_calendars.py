"""Calendars for tests: a small one to read, and any one that is whole."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from watthour.tariff import (
    Calendar,
    DayProfile,
    EveryYear,
    FromEaster,
    OnDate,
    Passive,
    Season,
    SpecialDay,
    Switch,
    WeekProfile,
)

HOUR = 3600


def ns(text):
    return round(datetime.fromisoformat(text).timestamp()) * 10**9


SMALL = {
    "name": "small",
    "zone": "Europe/Madrid",
    "first_day": date(2021, 6, 1),
    "last_day": date(2030, 12, 31),
    "rates": ("day", "night"),
    "days": (
        DayProfile(name="work", switches=(Switch(0, 2), Switch(8 * HOUR, 1), Switch(22 * HOUR, 2))),
        DayProfile(name="rest", switches=(Switch(0, 2),)),
    ),
    "weeks": (WeekProfile(name="all", days=("work",) * 5 + ("rest",) * 2),),
    "seasons": (Season(start=EveryYear(3, 1), week="all"),),
    "special_days": (SpecialDay(rule=EveryYear(12, 25), day="rest"), SpecialDay(rule=FromEaster(1), day="rest")),
}

ZONES = ("Europe/Madrid", "Atlantic/Canary", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca")
NAMES = ("a", "b", "c")
RULES = st.one_of(
    st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: EveryYear(day.month, day.day)),
    st.integers(-80, 80).map(FromEaster),
    st.dates(date(2019, 1, 1), date(2031, 12, 31)).map(OnDate),
)
STARTS = st.dates(date(2023, 1, 1), date(2023, 12, 31)).map(lambda day: EveryYear(day.month, day.day))


@st.composite
def day_profiles(draw, rates):
    seconds = draw(st.lists(st.integers(1, 86_399), max_size=5, unique=True))
    return tuple(Switch(second, draw(st.integers(1, rates))) for second in (0, *sorted(seconds)))


@st.composite
def calendars(draw, *, movable=True, passive=True):
    rates = draw(st.integers(1, 8))
    rules = draw(st.lists(RULES.filter(lambda rule: movable or not isinstance(rule, FromEaster)), max_size=5, unique=True))
    special = [SpecialDay(rule=rule, day=draw(st.sampled_from(NAMES))) for rule in rules]
    first = draw(st.none() | st.dates(date(2020, 1, 1), date(2023, 1, 1)))
    last = draw(st.none() | st.dates(date(2025, 1, 1), date(2029, 1, 1)))
    follows = None
    if passive and draw(st.booleans()):
        at = datetime(2022, 1, 1, tzinfo=UTC) + timedelta(seconds=draw(st.integers(0, 10**8)))
        follows = Passive(calendar=draw(calendars(movable=movable, passive=False)), activation_ns=ns(at.isoformat()))
    return Calendar(
        name="any",
        zone=draw(st.sampled_from(ZONES)),
        clock=draw(st.sampled_from(["civil", "+00:00", "-03:30", "+13:00"])),
        first_day=first,
        last_day=last,
        rates=tuple(f"R{n}" for n in range(1, rates + 1)),
        days=tuple(DayProfile(name=name, switches=draw(day_profiles(rates))) for name in NAMES),
        weeks=tuple(WeekProfile(name=n, days=tuple(draw(st.sampled_from(NAMES)) for _ in range(7))) for n in NAMES),
        seasons=tuple(
            Season(start=start, week=draw(st.sampled_from(NAMES)))
            for start in draw(st.lists(STARTS, min_size=1, max_size=4, unique=True))
        ),
        special_days=tuple(sorted(special, key=lambda row: row.day)),
        passive=follows,
    )
