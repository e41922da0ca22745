"""The face of a meter at work, shared by everybody who looks at it: one glass, two keys, as on the rail.

Pages and panel press the same keys; what they set is asked of the meter, and its answer stands on the glass.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from watthour.face import Face, Key, Lcd, lcd, passed, press, told
from watthour.host.lines import MeterPort
from watthour.tariff import Calendar
from watthour.view import Outcome, Verdict


class Instrument:
    """A face and the meter behind it.

    Parameters
    ----------
    port : MeterPort
    may_set : bool
        Whether keys reach the meter; one that is only read says so on its glass.
    clock : callable
        Seconds that only go forward.
    """

    def __init__(self, port: MeterPort, *, may_set: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._port = port
        self._may_set = may_set
        self._clock = clock
        self._face = Face(touched_s=clock())

    def glass(self) -> Lcd:
        """Return what the glass shows now."""
        now_s = self._clock()
        self._face = passed(self._face, now_s)
        return lcd(self._face, self._port.view(), now_s)

    async def press(self, key: Key, held_s: float) -> Lcd:
        """Press a key, and return what the glass shows then."""
        self._face, command = press(self._face, key, held_s, self._port.view(), self._clock())
        if command is not None:
            reading = Outcome(verdict=Verdict.READ_ONLY, message="this meter is only read from here")
            outcome = await self._port.ask(command) if self._may_set else reading
            self._face = told(self._face, outcome, self._clock())
        return self.glass()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A meter as a page or a panel has it.

    Parameters
    ----------
    port : MeterPort
    instrument : Instrument
    source : str
        What is metered.
    calendar : Calendar or None
        As the run began.
    switch : callable
        Closes (True) or opens the contact of an input.
    """

    port: MeterPort
    instrument: Instrument
    source: str
    calendar: Calendar | None
    switch: Callable[[int, bool], Awaitable[Outcome]]
