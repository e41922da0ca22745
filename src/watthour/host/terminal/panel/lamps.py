"""The two LEDs of a panel: each pulse is one flash, however seldom its counter is looked at."""

from dataclasses import dataclass, replace

from watthour.face import Leds

_MOST_DUE = 12
"""Flashes that wait at most: a counter that jumped is not blinked off for minutes (ours)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """An LED.

    Parameters
    ----------
    count : int or None
        Pulses when it was looked at last.
    due : int
        Pulses that it has still to flash.
    """

    count: int | None = None
    due: int = 0
    lit: bool = False

    def after(self, count: int | None) -> "Lamp":
        """Return it a tick later: dark after each flash, so that two are told apart."""
        new = max(count - self.count, 0) if count is not None and self.count is not None else 0
        due = min(self.due + new, _MOST_DUE)
        flashes = bool(due) and not self.lit
        return Lamp(count=count, due=due - flashes, lit=flashes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamps:
    """Both LEDs.

    >>> before = Lamps().after(Leds(kwh=5, kvarh=0, steady=False))
    >>> later = before.after(Leds(kwh=7, kvarh=0, steady=False))
    >>> [(lamps := later).kwh.lit, (lamps := lamps.after(Leds(kwh=7, kvarh=0, steady=False))).kwh.lit, lamps.kwh.due]
    [True, False, 1]
    """

    kwh: Lamp = Lamp()
    kvarh: Lamp = Lamp()
    steady: bool = False
    are_told: bool = True

    def after(self, now: Leds) -> "Lamps":
        """Return them a tick later."""
        return replace(
            self,
            kwh=self.kwh.after(now.kwh),
            kvarh=self.kvarh.after(now.kvarh),
            steady=now.steady,
            are_told=now.kwh is not None,
        )
