"""Calendar files: what people may leave out, and each refusal with its line."""

import json
from dataclasses import replace
from datetime import date, datetime

import pytest

from watthour.errors import ConfigError, UnknownCalendarError, UsageError
from watthour.host.calendars import as_dlms_json, as_toml, bundled_names, read_calendar, write_calendar
from watthour.tariff import FromEaster, in_force, rate_at

HEAD = """\
title = "a works"
zone = "Europe/Madrid"
first_day = 2024-01-01
last_day = "open"
rates = ["P1", "P2"]
"""
WHOLE = f"""{HEAD}
[days]
work = {{ "00:00" = "P2", "08:00" = "P1", "22:30" = "P2" }}
rest = {{ "00:00" = "P2" }}
[weeks]
all = {{ mon-fri = "work", "sat,sun" = "rest" }}
shut = "rest"
[seasons]
"01-01" = "all"
"08-01" = "shut"
"09-01" = "all"
[special_days]
rest = ["01-01", "easter+1", "2026-12-24"]
work = ["2026-12-26"]
"""


@pytest.fixture
def read(tmp_path):
    def read_text(text, name="works.toml"):
        (tmp_path / name).write_text(text, "utf-8")
        return read_calendar(name, folder=tmp_path)

    return read_text


def ns(text):
    return round(datetime.fromisoformat(text).timestamp()) * 10**9


def test_a_file_is_read_into_the_calendar_it_describes(read):
    calendar = read(WHOLE)
    assert (calendar.name, calendar.first_day, calendar.last_day) == ("works", date(2024, 1, 1), None)
    assert [each.second for each in calendar.days[0].switches] == [0, 28_800, 81_000]
    assert calendar.weeks[0].days == ("work",) * 5 + ("rest",) * 2
    assert calendar.special_days[1].rule == FromEaster(1)
    for time, rate in (("2026-12-24T12:00+01:00", 2), ("2026-12-26T12:00+01:00", 1), ("2026-08-05T12:00+02:00", 2)):
        assert rate_at(calendar, ns(time)) == rate


def test_one_day_needs_no_week_and_one_week_no_season(read):
    calendar = read(HEAD + '[days]\nx = { "00:00" = "P1", "12:00" = "P2" }\n')
    assert rate_at(calendar, ns("2026-01-17T11:00+01:00")) == 1
    assert read(HEAD + '[days]\nx = { "00:00" = "P1" }\n[weeks]\nw = "x"\n').seasons[0].week == "w"


REFUSED = {
    "no day begins at midnight": ('"00:00" = "P2", "08:00"', '"00:30" = "P2", "08:00"', 8, "days.work.*first switch.*00:00"),
    "an unknown rate": ('"08:00" = "P1"', '"08:00" = "P9"', 8, "days.work.08:00: 'P9' is none of the rates P1, P2"),
    "no time": ('"08:00"', '"8:00"', 8, "'8:00' is no time of day"),
    "24:00": ('"22:30"', '"24:00"', 8, "'24:00' is no time of day"),
    "switches out of order": ('"22:30"', '"07:30"', 8, "days.work.07:30: not after 08:00"),
    "one time twice": ('"22:30" = "P2"', '"08:00" = "P2"', 8, "not valid TOML|not after"),
    "an unknown day": ('mon-fri = "work"', 'mon-fri = "wrk"', 11, "weeks.all: no day profile 'wrk' in days; it has work, rest"),
    "a day that is missing": ('"sat,sun"', "sat", 11, "weeks.all: says nothing of sun"),
    "a day twice": ('"sat,sun"', "fri-sun", 11, "weeks.all.fri-sun: fri stands in this week twice"),
    "no such weekday": ("mon-fri", "mon-fry", 11, "weeks.all.mon-fry: write days such as mon"),
    "an unknown week": ('"08-01" = "shut"', '"08-01" = "shtu"', 15, "seasons.08-01: no week 'shtu' in weeks; it has all, shut"),
    "29 February": ('"08-01"', '"02-29"', 15, "seasons.02-29: 29 February is not in every year"),
    "no such day": ('"08-01"', '"08-32"', 15, "seasons.08-32: a season begins on a day of every year"),
    "a season of one year": ('"08-01"', '"2026-08-01"', 15, "a season begins on a day of every year"),
    "two seasons": ('"09-01" = "all"', '"08-01" = "all"', 16, "not valid TOML"),
    "a special day of no year": ('"easter+1"', '"13-01"', 18, "special_days.rest.1: '13-01': no such day"),
    "a date of no year": ('"2026-12-24"', '"2026-02-29"', 18, "special_days.rest.2: '2026-02-29': no such day"),
    "far from Easter": ('"easter+1"', '"easter+99"', 18, "'easter\\+99': no such day"),
    "a special day twice": ('"2026-12-26"', '"01-01"', 19, "special_days.work.0: 01-01 stands in special_days twice"),
    "an unknown special day profile": ("work = [", "wrk = [", 19, "special_days.wrk: no day profile 'wrk' in days"),
    "no such zone": ("Europe/Madrid", "Europe/Mardid", 2, "zone: 'Europe/Mardid': no such time zone"),
    "a zone that is a folder": ("Europe/Madrid", "Europe", 2, "zone: 'Europe': no such time zone"),
    "a clock": ("zone =", 'clock = "+15:00"\nzone =', 2, "clock: '\\+15:00': write \"civil\""),
    "the last day first": ('last_day = "open"', "last_day = 2023-12-31", 4, "last_day: 2023-12-31 is before first_day"),
    "no last day": ('last_day = "open"\n', "", None, "last_day.*missing|last_day"),
    "a last day in words": ('"open"', '"never"', 4, "last_day"),
    "a rate twice": ('["P1", "P2"]', '["P1", "P2", "P1"]', 5, "rates.2: P1 stands here twice"),
    "a rate of two words": ('["P1", "P2"]', '["P1", "P2", "P 3"]', 5, "rates.2: 'P 3': a rate's name is one word"),
    "nine rates": ('["P1", "P2"]', str([f"P{n}" for n in range(1, 10)]).replace("'", '"'), 5, "rates: .*T1 to T8.*not 9"),
    "an unknown key": ("[weeks]", "[week]", 10, "week: .*unknown key|week"),
    "no TOML": ("[weeks]", "[weeks", 10, "not valid TOML"),
}


@pytest.mark.parametrize(("old", "new", "line", "words"), REFUSED.values(), ids=REFUSED)
def test_a_calendar_that_cannot_be_is_refused_with_its_line(read, old, new, line, words):
    assert WHOLE.count(old) == 1 or old.startswith('"0')
    with pytest.raises(ConfigError, match=words) as refused:
        read(WHOLE.replace(old, new, 1))
    assert "\n" not in str(refused.value)
    assert refused.value.line == line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[days]\nx = { "00:00" = "P1" }\ny = { "00:00" = "P2" }\n', "weeks: missing: there are several days"),
        ('[days]\nx = { "00:00" = "P1" }\n[weeks]\na = "x"\nb = "x"\n', "seasons: missing: there are several weeks"),
        ("[days]\n", "days: there is none|weeks: missing"),
        ("[days]\nx = {}\n", "first switch of a day"),
    ],
)
def test_what_cannot_be_left_out_is_asked_for(read, text, words):
    with pytest.raises(ConfigError, match=words):
        read(HEAD + text)


def test_a_file_may_name_what_follows_it(read, tmp_path):
    (tmp_path / "after.toml").write_text(WHOLE.replace('"22:30"', '"20:00"'), "utf-8")
    passive = '[passive]\ncalendar = "after.toml"\nactivation = 2027-01-01T00:00:00+01:00\n'
    calendar = read(WHOLE + passive)
    assert rate_at(calendar, ns("2026-12-30T21:00+01:00")) == 1
    assert rate_at(calendar, ns("2027-01-13T21:00+01:00")) == 2
    assert in_force(calendar, ns("2027-01-01T00:00+01:00")).name == "after"
    assert read(WHOLE + passive.replace("after.toml", "es/2.0TD/peninsula")).passive.calendar.rates == ("P1", "P2", "P3")
    (tmp_path / "after.toml").write_text(WHOLE + passive, "utf-8")
    with pytest.raises(ConfigError, match=r"after.toml:20: passive: this calendar follows another"):
        read(WHOLE + passive)
    with pytest.raises(ConfigError, match=r"works.toml:22.*timezone"):
        read(WHOLE + passive.replace("+01:00", ""))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("es/3.0TD/penisula", "close to it: es/3.0TD/peninsula"),
        ("es/3.0td/Peninsula", "close to it: es/3.0TD/peninsula"),
        ("nothing-like-it-at-all", "watthour tariff list"),
        ("fr/HPHC", "close to it: fr/HPHC/HH:MM-HH:MM"),
        ("fr/HPHC/22:30-06:00", "last 7.5 h a day together, and here it is 8 h"),
        ("fr/HPHC/22:00-04:00,03:00-05:00", "overlap"),
        ("fr/HPHC/22:30", "no time of day"),
        ("fr/HPHC/HH:MM-HH:MM", "'HH:MM' is no time of day"),
        ("../bundled/flat", "no such calendar"),
    ],
)
def test_a_name_that_is_none_is_answered_in_one_line(name, words):
    with pytest.raises(UnknownCalendarError, match=words) as refused:
        read_calendar(name)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ConfigError, match=r"none.toml: cannot be read"):
        read_calendar("none.toml", folder=tmp_path)
    with pytest.raises(ConfigError, match=r"none.json: cannot be read"):
        read_calendar("none.json", folder=tmp_path)


@pytest.mark.parametrize("name", [name for name in bundled_names() if "HH" not in name])
def test_every_calendar_comes_back_from_toml_and_from_dlms(name, tmp_path):
    calendar = read_calendar(name)
    for file in ("it.toml", "it.json"):
        write_calendar(calendar, tmp_path / file, years=range(2026, 2030))
        assert replace(read_calendar(file, folder=tmp_path), name=name) == calendar


def test_toml_has_no_place_for_what_follows_and_says_so(read, tmp_path):
    passive = '[passive]\ncalendar = "flat"\nactivation = 2027-01-01T00:00:00+01:00\n'
    with pytest.raises(UsageError, match=r"flat follows it at 2026-12-31T23:00:00Z; write it as .json"):
        as_toml(read(WHOLE + passive))
    with pytest.raises(UsageError, match=r"ends in .toml"):
        write_calendar(read(WHOLE), tmp_path / "works.yaml", years=range(0))
    with pytest.raises(UsageError, match="cannot be written"):
        write_calendar(read(WHOLE), tmp_path / "none" / "works.toml", years=range(0))


def test_dlms_without_years_refuses_a_feast_that_moves():
    with pytest.raises(UsageError, match=r"easter\+1 moves.*say for which years, such as --years 2026-2035"):
        as_dlms_json(read_calendar("it/F123"), range(0))


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "works.json:1: not valid JSON"), ("[]", "works.json: file: "), ("{}", "activity_calendar: Field required")],
)
def test_json_that_is_no_calendar_is_refused(read, text, words):
    with pytest.raises(ConfigError, match=words):
        read(text, "works.json")


def test_a_name_with_a_zone_makes_a_calendar_of_a_bare_meter_dump(tmp_path):
    content = json.loads(as_dlms_json(read_calendar("es/2.0TD/ceuta"), range(0)))
    del content["watthour"]
    (tmp_path / "dump.json").write_text(json.dumps(content), "utf-8")
    calendar = read_calendar("dump.json", folder=tmp_path, zone="Europe/Madrid")
    assert calendar.rates == ("T1", "T2", "T3")
    with pytest.raises(ConfigError, match="name it with --zone"):
        read_calendar("dump.json", folder=tmp_path)
