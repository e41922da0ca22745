"""Gaps of an archive for people and for programs."""

import json
from collections.abc import Iterator, Sequence

from rich.table import Table

from watthour.headend.gaps import Gap
from watthour.headend.reading import Quality
from watthour.host.archive.queries import Place
from watthour.host.instants import iso
from watthour.units import MICRO, exact_name

_WORDS = {
    Quality.ESTIMATED: "course estimated, sum exact",
    Quality.INCOMPLETE: "partly metered: a lower bound",
    Quality.GAP: "nothing known",
}


def gaps_as_json(found: Sequence[tuple[Place, Gap]]) -> Iterator[str]:
    """Yield a JSON object for each gap."""
    for place, gap in found:
        told: dict[str, object] = {
            "place": place.name,
            "start": iso(gap.begin_ns),
            "end": iso(gap.end_ns),
            "intervals": (gap.end_ns - gap.begin_ns) // place.step_ns,
            "quality": gap.quality.name.lower(),
            "open": gap.is_open,
        }
        yield json.dumps({**told, **{exact_name(energy): micro for energy, micro in gap.energies.items()}})


def gaps_table(found: Sequence[tuple[Place, Gap]]) -> Table:
    """Return gaps as a table."""
    table = Table(box=None, pad_edge=False)
    for heading in ("place", "from", "to", "intervals", "import", ""):
        table.add_column(heading, justify="right" if heading in {"intervals", "import"} else "left")
    for place, gap in found:
        micro = gap.energies.get("import")
        table.add_row(
            place.name,
            iso(gap.begin_ns),
            iso(gap.end_ns),
            str((gap.end_ns - gap.begin_ns) // place.step_ns),
            "–" if micro is None else f"{micro / MICRO:,.1f} Wh",  # noqa: RUF001 - a dash for what is not known
            "still open" if gap.is_open else _WORDS[gap.quality],
        )
    return table
