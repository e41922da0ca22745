"""What the two LEDs have flashed: whole quarters of a watt-hour of secondary energy, as their register counts them."""

from dataclasses import dataclass

from watthour.models import RATINGS
from watthour.units import ENERGIES, MICRO, PHASES, energy_unit, exact_name
from watthour.view import View

MICRO_PER_FLASH = 1000 * MICRO // RATINGS.pulse_constant_per_kwh


@dataclass(frozen=True, slots=True, kw_only=True)
class Leds:
    """Flashes so far.

    Parameters
    ----------
    kwh, kvarh : int or None
        Of each LED; None where the meter does not tell its secondary energy.
    steady : bool
        Below the cut-off on every phase: on without flashing; not while a current is unknown.
    """

    kwh: int | None
    kvarh: int | None
    steady: bool


def leds(view: View) -> Leds:
    """Return what the LEDs have flashed."""
    currents = [view.values.get(f"current_{phase}_a") for phase in PHASES]
    return Leds(
        kwh=_flashes(view, "wh"),
        kvarh=_flashes(view, "varh"),
        steady=view.powered and all(current == 0 for current in currents),
    )


def _flashes(view: View, unit: str) -> int | None:
    names = [exact_name(energy, "secondary_") for energy in ENERGIES if energy_unit(energy) == unit]
    if not all(name in view.exact for name in names):
        return None
    return sum(view.exact[name] for name in names) // MICRO_PER_FLASH
