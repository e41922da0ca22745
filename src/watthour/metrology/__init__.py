"""Samples to quantities and energy: windows, tracking, cut-off. Pure; the loops are compiled by numba."""

from watthour.metrology.conditioning import ChannelHistory, Correction, condition, follows, reach_of, rest_of
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
    "ChannelHistory",
    "Correction",
    "OpenWindow",
    "Quantities",
    "Record",
    "Rows",
    "Thresholds",
    "condition",
    "continues",
    "end_of_window",
    "follows",
    "measure",
    "measure_end",
    "open_window",
    "quantities_of",
    "reach_of",
    "rest_of",
    "scratch_for",
]
