"""The panel on the screen: what is drawn where, which key does what, ten times a second."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Footer, Static, TabbedContent, TabPane

from watthour.face import HOLD_S, Key, leds, trace
from watthour.host.instrument import Shown
from watthour.host.terminal.log import event_line
from watthour.host.terminal.panel import pictures
from watthour.host.terminal.panel.lamps import Lamps
from watthour.host.terminal.tables import view_tables
from watthour.models import MODELS
from watthour.view import View

_EVERY_S = 0.1
_FLASH_TICKS = 5
_EVENTS = 200
_LACKING = {
    "waves": "no samples yet",
    "curve": "no quarter of an hour has been metered yet",
    "log": "nothing has happened yet",
}
_NAMES = {model.code: model.name for model in MODELS}


class Panel(App[None]):
    """A meter in a terminal.

    Parameters
    ----------
    shown : Shown
    trouble : callable
        What keeps the meter from being seen just now; empty: nothing.
    is_over : callable
        Whether there is nothing more to show.
    lacking : mapping of str to str
        What to say in a place where nothing comes from the meter, by the place's name.
    """

    TITLE = "watthour"
    CSS = """
    Screen { background: $surface }
    #left { width: 56; padding: 0 1 } #right { padding: 0 1 }
    #head { height: auto; padding: 0 1; margin-bottom: 1 }
    #rail { border: heavy $panel-lighten-2; padding: 1 2; height: auto; width: 56 }
    #phasors { height: 1fr; min-height: 9 } #waves { height: 1fr; min-height: 8 } #curve { height: 9; margin-top: 1 }
    .title { color: $text-muted; height: 1 } TabbedContent { height: 1fr } #registers, #log { height: auto }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "press(1, 0.1)", "next page"),
        Binding("2", "press(2, 0.1)", "within the page"),
        Binding("h", "hold(2)", "hold 2: set, store"),
        Binding("b", "hold(1)", "hold 1: back"),
        Binding("i", "contact(1)", "contact 1"),
        Binding("o", "contact(2)", "contact 2"),
        Binding("q", "quit", "quit"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        shown: Shown,
        *,
        trouble: Callable[[], str] = str,
        is_over: Callable[[], bool] = bool,
        lacking: Mapping[str, str] = _LACKING,
    ) -> None:
        super().__init__()
        self._shown = shown
        self._trouble = trouble
        self._is_over = is_over
        self._ticks = 0
        self._lacking = lacking
        self._lamps = Lamps()
        self._seen: object = None

    def compose(self) -> ComposeResult:
        """Yield what stands on the screen."""
        yield Static(id="head")
        with Horizontal():
            with Vertical(id="left"):
                with Vertical(id="rail"):
                    yield Static(id="plate")
                    yield Static(id="glass")
                    yield Static(id="lamps")
                yield Static("phasors", classes="title")
                yield Static(id="phasors")
            with Vertical(id="right"), TabbedContent():
                with TabPane("Signals"):
                    yield Static(id="waves-title", classes="title")
                    yield Static(id="waves")
                    yield Static(id="curve")
                with TabPane("Registers"), VerticalScroll():
                    yield Static(id="registers")
                with TabPane("Events"), VerticalScroll():
                    yield Static(id="log")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to look at the meter."""
        self.refresh_meter()
        self.set_interval(_EVERY_S, self.refresh_meter)

    def refresh_meter(self) -> None:
        """Draw the meter as it is now."""
        if self._is_over():
            self.exit()
            return
        view, lcd = self._shown.port.view(), self._shown.instrument.glass()
        self._ticks += 1
        flash = self._ticks // _FLASH_TICKS % 2 == 1
        name = _NAMES.get(view.model, view.model)
        self._draw("glass", pictures.glass(lcd, flash=flash))
        self._lamps = self._lamps.after(leds(view))
        self._draw("lamps", pictures.lamps(self._lamps, self._lacking.get("lamps", "")))
        if view is self._seen and not self._trouble():
            return
        self._seen = view
        trouble = self._trouble() or ("" if view.powered else "no voltage: the meter is off")
        self._draw(
            "head",
            pictures.headline(
                view,
                f"{name}  {self._shown.source.rpartition('/')[2] or self._shown.source}",
                [trouble] if trouble else list(view.warnings),
            ),
        )
        self._draw(
            "plate", Text.assemble(("watthour ", "bold #3fb59f"), name if name == view.model else f"{name} {view.model}")
        )
        self._draw("phasors", pictures.phasors(view.values, *self._room("phasors")))
        self._draw_signals(view)
        columns, rows = self._room("curve")
        curve = pictures.load_curve(view, self._shown.calendar, columns, max(2, rows - 2))
        self._draw("curve", curve or Text(self._lacking["curve"], "dim"))
        self._draw("registers", view_tables(view))
        events = view.events.since(max(0, len(view.events) - _EVENTS))
        self._draw("log", Text("\n".join(map(event_line, reversed(events))) or self._lacking["log"]))

    def _draw_signals(self, view: View) -> None:
        """Draw the last cycles; in their place harmonics, where there are no samples and the meter tells those."""
        room = self._room("waves")
        if view.waves is not None:
            frequency = view.values.get("frequency_hz")
            self._draw("waves-title", "two cycles: voltages, currents")
            self._draw("waves", pictures.waves(trace(view.waves(), None if frequency is None else float(frequency)), *room))
            return
        self._draw("waves-title", self._lacking["waves"])
        self._draw("waves", pictures.harmonics(view.values, *room))

    async def action_press(self, key: int, held_s: float) -> None:
        """Press a key."""
        await self._shown.instrument.press(Key(key), held_s)
        self.refresh_meter()

    async def action_hold(self, key: int) -> None:
        """Hold a key for as long as it takes."""
        await self._shown.instrument.press(Key(key), HOLD_S)
        self.refresh_meter()

    async def action_contact(self, number: int) -> None:
        """Close or open the contact at an input."""
        closed = self._shown.port.view().values.get(f"input{number}_closed")
        outcome = await self._shown.switch(number, not closed)
        if outcome.message:
            self.notify(outcome.message)

    def _draw(self, place: str, picture: RenderableType) -> None:
        for there in self.query(f"#{place}").results(Static):  # none while the screen is made, or taken away
            there.update(picture)

    def _room(self, place: str) -> tuple[int, int]:
        sizes = [there.size for there in self.query(f"#{place}")]
        return (max(16, sizes[0].width), max(4, sizes[0].height)) if sizes else (16, 4)
