"""The instrument's face: a view and two keys made into what a glass of eight digits shows. Nothing here draws."""

from watthour.face.glass import Cursor, Lcd, Symbol, lcd
from watthour.face.keys import HOLD_S, RETURN_S, Face, Key, passed, press, told
from watthour.face.oscilloscope import Trace, trace
from watthour.face.pages import PAGES, Page, Screen, pages_of
from watthour.face.pulsing import Leds, leds
from watthour.face.ranging import counter, ranged
from watthour.face.segments import CELLS, Cell, cells

__all__ = [
    "CELLS",
    "HOLD_S",
    "PAGES",
    "RETURN_S",
    "Cell",
    "Cursor",
    "Face",
    "Key",
    "Lcd",
    "Leds",
    "Page",
    "Screen",
    "Symbol",
    "Trace",
    "cells",
    "counter",
    "lcd",
    "leds",
    "pages_of",
    "passed",
    "press",
    "ranged",
    "told",
    "trace",
]
