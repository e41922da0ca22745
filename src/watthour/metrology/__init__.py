"""Samples to quantities and energy: windows, tracking, cut-off. Pure; the loops are compiled by numba."""

from watthour.metrology.quantities import Quantities, quantities_of
from watthour.metrology.records import TRACKER, WINDOW, Record, Rows
from watthour.metrology.stream import (
    OpenWindow,
    Thresholds,
    continues,
    end_of_window,
    measure,
    measure_end,
    open_window,
    scratch_for,
)

__all__ = [
    "TRACKER",
    "WINDOW",
    "OpenWindow",
    "Quantities",
    "Record",
    "Rows",
    "Thresholds",
    "continues",
    "end_of_window",
    "measure",
    "measure_end",
    "open_window",
    "quantities_of",
    "scratch_for",
]
