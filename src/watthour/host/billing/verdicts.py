"""A verdict as plain values (JSON, and what the pages are drawn from) and as tables for the terminal."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from watthour.billing import written
from watthour.billing.causes import Likelihood
from watthour.billing.checking import Check
from watthour.billing.invoice import Verdict
from watthour.billing.judging import Judged
from watthour.host.billing.bills import sound_words
from watthour.units import steps_half_up

_PLACES = 2
_WORDS = {True: "right", False: "wrong", None: "not judged"}
_OF_QUANTITIES = {True: "within tolerance", False: "out of tolerance", None: "not judged"}


def verdict_word(verdict: Verdict, passed: bool | None) -> str:  # noqa: FBT001 - it is what is put in words
    """Return a verdict in words."""
    return (_OF_QUANTITIES if verdict is Verdict.QUANTITIES else _WORDS)[passed]


def check_as_json(check: Check) -> dict[str, Any]:
    """Return a verdict as plain values; money and quantities are text, since they are exact."""
    invoice = check.invoice
    return {
        "invoice": invoice.number,
        "supplier": invoice.supplier,
        "supply": invoice.supply,
        "issued": None if invoice.issued is None else invoice.issued.isoformat(),
        "currency": invoice.currency,
        "first_day": invoice.first_day.isoformat(),
        "last_day": invoice.last_day.isoformat(),
        "days": invoice.span_days,
        "contract": None if check.contract is None else check.contract.title,
        "passed": check.passed,
        "verdicts": {verdict.name.lower(): check.passed_in(verdict) for verdict in Verdict},
        "billed_total": str(invoice.total),
        "our_total": None if check.bill is None else str(check.bill.total),
        "money_in_question": _money(check.money_in_question),
        "lines": [
            {
                "line": each.line,
                "title": each.title,
                "billed": None if each.billed is None else _money(each.billed),
                "ours": None if each.ours is None else _money(each.ours),
                "difference": _money(each.difference) if each.billed is not None and each.ours is not None else None,
                "tolerance": _money(each.tolerance),
                "passed": each.passed,
                "wrong_in": [verdict.name.lower() for verdict in each.faults],
            }
            for each in check.lines
        ],
        "quantities": [_quantity_as_json(each) for each in check.quantities],
        "findings": [
            {
                "verdict": each.verdict.name.lower(),
                "line": each.line,
                "what": each.what,
                "billed": each.billed,
                "ours": each.ours,
                "passed": each.passed,
            }
            for each in check.findings
        ],
        "causes": [
            {
                "cause": each.name,
                "likelihood": str(each.likelihood),
                "words": each.words,
                "effect_in_tolerances": None if each.effect is None else written(each.effect, 2),
            }
            for each in check.causes
        ],
        "readings": None
        if check.sound is None
        else {
            "intervals": check.sound.intervals,
            "missing": check.sound.missing,
            "incomplete": check.sound.incomplete,
            "estimated": check.sound.estimated,
        },
    }


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _fixed(quantity: Fraction) -> str:
    """Return a quantity with all its decimals, so that figures stand under each other."""
    return f"{Decimal(steps_half_up(quantity, _PLACES)).scaleb(-_PLACES):f}"


def _quantity_as_json(each: Judged) -> dict[str, Any]:
    return {
        "quantity": each.key.kind,
        "period": each.key.period,
        "unit": each.key.unit,
        "billed": written(each.billed, _PLACES),
        "ours": _fixed(each.ours),
        "difference": _fixed(each.difference),
        "tolerance": _fixed(each.tolerance.size),
        "parts": [{"part": part.name, "size": _fixed(part.size), "how": part.how} for part in each.tolerance.parts],
        "combined_by": str(each.tolerance.combination),
        "split": None if each.split is None else _fixed(each.split),
        "split_tolerance": None if each.split_tolerance is None else _fixed(each.split_tolerance),
        "passed": each.passed,
    }


def check_tables(check: Check) -> RenderableType:
    """Return a verdict for the terminal."""
    invoice = check.invoice
    head = f"[bold]Invoice {invoice.number}[/bold] {invoice.supplier}  {invoice.first_day} to {invoice.last_day}"
    verdicts = "   ".join(
        f"{verdict}: {_coloured(check.passed_in(verdict), verdict_word(verdict, check.passed_in(verdict)))}"
        for verdict in Verdict
    )
    parts: list[RenderableType] = [Text.from_markup(head), Text.from_markup(verdicts), _lines_table(check)]
    if check.quantities:
        parts.append(_quantities_table(check))
    if check.sound is not None and not check.sound.is_whole:
        parts.append(Text(f"our readings: {sound_words(check.sound)}"))
    wrong = [each for each in check.findings if not each.passed]
    parts += [
        Text.from_markup(f"[red]{each.verdict}[/red] {each.line}: {each.what}: billed {each.billed}, right is {each.ours}")
        for each in wrong
    ]
    parts += [Text.from_markup(line) for line in _cause_lines(check)]
    if check.bill is not None:
        parts.append(
            Text(
                f"billed {invoice.total}, ours {check.bill.total} {invoice.currency}; in question {_money(check.money_in_question)}"
            )
        )
    return Group(*parts)


def _coloured(passed: bool | None, word: str) -> str:  # noqa: FBT001 - it is what is coloured
    colour = {True: "green", False: "red", None: "dim"}[passed]
    return f"[{colour}]{word}[/{colour}]"


def _lines_table(check: Check) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Line", no_wrap=True)
    for name in ("Billed", "Ours", "Difference", "Tolerance"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Verdict")
    for each in check.lines:
        verdict = ", ".join(each.faults) if each.faults else "not on the invoice" if each.billed is None else "right"
        both = each.billed is not None and each.ours is not None
        table.add_row(
            each.line,
            "" if each.billed is None else _money(each.billed),
            "" if each.ours is None else _money(each.ours),
            _money(each.difference) if both else "",
            _money(each.tolerance) if each.tolerance else "",
            _coloured(each.passed, verdict),
        )
    return table


def _quantities_table(check: Check) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Quantity", no_wrap=True)
    for name in ("Billed", "Ours", "Off by", "±", "Split off by", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for each in check.quantities:
        split = "" if each.split is None else f"{_shown(each.split)} ± {_shown(each.split_tolerance or Fraction(0))}"
        table.add_row(
            f"{each.key}, {each.key.unit}",
            *(_shown(figure) for figure in (each.billed, each.ours, each.difference, each.tolerance.size)),
            split,
            _coloured(each.passed, "within" if each.passed else "out"),
        )
    return table


def _shown(quantity: Fraction) -> str:
    """Return a quantity in as many digits as a line of eighty has room for; JSON and the page have all of them."""
    return written(quantity, 1 if abs(quantity) < 1000 else 0)  # noqa: PLR2004 - four digits


def _cause_lines(check: Check) -> list[str]:
    if not check.causes:
        return []
    found = []
    if not check.likely and check.passed_in(Verdict.QUANTITIES) is False:
        found.append(
            "[yellow]Cause not distinguishable[/yellow]: none of those below explains the quantities within their tolerance"
        )
    for each in check.causes:
        colour = {Likelihood.LIKELY: "bold red", Likelihood.POSSIBLE: "yellow"}.get(each.likelihood, "dim")
        found.append(f"[{colour}]{each.likelihood}[/{colour}]: {each.name}, {each.words}")
    return found
