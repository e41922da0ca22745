"""The coloured year: whole SVG, areas that add up to it, a terminal of 80 columns."""

import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from rich.console import Console

from watthour.host.calendars import read_calendar
from watthour.host.drawing import rate_colours, year_page, year_picture
from watthour.host.drawing.panel import LEFT, RIGHT
from watthour.host.terminal import calendar_year
from watthour.tariff import year_of

SVG = "{http://www.w3.org/2000/svg}"
RECTANGLE = re.compile(r"M(\S+) (\S+)H(\S+)V(\S+)H\S+Z")
DAY_AREA = (RIGHT - LEFT) * 384 / 365


def drawn(name, year=2026):
    calendar = read_calendar(name)
    return year_of(calendar, year), calendar


def areas(svg):
    """Return the area of each colour in days."""
    root = ET.fromstring(svg)  # noqa: S314 - our own
    found = {}
    for node in root.iter(f"{SVG}path"):
        corners = [[float(text) for text in each] for each in RECTANGLE.findall(node.get("d"))]
        found[node.get("fill")] = sum((right - left) * (low - top) for left, top, right, low in corners) / DAY_AREA
    return found


@pytest.mark.parametrize("name", ["es/3.0TD/peninsula", "es/2.0TD/melilla", "it/F123"])
def test_each_colour_covers_the_time_of_its_rate(name):
    year, calendar = drawn(name)
    covered = areas(year_picture(year, calendar))
    hours = dict(zip(rate_colours(len(calendar.rates)), year.time_s[1:].sum(axis=1) / 86_400, strict=True))
    assert covered == pytest.approx(hours, abs=0.1)


def test_days_before_the_first_are_drawn_without_a_rate():
    year, calendar = drawn("es/2.0TD/peninsula", 2021)
    svg = year_picture(year, calendar)
    assert areas(svg)["#d9dde1"] == pytest.approx(151, abs=0.1)
    assert "no rate: 3623 h" in svg


def test_a_legend_names_every_rate_with_its_hours():
    year, calendar = drawn("fr/HPHC/22:30-06:30")
    svg = year_picture(year, calendar)
    assert "HP: 5840 h (66.7 %)" in svg
    assert "HC: 2920 h (33.3 %)" in svg


def test_a_page_stands_alone_and_has_the_hours_of_each_month():
    year, calendar = drawn("es/3.0TD/canarias")
    page = year_page(year, calendar)
    assert re.findall(r"(?:src|href)=|@import|url\(", page) == []
    assert "BOE-A-2020-1066" in page
    row = re.search(r"<tr><td>P6</td>(.*?)</tr>", page)[1]
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert sum(int(text) for text in cells[:-1]) == int(cells[-1]) == 4680


def test_colours_are_as_many_as_rates_and_all_different():
    for count in range(1, 9):
        assert len(set(rate_colours(count))) == count


def printed(name, width, *, colours):
    year, calendar = drawn(name)
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(calendar_year(year, calendar, width=width, colours=colours))
    return console.export_text().splitlines()


@pytest.mark.parametrize(("width", "across"), [(80, 2), (100, 3), (120, 3), (140, 4), (40, 1)])
@pytest.mark.parametrize("name", ["es/3.0TD/peninsula", "gb/economy7"])
def test_a_terminal_holds_as_many_months_as_fit(name, width, across):
    lines = printed(name, width, colours=True)
    assert sum("26  31" in line for line in lines) == 12 // across
    assert max(len(line.rstrip()) for line in lines) <= width
    rows = {"es/3.0TD/peninsula": 12, "gb/economy7": 24}[name]
    assert sum("▀" in line for line in lines) == rows * 12 // across


def test_without_colours_each_cell_is_the_number_of_its_rate():
    lines = printed("es/3.0TD/peninsula", 100, colours=False)
    january = [line[3:34] for line in lines if re.match(r"(\d\d|  ) \d{31}", line)][:24]
    valleys = {1, 3, 4, 6, 10, 11, 17, 18, 24, 25, 31}
    assert january[10] == "".join("6" if day in valleys else "1" for day in range(1, 32))


def test_an_hour_that_is_left_out_is_no_rate_and_one_that_comes_twice_is_counted_twice():
    year, _ = drawn("es/3.0TD/peninsula")
    grid = year.by_cells(24)
    assert np.argwhere(grid == 255).tolist() == [[31 + 28 + 28, 2]]
    assert year.time_s[6, 2] / 3600 == 31 * 24 - 1 - 22 * 16
    assert year.time_s[:, 9].sum() / 3600 == 31 * 24 + 1
