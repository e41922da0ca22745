"""A run as a person watches it: the meter's values as they change, or how far a fast run has come.

The screen only looks: it asks for the view last published a few times a second.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from watthour.host.instants import iso
from watthour.host.metering import MeteringThread
from watthour.host.terminal.figures import elapsed, figure
from watthour.host.terminal.log import say
from watthour.host.terminal.tables import finding_words, rack_table, view_tables
from watthour.models import model_of
from watthour.view import View

_SHOWN_EVENTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What stands around the values while a run is watched; `page` is where its page is, empty where it has none."""

    source: str
    rate_hz: float
    listeners: Sequence[str]
    page: str = ""


class SampleRate:
    """Samples a second as they are taken in, averaged over the last seconds."""

    def __init__(self) -> None:
        self._marks: list[tuple[float, int]] = []

    def update(self, now_s: float, sample: int) -> float | None:
        """Return the rate after a look at the counter; None at first."""
        self._marks = [mark for mark in self._marks if now_s - mark[0] < 5.0][-50:]  # noqa: PLR2004 - seconds
        self._marks.append((now_s, sample))
        seconds = now_s - self._marks[0][0]
        return (sample - self._marks[0][1]) / seconds if seconds > 0 else None


def live_page(view: View, scene: Scene, sample_rate: float | None, events: Sequence[str]) -> RenderableType:
    """Return one picture of a running meter."""
    model = model_of(view.model)
    head = Text.assemble((f"{model.name}", "bold"), f"  {model.code}  serial {view.serial}  {scene.source}")
    state = f"{iso(view.time_ns)[:19]}Z  {elapsed(view.duration_s)} metered at {scene.rate_hz:g} samples/s"
    coming = "" if sample_rate is None else f", {sample_rate:.0f} coming in"
    lines: list[RenderableType] = [head, Text(state + coming), Text()]
    if not view.powered:
        lines += [Text("no voltage: the meter is off, its bus is silent", style="bold red"), Text()]
    lines += [view_tables(view, is_live=True), Text()]
    lines += [Text(f"listening on {url}", style="green") for url in scene.listeners]
    lines += [Text(f"look at {scene.page}", style="bold green")] if scene.page else []
    lines += [Text(warning, style="yellow") for warning in view.warnings]
    lines += [Text(event, style="dim") for event in events[-_SHOWN_EVENTS:]]
    return Group(*lines, Text("Ctrl-C stops", style="dim"))


def rack_page(views: Sequence[View], scenes: Sequence[Scene], events: Sequence[str]) -> RenderableType:
    """Return one picture of several running meters."""
    head = Text.assemble((f"{len(views)} meters", "bold"), f"  {iso(max(view.time_ns for view in views))[:19]}Z")
    lines: list[RenderableType] = [head, Text(), rack_table(views), Text()]
    lines += [Text(f"{view.serial}: no voltage, its bus is silent", style="bold red") for view in views if not view.powered]
    for view, scene in zip(views, scenes, strict=True):
        lines += [Text(f"{view.serial}: listening on {url}", style="green") for url in scene.listeners]
        lines += [Text(f"{view.serial}: look at {scene.page}", style="bold green")] if scene.page else []
        lines += [Text(f"{view.serial}: {warning}", style="yellow") for warning in view.warnings]
        lines += [
            Text(f"{view.serial}: {finding_words(found)} at {' '.join(found.phases)} ({found.confidence:.0%})", style="yellow")
            for found in view.diagnosis
        ]
    lines += [Text(event, style="dim") for event in events[-_SHOWN_EVENTS:]]
    return Group(*lines, Text("Ctrl-C stops", style="dim"))


Watchable = tuple[MeteringThread, Scene]
"""A meter at work, and what stands around its values."""


class Watching:
    """What looks at a run now and then; this one only tells its events, line by line."""

    is_live = False
    every_s = 0.5

    def look(self, events: Sequence[str]) -> None:
        """Take in what happened since the last look."""
        for event in events:
            say(event)


class _WatchingValues(Watching):
    """Shows the meter's values as they change."""

    is_live = True
    every_s = 0.25

    def __init__(self, thread: MeteringThread, scene: Scene, live: Live) -> None:
        self._thread, self._scene, self._live = thread, scene, live
        self._rate = SampleRate()
        self._events: list[str] = []

    def look(self, events: Sequence[str]) -> None:
        self._events = [*self._events, *events][-_SHOWN_EVENTS:]
        sample_rate = self._rate.update(time.monotonic(), self._thread.progress.sample)
        self._live.update(live_page(self._thread.view, self._scene, sample_rate, self._events), refresh=True)


class _WatchingRack(Watching):
    """Shows several meters' values as they change."""

    is_live = True
    every_s = 0.25

    def __init__(self, meters: Sequence[Watchable], live: Live) -> None:
        self._meters, self._live = meters, live
        self._events: list[str] = []

    def look(self, events: Sequence[str]) -> None:
        self._events = [*self._events, *events][-_SHOWN_EVENTS:]
        views, scenes = [thread.view for thread, _ in self._meters], [scene for _, scene in self._meters]
        self._live.update(rack_page(views, scenes, self._events), refresh=True)


class _WatchingFast(Watching):
    """The same of a run as fast as possible, which may be over in a moment."""

    every_s = 0.1


class _WatchingProgress(_WatchingFast):
    """Shows how far a fast run has come, a bar a meter."""

    def __init__(self, meters: Sequence[Watchable], bar: Progress) -> None:
        self._bar = bar
        self._bars = [(thread, bar.add_task(Path(scene.source).name, total=None, state="")) for thread, scene in meters]

    def look(self, events: Sequence[str]) -> None:
        super().look(events)
        for thread, task in self._bars:
            progress = thread.progress
            shown = figure(thread.view.values.get("import_wh"), "Wh imported")
            self._bar.update(task, total=progress.end_sample, completed=progress.sample, state=shown)


@contextmanager
def watched(meters: Sequence[Watchable], *, fast: bool, quiet: bool) -> Iterator[Watching]:
    """Yield what watches a run while the context lasts.

    Parameters
    ----------
    fast : bool
        Show a progress bar instead of values.
    quiet : bool
        Draw nothing; events are told all the same.
    """
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield _WatchingFast() if fast else Watching()
    elif fast:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
        with Progress(*columns, TextColumn("{task.fields[state]}"), TimeRemainingColumn(), console=console) as bar:
            yield _WatchingProgress(meters, bar)
    else:
        with Live(console=console, auto_refresh=False) as live:
            yield _WatchingValues(*meters[0], live) if len(meters) == 1 else _WatchingRack(meters, live)
