"""Write the measured tables of docs/reference/diagnosis.md: `make diagnosis`, some minutes.

Simulated installations go through the real meter and its diagnosis: every fault, loads of 5 to 100 % of the CTs' rating, PF
0.5 inductive to 0.8 capacitive, without and with photovoltaics. Every draw comes from a seed, so that the tables are the
same each time.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from watthour.diagnosis import Course, Plate, diagnose, follow
from watthour.meter import Meter, first_state
from watthour.units import NANOSECONDS, Ratio
from watthour.view import Finding, FindingKind
from watthour.waveform.network import Network, PhasorSource

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "diagnosis.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

CT = Ratio.parse("200/5")
VOLTAGE_V = 230.0
LEVELS = (0.05, 0.2, 0.5, 1.0)
"""Of the CTs' rating."""
POWER_FACTORS = ("0.5 ind", "0.8 ind", "1", "0.8 cap")
PHOTOVOLTAICS = (0.0, 0.6, 1.6)
"""Peak power, of the load's."""
MINUTES = 10
LOOK_S = 10
NOTHING = "nothing"

FAULTS: Mapping[str, tuple[dict[str, Any], ...]] = {
    NOTHING: (),
    "ct_reversed, one": tuple({"kind": "ct_reversed", "phases": [p]} for p in ("L1", "L2", "L3")),
    "ct_reversed, two": tuple({"kind": "ct_reversed", "phases": p} for p in (["L1", "L2"], ["L1", "L3"], ["L2", "L3"])),
    "ct_reversed, three": ({"kind": "ct_reversed", "phases": ["L1", "L2", "L3"]},),
    "cts_swapped": tuple({"kind": "cts_swapped", "phases": p} for p in (["L1", "L2"], ["L1", "L3"], ["L2", "L3"])),
    "ct_on_wrong_phase": tuple(
        {"kind": "ct_on_wrong_phase", "phase": a, "around": b}
        for a, b in (("L1", "L3"), ("L2", "L1"), ("L3", "L2"), ("L1", "L2"))
    ),
    "ct_missing": tuple({"kind": "ct_missing", "phases": [p]} for p in ("L1", "L2", "L3")),
    "ct_wrong_ratio, one": tuple(
        {"kind": "ct_wrong_ratio", "installed": "100/5", "instead_of": "200/5", "phases": [p]} for p in ("L1", "L2", "L3")
    ),
    "ct_wrong_ratio, all": ({"kind": "ct_wrong_ratio", "installed": "100/5", "instead_of": "200/5"},),
    "voltages_swapped": tuple({"kind": "voltages_swapped", "phases": p} for p in (["L1", "L2"], ["L1", "L3"], ["L2", "L3"])),
    "voltages_rotated, by 1": ({"kind": "voltages_rotated", "by": 1},),
    "voltages_rotated, by 2": ({"kind": "voltages_rotated", "by": 2},),
    "voltage_missing": tuple({"kind": "voltage_missing", "phases": [p]} for p in ("L1", "L2", "L3")),
}
"""Each fault of the simulated installation, at every place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One installation."""

    fault: str
    level: float
    power_factor: str
    photovoltaics: float
    seed: int

    @property
    def kind(self) -> str:
        """What ought to be found."""
        name = self.fault.partition(",")[0]
        return str(FindingKind.CT_RATIO_IMPLAUSIBLE) if name == "ct_wrong_ratio" else name


def cases(levels: Sequence[float] = LEVELS, faults: Sequence[str] = tuple(FAULTS)) -> Iterator[Case]:
    """Yield every installation of the tables."""
    for seed, (fault, level, factor, pv) in enumerate(product(faults, levels, POWER_FACTORS, PHOTOVOLTAICS)):
        yield Case(fault=fault, level=level, power_factor=factor, photovoltaics=pv, seed=seed)


def network_of(case: Case) -> Network:
    """Return an installation: half a three-phase load, half loads of each phase, all of them restless; unequal phases."""
    draws = np.random.Generator(np.random.Philox(key=case.seed))
    rated_w = case.level * float(CT.primary) * VOLTAGE_V * _cosine(case.power_factor)
    own_w = [round(float(w), 1) for w in 0.5 * rated_w * draws.uniform(0.5, 1.0, 3)]
    common = {"cos_phi": case.power_factor if case.power_factor != "1" else 1, "varies_percent": 10, "on": "00:00-24:00"}
    loads: list[dict[str, Any]] = [
        {"name": "Three", "kind": "scheduled", "phases": ["L1", "L2", "L3"], "power_w": 1.5 * rated_w * 0.98, **common},
        *(
            {"name": f"One {n}", "kind": "scheduled", "phases": [f"L{n}"], "power_w": power, **common}
            for n, power in enumerate(own_w, 1)
        ),
    ]
    if case.photovoltaics:
        loads.append(
            {
                "name": "Roof",
                "kind": "photovoltaics",
                "phases": ["L1", "L2", "L3"],
                "peak_w": 3 * rated_w * case.photovoltaics,
                "clouds_percent": 40,
            }
        )
    places = FAULTS[case.fault]
    table = {
        "start": f"2026-06-17T{('09', '12', '15')[case.seed % 3]}:00:00Z",
        "supply": {"voltages_v": [231.0, 229.0, 230.4], "voltage_drift_percent": 1.0, "frequency_drift_hz": 0.02},
        "load": loads,
        "wiring": [places[int(draws.integers(len(places)))]] if places else [],
        "noise": {"seed": case.seed},
    }
    return Network.model_validate(table | {"start": _instant(str(table["start"]))})


def _instant(text: str) -> Any:
    from datetime import datetime  # noqa: PLC0415 - only here

    return datetime.fromisoformat(text)


def _cosine(power_factor: str) -> float:
    return float(power_factor.split(maxsplit=1)[0])


def findings_in(
    network: Network, minutes: float = MINUTES, *, generates: bool = True
) -> tuple[tuple[Finding, ...], list[tuple[Finding, ...]]]:
    """Return what one reading tells after a minute, and what stood after each look."""
    source = PhasorSource(network, ct=CT, vt=Ratio.parse("1/1"), name="installation", identity="0")
    meter, course = Meter(first_state({"ct": CT})), Course()
    plate = Plate(ct_primary_a=float(CT.primary), generates=generates)
    once: tuple[Finding, ...] = ()
    stood = []
    hour = next(source.blocks())
    for begin in range(0, min(round(minutes * 60), len(hour)), LOOK_S):
        meter.step(hour.part(begin, begin + LOOK_S), (source.start_ns or 0) + begin * NANOSECONDS)
        view = meter.view()
        course = follow(course, view.values, plate, view.time_ns)
        once = diagnose(view.values, plate) if begin + LOOK_S == 60 else once  # noqa: PLR2004 - seconds
        stood.append(course.findings)
    return once, stood


def named(findings: Sequence[Finding]) -> str:
    """Return what was found, in words."""
    return " + ".join(sorted({str(finding.kind) for finding in findings})) or NOTHING


Outcomes = dict[Case, tuple[str, str]]
"""What one reading found, and what stood at the end."""


def measure(selected: Sequence[Case], *, generates: bool = True) -> Outcomes:
    """Run them all, with progress on standard error."""
    outcomes = {}
    for number, case in enumerate(selected, 1):
        once, stood = findings_in(network_of(case), generates=generates)
        outcomes[case] = named(once), named(stood[-1])
        if number % 10 == 0 or number == len(selected):
            sys.stderr.write(f"\r{number} of {len(selected)} installations")
    sys.stderr.write("\n")
    return outcomes


def tables(outcomes: Outcomes, told: Outcomes) -> str:
    """Return the generated part of the page.

    Parameters
    ----------
    told : Outcomes
        Of plants that are said not to generate.
    """
    lines = [
        f"{len(outcomes)} installations, one for each cell of faults, loads ({', '.join(f'{x:.0%}' for x in LEVELS)}), PF and",
        "photovoltaics (none; a peak of half the load's power; one and a half times). Cells count those named, of all: after",
        f"one reading, then after {MINUTES} minutes of watching.",
        "",
    ]
    for title, found, peaks in (
        ("Without generation", outcomes, PHOTOVOLTAICS[:1]),
        ("With photovoltaics", outcomes, PHOTOVOLTAICS[1:]),
        ("Without generation, and said so", told, PHOTOVOLTAICS[:1]),
    ):
        lines += [f"### {title}", "", *_detection(found, peaks), ""]
    for place, title in ((0, "Found in place of it: one reading"), (1, f"Found in place of it: {MINUTES} minutes")):
        lines += [f"### {title}", "", *_confusion(outcomes, told, place), ""]
    return "\n".join(lines)


def _detection(outcomes: Outcomes, peaks: Sequence[float]) -> Iterator[str]:
    yield f"| Fault | {' | '.join(f'PF {factor}' for factor in POWER_FACTORS)} |"
    yield "| --- " * (len(POWER_FACTORS) + 1) + "|"
    for fault in FAULTS:
        cells = []
        for factor in POWER_FACTORS:
            of_cell = [c for c in outcomes if (c.fault, c.power_factor) == (fault, factor) and c.photovoltaics in peaks]
            hits = [sum(case.kind in outcomes[case][place].split(" + ") for case in of_cell) for place in (0, 1)]
            cells.append(f"{hits[0]}, {hits[1]} of {len(of_cell)}")
        yield f"| {fault} | {' | '.join(cells)} |"


def _confusion(outcomes: Outcomes, told: Outcomes, place: int) -> Iterator[str]:
    yield "| Fault | Found, without generation | Found, with photovoltaics | Found, without generation and said so |"
    yield "| --- | --- | --- | --- |"
    for fault in FAULTS:
        cells = []
        for some, peaks in ((outcomes, PHOTOVOLTAICS[:1]), (outcomes, PHOTOVOLTAICS[1:]), (told, PHOTOVOLTAICS[:1])):
            found = Counter(some[case][place] for case in some if case.fault == fault and case.photovoltaics in peaks)
            cells.append(", ".join(f"{what} {count}" for what, count in found.most_common()))
        yield f"| {fault} | {' | '.join(cells)} |"


def with_tables(page: str, generated: str) -> str:
    """Return the page with its generated part replaced."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{generated}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    every = list(cases())
    unsaid, said = measure(every), measure([case for case in every if not case.photovoltaics], generates=False)
    PAGE.write_text(with_tables(PAGE.read_text("utf-8"), tables(unsaid, said)), "utf-8")
