"""Pictures of a day: whole SVG, pages that stand alone, 80 columns, and what they say."""

import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.console import Console

from watthour.host.drawing import day_page, day_picture
from watthour.host.drawing.panel import nice_step
from watthour.host.networks import read_network
from watthour.host.terminal import network_day
from watthour.waveform.network import day_of

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def miswired():
    return day_of(read_network(EXAMPLES / "miswired.network.toml").network)


def whole(svg):
    """Return a picture as a tree; one that is not whole does not parse."""
    return ET.fromstring(svg)  # noqa: S314 - our own


def texts(svg):
    return ["".join(node.itertext()) for node in whole(svg).iter(f"{SVG}text")]


def test_a_picture_is_whole_svg_with_a_curve_for_each_phase_and_the_total(miswired):
    root = whole(day_picture(miswired, "miswired"))
    classes = [node.get("class") for node in root.iter(f"{SVG}path")]
    assert {name: classes.count(name) for name in ("l1", "l2", "l3", "total", "ribbon")} == {
        "l1": 4,
        "l2": 4,
        "l3": 4,
        "total": 3,
        "ribbon": 1,
    }


def test_a_picture_marks_every_fault_in_every_panel_and_names_it(miswired):
    svg = day_picture(miswired, "miswired")
    classes = [node.get("class") for node in whole(svg).iter(f"{SVG}rect")]
    assert classes.count("fault") == 3 * 8
    assert classes.count("faultbar") == 8
    assert "01:00 CT reversed on L1" in texts(svg)


def test_names_of_what_happens_do_not_lie_over_each_other(miswired):
    root = whole(day_picture(miswired, "miswired"))
    lanes = [
        (float(n.get("x")), float(n.get("y")), len("".join(n.itertext())))
        for n in root.iter(f"{SVG}text")
        if n.get("class") == "lane"
    ]
    for x, y, letters in lanes:
        assert x + 5.5 * letters <= 980
        assert not [1 for other, line, _ in lanes if line == y and x < other < x + 5.5 * letters]


def test_a_picture_says_what_the_meter_makes_of_wrong_wiring(miswired):
    assert any("import 648.0 kWh" in text and "the meter sees 431.6 kWh" in text for text in texts(day_picture(miswired, "x")))


def test_names_are_escaped(miswired):
    page = day_page(miswired, "<b>&")
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;" in page


def test_a_page_stands_alone(miswired):
    page = day_page(miswired, "miswired")
    assert re.findall(r"(?:src|href)=|@import|url\(", page) == []
    assert re.findall(r"https?://[^\"]+", page) == ["http://www.w3.org/2000/svg"]


def test_a_terminal_of_80_columns_holds_every_line(miswired):
    for day in (miswired, day_of(read_network(EXAMPLES / "workshop.network.toml").network)):
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(network_day(day, "a"))
        lines = console.export_text().splitlines()
        assert max(len(line) for line in lines) <= 80
        assert sum(chr(0x2800) <= max(line, default=" ") <= chr(0x28FF) for line in lines) == 13


@pytest.mark.parametrize(("span", "wanted", "step"), [(84, 4, 25), (1, 4, 0.25), (9, 3, 5), (0.06, 3, 0.02)])
def test_marks_are_round(span, wanted, step):
    assert nice_step(span, wanted) == pytest.approx(step)


def test_every_example_has_a_picture_and_a_paragraph():
    page = (ROOT / "docs" / "examples.md").read_text("utf-8")
    for path in EXAMPLES.glob("*.network.toml"):
        name = path.name.removesuffix(".network.toml")
        assert f"(pictures/{name}.svg)" in page
        whole((ROOT / "docs" / "pictures" / f"{name}.svg").read_text("utf-8"))


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "watthour", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_the_command_draws_a_day_and_writes_pictures(tmp_path):
    network = EXAMPLES / "miswired.network.toml"
    shown = run("network", "show", network)
    assert "CT reversed on L1" in shown.stdout
    written = run("network", "show", network, "--html", tmp_path / "a.html", "--svg", tmp_path / "a.svg")
    assert (written.returncode, written.stdout) == (0, "")
    assert (tmp_path / "a.svg").read_text("utf-8") in (tmp_path / "a.html").read_text("utf-8")


def test_the_command_refuses_in_one_line(tmp_path):
    refused = run("network", "show", EXAMPLES / "miswired.network.toml", "--svg", tmp_path / "none" / "a.svg")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "cannot be written" in refused.stderr
    assert run("network", "show", tmp_path / "none.toml").returncode == 2
