"""A bill as JSON and on the terminal, and one line of it explained."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from watthour.billing import Bill, Line, written
from watthour.billing.usage import Sound
from watthour.errors import UsageError

_DIGITS = 9


def bill_as_json(bill: Bill) -> dict[str, Any]:
    """Return a bill as plain values; money and quantities are text, since they are exact."""
    return {
        "contract": bill.contract,
        "currency": bill.currency,
        "from": bill.first_day.isoformat(),
        "last_day": bill.last_day.isoformat(),
        "days": bill.days,
        "total": str(bill.total),
        "lines": [line_as_json(line) for line in bill.lines],
    }


def line_as_json(line: Line) -> dict[str, Any]:
    """Return a line as plain values."""
    sound = line.sound
    return {
        "line": line.name,
        "title": line.title,
        "charge": line.charge,
        "period": line.period,
        "from": line.first_day.isoformat(),
        "last_day": line.last_day.isoformat(),
        "days": line.days,
        "quantity": written(line.quantity, _DIGITS),
        "unit": line.unit,
        "price": written(line.price, 12),
        "price_unit": line.price_unit,
        "amount": str(line.amount),
        "rule": line.rule,
        "source": line.source,
        "steps": list(line.steps),
        "missing_intervals": None if sound is None else sound.missing,
        "incomplete_intervals": None if sound is None else sound.incomplete,
        "estimated_intervals": None if sound is None else sound.estimated,
    }


def bill_table(bill: Bill) -> Group:
    """Return a bill for the terminal: its lines, then the rule and the source of each charge."""
    span = f"{bill.first_day} to {bill.last_day}, {bill.days} days"
    table = Table(title=f"{bill.contract}: {span}", title_justify="left", show_footer=True, box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Line", footer="Total", no_wrap=True)
    table.add_column("Quantity", justify="right", no_wrap=True)
    table.add_column("Price", justify="right", no_wrap=True)
    table.add_column("Days", justify="right", no_wrap=True)
    table.add_column(bill.currency, justify="right", footer=str(bill.total), no_wrap=True)
    for line in bill.lines:
        days = str(line.days) if line.days == bill.days else f"{line.first_day:%d.%m.} to {line.last_day:%d.%m.}"
        mark = " *" if line.sound is not None and not line.sound.is_whole else ""
        price = f"{written(line.price, 9)} {line.price_unit}"
        table.add_row(line.name + mark, quantity_text(line.quantity, line.unit), price, days, str(line.amount))
    rules = dict.fromkeys(f"{line.charge}: {line.rule} [dim]({line.source})[/dim]" for line in bill.lines)
    return Group(table, *(Text.from_markup(rule) for rule in rules))


def doubts(bill: Bill) -> list[str]:
    """Return a line for each period whose readings are not whole."""
    found: dict[str, None] = {}
    for line in bill.lines:
        if line.sound is not None and not line.sound.is_whole:
            found[f"* {line.period or 'all periods'}, {line.first_day} to {line.last_day}: {sound_words(line.sound)}"] = None
    return list(found)


def sound_words(sound: Sound) -> str:
    """Return how much of some intervals does not rest on readings."""
    parts = [(sound.missing, "missing"), (sound.incomplete, "metered in part"), (sound.estimated, "estimated")]
    return f"of {sound.intervals} intervals " + ", ".join(f"{count} {word}" for count, word in parts if count)


def explain(bill: Bill, name: str) -> Iterator[str]:
    """Yield the arithmetic of each line of a name.

    Raises
    ------
    UsageError
        If there is none, naming those there are.
    """
    lines = [line for line in bill.lines if name in {line.name, line.charge}]
    if not lines:
        known = ", ".join(dict.fromkeys(line.name for line in bill.lines))
        msg = f"--explain {name}: no such line; the bill has {known}"
        raise UsageError(msg)
    for line in lines:
        yield f"{line.name}: {line.title}, {line.first_day} to {line.last_day}, {line.days} days"
        yield f"  rule    {line.rule}"
        yield from (f"  {'' if number else 'figures':7} {step}" for number, step in enumerate(line.steps))
        yield f"  source  {line.source}"
        if line.sound is not None and not line.sound.is_whole:
            yield f"  doubt   {sound_words(line.sound)}"


def quantity_text(quantity: Fraction, unit: str) -> str:
    """Return a quantity as a page shows it."""
    return f"{written(quantity, 3)} {unit}"
