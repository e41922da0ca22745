"""One request carried out and kept, or undone: what is answered as done is done for good."""

from collections.abc import Callable

from watthour.errors import StoreError, WatthourError
from watthour.host.metering.keeping import Keeping
from watthour.meter import Meter
from watthour.view import Command, Event, Outcome, Verdict

Deed = Callable[[Meter, Keeping, int], Outcome]
"""What the host does to a meter and to what is kept of it, between two steps, at an instant."""


def carry_out(
    asked: Command | Deed, meter: Meter, keeping: Keeping, now_ns: int, save: Callable[[], None]
) -> tuple[Outcome, tuple[Event, ...]]:
    """Return the outcome of a request, and what happened because of it.

    Parameters
    ----------
    save : callable
        Keeps meter and chain in both files, or raises StoreError; then everything is as it was before.
    """
    state, mark = meter.state, keeping.mark()
    try:
        outcome = meter.command(asked, now_ns) if isinstance(asked, Command) else asked(meter, keeping, now_ns)
    except WatthourError as problem:
        return Outcome(verdict=Verdict.REFUSED, message=str(problem)), ()
    events = meter.take_events()
    for event in events:
        keeping.note(event)
    if keeping.store is not None and not keeping.is_kept(meter.state):
        try:
            save()
        except StoreError as problem:
            meter.go_back(state)
            keeping.go_back(mark)
            return Outcome(verdict=Verdict.NOT_KEPT, message=str(problem)), ()
    return outcome, events
