"""What a meter shows: primary values under the names everyone uses, and the exact integers behind them.

In: a state. Out: a `View`. Nothing is rounded here but money; null (None) is what is not known or has no meaning.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache, partial
from itertools import chain
from operator import itemgetter

from watthour.meter.once import once_per_settings
from watthour.meter.quality import late_values
from watthour.meter.state import MeterState, primary_ratio, ratio_setting, standing_warnings
from watthour.meter.waves import waves_of
from watthour.metrology import Quantities, quantities_of
from watthour.models import VOLTAGE_PRESENT_V, Model, has_feature, model_of
from watthour.parameters import Setting
from watthour.pulses import INPUTS
from watthour.registers import Demand, Registers, row_of
from watthour.tariff import Calendar, in_force
from watthour.units import (
    ENERGIES,
    LATE_NAMES,
    MICRO,
    NANOSECONDS,
    PHASES,
    RATES,
    SECONDS_PER_HOUR,
    VALUE_BY_NAME,
    VALUES,
    energy_name,
    exact_name,
    shown_registers,
)
from watthour.view import LateValues, NamedRow, Number, View

FLAT = "flat"
"""What the meter calls having no calendar."""

_LINES = ("l12", "l23", "l31")
_OF_PHASE = tuple(f"_{phase}" for phase in PHASES)
_POWERS = (("power", "_w"), ("reactive", "_var"), ("apparent", "_va"))
_READY = tuple(value.name for value in VALUES if value.name not in LATE_NAMES)
_CENTS = Decimal("0.0001")
_MICROWH_PER_KWH = MICRO * 1000


def view_of(
    state: MeterState,
    calendar: Calendar | None = None,
    *,
    rate: int = 1,
    is_covered: bool = True,
    software_id: str = "",
) -> View:
    """Return what a meter in this state shows.

    Parameters
    ----------
    rate : int
        The active one.
    is_covered : bool
        Whether the calendar has a rate for this instant.
    software_id : str
        What it shows as its software identification.
    """
    settings = state.settings
    names, pick = _shown_by(model_of(str(settings["model"])))
    values = (
        *_measured_row(state),
        *_standing(state),
        *_demanded(state.demand),
        *_pulses(state),
        *shown_registers(_amounts(state.registers)),
        rate,
        int(not is_covered),
    )
    warnings = standing_warnings(settings)
    if calendar is not None and not is_covered:
        warnings = (
            *warnings,
            f"calendar {calendar.name} has no rate for this day, it holds {calendar.valid}: all energy goes to T1",
        )
    return View(
        model=str(settings["model"]),
        serial=int(str(settings["serial"])),
        time_ns=state.time_ns,
        samples=state.samples,
        duration_s=float(state.duration),
        powered=state.powered,
        values=LateValues(NamedRow(names, pick(values)), LATE_NAMES, partial(late_values, state)),
        exact=NamedRow(_EXACT, (*_amounts(state.registers), *state.registers.secondary)),
        parameters=settings,
        warnings=warnings,
        software_id=software_id,
        calendar=FLAT if calendar is None else in_force(calendar, state.time_ns).name,
        selected_rate=state.requested_rate,
        profile=state.profile,
        find_open_row=None
        if state.interval is None or state.anchor is None
        else partial(row_of, state.interval, state.anchor.sample_s),
        closings=state.closings,
        seal_open=state.seal_open,
        calendar_missing=not is_covered,
        waves=None
        if state.quality is None or state.quality.delivery is None
        else partial(waves_of, state.quality.delivery, settings),
    )


_MEASURED = (
    *(f"voltage_{phase}_v" for phase in (*PHASES, *_LINES)),
    *(f"current_{phase}_a" for phase in (*PHASES, "n")),
    *(f"{stem}{phase}{end}" for stem, end in _POWERS for phase in (*_OF_PHASE, "")),
    *(f"{stem}{phase}" for stem in ("power_factor", "cos_phi") for phase in (*_OF_PHASE, "")),
    "frequency_hz",
    *(f"{stem}_angle_{phase}_deg" for stem in ("voltage", "current") for phase in PHASES),
)
"""Names of what a window gives."""

_UNKNOWN: tuple[Number, ...] = (None,) * len(_MEASURED)


def measured(state: MeterState) -> dict[str, Number]:
    """Return the last whole window's quantities, primary; nothing before there is one."""
    return dict(zip(_MEASURED, _measured_row(state), strict=True)) if len(state.last) else {}


def _measured_row(state: MeterState) -> tuple[Number, ...]:
    """Return the same in the order of `_MEASURED`, all of it unknown before there is a window."""
    if not len(state.last):
        return _UNKNOWN
    found = quantities_of(state.last[0], VOLTAGE_PRESENT_V)
    vt, ct, ratio = _scales(state.settings)
    return (
        *[voltage * vt for voltage in (*found.voltage_v, *found.line_voltage_v)],
        *[current * ct for current in (*found.current_a, found.neutral_current_a)],
        *[power * ratio for power in _powers(found)],
        *(*found.power_factor, found.total_power_factor, *found.cos_phi, found.total_cos_phi),
        found.frequency_hz,
        *(*found.voltage_angle_deg, *found.current_angle_deg),
    )


@once_per_settings
def _scales(settings: Mapping[str, Setting]) -> tuple[float, float, float]:
    """Return primary per secondary of voltages, currents and powers."""
    vt, ct = (float(ratio_setting(settings, name).fraction) for name in ("vt", "ct"))
    return vt, ct, float(primary_ratio(settings))


@once_per_settings
def _prices(settings: Mapping[str, Setting]) -> tuple[Decimal, Decimal]:
    """Return what a kilowatt-hour costs, and its CO2 in kilograms."""
    return Decimal(str(settings["cost_per_kwh"])), Decimal(str(settings["co2_kg_per_kwh"]))


def _powers(found: Quantities) -> tuple[float, ...]:
    """Return active, reactive and apparent power, each of the phases and in total."""
    return (
        *(*found.power_w, found.total_power_w),
        *(*found.reactive_var, found.total_reactive_var),
        *(*found.apparent_va, found.total_apparent_va),
    )


_STANDING = (
    *("wiring_findings", "storage_fault", "registers_fresh"),  # nothing: the host has the diagnosis made, and keeps the state
    *("seal_open", "power_fail_count"),
    *("operating_time_h", "partial_operating_time_h"),
    *("cost_per_kwh", "co2_kg_per_kwh", "partial_cost", "partial_co2_kg"),
)


def _standing(state: MeterState) -> tuple[Number, ...]:
    """Return what stands still or grows with time, in the order of `_STANDING`: hours, cost and CO2 of the partial counter."""
    imported = state.registers.partial[ENERGIES.index("import")]
    cost, co2 = _prices(state.settings)
    return (
        *(0, 0, 0),
        *(int(state.seal_open), state.power_fail_count),
        *(state.operating_ns / _HOUR_NS, state.partial_operating_ns / _HOUR_NS),
        *(float(cost), float(co2), _amount(imported, cost), _amount(imported, co2)),
    )


_HOUR_NS = NANOSECONDS * SECONDS_PER_HOUR

_DEMANDED = (
    "demand_w",
    *(f"{prefix}max_demand_{end}" for prefix in ("", *(f"{rate}_" for rate in RATES)) for end in ("w", "unix_s")),
)


def _demanded(demand: Demand) -> tuple[Number, ...]:
    """Return the last demand and the maxima with their times, as seconds since 1970, in the order of `_DEMANDED`."""
    shown: list[Number] = [None if demand.last is None else demand.last.demand_microw / MICRO]
    for maximum in (demand.maximum, *demand.rate_maxima):
        shown += (None, None) if maximum is None else (maximum.demand_microw / MICRO, maximum.time_ns // NANOSECONDS)
    return tuple(shown)


_PULSES = (
    *("pulse_output_count", "pulse_output_pending"),
    *(f"input{number}_{what}" for number in INPUTS for what in ("closed", "count", "quantity")),
)


def _pulses(state: MeterState) -> tuple[Number, ...]:
    """Return what the output has given and the inputs count, in the order of `_PULSES`; of what a model lacks, nothing is asked."""
    inputs = [(int(each.closed), each.count, each.quantity_micro / MICRO) for each in state.contacts.inputs]
    return (state.output.count, state.output.pending, *chain.from_iterable(inputs))


def _amount(energy_microwh: int, per_kwh: Decimal) -> float:
    """Return energy times its price, rounded half up to four decimals as the register shows it."""
    if not (energy_microwh and per_kwh):
        return 0.0
    exact = Fraction(energy_microwh, _MICROWH_PER_KWH) * Fraction(per_kwh)
    return float((Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_CENTS, ROUND_HALF_UP))


_PREFIXES = ("", "partial_", *(f"{name}_" for name in (*RATES, *PHASES)))
_SHOWN = tuple(energy_name(energy, prefix) for prefix in _PREFIXES for energy in ENERGIES)
_EXACT = tuple(exact_name(energy, prefix) for prefix in (*_PREFIXES, "secondary_") for energy in ENERGIES)


def _amounts(registers: Registers) -> tuple[int, ...]:
    """Return the primary register sets in the order of their prefixes."""
    rates, phases = chain.from_iterable(registers.rates), chain.from_iterable(registers.phases)
    return (*registers.total, *registers.partial, *rates, *phases)


_ROW = (*_MEASURED, *_STANDING, *_DEMANDED, *_PULSES, *_SHOWN, "active_rate", "calendar_missing")
"""All that is known at once, in the order in which it is found."""


@cache
def _shown_by(model: Model) -> tuple[tuple[str, ...], Callable[[tuple[Number, ...]], tuple[Number, ...]]]:
    """Return the names of what a model shows at once, and what takes their values from a `_ROW`."""
    names = tuple(name for name in _READY if has_feature(model, VALUE_BY_NAME[name].needs))
    return names, itemgetter(*map(_ROW.index, names))
