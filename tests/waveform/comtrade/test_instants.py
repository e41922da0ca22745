"""Dates, time codes and ticks."""

import pytest

from watthour.waveform.comtrade.instants import instant_ns, offset_ns, tick_s


@pytest.mark.parametrize(
    "text", ["", ",", "32/01/2024,00:00:00", "01/13/2024,00:00:00", "29/02/2023,00:00:00", "01/01/2024", "01/01/2024,25:00:00"]
)
def test_what_is_no_date_is_no_instant(text):
    assert instant_ns(text, month_first=False) is None


def test_a_leap_second_is_the_next_second():
    assert instant_ns("31/12/2016,23:59:60.0", month_first=False) == instant_ns("01/01/2017,00:00:00", month_first=False)


@pytest.mark.parametrize(
    ("text", "nanoseconds"), [("0", 0), ("0.5", 500_000_000), ("0.123456789", 123_456_789), ("0.123456789999", 123_456_789)]
)
def test_a_fraction_has_any_number_of_digits(text, nanoseconds):
    assert instant_ns(f"01/01/1970,00:00:{text}", month_first=False) == nanoseconds


@pytest.mark.parametrize(("year", "expected"), [("69", "1969"), ("70", "1970"), ("99", "1999"), ("00", "2000"), ("68", "2068")])
def test_a_year_of_two_digits_turns_at_69(year, expected):
    assert instant_ns(f"03/04/{year},00:00:00", month_first=True) == instant_ns(f"04/03/{expected},00:00:00", month_first=False)


@pytest.mark.parametrize(
    ("code", "seconds"), [("", 0), ("X", 0), ("-4", -14400), ("+10H30", 37800), ("14", 50400), ("utc", None), ("+", None)]
)
def test_a_time_code_is_hours_and_minutes(code, seconds):
    assert offset_ns(code) == (None if seconds is None else seconds * 10**9)


@pytest.mark.parametrize(
    ("times", "tick"),
    [(["00:00:00.000000", ""], 1e-6), (["00:00:00.0000000", ""], 1e-9), (["00:00:00", "00:00:00.123456789"], 1e-9)],
)
def test_more_than_six_decimals_make_nanoseconds(times, tick):
    assert tick_s(times) == tick
