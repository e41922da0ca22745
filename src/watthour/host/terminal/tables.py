"""Tables for people: a meter's values and registers, the range, the register map."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from watthour.host.instants import iso
from watthour.host.terminal.figures import UNKNOWN, energy, factor, figure
from watthour.maps import Status, mbus_sheet
from watthour.maps.modbus import REGISTERS
from watthour.maps.sheet import record
from watthour.models import CURRENT_RANGES, MODELS, RATINGS
from watthour.units import ENERGIES, NANOSECONDS, PHASES, RATES, energy_name, energy_unit
from watthour.view import Finding, Number, View

Values = Mapping[str, Number]

_UNITS = {"wh": "kWh", "varh": "kvarh"}
_ACTIVE = ("import", "export")
_LONGEST_ENERGY = 9
"""Characters of a register, six of which fit on 80 columns."""
_MAP_COLUMNS = {
    "address": "addr",
    "name": "name",
    "type": "type",
    "unit": "unit",
    "decimals": "dec",
    "access": "access",
    "status": "status",
}
_BUSES = {"modbus": "RS-485, Modbus", "mbus": "M-Bus", "": UNKNOWN}


def empty_table(title: str, *columns: str, left: int = 1) -> Table:
    """Return an empty table; the first `left` columns are text, the others figures."""
    table = Table(
        title=title or None,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        show_header=any(columns),
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < left else "right", no_wrap=True)
    return table


def phase_table(values: Values) -> Table:
    """Return voltages, currents and powers, a row a phase and one for the total."""
    table = empty_table("Now", "", "voltage", "current", "active", "reactive", "apparent", "PF", "cos φ")
    for phase in PHASES:
        table.add_row(phase.upper(), *_phase_cells(values, f"_{phase}"))
    neutral = figure(values.get("current_n_a"), "A")
    total = _phase_cells(values, "")
    table.add_row("Σ", figure(values.get("frequency_hz"), "Hz"), f"N {neutral}", *total[2:], style="bold")
    return table


def _phase_cells(values: Values, end: str) -> list[str]:
    return [
        figure(values.get(f"voltage{end}_v"), "V"),
        figure(values.get(f"current{end}_a"), "A"),
        figure(values.get(f"power{end}_w"), "W"),
        figure(values.get(f"reactive{end}_var"), "var"),
        figure(values.get(f"apparent{end}_va"), "VA"),
        factor(values.get(f"power_factor{end}")),
        factor(values.get(f"cos_phi{end}")),
    ]


def register_tables(values: Values) -> RenderableType:
    """Return the six energies: total, partial, at the active rate and per phase; the phases below where figures are long."""
    rate = int(values.get("active_rate") or 1)
    sums = {"total": "", "partial": "partial_", f"T{rate}": f"t{rate}_"}
    phases = {phase.upper(): f"{phase}_" for phase in PHASES}
    longest = max(len(energy(values.get(energy_name(name, prefix)))) for name in ENERGIES for prefix in sums.values())
    if longest <= _LONGEST_ENERGY:
        return _energy_table("Registers", values, {**sums, **phases})
    return Group(_energy_table("Registers", values, sums), _energy_table("", values, phases))


def _energy_table(title: str, values: Values, prefixes: Mapping[str, str]) -> Table:
    table = empty_table(title, "", *prefixes)
    for name in ENERGIES:
        label = f"{name if name in _ACTIVE else name.upper()} {_UNITS[energy_unit(name)]}"
        table.add_row(label, *(energy(values.get(energy_name(name, prefix))) for prefix in prefixes.values()))
    return table


def rate_tables(values: Values) -> list[RenderableType]:
    """Return the rates that have counted, with their highest demands, as one table; nothing before the first demand."""
    used = {name.upper(): f"{name}_" for name in RATES if values.get(f"{name}_import_wh") or values.get(f"{name}_export_wh")}
    if values.get("demand_w") is None:
        return []
    table = empty_table("Rates and demand", "", "import kWh", "export kWh", "highest demand", "period ended, UTC")
    for label, prefix in used.items():
        table.add_row(label, *_rate_cells(values, prefix))
    table.add_row("Σ", *_rate_cells(values, ""), style="bold")
    return [Text(), table, Text(f"demand of the last period {figure(values.get('demand_w'), 'W')}")]


def _rate_cells(values: Values, prefix: str) -> list[str]:
    ended_s = values.get(f"{prefix}max_demand_unix_s")
    return [
        energy(values.get(f"{prefix}import_wh")),
        energy(values.get(f"{prefix}export_wh")),
        figure(values.get(f"{prefix}max_demand_w"), "W"),
        UNKNOWN if ended_s is None else iso(int(ended_s) * NANOSECONDS)[:16].replace("T", " "),
    ]


def reading_tables(url: str, model: str, serial: int, values: Values) -> RenderableType:
    """Return what a meter answered, as tables."""
    head = Text.assemble((model, "bold"), f"  serial {serial}  {url}")
    return Group(head, Text(), value_tables(values))


def value_tables(values: Values) -> RenderableType:
    """Return what a meter measures now, and its registers."""
    return Group(live_tables(values), *rate_tables(values))


def live_tables(values: Values) -> RenderableType:
    """Return as much of that as a screen holds that is drawn again and again."""
    return Group(phase_table(values), Text(), register_tables(values))


def view_tables(view: View, *, is_live: bool = False) -> RenderableType:
    """Return what a meter measures now, its registers, and what is found of its wiring."""
    tables = live_tables(view.values) if is_live else value_tables(view.values)
    return Group(tables, Text(), findings_table(view.diagnosis)) if view.diagnosis else tables


def findings_table(findings: Sequence[Finding]) -> Table:
    """Return what is found of the wiring, a row a finding; one that says so where there is none."""
    table = empty_table("Wiring", "finding", "at", "sure", "evidence", left=4)
    table.columns[-1].no_wrap = False
    for finding in findings:
        sure = f"{finding.confidence:.0%}"
        table.add_row(finding_words(finding), " ".join(finding.phases), sure, finding.evidence, style="yellow")
    if not findings:
        table.add_row("nothing wrong is seen", "", "", "")
    return table


def finding_words(finding: Finding) -> str:
    """Return the name of a finding for people.

    >>> from watthour.view import FindingKind
    >>> finding_words(Finding(kind=FindingKind.CTS_SWAPPED, phases=("L1", "L2"), confidence=1.0, evidence=""))
    'CTs swapped'
    """
    return (
        finding.kind.replace("_", " ").replace("ct", "CT", 1)
        if finding.kind.startswith("ct")
        else finding.kind.replace("_", " ")
    )


def rack_table(views: Sequence[View]) -> Table:
    """Return several meters, a row each."""
    table = empty_table("Meters", "serial", "V L1", "A L1", "active", "PF", "import kWh", "export kWh")
    for view in views:
        table.add_row(str(view.serial), *_rack_cells(view.values))
    return table


def _rack_cells(values: Values) -> list[str]:
    return [
        figure(values.get("voltage_l1_v"), ""),
        figure(values.get("current_l1_a"), ""),
        figure(values.get("power_w"), "W"),
        factor(values.get("power_factor")),
        energy(values.get("import_wh")),
        energy(values.get("export_wh")),
    ]


def models_table() -> RenderableType:
    """Return the range, and under it the ratings that all its models share."""
    table = empty_table("The range", "code", "model", "certified to", "bus", "inputs", "pulse outputs", left=4)
    for model in MODELS:
        inputs, outputs = (str(count) if count else UNKNOWN for count in (model.digital_inputs, model.pulse_outputs))
        table.add_row(model.code, model.name, model.certification, _BUSES[model.bus], inputs, outputs)
    ratings = empty_table("All of them", "", "", left=2)
    for name, value in rating_lines():
        ratings.add_row(name, value)
    return Group(table, Text(), ratings)


def rating_lines() -> list[tuple[str, str]]:
    """Return the ratings that all models share, in words."""
    low_v, high_v = RATINGS.voltages_v
    currents = "; ".join(
        f".../{c.secondary_a} A: {c.minimum_a:g} - {c.reference_a:g} ({c.maximum_a:g}) A" for c in CURRENT_RANGES
    )
    return [
        ("voltage", f"3x{low_v:g}/220 - 3x{high_v:g}/400 V, -20 % ... +20 %"),
        ("current", currents),
        ("frequency", " - ".join(f"{f:g}" for f in RATINGS.frequencies_hz) + " Hz"),
        ("active energy", f"class {RATINGS.active_class}"),
        ("reactive energy", f"class {RATINGS.reactive_class}"),
        ("LED pulses", f"{RATINGS.pulse_constant_per_kwh} imp/kWh, imp/kvarh (secondary)"),
        ("registers", f"{RATINGS.register_maximum_kwh} kWh, then 0; {RATINGS.rates} rates"),
    ]


def map_table(bus: str) -> Table:
    """Return the register map of a bus, a row a register, the widest remarks left to the other formats."""
    table = empty_table(f"Register map, {_BUSES[bus]}", *_MAP_COLUMNS.values(), left=len(_MAP_COLUMNS))
    block = ""
    for row in REGISTERS:
        if row.block != block:
            block = row.block
            table.add_section()
            table.add_row("", f"[bold]{block}[/bold]")
        told = record(row)
        style = "dim" if row.status is Status.PLANNED else None
        table.add_row(*(str(told[column]) for column in _MAP_COLUMNS), style=style)
    return table


def mbus_table() -> Table:
    """Return the M-Bus record list, a row a record."""
    table = empty_table("Records, M-Bus", *mbus_sheet.COLUMNS[:-1], left=len(mbus_sheet.COLUMNS))
    telegram = ""
    for words in mbus_sheet.as_table():
        if "".join(words[:3]) != telegram:
            telegram = "".join(words[:3])
            table.add_section()
        table.add_row(*words[:-1])
    return table
