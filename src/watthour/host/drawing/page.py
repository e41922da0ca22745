"""A day of an installation as one page of HTML: the picture, and what each load did in figures.

In: a `Day`. Out: HTML that opens anywhere, with nothing beside it.
"""

from html import escape

from watthour.host.drawing.picture import day_picture, energy_text, unit_for
from watthour.waveform.network import Day

STYLE = """
body { margin: 0; background: #f4f6f8; color: #22303c; font: 14px system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
main { max-width: 1012px; margin: 24px auto; padding: 16px; background: #fff; border: 1px solid #e3e8ec; border-radius: 6px }
svg { max-width: 100%; height: auto; display: block }
table { border-collapse: collapse; margin: 12px 0 8px 64px; min-width: 876px }
th, td { padding: 6px 10px; border-bottom: 1px solid #e3e8ec; text-align: right; white-space: nowrap }
th { color: #51606d; font-weight: 600; font-size: 12.5px } th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left }
td:nth-child(2) { color: #51606d }
"""
_COLUMNS = ("Load", "kind", "import", "export", "reactive", "highest")


def day_page(day: Day, name: str) -> str:
    """Return a day as HTML.

    Parameters
    ----------
    name : str
        Of the installation.
    """
    head = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    rows = "\n".join(_row(cells) for cells in _cells(day))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"
    return standing_alone(f"{name}, {day.date.isoformat()}", f"{day_picture(day, name)}\n{table}", STYLE)


def standing_alone(title: str, body: str, style: str) -> str:
    """Return a page of HTML that needs nothing beside it."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{escape(title)}</title><style>{style}</style></head>
<body><main>
{body}
</main></body>
</html>
"""


def _cells(day: Day) -> list[tuple[str, ...]]:
    """Return a row of text for each load."""
    return [
        (
            share.name,
            share.kind,
            energy_text(share.import_wh) if share.import_wh else "",
            energy_text(share.export_wh) if share.export_wh else "",
            energy_text(share.reactive_varh, "varh") if abs(share.reactive_varh) > 1 else "",
            power_text(share.highest_w),
        )
        for share in day.shares
    ]


def power_text(power_w: float) -> str:
    """Return a power in three figures or more.

    >>> power_text(23_174.6)
    '23.2 kW'
    """
    size, prefix = unit_for(power_w)
    return f"{power_w / size:.{1 if size > 1 else 0}f} {prefix}W".replace("-", "\N{MINUS SIGN}")


def _row(cells: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
