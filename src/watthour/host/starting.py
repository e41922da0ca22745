"""A meter as buses and pages ask it, from before its state is there until its end.

Lines open at once: until the state is restored every station answers that it is busy, and no register is shown. So whoever polls
a meter that starts never reads a zero, and learns that it is there.
"""

import asyncio
from dataclasses import replace

from watthour.errors import UsageError
from watthour.host.config import Plan
from watthour.host.metering import MeteringThread
from watthour.host.metering.keeping import Keeping
from watthour.meter import Meter, first_state
from watthour.models import model_of, require_feature
from watthour.pulses import Edge
from watthour.view import Command, Outcome, Verdict, View


class ThreadPort:
    """A meter on its own thread, or on its way there.

    Parameters
    ----------
    starting : View
        What stands for the meter until it is restored.
    """

    def __init__(self, starting: View) -> None:
        self._starting = starting
        self._thread: MeteringThread | None = None

    def begin(self, thread: MeteringThread) -> None:
        """Answer for this meter from now on: its state is there."""
        self._thread = thread

    def view(self) -> View:
        """Return the view last published."""
        return self._starting if self._thread is None else self._thread.view

    def sample_time_s(self) -> float:
        """Return the sample time of that view, counted from the source's first sample."""
        return 0.0 if self._thread is None else self._thread.sample_time_s

    async def ask(self, command: Command) -> Outcome:
        """Hand a command to the thread and wait for its outcome."""
        if self._thread is None:
            return Outcome(verdict=Verdict.REFUSED, message="the meter is starting")
        return await asyncio.wrap_future(self._thread.submit(command))

    async def switch(self, contact: int, closed: bool) -> Outcome:  # noqa: FBT001 - it is what the contact does
        """Close or open the contact at an input, from now on."""

        def deed(meter: Meter, _keeping: Keeping, _now_ns: int) -> Outcome:
            try:
                require_feature(model_of(str(meter.state.settings["model"])), "digital_inputs")
            except UsageError as problem:
                return Outcome(verdict=Verdict.REFUSED, message=str(problem))
            meter.switch_contacts([Edge(time_ns=0, contact=contact, closed=closed)])  # an instant gone by: at once
            return Outcome(verdict=Verdict.DONE)

        if self._thread is None:
            return Outcome(verdict=Verdict.REFUSED, message="the meter is starting")
        return await asyncio.wrap_future(self._thread.submit(deed))


def starting_view(plan: Plan) -> View:
    """Return what stands for a meter until it is restored: its settings as configured, and not one value.

    Raises
    ------
    UsageError
        If a transformer's ratio belongs to no current range.
    """
    view = Meter(first_state(plan.settings)).view()
    return replace(view, starting=True, values=dict.fromkeys(view.values), exact={})
