"""A page left open neither grows nor stalls: some seconds here, an hour by ``make soak``; and a page that leaks is found out."""

import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

watching = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "tools" / "page_hour.py")))

SLACK = 4.0
"""Two looks a quarter find two megabytes at the best; the hour has fifteen."""

STEADY = watching.Look(
    time_s=0.0, heap_bytes=2_600_000, nodes=1750, listeners=71, meter_bytes=450_000_000, messages=300, opened=1, longest_ms=240.0,
    behind_s=0.2,
)  # fmt: skip


def hour(**growth_a_minute):
    """Return an hour of looks, something growing by so much a minute."""
    return [
        replace(
            STEADY, time_s=60.0 * minute, **{name: getattr(STEADY, name) + minute * by for name, by in growth_a_minute.items()}
        )
        for minute in range(60)
    ]


def test_an_hour_without_growth_and_silence_passes():
    assert watching.failures(hour()) == []
    assert watching.failures(hour(nodes=1)) == []  # the quarters of an hour and events that it shows


@pytest.mark.parametrize(
    ("name", "a_minute"),
    [("heap_bytes", 300 * 64), ("nodes", 300), ("listeners", 1), ("meter_bytes", 300_000)],  # 300 windows a minute
)
def test_growth_with_each_window_is_found(name, a_minute):
    (said,) = watching.failures(hour(**{name: a_minute}))
    assert said.startswith(f"{name} grew by ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"longest_ms": 3000.0}, "no message for 3.0 s"),
        ({"behind_s": 2.5}, "the page was 2.5 s behind the meter"),
        ({"opened": 2}, "the stream was opened anew 1 times"),
    ],
)
def test_a_stall_is_found(changes, said):
    assert watching.failures([*hour()[:-1], replace(STEADY, **changes)]) == [said]


def test_too_few_looks_judge_nothing():
    assert watching.failures([STEADY] * 3) == ["3 looks are too few to judge"]


def test_the_page_of_a_living_meter_neither_grows_nor_stalls(require_program):
    require_program("chromium")
    assert watching.failures(list(watching.watch(24.0, 8)), SLACK) == []


def test_a_page_that_keeps_what_it_hears_is_found_out(require_program):
    require_program("chromium")
    said = watching.failures(list(watching.watch(16.0, 8, leaking=True)), SLACK)
    assert any(each.startswith("heap_bytes grew") for each in said), said
