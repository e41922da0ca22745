"""Write docs/nomenclature.md from the names that the sources hold: `make docs`.

A test compares the page with what `page` returns, so the two cannot part.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from watthour.maps import modbus
from watthour.parameters import PARAMETERS, Parameter, Setting
from watthour.units import VALUES, exact_name

PAGE = Path(__file__).resolve().parent.parent / "docs" / "nomenclature.md"

INTRODUCTION = """\
# Nomenclature

Every name that a meter shows or takes. A value is called the same everywhere: `--json`, the register maps, pages and
CSV headers. This page is printed from the sources by `make docs`; do not edit it.

Signs: power is positive when energy flows from the grid to the load (import), reactive power when the load is inductive;
PF and cos φ carry the sign of the active power. Energies never fall: export has its own registers, and the four
quadrants are Q1 P+ Q+, Q2 P- Q+, Q3 P- Q-, Q4 P+ Q-. Values are primary: the transformers' ratios are in them.
A value that is not known, or has no meaning just now, is null.
"""

EXACT = """\
Each energy above is also counted exactly, as an integer of millionths that never rolls over: `{active}` stands behind
`import_wh`, `{reactive}` behind `q1_varh`, and so on. With the prefix `secondary_`, as in `{secondary}`, it is the
energy at the meter's own terminals, before the transformers' ratios.
"""


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def range_of(row: Parameter) -> str:
    """Return what a setting may hold, in words."""
    if row.choices:
        return ", ".join(row.choices)
    return row.kind.value if row.minimum is None else f"{row.minimum} to {row.maximum}"


def shown(default: Setting) -> str:
    """Return a setting as a configuration file spells it."""
    return str(default).lower() if isinstance(default, bool) else str(default)


def page() -> str:
    """Return the whole page."""
    values = ((f"`{v.name}`", v.symbol, v.unit, v.meaning, v.source) for v in VALUES)
    settings = (
        (f"`{p.name}`", p.unit or "-", range_of(p), shown(p.default), "yes" if p.sealed else "no", p.meaning)
        for p in PARAMETERS
    )
    told = ((f"`{name}`", meaning) for name, meaning in modbus.IDENTITY.items())
    exact = EXACT.format(
        active=exact_name("import"), reactive=exact_name("q1"), secondary=exact_name("import", prefix="secondary_")
    )
    return "\n".join(
        [
            INTRODUCTION,
            "## Values\n",
            *table(("Name", "Symbol", "Unit", "What", "Source"), values),
            "\n## Exact energies\n",
            exact,
            "## Settings\n",
            "A sealed setting changes only while the seal is open.\n",
            *table(("Name", "Unit", "May be", "Default", "Sealed", "What"), settings),
            "\n## On a bus only\n",
            "What a register map holds besides values and settings.\n",
            *table(("Name", "What"), told),
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
