"""What a meter shows: primary values under the names everyone uses, and the exact integers behind them.

In: a state. Out: a `View`. Nothing is rounded here but money; null (None) is what is not known or has no meaning.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache, partial
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
_READY = tuple(value.name for value in VALUES if value.name not in LATE_NAMES)
_CENTS = Decimal("0.0001")


def view_of(
    state: MeterState,
    calendar: Calendar | None = None,
    *,
    rate: int = 1,
    is_covered: bool = True,
) -> View:
    """Return what a meter in this state shows.

    Parameters
    ----------
    rate : int
        The active one.
    is_covered : bool
        Whether the calendar has a rate for this instant.
    """
    settings = state.settings
    known = {
        **_measured(state),
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
    model = model_of(str(settings["model"]))
    return View(
        model=str(settings["model"]),
        serial=int(str(settings["serial"])),
        time_ns=state.time_ns,
        samples=state.samples,
        duration_s=float(state.duration),
        powered=state.powered,
        values=LateValues(
            {name: known.get(name) for name in _names_of(model)},
            LATE_NAMES,
            partial(late_values, state),
        ),
        exact=MappingProxyType(_exact(state.registers)),
        parameters=settings,
        warnings=warnings,
        calendar=FLAT if calendar is None else in_force(calendar, state.time_ns).name,
        selected_rate=state.requested_rate,
        profile=state.profile,
        open_row=None
        if state.interval is None or state.anchor is None
        else row_of(state.interval, 1 / Fraction(state.anchor.rate_hz)),
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


def _named(stem: str, end: str, parts: Iterable[str], values: Sequence[Number], scale: float = 1.0) -> dict[str, Number]:
    """Return ``stem_part_end`` names with their values times `scale`."""
    return {f"{stem}_{part}{end}": None if value is None else value * scale for part, value in zip(parts, values, strict=True)}


def _measured(state: MeterState) -> dict[str, Number]:
    """Return the last whole window's quantities, primary; nothing before there is one."""
    if not len(state.last):
        return {}
    quantities = quantities_of(state.last[0], VOLTAGE_PRESENT_V)
    vt, ct = (float(ratio_setting(state.settings, name).fraction) for name in ("vt", "ct"))
    return {
        **_named("voltage", "_v", PHASES, quantities.voltage_v, vt),
        **_named("voltage", "_v", _LINES, quantities.line_voltage_v, vt),
        **_named("current", "_a", PHASES, quantities.current_a, ct),
        "current_n_a": quantities.neutral_current_a * ct,
        **_powers(quantities, float(primary_ratio(state.settings))),
        **_factors(quantities),
        "frequency_hz": quantities.frequency_hz,
        **_named("voltage_angle", "_deg", PHASES, quantities.voltage_angle_deg),
        **_named("current_angle", "_deg", PHASES, quantities.current_angle_deg),
    }


def _powers(quantities: Quantities, ratio: float) -> dict[str, Number]:
    return {
        **_named("power", "_w", PHASES, quantities.power_w, ratio),
        "power_w": quantities.total_power_w * ratio,
        **_named("reactive", "_var", PHASES, quantities.reactive_var, ratio),
        "reactive_var": quantities.total_reactive_var * ratio,
        **_named("apparent", "_va", PHASES, quantities.apparent_va, ratio),
        "apparent_va": quantities.total_apparent_va * ratio,
    }


def _factors(quantities: Quantities) -> dict[str, Number]:
    return {
        **_named("power_factor", "", PHASES, quantities.power_factor),
        "power_factor": quantities.total_power_factor,
        **_named("cos_phi", "", PHASES, quantities.cos_phi),
        "cos_phi": quantities.total_cos_phi,
    }


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


def _demanded(demand: Demand) -> dict[str, Number]:
    """Return the last demand and the maxima with their times, as seconds since 1970."""
    maxima = {"": demand.maximum, **{f"{name}_": row for name, row in zip(RATES, demand.rate_maxima, strict=True)}}
    shown: dict[str, Number] = {"demand_w": None if demand.last is None else demand.last.demand_microw / MICRO}
    for prefix, maximum in maxima.items():
        shown[f"{prefix}max_demand_w"] = None if maximum is None else maximum.demand_microw / MICRO
        shown[f"{prefix}max_demand_unix_s"] = None if maximum is None else maximum.time_ns // NANOSECONDS
    return shown


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
    exact = energy_kwh * Fraction(per_kwh)
    return float((Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_CENTS, ROUND_HALF_UP))


def _sets(registers: Registers) -> dict[str, tuple[int, ...]]:
    """Return the primary register sets by their prefix."""
    return {
        "": registers.total,
        "partial_": registers.partial,
        **{f"{name}_": row for name, row in zip(RATES, registers.rates, strict=True)},
        **{f"{name}_": row for name, row in zip(PHASES, registers.phases, strict=True)},
    }


def _shown(registers: Registers) -> dict[str, Number]:
    return {
        energy_name(energy, prefix): shown_register(amount)
        for prefix, row in _sets(registers).items()
        for energy, amount in zip(ENERGIES, row, strict=True)
    }


def _exact(registers: Registers) -> dict[str, int]:
    sets = {**_sets(registers), "secondary_": registers.secondary}
    return {
        exact_name(energy, prefix): amount for prefix, row in sets.items() for energy, amount in zip(ENERGIES, row, strict=True)
    }
