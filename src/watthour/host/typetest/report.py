"""The report of a type test: one page of HTML that stands alone, in light and dark.

In: a whole type test. Out: HTML with its verdict, curves, bars, tables, what was assumed, and which limits nobody has
checked against the standard's text.
"""

from collections.abc import Iterator, Sequence
from html import escape

from watthour import __version__
from watthour.host.typetest.charts import Curve, curve_panel, influence_bars, worst_by_current
from watthour.host.typetest.results import TypeTest
from watthour.host.typetest.style import STYLE
from watthour.host.typetest.summary import agreement, beyond_quanta, intrinsic, parts_of, quanta, worst
from watthour.typetest import ACTIVE, AGREEMENT, REACTIVE, Basis, Bench, By, Checked, Judged, standard_of

_PHI = {ACTIVE: "PF", REACTIVE: "sin φ"}
_WATT_HOURS = {ACTIVE: "watt-hour", REACTIVE: "var-hour"}
_MOST_FAILURES = 60
_GRID = "intrinsic error"


def report_page(test: TypeTest) -> str:
    """Return the report as HTML."""
    verdict = "PASSED" if test.passed else "FAILED"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f"<title>Type test: {verdict}</title><style>{STYLE}</style></head><body><main>",
            *_head(test, verdict),
            *_failures(test),
            *(line for bench in test.benches for quantity in (ACTIVE, REACTIVE) for line in _curves(test, bench, quantity)),
            *(line for bench in test.benches for line in _influences(test, bench)),
            *_checks(test),
            *_limits(test),
            *_notes(),
            "</main></body></html>\n",
        ]
    )


def _head(test: TypeTest, verdict: str) -> Iterator[str]:
    bench = test.benches[0]
    models = ", ".join(f"{model.name} by {standard_of(model)}" for model in bench.models)
    planted = [("Planted fault", test.planted)] if test.planted else []
    facts = [
        ("Models", f"{models}; reactive energy by IEC 62053-23"),
        ("Ranges", ", ".join(f".../{each.current_range.secondary_a} A" for each in test.benches)),
        ("Front end", f"{bench.front_end.name}: {bench.front_end.source or 'no source given'}"),
        *planted,
        ("Samples", f"{bench.rate_hz:g} a second, {bench.seconds} s a record"),
        ("Extent", "the quick part" if test.quick else "the whole grid"),
        ("Time", test.time),
        ("Software", f"watthour {__version__}"),
        ("Software identification", test.software_id),
    ]
    yield '<header><div class="row"><h1>Type test</h1>'
    yield f'<span class="verdict {"good" if test.passed else "fault"}">{verdict}</span></div>'
    yield f"<p>{len(test.points)} errors judged, {len(test.checks)} checks, {len(test.failures)} failed.</p>"
    yield (
        '<table class="facts">'
        + "".join(f"<tr><th>{name}</th><td>{escape(text)}</td></tr>" for name, text in facts)
        + "</table>"
    )
    yield "</header>" + "".join(_figures(test))


def _figures(test: TypeTest) -> Iterator[str]:
    """Yield the worst figures as tiles."""
    yield '<div class="tiles">'
    for quantity in (ACTIVE, REACTIVE):
        for by in By:
            point = worst(intrinsic(test, quantity, by))
            if point is not None:
                where = escape(point.condition.split(", ", 1)[1].rsplit(", ", 1)[0])
                yield f"<div><b>{escape(parts_of(point.error_percent))}</b><span>worst {quantity} error by {by}</span><small>{where}</small></div>"
        beyond = beyond_quanta(test, quantity)
        if beyond is not None:
            yield f"<div><b>{escape(parts_of(beyond))}</b><span>worst {quantity} error by register, beyond what whole counts may change</span>"
            yield f"<small>one micro{_WATT_HOURS[quantity]} of each phase in {test.benches[0].seconds} s</small></div>"
    apart = agreement(test.checks)
    loads = sum(int(check.condition.rsplit(", ", 2)[1].split()[0]) for check in test.checks if check.test == AGREEMENT)
    yield f"<div><b>{apart}</b><span>pulses more or less than the register</span><small>{loads} loads compared</small></div></div>"


def _failures(test: TypeTest) -> Iterator[str]:
    if not test.failures:
        return
    yield f"<h2>What failed</h2><p>{len(test.failures)} of {len(test.findings)}, the first {_MOST_FAILURES} here.</p>"
    yield '<div class="wide"><table><thead><tr><th>Test</th><th>Condition</th><th>Found</th><th>Limit</th></tr></thead><tbody>'
    for each in test.failures[:_MOST_FAILURES]:
        if isinstance(each, Judged):
            cells = (each.test, each.condition, parts_of(each.error_percent), f"{each.limit_percent:g} %")
        else:
            cells = (each.test, each.condition, f"{each.observed:g}", f"{each.limit:g}")
        yield _row(cells)
    yield "</tbody></table></div>"


def _curves(test: TypeTest, bench: Bench, quantity: str) -> Iterator[str]:
    """Yield the error curves of one range and quantity, a panel a factor."""
    points = [p for p in test.points if p.test == _GRID and p.quantity == quantity and p.current_range == bench.current_range]
    factors = list(dict.fromkeys(point.point.factor for point in points))
    yield f"<h2>{quantity.capitalize()} energy, .../{bench.current_range.secondary_a} A: size of the error over current</h2>"
    yield "<p>The worst of all voltages, frequencies and directions"
    yield f" ({_extent(points)}), against the integral in closed form. The registers count whole micro{_WATT_HOURS[quantity]}s phase by phase:"
    yield f" in {bench.seconds} s the grey line is what one of each phase is, and below it an error by register is no error of measuring."
    yield " A pulse is dated inside its window as if power were even there, which one phase alone is not: up to some 100 ppm between two pulses.</p>"
    yield f'<div class="key">{_legend(bench, quantity)}</div>'
    yield '<div class="panels">'
    for factor in factors:
        yield _panel(bench, f"{_PHI[quantity]} {factor}", [point for point in points if point.point.factor == factor])
    yield "</div>"


def _extent(points: Sequence[Judged]) -> str:
    volts = sorted({point.point.voltage_v for point in points})
    hertz = sorted({float(point.point.frequency_hz) for point in points})
    ways = "both directions" if any(point.point.exporting for point in points) else "import"
    return f"{' and '.join(f'{v:g}' for v in volts)} V, {' and '.join(f'{f:g}' for f in hertz)} Hz, {ways}"


def _legend(bench: Bench, quantity: str) -> str:
    standards = [standard_of(model) for model in bench.models] if quantity == ACTIVE else ["IEC 62053-23"]
    keys = [
        ("balanced", "balanced, register"),
        ("alone", "one phase alone, register"),
        ("pulses", "by pulses, all loads"),
        ("quantum", "what whole counts may change in a record"),
        *((f"limit{place}", f"limit, balanced, {name}") for place, name in enumerate(dict.fromkeys(standards))),
    ]
    return "".join(
        f'<span class="legend"><svg width="26" height="10"><path class="{name}" d="M1 5H25"/></svg>{escape(words)}</span>'
        for name, words in keys
    )


def _panel(bench: Bench, title: str, points: Sequence[Judged]) -> str:
    current_of = {point.point.permille: bench.current_a(point.point.permille) for point in points}
    register = [point for point in points if point.by is By.REGISTER]
    curves = [
        Curve(name=name, points=worst_by_current(some, current_of))
        for name, some in (
            ("pulses", [point for point in points if point.by is By.PULSES]),
            ("alone", [point for point in register if not point.point.is_balanced]),
            ("balanced", [point for point in register if point.point.is_balanced]),
        )
        if some
    ]
    if register:
        counts = quanta(bench, register)
        curves.insert(0, Curve(name="quantum", points=sorted((current_of[at], percent) for at, percent in counts.items())))
    standards = list(dict.fromkeys(standard_of(model) for model in bench.models))
    limits = [
        (
            f"limit{place}",
            _limit_steps([p for p in register if standard_of(p.model) == name and p.point.is_balanced], current_of),
        )
        for place, name in enumerate(standards)
    ]
    return curve_panel(title, curves, limits)


def _limit_steps(points: Sequence[Judged], current_of: dict[int, float]) -> list[tuple[float, float]]:
    steps = {current_of[point.point.permille]: point.limit_percent for point in points}
    return sorted(steps.items())


def _influences(test: TypeTest, bench: Bench) -> Iterator[str]:
    points = [
        point
        for point in test.points
        if point.current_range == bench.current_range
        and point.test != _GRID
        and point.model == bench.models[0]
        and point.by is By.REGISTER
    ]
    rows: dict[tuple[str, str, str], Judged] = {}
    for point in points:
        name = (point.test, point.quantity, _variation(point))
        if name not in rows or abs(point.error_percent) > abs(rows[name].error_percent):
            rows[name] = point
    yield f"<h2>Influences, .../{bench.current_range.secondary_a} A: by how much the error changes</h2>"
    yield "<p>By register, the worst of all loads of a row. The mark is the limit; a dashed one is ours, or not yet checked"
    yield " against the standard's text. Rows of the intrinsic error and of repeatability are errors themselves.</p>"
    yield '<div class="wide">' + influence_bars([_bar(name, point) for name, point in rows.items()]) + "</div>"


def _variation(point: Judged) -> str:
    """Return what is varied: the same change at other voltages and factors shares a bar."""
    if point.test.endswith("minus balanced"):
        return point.point.arrangement
    if "frequency" in point.test:
        return f"{float(point.point.frequency_hz):g} Hz, {point.point.variation}"
    return point.point.variation


def _bar(name: tuple[str, str, str], point: Judged) -> tuple[str, float, float, bool]:
    test, quantity, variation = name
    words = test.removeprefix("influence of ").replace(", off nominal and with harmonics", ", off nominal")
    reactive = "" if quantity == ACTIVE else ", reactive"
    return f"{words}{reactive}: {variation}", point.error_percent, point.limit_percent, point.basis is Basis.READ


def _checks(test: TypeTest) -> Iterator[str]:
    yield "<h2>Checks</h2>"
    yield '<div class="wide"><table><thead><tr><th>Test</th><th>Condition</th><th>Found</th><th>Limit</th><th></th></tr></thead><tbody>'
    for check in test.checks:
        if check.test != AGREEMENT:
            yield _row((check.test, check.condition, _number(check.observed), _number(check.limit), _tick(check)))
    grouped = [check for check in test.checks if check.test == AGREEMENT]
    if grouped:
        words = f"{len(grouped)} groups of loads: pulses more or less than the register"
        passed = all(check.passed for check in grouped)
        yield _row((AGREEMENT, words, str(agreement(grouped)), "0", "passed" if passed else "failed"))
    yield "</tbody></table></div>"


def _tick(check: Checked) -> str:
    return "passed" if check.passed else "failed"


def _number(value: float) -> str:
    return f"{value:.6g}"


def _limits(test: TypeTest) -> Iterator[str]:
    """Yield every limit that was used, with what it rests on."""
    used = {(each.source, each.test, each.limit_percent): each.basis for each in test.points}
    yield "<h2>Limits</h2><p>Those marked ⚠ are used as targets, and are not to be quoted as a standard's until somebody with"
    yield " the standard has checked them.</p>"
    yield '<div class="wide"><table><thead><tr><th></th><th>Test</th><th>Limit</th><th>Source</th><th>Basis</th></tr></thead><tbody>'
    for (source, name, percent), basis in sorted(used.items(), key=lambda item: (item[0][1], item[0][0])):
        yield _row((_mark(basis), name, f"{percent:g} %", source, str(basis)))
    for source, basis in sorted({(check.source, check.basis) for check in test.checks}):
        yield _row((_mark(basis), "checks", "", source, str(basis)))
    yield "</tbody></table></div>"


def _mark(basis: Basis) -> str:
    return {Basis.READ: "", Basis.UNCHECKED: "⚠", Basis.OURS: "○"}[basis]


def _notes() -> Iterator[str]:
    yield "<h2>What this is</h2><p>A test of software: numerical error against the closed integral of each load, behind the front"
    yield " end named above. It is no certificate, says nothing of temperature, electromagnetic compatibility or hardware, and"
    yield " gives no installation an accuracy class. Loads are Fourier series without orders above 0.45 of the sampling rate.</p>"


def _row(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
