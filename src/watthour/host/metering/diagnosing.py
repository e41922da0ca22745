"""The wiring diagnosis beside a running meter: asked about once a second of sample time, its findings put into each view.

It is a watcher and no part of the meter: nothing it finds enters a register, and it begins anew with each run.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from watthour.diagnosis import Course, Plate, follow
from watthour.parameters import Setting
from watthour.units import NANOSECONDS, Ratio
from watthour.view import Number, View, findings_word, with_values


class Diagnosing:
    """Look at views, and fill in what they tell of the wiring.

    Parameters
    ----------
    every_s : float
        Sample time between two looks, so that a run as fast as possible is not held up.
    generates : bool
        Whether the plant may export.
    """

    def __init__(self, every_s: float, *, generates: bool = True) -> None:
        self._generates = generates
        self._every_ns = round(every_s * NANOSECONDS)
        self._course = Course()

    def is_due(self, time_ns: int) -> bool:
        """Tell whether it is time for a look at a meter that has metered up to an instant."""
        seen_ns = self._course.time_ns
        return seen_ns is None or not 0 <= time_ns - seen_ns < self._every_ns  # also where the clock was set back

    def look(self, values: Mapping[str, Number], settings: Mapping[str, Setting], time_ns: int) -> None:
        """Take in what a meter measures at an instant."""
        plate = Plate(ct_primary_a=float(cast("Ratio", settings["ct"]).primary), generates=self._generates)
        self._course = follow(self._course, values, plate, time_ns)

    def filled(self, view: View) -> View:
        """Return a view with the findings in it."""
        findings = self._course.findings
        if not findings:
            return view
        return replace(with_values(view, wiring_findings=findings_word(findings)), diagnosis=findings)
