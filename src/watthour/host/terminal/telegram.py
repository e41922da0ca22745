"""An M-Bus telegram on the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

_LONG_WORD = "manufacturer"
"""Comes before each code of a manufacturer's, and is told once."""


def telegram_table(told: Mapping[str, object]) -> Group:
    """Return a table of what `watthour.host.telegrams.as_json` tells of a response."""
    if "records" not in told:
        return Group(Text(", ".join(f"{name}: {words}" for name, words in told.items())))
    header, records = told["header"], told["records"]
    assert isinstance(header, Mapping)  # noqa: S101 - as it is made
    assert isinstance(records, list)  # noqa: S101
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "quantity", "value", "unit", "of", "tariff", "storage", "sub-unit", "function"):
        is_text = name in {"quantity", "unit", "of", "function"}
        least = len(_LONG_WORD) if name in {"quantity", "of"} else None
        table.add_column(name, justify="left" if is_text else "right", overflow="fold", min_width=least)
    for number, record in enumerate(records, 1):
        value = record["value"] if record["value"] is not None else f"({record.get('raw', 'no data')})"
        qualifiers = " ".join(record.get("qualifiers", ())).replace(f" {_LONG_WORD}", "")
        cells = (record["tariff"] or "", record["storage"] or "", record["subunit"] or "", record["function"])
        table.add_row(str(number), record["quantity"], str(value), record["unit"] or "", qualifiers, *map(str, cells))
    words = "  ".join(f"{name.replace('_', ' ')} {word}" for name, word in header.items())
    rest = [Text(f"manufacturer data {told['manufacturer_data']}")] if told.get("manufacturer_data") else []
    more = [Text("more records follow in the next telegram")] if told.get("more_follow") else []
    return Group(Text(words, style="bold"), Text(), table, *rest, *more)


def found_table(found: Sequence[Mapping[str, object]]) -> Table:
    """Return a table of the meters that a scan found."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    names = ("address", "identification", "manufacturer", "version", "medium", "remark")
    for name in names:
        table.add_column(name)
    for one in found:
        table.add_row(*("" if one.get(name) is None else str(one[name]) for name in names))
    return table
