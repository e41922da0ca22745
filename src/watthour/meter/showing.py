"""What a meter shows: primary values under the names everyone uses, and the exact integers behind them.

In: a state. Out: a `View`. Nothing is rounded here but money; null (None) is what is not known or has no meaning.
"""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache, partial
from itertools import chain
from types import MappingProxyType

from watthour.meter.quality import late_values
from watthour.meter.state import MeterState, primary_ratio, ratio_setting, standing_warnings
from watthour.meter.waves import waves_of
from watthour.metrology import Quantities, quantities_of
from watthour.models import VOLTAGE_PRESENT_V, Model, has_feature, model_of
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
    shown_register,
)
from watthour.view import LateValues, Number, View

FLAT = "flat"
"""What the meter calls having no calendar."""

_LINES = ("l12", "l23", "l31")
_OF_PHASE = tuple(f"_{phase}" for phase in PHASES)
_POWERS = (("power", "_w"), ("reactive", "_var"), ("apparent", "_va"))
_READY = tuple(value.name for value in VALUES if value.name not in LATE_NAMES)
_CENTS = Decimal("0.0001")


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
    known = {
        **measured(state),
        **_standing(state),
        **_demanded(state.demand),
        **_pulses(state),
        **_shown(state.registers),
        "active_rate": rate,
        "calendar_missing": int(not is_covered),
    }
    warnings = standing_warnings(settings)
    if calendar is not None and not is_covered:
        warnings = (
            *warnings,
            f"calendar {calendar.name} has no rate for this day, it holds {calendar.valid}: all energy goes to T1",
        )
    names = _names_of(model_of(str(settings["model"])))
    return View(
        model=str(settings["model"]),
        serial=int(str(settings["serial"])),
        time_ns=state.time_ns,
        samples=state.samples,
        duration_s=float(state.duration),
        powered=state.powered,
        values=LateValues(dict(zip(names, map(known.get, names), strict=True)), LATE_NAMES, partial(late_values, state)),
        exact=MappingProxyType(_exact(state.registers)),
        parameters=settings,
        warnings=warnings,
        software_id=software_id,
        calendar=FLAT if calendar is None else in_force(calendar, state.time_ns).name,
        selected_rate=state.requested_rate,
        profile=state.profile,
        open_row=None if state.interval is None or state.anchor is None else row_of(state.interval, state.anchor.sample_s),
        closings=state.closings,
        seal_open=state.seal_open,
        calendar_missing=not is_covered,
        waves=None
        if state.quality is None or state.quality.delivery is None
        else partial(waves_of, state.quality.delivery, settings),
    )


@cache
def _names_of(model: Model) -> tuple[str, ...]:
    """Return the names of what a model shows at once."""
    return tuple(name for name in _READY if has_feature(model, VALUE_BY_NAME[name].needs))


_MEASURED = (
    *(f"voltage_{phase}_v" for phase in (*PHASES, *_LINES)),
    *(f"current_{phase}_a" for phase in (*PHASES, "n")),
    *(f"{stem}{phase}{end}" for stem, end in _POWERS for phase in (*_OF_PHASE, "")),
    *(f"{stem}{phase}" for stem in ("power_factor", "cos_phi") for phase in (*_OF_PHASE, "")),
    "frequency_hz",
    *(f"{stem}_angle_{phase}_deg" for stem in ("voltage", "current") for phase in PHASES),
)
"""Names of what a window gives, in the order of `measured`."""


def measured(state: MeterState) -> dict[str, Number]:
    """Return the last whole window's quantities, primary; nothing before there is one."""
    if not len(state.last):
        return {}
    found = quantities_of(state.last[0], VOLTAGE_PRESENT_V)
    vt, ct = (float(ratio_setting(state.settings, name).fraction) for name in ("vt", "ct"))
    ratio = float(primary_ratio(state.settings))
    values: tuple[Number, ...] = (
        *(voltage * vt for voltage in (*found.voltage_v, *found.line_voltage_v)),
        *(current * ct for current in (*found.current_a, found.neutral_current_a)),
        *(power * ratio for power in _powers(found)),
        *(*found.power_factor, found.total_power_factor, *found.cos_phi, found.total_cos_phi),
        found.frequency_hz,
        *(*found.voltage_angle_deg, *found.current_angle_deg),
    )
    return dict(zip(_MEASURED, values, strict=True))


def _powers(found: Quantities) -> tuple[float, ...]:
    """Return active, reactive and apparent power, each of the phases and in total."""
    return (
        *(*found.power_w, found.total_power_w),
        *(*found.reactive_var, found.total_reactive_var),
        *(*found.apparent_va, found.total_apparent_va),
    )


def _standing(state: MeterState) -> dict[str, Number]:
    """Return what stands still or grows with time: rate, hours, cost and CO2 of the partial counter."""
    partial_kwh = Fraction(state.registers.partial[ENERGIES.index("import")], MICRO * 1000)
    cost, co2 = (Decimal(str(state.settings[name])) for name in ("cost_per_kwh", "co2_kg_per_kwh"))
    return {
        "wiring_findings": 0,  # the host has the diagnosis made
        "storage_fault": 0,  # and keeps the state
        "registers_fresh": 0,
        "seal_open": int(state.seal_open),
        "power_fail_count": state.power_fail_count,
        "operating_time_h": state.operating_ns / (NANOSECONDS * SECONDS_PER_HOUR),
        "partial_operating_time_h": state.partial_operating_ns / (NANOSECONDS * SECONDS_PER_HOUR),
        "cost_per_kwh": float(cost),
        "co2_kg_per_kwh": float(co2),
        "partial_cost": _amount(partial_kwh, cost),
        "partial_co2_kg": _amount(partial_kwh, co2),
    }


_DEMANDED = tuple(f"{prefix}max_demand_{end}" for prefix in ("", *(f"{rate}_" for rate in RATES)) for end in ("w", "unix_s"))


def _demanded(demand: Demand) -> dict[str, Number]:
    """Return the last demand and the maxima with their times, as seconds since 1970."""
    shown: list[Number] = []
    for maximum in (demand.maximum, *demand.rate_maxima):
        shown += (None, None) if maximum is None else (maximum.demand_microw / MICRO, maximum.time_ns // NANOSECONDS)
    last = None if demand.last is None else demand.last.demand_microw / MICRO
    return {"demand_w": last, **dict(zip(_DEMANDED, shown, strict=True))}


def _pulses(state: MeterState) -> dict[str, Number]:
    """Return what the inputs count and the output has given; of what a model lacks, nothing is asked."""
    found: dict[str, Number] = {"pulse_output_count": state.output.count, "pulse_output_pending": state.output.pending}
    for number, contact in zip(INPUTS, state.contacts.inputs, strict=True):
        found[f"input{number}_closed"] = int(contact.closed)
        found[f"input{number}_count"] = contact.count
        found[f"input{number}_quantity"] = contact.quantity_micro / MICRO
    return found


def _amount(energy_kwh: Fraction, per_kwh: Decimal) -> float:
    """Return energy times its price, rounded half up to four decimals as the register shows it."""
    if not (energy_kwh and per_kwh):
        return 0.0
    exact = energy_kwh * Fraction(per_kwh)
    return float((Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_CENTS, ROUND_HALF_UP))


_PREFIXES = ("", "partial_", *(f"{name}_" for name in (*RATES, *PHASES)))
_SHOWN = tuple(energy_name(energy, prefix) for prefix in _PREFIXES for energy in ENERGIES)
_EXACT = tuple(exact_name(energy, prefix) for prefix in (*_PREFIXES, "secondary_") for energy in ENERGIES)


def _amounts(registers: Registers) -> tuple[int, ...]:
    """Return the primary register sets in the order of their prefixes."""
    rates, phases = chain.from_iterable(registers.rates), chain.from_iterable(registers.phases)
    return (*registers.total, *registers.partial, *rates, *phases)


def _shown(registers: Registers) -> dict[str, Number]:
    return dict(zip(_SHOWN, map(shown_register, _amounts(registers)), strict=True))


def _exact(registers: Registers) -> dict[str, int]:
    return dict(zip(_EXACT, (*_amounts(registers), *registers.secondary), strict=True))
