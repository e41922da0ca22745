"""Other people's time stamps with the period that the Spanish access tariffs have then."""

import csv
from datetime import datetime

import numpy as np

from watthour.host.calendars import read_calendar
from watthour.tariff import rate_at, rate_name, rates_at

NAMES = {"2.0TD/power": "2.0TD-power"}


def test_every_row_has_the_period_that_its_source_gives(shared_data):
    text = (shared_data / "tariffs" / "vectors.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 113
    wrong = []
    for row in rows:
        calendar = read_calendar(f"es/{NAMES.get(row['tariff'], row['tariff'])}/{row['territory']}")
        time_ns = round(datetime.fromisoformat(row["local_time_iso"]).timestamp()) * 10**9
        rate = rate_at(calendar, time_ns)
        assert rates_at(calendar, np.array([time_ns]))[0] == rate
        if rate_name(calendar, rate) != row["period"]:
            wrong.append((row["tariff"], row["territory"], row["local_time_iso"], rate_name(calendar, rate), row["source"]))
    assert wrong == []
