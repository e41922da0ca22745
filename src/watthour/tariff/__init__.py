"""Which rate holds when: calendars in the shape of the DLMS activity calendar, and the switches they make.

Local time lives here and in billing alone; everything else counts nanoseconds UTC.
"""

from watthour.tariff.calendar import (
    OPEN,
    WEEKDAYS,
    Calendar,
    DayProfile,
    Passive,
    Season,
    SpecialDay,
    Switch,
    WeekProfile,
    in_force,
    rate_name,
    time_text,
)
from watthour.tariff.clock import CIVIL, instant_ns, local_day, zone_of
from watthour.tariff.closing_days import day_start_ns, next_closing_ns
from watthour.tariff.feasts import DayRule, EveryYear, FromEaster, OnDate, easter, rule_of
from watthour.tariff.switches import NO_RATE, SwitchTable, day_on, next_change, rate_at, rates_at, switch_table
from watthour.tariff.year import NO_TIME, Year, year_of

__all__ = [
    "CIVIL",
    "NO_RATE",
    "NO_TIME",
    "OPEN",
    "WEEKDAYS",
    "Calendar",
    "DayProfile",
    "DayRule",
    "EveryYear",
    "FromEaster",
    "OnDate",
    "Passive",
    "Season",
    "SpecialDay",
    "Switch",
    "SwitchTable",
    "WeekProfile",
    "Year",
    "day_on",
    "day_start_ns",
    "easter",
    "in_force",
    "instant_ns",
    "local_day",
    "next_change",
    "next_closing_ns",
    "rate_at",
    "rate_name",
    "rates_at",
    "rule_of",
    "switch_table",
    "time_text",
    "year_of",
    "zone_of",
]
