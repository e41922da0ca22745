"""What a terminal of 80 columns shows."""

import io
import runpy
from pathlib import Path

import pytest
from rich.console import Console


@pytest.fixture(scope="session")
def make_view():
    """The factory of ``tests/station/views.py``."""
    return runpy.run_path(str(Path(__file__).parents[2] / "station" / "views.py"))["make_view"]


@pytest.fixture(scope="session")
def drawn():
    """Draw something 80 columns wide; return the lines."""

    def draw(thing, width=80):
        console = Console(record=True, width=width, file=io.StringIO())
        console.print(thing)
        return console.export_text().splitlines()

    return draw


@pytest.fixture(scope="session")
def largest():
    """A 132 kV substation at its largest figures, every register at its end."""
    values = {}
    for phase in ("_l1", "_l2", "_l3", ""):
        values |= {
            f"voltage{phase}_v": 132_790.56,
            f"current{phase}_a": 1199.96,
            f"power{phase}_w": -159_345_678.9,
            f"reactive{phase}_var": -159_345_678.9,
            f"apparent{phase}_va": 159_345_678.9,
            f"power_factor{phase}": -0.99951,
            f"cos_phi{phase}": -0.99951,
        }
    values |= {"current_n_a": 1199.96, "frequency_hz": 49.9951, "active_rate": 8}
    sets = ("", "partial_", *(f"t{n}_" for n in range(1, 9)), "l1_", "l2_", "l3_")
    energies = ("import_wh", "export_wh", "q1_varh", "q2_varh", "q3_varh", "q4_varh")
    return values | {f"{name}{energy}": 4_294_967_295 for name in sets for energy in energies}
