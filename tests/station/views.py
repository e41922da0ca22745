"""Views for tests: every value of the nomenclature known, and different from its neighbours."""

from watthour.parameters import DEFAULTS
from watthour.units import ENERGIES, MICRO, VALUE_BY_NAME, energy_name, exact_name
from watthour.view import View


def plain_values():
    """Energies count up from 1 000 000 Wh, everything else from 1.0."""
    numbers = {}
    for place, name in enumerate(VALUE_BY_NAME):
        numbers[name] = 1_000_000 + place if name.endswith(("wh", "varh")) else 1 + place / 100
    return numbers


def make_view(values=None, parameters=None, **changes):
    """A powered Q23612 with plain values, some of them replaced."""
    shown = plain_values() | (values or {})
    exact = {exact_name(energy): (shown[energy_name(energy)] or 0) * MICRO + 7 for energy in ENERGIES}
    settings = {**DEFAULTS, "serial": 23612001, **(parameters or {})}
    fields = {"model": "Q23612", "serial": 23612001, "time_ns": 0, "samples": 8000, "duration_s": 1.0, "powered": True}
    return View(**(fields | {"values": shown, "exact": exact, "parameters": settings} | changes))
