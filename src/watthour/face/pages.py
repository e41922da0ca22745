"""The pages of the glass as rows: which values, settings and texts follow one another under key 1 and key 2.

In: a view. Out: the pages that this meter has, each with its screens. A row whose value or setting the view lacks makes no
screen, and a page without screens does not exist; so what a model lacks is never met. Key by key is
`watthour.face.keys`, and what lights up around the digits `watthour.face.glass`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from watthour.face.ranging import counter, fitted, ranged
from watthour.face.segments import CELLS, is_spelled
from watthour.history import Closing, RowFlag
from watthour.models import MODELS, has_feature
from watthour.parameters import PARAMETER_BY_NAME, Interface
from watthour.units import ENERGIES, MICRO, NANOSECONDS, PHASES, RATES, VALUE_BY_NAME, energy_name, energy_unit, shown_register
from watthour.view import Number, View

UNKNOWN = "-" * 5
ALL_ON = "8." * CELLS
RESET = "partial_reset"
"""What is set where the partial counters are begun again: no setting, but set like one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_COUNT = 10**CELLS
_DECIMALS = {"1": 3, "Hz": 3, "%": 2, "h": 1, "kg": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What one place of a page shows.

    Parameters
    ----------
    legend : str
        Which value it is: the small word before the digits.
    digits : str
        Spelled in seven segments, points between.
    unit : str
    words : str
        The same as a sentence, for the line below the digits and for who cannot see it.
    setting : str
        What holding key 2 sets; empty where nothing.
    is_test : bool
        Whether everything on the glass is lit.
    """

    legend: str
    digits: str
    unit: str
    words: str
    setting: str = ""
    is_test: bool = False


Screens = Iterator[Callable[[], Screen]]
"""Screens in their order, each found only when it is looked at: harmonics cost something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page.

    Parameters
    ----------
    is_basic : bool
        Whether it is there where the setting ``pages_shown`` asks for few.
    """

    name: str
    title: str
    screens: Callable[[View], Screens]
    is_basic: bool = False


class Pages(Mapping[str, tuple[Callable[[], Screen], ...]]):
    """The pages that a meter has by name, with what shows each of their screens; each is made when it is looked at."""

    def __init__(self, view: View) -> None:
        is_brief = view.parameters.get("pages_shown") == "basic"
        self._view = view
        self._rows = {page.name: page for page in PAGES if page.is_basic or not is_brief}

    def __getitem__(self, name: str) -> tuple[Callable[[], Screen], ...]:
        screens = tuple(self._rows[name].screens(self._view))
        if not screens:
            raise KeyError(name)
        return screens

    def __iter__(self) -> Iterator[str]:
        return (name for name, row in self._rows.items() if next(row.screens(self._view), None) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def pages_of(view: View) -> Pages:
    """Return the pages that a meter has: never none, since every glass has the segment test."""
    return Pages(view)


def _has(view: View, feature: str) -> bool:
    """Say whether a meter has a feature; of one that is not of the range its values say it."""
    model = next((model for model in MODELS if view.model in {model.code, model.name}), None)
    return model is None or has_feature(model, feature)


def _bus_of(view: View) -> str:
    return next((model.bus for model in MODELS if view.model in {model.code, model.name}), "")


def _value(view: View, name: str, legend: str = "") -> Screens:
    """Yield the screen of a value; none where the meter has no such value."""
    if name in view.values:
        yield partial(_value_screen, view, name, legend)


def _value_screen(view: View, name: str, legend: str) -> Screen:
    row = VALUE_BY_NAME[name]
    digits, unit = _spelled(view.values[name], row.unit)
    return Screen(legend=legend or row.symbol, digits=digits, unit=unit, words=row.meaning)


def _text(legend: str, digits: str, words: str, unit: str = "", setting: str = "") -> Callable[[], Screen]:
    """Return what shows something that is known already."""
    return partial(Screen, legend=legend, digits=digits, unit=unit, words=words, setting=setting)


def _values(*names: str) -> Callable[[View], Screens]:
    """Return what shows some values in order."""

    def screens(view: View) -> Screens:
        for name in names:
            yield from _value(view, name)

    return screens


def _spelled(value: Number, unit: str) -> tuple[str, str]:
    """Return a value in digits, and the unit in which."""
    if unit in {"Wh", "varh"}:
        return (UNKNOWN if value is None else counter(int(value))), f"k{unit}"
    if value is None:
        return UNKNOWN, "" if unit == "1" else unit
    if unit == "1" and isinstance(value, int):
        return f"{value % _LARGEST_COUNT}", ""
    if unit in _DECIMALS:
        return fitted(value, _DECIMALS[unit], CELLS), "" if unit == "1" else unit
    digits, prefix = ranged(float(value))
    return digits, f"{prefix}{unit}"


def _energies(prefix: str, legend: str = "") -> Callable[[View], Screens]:
    """Return what shows the six energies of a set."""

    def screens(view: View) -> Screens:
        for energy in ENERGIES:
            name = energy_name(energy, prefix)
            yield from _value(view, name, f"{legend}{VALUE_BY_NAME[name].symbol}")

    return screens


def _rates(energies: Sequence[str]) -> Callable[[View], Screens]:
    """Return what shows some energies at each rate."""

    def screens(view: View) -> Screens:
        for rate in RATES:
            for energy in energies:
                name = energy_name(energy, f"{rate}_")
                yield from _value(view, name, f"{rate.upper()} {VALUE_BY_NAME[name].symbol}")

    return screens


def _phases(view: View) -> Screens:
    for phase in PHASES:
        yield from _energies(f"{phase}_", f"{phase.upper()} ")(view)


def _partial(view: View) -> Screens:
    yield from _energies("partial_", "P ")(view)
    yield from _values("partial_cost", "partial_co2_kg", "partial_operating_time_h")(view)
    if "partial_import_wh" in view.values:
        yield _text("CLR", "rESEt", "hold key 2: begin the partial counters again", setting=RESET)


def _date(legend: str, unix_s: Number, words: str) -> Screens:
    """Yield a date and a time of day, UTC."""
    if unix_s is None:
        yield _text(legend, UNKNOWN, words)
        return
    instant = _EPOCH + timedelta(seconds=int(unix_s))
    yield _text(legend, f"{instant:%y.%m.%d}", words, "date")
    yield _text(legend, f"{instant:%H.%M.%S}", words, "UTC")


def _demand(view: View) -> Screens:
    yield from _value(view, "demand_w")
    for prefix in ("", *(f"{rate}_" for rate in RATES)):
        legend = f"{prefix[:-1].upper()} Pmax".strip()
        yield from _value(view, f"{prefix}max_demand_w", legend)
        name = f"{prefix}max_demand_unix_s"
        if view.values.get(name) is not None:
            yield from _date(legend, view.values[name], VALUE_BY_NAME[name].meaning)


def _closings(view: View) -> Screens:
    """Yield the closings that are kept, the newest first."""
    if not len(view.closings):
        if view.exact:
            yield _text("CL", "0", "no billing period has been closed")
        return
    for back, closing in enumerate(reversed(view.closings.since(0)), 1):
        yield from _closing(f"C{back}", closing)


def _closing(legend: str, closing: Closing) -> Screens:
    yield from _date(legend, closing.time_ns // NANOSECONDS, "billing period closed")
    if RowFlag.CLOCK_SET in closing.flags:
        yield _text(f"{legend} t", "SEt", "the clock was set in the closed period")
    sets = [("", closing.total), *zip((rate.upper() for rate in RATES), closing.rates, strict=True)]
    for name, row in sets:
        for energy, amount in zip(ENERGIES, row, strict=True):
            if amount or not name:
                symbol = VALUE_BY_NAME[energy_name(energy)].symbol
                unit = "kWh" if energy_unit(energy) == "wh" else "kvarh"
                words = f"{VALUE_BY_NAME[energy_name(energy)].meaning}{f', rate {name}' if name else ''}, when the period was closed"
                yield _text(f"{legend} {name}{symbol}", counter(shown_register(amount)), words, unit)
    if closing.maximum is not None:
        digits, unit = _spelled(closing.maximum.demand_microw / MICRO, "W")
        yield _text(f"{legend} Pmax", digits, "highest demand of the closed period", unit)


def _time(view: View) -> Screens:
    yield from _date("t", view.time_ns // NANOSECONDS, "date and time")
    yield from _value(view, "active_rate")
    yield from _value(view, "operating_time_h")


def _setting(view: View, name: str, legend: str) -> Screens:
    """Yield the screen of a setting, to be set where keys may."""
    row = PARAMETER_BY_NAME[name]
    if name not in view.parameters or not _has(view, row.needs):
        return
    digits, unit = spelled_setting(name, str(view.parameters[name]))
    words = row.meaning if Interface.KEYS in row.writers else f"{row.meaning}: not to be set by keys"
    yield _text(legend, digits, words, unit, setting=name)


_OBIS = {energy: VALUE_BY_NAME[energy_name(energy)].source.rpartition(":")[2] for energy in ENERGIES}


def spelled_setting(name: str, value: str) -> tuple[str, str]:
    """Return a setting in digits, and its unit; what seven segments cannot spell has a number there and its word as the unit.

    >>> spelled_setting("input1_unit", "kWh"), spelled_setting("pulse_quantity", "import"), spelled_setting("ct", "200/5")
    (('1', 'kWh'), ('1.8.0', 'import'), ('200-5', 'A'))
    """
    if name.endswith("_unit"):
        return "1", value
    if value in _OBIS:
        return _OBIS[value], value
    plain = value.replace("/", "-")
    return (plain if is_spelled(plain) else UNKNOWN), PARAMETER_BY_NAME[name].unit


def _inputs(view: View) -> Screens:
    if not _has(view, "digital_inputs"):
        return
    for n in (1, 2):
        for end in ("closed", "count", "quantity"):
            yield from _value(view, f"input{n}_{end}")
        yield from _setting(view, f"input{n}_use", f"IN{n} use")
        yield from _setting(view, f"input{n}_weight", f"IN{n} wgt")
        yield from _setting(view, f"input{n}_unit", f"IN{n} unit")


def _output(view: View) -> Screens:
    yield from _values("pulse_output_count", "pulse_output_pending")(view)
    yield from _setting(view, "pulse_quantity", "PO of")
    yield from _setting(view, "pulse_weight", "PO wgt")
    yield from _setting(view, "pulse_width_ms", "PO ms")


_BUS_SETTINGS = {
    "modbus": (("bus_address", "Addr"), ("bus_baudrate", "Baud"), ("bus_framing", "Frame")),
    "mbus": (("mbus_address", "Addr"), ("mbus_identification", "Ident"), ("mbus_baudrate", "Baud")),
}


def _bus(view: View) -> Screens:
    for name, legend in _BUS_SETTINGS.get(_bus_of(view), ()):
        yield from _setting(view, name, legend)


def _settings(view: View) -> Screens:
    for name, legend in (
        ("cost_per_kwh", "Cost"),
        ("co2_kg_per_kwh", "CO2"),
        ("backlight_s", "Light"),
        ("pages_shown", "Pages"),
        ("ct", "CT"),
        ("vt", "VT"),
    ):
        yield from _setting(view, name, legend)


def _identity(view: View) -> Screens:
    known = [model for model in MODELS if view.model in {model.code, model.name}]
    if known:
        yield _text("Model", known[0].code, f"{known[0].name} {known[0].code}")
    else:
        yield _text("Model", UNKNOWN, view.model)
    yield _text("Serial", f"{view.serial % _LARGEST_COUNT:08d}", f"serial number {view.serial}")
    yield from _digest("SW", view.software_id, "software identification, SHA-256")
    yield from _digest("EV", view.event_head, "head of the chain of events, SHA-256")
    if view.event_head:
        yield _text("EV n", f"{view.event_count % _LARGEST_COUNT}", "events ever")


def _digest(legend: str, digest: str, words: str) -> Screens:
    for number, begin in enumerate(range(0, len(digest), CELLS), 1):
        yield _text(f"{legend} {number}", digest[begin : begin + CELLS], f"{words}, part {number} of {len(digest) // CELLS}")


def warnings_of(view: View) -> tuple[str, ...]:
    """Return what a person should know, in words: wiring, settings, calendar, storage."""
    found = [f"{str(each.kind).replace('_', ' ')} at {' '.join(each.phases)}: {each.evidence}" for each in view.diagnosis]
    kept = ["what is metered is not kept as it should be"] if view.storage_fault else []
    fresh = ["the registers began anew: those before were lost"] if view.registers_fresh else []
    return (*found, *view.warnings, *kept, *fresh)


def _warnings(view: View) -> Screens:
    warnings = warnings_of(view)
    if not warnings:
        yield _text("Warn", "0", "no warning")
    for number, words in enumerate(warnings, 1):
        yield _text("Warn", f"E-{number:02d}", words, f"of {len(warnings)}")


def _test(_view: View) -> Screens:
    yield partial(Screen, legend="Test", digits=ALL_ON, unit="kWh", words="every segment and sign of the glass", is_test=True)


_PER_PHASE = {
    stem: tuple(f"{stem}_{phase}{end}" for phase in PHASES)
    for stem, end in (("power", "_w"), ("reactive", "_var"), ("apparent", "_va"), ("power_factor", ""), ("cos_phi", ""))
}

PAGES: tuple[Page, ...] = (
    Page(name="total", title="Energy", screens=_energies(""), is_basic=True),
    Page(name="partial", title="Partial energy", screens=_partial, is_basic=True),
    Page(name="rates", title="Import by rate", screens=_rates(("import",)), is_basic=True),
    Page(name="rates_export", title="Export by rate", screens=_rates(("export",))),
    Page(name="rates_reactive", title="Reactive energy by rate", screens=_rates(("q1", "q2", "q3", "q4"))),
    Page(name="phases", title="Energy by phase", screens=_phases),
    Page(
        name="voltage",
        title="Voltage",
        is_basic=True,
        screens=_values(*(f"voltage_{p}_v" for p in (*PHASES, "l12", "l23", "l31"))),
    ),
    Page(name="current", title="Current", screens=_values(*(f"current_{p}_a" for p in (*PHASES, "n"))), is_basic=True),
    Page(name="power", title="Active power", screens=_values("power_w", *_PER_PHASE["power"]), is_basic=True),
    Page(name="reactive", title="Reactive power", screens=_values("reactive_var", *_PER_PHASE["reactive"])),
    Page(name="apparent", title="Apparent power", screens=_values("apparent_va", *_PER_PHASE["apparent"])),
    Page(name="power_factor", title="Power factor", screens=_values("power_factor", *_PER_PHASE["power_factor"])),
    Page(name="cos_phi", title="cos φ", screens=_values("cos_phi", *_PER_PHASE["cos_phi"])),
    Page(name="frequency", title="Frequency", screens=_values("frequency_hz")),
    Page(name="demand", title="Demand", screens=_demand),
    Page(name="closings", title="Closed periods", screens=_closings),
    Page(
        name="thd",
        title="Distortion",
        screens=_values(*(f"thd_{u}_{p}_percent" for u in ("voltage", "current") for p in PHASES)),
    ),
    Page(name="time", title="Time and rate", screens=_time, is_basic=True),
    Page(name="inputs", title="Inputs", screens=_inputs),
    Page(name="output", title="Pulse output", screens=_output),
    Page(name="bus", title="Bus", screens=_bus),
    Page(name="settings", title="Settings", screens=_settings, is_basic=True),
    Page(name="identity", title="Identity", screens=_identity),
    Page(name="warnings", title="Warnings", screens=_warnings, is_basic=True),
    Page(name="test", title="Segment test", screens=_test, is_basic=True),
)
"""In the order in which key 1 steps."""
