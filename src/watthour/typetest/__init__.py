"""The meter driven through its accuracy class: loads of known energy, verdicts, error curves."""

from watthour.typetest.judging import quantum_percent
from watthour.typetest.limits import Basis
from watthour.typetest.plan import AGREEMENT, Task, tasks_of
from watthour.typetest.records import ACTIVE, REACTIVE, Bench, By, Checked, Finding, Judged, Point, standard_of

__all__ = [
    "ACTIVE",
    "AGREEMENT",
    "REACTIVE",
    "Basis",
    "Bench",
    "By",
    "Checked",
    "Finding",
    "Judged",
    "Point",
    "Task",
    "quantum_percent",
    "standard_of",
    "tasks_of",
]
