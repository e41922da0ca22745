"""Energy of windows to integer counters: total, partial, per rate and per phase, each in six energies."""

from watthour.registers.counters import Registers, count_windows, reset_partial
from watthour.registers.integers import CARRY, Carry, Summation, first_carry
from watthour.registers.tally import booked_by_each

__all__ = ["CARRY", "Carry", "Registers", "Summation", "booked_by_each", "count_windows", "first_carry", "reset_partial"]
