"""What the glass shows: eight digits with a legend and a unit, the signs around them, and a line of words.

In: a face and a view. Out: an `Lcd`, the same for whoever draws it. A meter without voltage shows nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from watthour.face.keys import Entry, Face, current
from watthour.face.pages import PAGES, Screen, pages_of, spelled_setting, warnings_of
from watthour.face.segments import CELLS, Cell, cells
from watthour.parameters import PARAMETER_BY_NAME
from watthour.units import PHASES, RATES
from watthour.view import Number, View


class Symbol(StrEnum):
    """A sign of the glass, dark or lit; in the order in which they stand there."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    FORWARD = "L1→L2→L3"
    REVERSED = "L3→L2→L1"
    Q1 = "I"
    Q2 = "II"
    Q3 = "III"
    Q4 = "IV"
    IMPORT = "→ import"
    EXPORT = "← export"
    T1 = "T1"
    T2 = "T2"
    T3 = "T3"
    T4 = "T4"
    T5 = "T5"
    T6 = "T6"
    T7 = "T7"
    T8 = "T8"
    SEALED = "sealed"
    SETTING = "setting"
    WARNING = "warning"


class Cursor(StrEnum):
    """What of the digits flashes."""

    NONE = "none"
    ALL = "all"
    ONE = "one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lcd:
    """The glass.

    Parameters
    ----------
    page, title : str
        Where the keys have led: the page's name, and what it is called.
    place, places : int
        Screen of the page, from 0, and how many it has.
    legend, unit : str
    cells : eight Cell
    symbols : frozenset of Symbol
        Those that are lit.
    words : str
        What the digits say, as a sentence.
    cursor : Cursor
    cursor_cell : int
        The cell that flashes, where one does.
    lit : bool
        The backlight.
    text : str
        The digits as text, for who cannot see the segments.
    """

    page: str
    title: str
    place: int
    places: int
    legend: str
    unit: str
    cells: tuple[Cell, ...]
    symbols: frozenset[Symbol]
    words: str
    text: str
    cursor: Cursor = Cursor.NONE
    cursor_cell: int = 0
    lit: bool = True


DARK = Lcd(page="", title="", place=0, places=0, legend="", unit="", cells=cells(""), symbols=frozenset(), text="", lit=False,
           words="no voltage: the meter is off")  # fmt: skip

_TITLES: Mapping[str, str] = {page.name: page.title for page in PAGES}
_FULL_TURN_DEG = 360.0


def lcd(face: Face, view: View, now_s: float) -> Lcd:
    """Return what the glass shows.

    Parameters
    ----------
    now_s : float
        As given to `watthour.face.keys.press`.
    """
    if not view.powered:
        return DARK
    page, place, screens = current(face, pages_of(view))
    screen = screens[place]()
    digits, unit, words, cursor, cursor_cell = _middle(face, screen)
    backlight_s = float(str(view.parameters.get("backlight_s", 0)))
    return Lcd(
        page=page,
        title=_TITLES[page],
        place=place,
        places=len(screens),
        legend=screen.legend,
        unit=unit,
        cells=cells(digits),
        symbols=frozenset(Symbol) if screen.is_test else symbols_of(view) | ({Symbol.SETTING} if face.entry else set()),
        words=words,
        text=digits,
        cursor=cursor,
        cursor_cell=cursor_cell,
        lit=not backlight_s or now_s - face.touched_s < backlight_s,
    )


def _middle(face: Face, screen: Screen) -> tuple[str, str, str, Cursor, int]:
    """Return digits, unit and words, and what of them flashes: an answer, what is being set, or the screen."""
    if face.told:
        return face.told, "", face.told_words, Cursor.NONE, 0
    entry = face.entry
    if entry is None:
        return screen.digits, screen.unit, screen.words, Cursor.NONE, 0
    if entry.choices:
        digits, unit = (
            (entry.text, "") if entry.setting not in PARAMETER_BY_NAME else spelled_setting(entry.setting, entry.text)
        )
        return digits, unit, _setting_words(entry, unit), Cursor.ALL, 0
    return entry.value, screen.unit, _setting_words(entry, screen.unit), Cursor.ONE, CELLS - len(entry.text) + entry.cursor


def _setting_words(entry: Entry, unit: str) -> str:
    """Return what is being set, in words."""
    shown = unit if entry.choices and unit else f"{entry.value} {unit}".strip()
    return f"setting {entry.setting}: {shown}; hold key 2 to store"


def symbols_of(view: View) -> frozenset[Symbol]:
    """Return which signs are lit by what the meter shows."""
    values = view.values
    lit = {Symbol(phase.upper()) for phase in PHASES if (values.get(f"voltage_{phase}_v") or 0) > 0}
    lit |= _sequence(values) | _quadrant(values)
    rate = values.get("active_rate")
    if isinstance(rate, int) and 1 <= rate <= len(RATES):
        lit.add(Symbol(f"T{rate}"))
    if not view.seal_open:
        lit.add(Symbol.SEALED)
    if warnings_of(view):
        lit.add(Symbol.WARNING)
    return frozenset(lit)


def _sequence(values: Mapping[str, Number]) -> set[Symbol]:
    """Return the sign of the phase sequence; none while a voltage is out."""
    angles = [values.get(f"voltage_angle_{phase}_deg") for phase in PHASES]
    if any(angle is None for angle in angles):
        return set()
    first, second, third = (float(angle or 0.0) for angle in angles)
    steps = [(first - second) % _FULL_TURN_DEG, (second - third) % _FULL_TURN_DEG]
    if all(step < _FULL_TURN_DEG / 2 for step in steps) and all(steps):
        return {Symbol.FORWARD}
    return {Symbol.REVERSED} if all(step > _FULL_TURN_DEG / 2 for step in steps) else set()


def _quadrant(values: Mapping[str, Number]) -> set[Symbol]:
    """Return the signs of quadrant and direction; none without current. The sign of 0 is +."""
    power, reactive = values.get("power_w"), values.get("reactive_var")
    if power is None or reactive is None or not (power or reactive):
        return set()
    quadrant = {(True, True): Symbol.Q1, (False, True): Symbol.Q2, (False, False): Symbol.Q3, (True, False): Symbol.Q4}
    return {quadrant[power >= 0, reactive >= 0], Symbol.IMPORT if power >= 0 else Symbol.EXPORT}
