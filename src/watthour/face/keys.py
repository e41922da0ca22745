"""Two keys: key 1 steps the page, key 2 steps within it; held for three seconds, key 2 sets.

In: a face, a key with how long it was held, the view, the time. Out: the face after it, and a command where something was set.
How an outcome is answered is here too (`told`); what the glass then shows is in `watthour.face.glass`.

::

    showing ── key 1 ──> next page          showing ── hold key 2, on a setting ──> setting
    showing ── key 2 ──> next screen        setting ── hold key 2 ──> stored: asked of the meter, which checks it
    showing ── hold key 1 ──> total         setting ── hold key 1, or no key for a minute ──> dropped, the old value shown

While setting, of a number key 2 counts the flashing digit up and key 1 goes to the next; of a choice key 2 takes the next and
key 1 the one before. What may be set, sealed or out of range, is the meter's to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType

from watthour.face.pages import RESET, Pages, Screen, pages_of
from watthour.face.segments import CELLS
from watthour.parameters import PARAMETER_BY_NAME, Interface, Kind, Parameter
from watthour.view import Command, Outcome, ResetPartial, Verdict, View, WriteSettings

HOLD_S = 3.0
"""A key held this long or longer is a long press."""

RETURN_S = 60.0
"""Without a key the glass goes back to the total, and what was being set is dropped."""

TOLD_S = 2.0
"""How long an answer stays on the glass."""

HOME = "total"
NO, YES = "no", "YES"
_NUMBER_DECIMALS = 4
"""Of a number that is set digit by digit; the glass has no room for more."""


class Key(IntEnum):
    """The keys: 1 steps pages, 2 within a page; 2 is the sealable one."""

    ONE = 1
    TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A setting while it is being set.

    Parameters
    ----------
    choices : tuple of str
        What it may be; empty where it is a number.
    text : str
        What is to be stored: a choice, or digits without a point.
    decimals : int
        Of the digits, how many stand after the point.
    cursor : int
        The digit that key 2 counts up.
    """

    setting: str
    text: str
    choices: tuple[str, ...] = ()
    decimals: int = 0
    cursor: int = 0

    @property
    def value(self) -> str:
        """What is to be stored, as a person writes it."""
        if not self.decimals or self.choices:
            return self.text
        return f"{self.text[: -self.decimals]}.{self.text[-self.decimals :]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Where the keys have led.

    Parameters
    ----------
    page : str
        Name of the page.
    place : int
        Screen of the page, from 0.
    touched_s : float
        When a key was last pressed.
    entry : Entry or None
    told : str
        An answer to what was set, in seven segments; empty where there is none.
    told_words : str
        The same in words.
    told_until_s : float
    """

    page: str = HOME
    place: int = 0
    touched_s: float = 0.0
    entry: Entry | None = None
    told: str = ""
    told_words: str = ""
    told_until_s: float = 0.0


def current(face: Face, pages: Pages) -> tuple[str, int, tuple[Callable[[], Screen], ...]]:
    """Return page and place that a face is at, and the page's screens: where they are gone, its last screen, or the first page."""
    screens = pages.get(face.page)
    if screens is None:
        first = next(iter(pages))
        return first, 0, pages[first]
    return face.page, min(face.place, len(screens) - 1), screens


def passed(face: Face, now_s: float) -> Face:
    """Return the face after time has passed: back at the total after a minute without a key, answers gone."""
    if face.told and now_s >= face.told_until_s:
        face = replace(face, told="", told_words="")
    is_home = (face.page, face.place, face.entry) == (HOME, 0, None)
    if not is_home and now_s - face.touched_s >= RETURN_S:
        return replace(face, page=HOME, place=0, entry=None, told="", told_words="")
    return face


def press(face: Face, key: Key, held_s: float, view: View, now_s: float) -> tuple[Face, Command | None]:
    """Return the face after a key was pressed, and what is asked of the meter.

    Parameters
    ----------
    held_s : float
        How long it was held; `HOLD_S` or longer is a long press.
    now_s : float
        Seconds of a clock that only goes forward.
    """
    if not view.powered:
        return face, None
    face = replace(passed(face, now_s), touched_s=now_s, told="", told_words="")
    pages = pages_of(view)
    is_long = held_s >= HOLD_S
    if face.entry is not None:
        return _while_setting(face, face.entry, key, is_long=is_long)
    page, place, screens = current(face, pages)
    if key is Key.ONE:
        names = list(pages)
        following = HOME if is_long else names[(names.index(page) + 1) % len(names)]
        return replace(face, page=following, place=0), None
    if is_long:
        return _begin(replace(face, page=page, place=place), screens[place](), view, now_s), None
    return replace(face, page=page, place=(place + 1) % len(screens)), None


def told(face: Face, outcome: Outcome, now_s: float) -> Face:
    """Return the face after the meter has answered: the setting is shown as it is then."""
    return _answer(face, _ANSWERS[outcome.verdict], outcome.message or str(outcome.verdict), now_s)


_ANSWERS: Mapping[Verdict, str] = MappingProxyType(
    {
        Verdict.DONE: "donE",
        Verdict.OUT_OF_RANGE: "Error",
        Verdict.READ_ONLY: "rEAd",
        Verdict.SEALED: "SEALEd",
        Verdict.REFUSED: "no",
        Verdict.NOT_KEPT: "StorE",
    }
)


def _answer(face: Face, word: str, words: str, now_s: float) -> Face:
    return replace(face, entry=None, told=word, told_words=words, told_until_s=now_s + TOLD_S)


def _begin(face: Face, screen: Screen, view: View, now_s: float) -> Face:
    """Return the face with a setting begun; refused where keys may not, or the seal is closed."""
    name = screen.setting
    if not name:
        return face
    if name == RESET:
        return replace(face, entry=Entry(setting=RESET, text=NO, choices=(NO, YES)))
    row = PARAMETER_BY_NAME[name]
    if Interface.KEYS not in row.writers:
        return _answer(face, _ANSWERS[Verdict.READ_ONLY], f"{name} is not set by keys", now_s)
    if row.sealed and not view.seal_open:
        return _answer(face, _ANSWERS[Verdict.SEALED], f"{name}: changes only while the seal is open", now_s)
    return replace(face, entry=_entry(row, str(view.parameters[name])))


def _entry(row: Parameter, value: str) -> Entry:
    """Return the beginning of a setting: the old value, or zeros where it does not fit the places."""
    if row.kind is Kind.CHOICE:
        return Entry(setting=row.name, text=value, choices=row.choices)
    decimals = min(row.decimals, _NUMBER_DECIMALS)
    width = min(CELLS, len(str(int(row.maximum or 0))) + decimals)
    scaled = Decimal(value).scaleb(decimals)
    fits = scaled == scaled.to_integral_value() and 0 <= scaled < 10**width
    return Entry(setting=row.name, text=str(int(scaled) if fits else 0).zfill(width), decimals=decimals)


def _while_setting(face: Face, entry: Entry, key: Key, *, is_long: bool) -> tuple[Face, Command | None]:
    if is_long and key is Key.ONE:
        return replace(face, entry=None), None
    if is_long:
        return replace(face, entry=None), _command(entry)
    return replace(face, entry=_STEPS[bool(entry.choices)](entry, key)), None


def _command(entry: Entry) -> Command | None:
    if entry.setting != RESET:
        return WriteSettings(settings={entry.setting: entry.value}, interface=Interface.KEYS)
    return ResetPartial(interface=Interface.KEYS) if entry.text == YES else None


def _next_choice(entry: Entry, key: Key) -> Entry:
    step = 1 if key is Key.TWO else -1
    at = (entry.choices.index(entry.text) + step) % len(entry.choices)
    return replace(entry, text=entry.choices[at])


def _next_digit(entry: Entry, key: Key) -> Entry:
    if key is Key.ONE:
        return replace(entry, cursor=(entry.cursor + 1) % len(entry.text))
    digit = (int(entry.text[entry.cursor]) + 1) % 10
    return replace(entry, text=f"{entry.text[: entry.cursor]}{digit}{entry.text[entry.cursor + 1 :]}")


_STEPS: Mapping[bool, Callable[[Entry, Key], Entry]] = MappingProxyType({True: _next_choice, False: _next_digit})
