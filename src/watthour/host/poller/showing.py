"""What a poll shows: a living table on a terminal, or one JSON line for each reading, event and failure."""

import json
import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table

from watthour.headend.counting import Grid
from watthour.headend.reading import Quality
from watthour.host.archive.recording import Recorded
from watthour.host.instants import iso, now_ns
from watthour.host.poller.latest import Latest, Newest
from watthour.units import MICRO, NANOSECONDS, exact_name

_REDRAW_S = 0.5
_ROWS_MAXIMUM = 200


class Showing:
    """What a poll tells: nothing but faults; forms that tell more override it.

    Parameters
    ----------
    say : callable
        Takes a line for people, for standard error.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._problems: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def tell(self, words: str) -> None:
        """Tell people something."""
        self._say(words)

    def failed(self, place: str, problem: str) -> None:
        """Tell that a meter does not answer, once until it does."""
        if place not in self._problems:
            self.tell(f"{place}: {problem}")
        self._problems[place] = problem

    def recorded(self, told: Recorded) -> None:
        """Tell what a reading brought."""
        if self._problems.pop(told.place, None) is not None:
            self.tell(f"{told.place}: it answers again")
        for event in told.events if told.is_new else ():
            words = " ".join(part for part in (event.counter, event.before and f"{event.before} ->", event.after) if part)
            self.tell(f"{told.place}: {event.kind}: {words}")

    def show(self, latest: Latest) -> None:
        """Show the newest of every place."""


class JsonLines(Showing):
    """One JSON object on one line of standard output for each reading, and for each failure."""

    def __init__(self, say: Callable[[str], None], output: TextIO | None = None) -> None:
        super().__init__(say)
        self._output = output or sys.stdout

    def failed(self, place: str, problem: str) -> None:
        """Write that there is no reading: values are null, never 0."""
        super().failed(place, problem)
        self._write({"place": place, "time": iso(now_ns()), "available": False, "problem": problem, "values": None})

    def recorded(self, told: Recorded) -> None:
        """Write a reading, the intervals it completed and what happened."""
        super().recorded(told)
        if told.is_new:
            self._write({"available": True, **as_plain(told)})

    def _write(self, content: dict[str, object]) -> None:
        self._output.write(json.dumps(content) + "\n")
        self._output.flush()


def as_plain(told: Recorded) -> dict[str, object]:
    """Return a recorded reading as JSON can write it."""
    reading = told.reading
    return {
        "place": told.place,
        "time": iso(reading.time_ns),
        "serial": reading.serial,
        "quality": "good" if told.is_counted else "held",
        "values": dict(reading.values),
        "exact": {exact_name(energy): counter.micro for energy, counter in reading.counters.items()},
        "intervals": [
            {
                "start": iso(interval.start_ns),
                "quality": interval.quality.name.lower(),
                **{exact_name(energy): micro for energy, micro in interval.energies.items()},
            }
            for interval in told.intervals
        ],
        "events": [
            {"kind": event.kind, "counter": event.counter, "before": event.before, "after": event.after}
            for event in told.events
        ],
    }


class LiveTable(Showing):
    """A table that stays on the screen."""

    def __init__(self, grid: Grid) -> None:
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False)
        super().__init__(self._live.console.print)
        self._grid = grid
        self._drawn_s = 0.0

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def show(self, latest: Latest) -> None:
        """Draw the table anew, not too often."""
        if time.monotonic() - self._drawn_s >= _REDRAW_S:
            self._drawn_s = time.monotonic()
            self._live.update(newest_table(latest, self._grid, now_ns()), refresh=True)


def newest_table(latest: Latest, grid: Grid, at_ns: int) -> Table:
    """Return the newest of every place as a table; what is not available is a dash."""
    table = Table(box=None, pad_edge=False)
    for heading in ("place", "meter", "read", "power", "import", "last interval", ""):
        table.add_column(heading, justify="right" if heading in {"power", "import", "last interval"} else "left")
    for newest in list(latest.places.values())[:_ROWS_MAXIMUM]:
        table.add_row(*_cells(newest, grid, at_ns))
    return table


def _cells(newest: Newest, grid: Grid, at_ns: int) -> tuple[str, ...]:
    reading = newest.reading
    available = newest.is_available(at_ns, grid.step_ns)
    power = reading.values.get("power_w") if available and reading is not None else None
    total = reading.counters.get("import") if reading is not None else None
    age = "" if reading is None else f"{(at_ns - reading.time_ns) // NANOSECONDS} s ago"
    return (
        newest.place,
        "" if reading is None else reading.serial,
        age,
        "–" if power is None else f"{power:,.0f} W",  # noqa: RUF001 - a dash for what is not there
        "–" if total is None else f"{total.micro / MICRO / 1000:,.3f} kWh",  # noqa: RUF001
        _interval_cell(newest),
        f"[red]{newest.problem}[/red]" if newest.problem else "",
    )


def _interval_cell(newest: Newest) -> str:
    interval = newest.interval
    if interval is None:
        return "–"  # noqa: RUF001
    micro = interval.energies.get("import")
    shown = "gap" if micro is None else f"{micro / MICRO:,.1f} Wh"
    return shown if interval.quality is Quality.MEASURED else f"{shown} {interval.quality.name.lower()}"
