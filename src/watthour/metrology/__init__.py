"""Samples to quantities and energy: windows, tracking, cut-off. Pure; the loops are compiled by numba."""

from watthour.metrology.conditioning import ChannelHistory, Correction, condition, follows, reach_of, rest_of
from watthour.metrology.harmonics import warm_harmonics
from watthour.metrology.quality import NO_QUALITY, LateQuality, Quality, late_quality
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
    "NO_QUALITY",
    "TRACKER",
    "WINDOW",
    "ChannelHistory",
    "Correction",
    "LateQuality",
    "OpenWindow",
    "Quality",
    "Quantities",
    "Record",
    "Rows",
    "Thresholds",
    "condition",
    "continues",
    "end_of_window",
    "follows",
    "late_quality",
    "measure",
    "measure_end",
    "open_window",
    "quantities_of",
    "reach_of",
    "rest_of",
    "scratch_for",
    "warm_harmonics",
]
