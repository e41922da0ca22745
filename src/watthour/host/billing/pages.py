"""The page for the supplier: one sheet as HTML that stands alone, and the same as PDF by typst.

Both are drawn from the plain values of a verdict, so that they say the same.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from watthour import __version__
from watthour.billing.checking import Check
from watthour.billing.invoice import Verdict
from watthour.errors import UsageError
from watthour.host.billing.verdicts import check_as_json, verdict_word

_TEMPLATES = Path(__file__).parent / "templates"
_KINDS = {
    "import": "Energy",
    "export": "Energy given",
    "demand": "Highest demand",
    "excess": "Power excess",
    "reactive": "Reactive above the free share",
    "capacitive": "Capacitive above the free share",
}
_FAULTS = {"arithmetic": "arithmetic wrong", "prices": "price or contract wrong", "quantities": "quantity out of tolerance"}
_NOT_SHOWN = {"excluded"}
"""Causes that the page leaves out."""


def page_values(check: Check) -> dict[str, Any]:
    """Return what the page says, ready to be set: numbers as text, verdicts in words."""
    values = check_as_json(check)
    causes = [] if check.passed else [cause for cause in values["causes"] if cause["likelihood"] not in _NOT_SHOWN]
    lines = [{**line, "name": _line_name(line), "verdict": _line_verdict(line)} for line in values["lines"]]
    names = {line["line"]: line["name"] for line in lines}
    return {
        **values,
        "version": __version__,
        "verdict_rows": [
            {
                "name": str(verdict).capitalize(),
                "passed": check.passed_in(verdict),
                "word": verdict_word(verdict, check.passed_in(verdict)),
                "words": _words(check, verdict),
            }
            for verdict in Verdict
        ],
        "likely": [{"cause": cause.name, "words": cause.words} for cause in check.likely],
        "is_unexplained": not check.likely and check.passed_in(Verdict.QUANTITIES) is False,
        "causes": causes,
        "lines": lines,
        "wrong_lines": [line for line in lines if not line["passed"]],
        "quantities": [{**row, "name": _quantity_name(row)} for row in values["quantities"]],
        "wrong_findings": [
            {**finding, "name": names.get(finding["line"], finding["line"])}
            for finding in values["findings"]
            if not finding["passed"]
        ],
        "checked": len(values["findings"]) + len(values["quantities"]),
        "request": _request(check),
        "metering": _metering(check),
    }


def _line_name(line: dict[str, Any]) -> str:
    return f"{line['title']} {line['line'].partition('.')[2]}".strip()


def _line_verdict(line: dict[str, Any]) -> str:
    """Return what is said of a line."""
    if not line["passed"]:
        return " and ".join(_FAULTS[fault] for fault in line["wrong_in"])
    if line["billed"] is None:
        return "not on the invoice"
    return "right" if line["tolerance"] in {"0", "0.00"} else "within tolerance"


def _quantity_name(row: dict[str, Any]) -> str:
    return f"{_KINDS[row['quantity']]} {row['period']}" if row["period"] else f"{_KINDS[row['quantity']]}, all periods"


def _words(check: Check, verdict: Verdict) -> str:
    """Return what was compared for a verdict."""
    if verdict is Verdict.QUANTITIES:
        if not check.quantities:
            return "no readings were given"
        out = sum(not each.passed for each in check.quantities)
        return f"{len(check.quantities)} quantities against our own readings" + (f", {out} out of tolerance" if out else "")
    of = [each for each in check.findings if each.verdict is verdict]
    if not of:
        return "no contract was given"
    wrong = sum(not each.passed for each in of)
    what = "sums and products, to the cent" if verdict is Verdict.ARITHMETIC else "prices, rates and powers, exact"
    return f"{len(of)} {what}" + (f", {wrong} wrong" if wrong else "")


def _request(check: Check) -> str:
    """Return what is asked of the supplier, in one sentence."""
    amount = check.money_in_question
    currency = check.invoice.currency
    if check.passed:
        return "We have set this invoice beside our own readings and found nothing to correct."
    if amount > 0:
        return (
            "We have set this invoice beside our own readings and our contract. We ask you to correct the lines below and to credit "
            f"the difference: {amount} {currency}, and the taxes on it."
        )
    if amount < 0:
        return (
            "We have set this invoice beside our own readings and our contract. We ask you to correct the lines below, "
            f"which are together {-amount} {currency} too low."
        )
    return "We have set this invoice beside our own readings and our contract, and ask you to correct what is listed below."


def _metering(check: Check) -> list[dict[str, str]]:
    """Return both meters and the clock as the tolerances take them."""
    if check.contract is None or not check.quantities:
        return []
    metering = check.contract.metering
    rows = []
    for whose, each in (("Our meter", metering.ours), ("Your meter", metering.theirs)):
        parts = [f"active class {each.active_class}", f"reactive class {each.reactive_class}"]
        parts += [f"CT {each.ct or ''} class {each.ct_class}".replace("  ", " ")] if each.ct_class != "none" else []
        parts += [f"VT class {each.vt_class}"] if each.vt_class != "none" else []
        rows.append({"name": whose, "words": ", ".join(parts)})
    rows.append({"name": "Clocks", "words": f"up to {_text(metering.clock_offset_s)} s apart"})
    resolution = f"{_text(metering.resolution_kwh)} kWh, {_text(metering.resolution_kw)} kW"
    rows.append({"name": "Printed digits", "words": resolution})
    rows.append(
        {"name": "Change of error with load", "words": f"{_text(metering.load_dependence_percent)} % of both meters together"}
    )
    rows.append({"name": "Parts combined by", "words": str(metering.combination)})
    return rows


def _text(number: Any) -> str:
    return f"{Decimal(number.numerator) / Decimal(number.denominator):f}"


def page_html(check: Check) -> str:
    """Return the page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("check.html").render(page_values(check))


def page_pdf(check: Check) -> bytes:
    """Return the page as PDF."""
    import typst  # noqa: PLC0415 - only where a PDF is wanted

    made: bytes = typst.compile(
        str(_TEMPLATES / "check.typ"), format="pdf", sys_inputs={"values": json.dumps(page_values(check), ensure_ascii=False)}
    )
    return made


def write_page(check: Check, *, html: Path | None, pdf: Path | None) -> None:
    """Write the page.

    Raises
    ------
    UsageError
        If a file cannot be written.
    """
    try:
        if html is not None:
            html.write_text(page_html(check), "utf-8")
        if pdf is not None:
            pdf.write_bytes(page_pdf(check))
    except OSError as problem:
        msg = f"{problem.filename}: cannot be written ({problem.strerror}); name another file"
        raise UsageError(msg) from None
