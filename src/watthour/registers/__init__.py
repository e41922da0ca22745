"""Energy of windows to integer counters: total, partial, per rate and per phase; demand, load profile and closings."""

from watthour.registers.closings import close_period
from watthour.registers.counters import Registers, add_counts, count_windows, reset_partial
from watthour.registers.course import TotalCourse, total_course
from watthour.registers.demand import (
    NO_DEMAND,
    Demand,
    DemandMethod,
    DemandRule,
    DemandStep,
    add_to_step,
    close_step,
    disturb,
    open_step,
    reset_maxima,
)
from watthour.registers.integers import CARRY, Carry, Summation, first_carry
from watthour.registers.intervals import OpenInterval, add_to_interval, open_interval, row_of, with_demand
from watthour.registers.sharing import count_stretches
from watthour.registers.tally import booked_by_each

__all__ = [
    "CARRY",
    "NO_DEMAND",
    "Carry",
    "Demand",
    "DemandMethod",
    "DemandRule",
    "DemandStep",
    "OpenInterval",
    "Registers",
    "Summation",
    "TotalCourse",
    "add_counts",
    "add_to_interval",
    "add_to_step",
    "booked_by_each",
    "close_period",
    "close_step",
    "count_stretches",
    "count_windows",
    "disturb",
    "first_carry",
    "open_interval",
    "open_step",
    "reset_maxima",
    "reset_partial",
    "row_of",
    "total_course",
    "with_demand",
]
