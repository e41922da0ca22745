"""Contracts written as users write them, and intervals by formula."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from watthour.billing import Intervals
from watthour.billing.intervals import QUARTER_NS
from watthour.host.billing.contracts import read_contract

KWH = 10**9


def local_ns(day, zone="Europe/Madrid"):
    """Return the instant of a local midnight."""
    return int(datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC).timestamp()) * 10**9


def profile(first, days, micro, zone="Europe/Madrid", **others):
    """Return intervals of whole local days; values are numbers or functions of the place."""
    begin, end = (local_ns(day, zone) for day in (first, first + timedelta(days=days)))
    count = (end - begin) // QUARTER_NS

    def values(each):
        return np.array([each(k) for k in range(count)] if callable(each) else np.full(count, each), np.int64)

    energies = {"import": values(micro), **{name: values(each) for name, each in others.items()}}
    return Intervals(begin_ns=begin, step_ns=QUARTER_NS, energies=energies, quality=np.zeros(count, np.uint8))


def priced(name, unit, values, first="2020-01-01", last="open", *, source="the test"):
    """Return a [[price]] table."""
    word, written = (
        ("values", "{ " + ", ".join(f"{k} = {v}" for k, v in values.items()) + " }")
        if isinstance(values, dict)
        else ("value", values)
    )
    last = '"open"' if last == "open" else last
    return f'[[price]]\nname = "{name}"\nunit = "{unit}"\nfirst_day = {first}\nlast_day = {last}\nsource = "{source}"\n{word} = {written}\n'


def contracted(values, first="2020-01-01", last='"open"'):
    """Return a [[contracted]] table."""
    kw = ", ".join(f"{k} = {v}" for k, v in values.items())
    return f'[[contracted]]\nfirst_day = {first}\nlast_day = {last}\nsource = "contract"\nkw = {{ {kw} }}\n'


@pytest.fixture
def contract_of(tmp_path):
    """Write a contract file and read it."""

    def make(text, calendar="es/6.1TD/peninsula", currency="EUR", **words):
        head = f'title = "test"\ncurrency = "{currency}"\nfirst_day = 2015-01-01\nlast_day = "open"\ncalendar = "{calendar}"\n'
        file = tmp_path / "contract.toml"
        file.write_text(head + "".join(f"{k} = {v}\n" for k, v in words.items()) + text, "utf-8")
        return read_contract(file).contract

    return make


FIRST = date(2022, 1, 1)
