"""Which pulse output is wired to which input, among the meters of one run.

In: plans. Out: a wire for each input that one of them says is wired; or one line that says why that cannot be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from watthour.errors import UsageError
from watthour.host.config import Plan
from watthour.host.contacts.wire import Wire
from watthour.models import model_of, require_feature


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The wires of one meter.

    Parameters
    ----------
    to_inputs : dict of int to Wire
        By the input that each comes to.
    from_output : list of Wire
    """

    to_inputs: dict[int, Wire] = field(default_factory=dict)
    from_output: list[Wire] = field(default_factory=list)


def wiring_of(plans: Sequence[Plan]) -> list[Wiring]:
    """Return the wires of each meter of a run.

    Raises
    ------
    UsageError
        If an input is wired to a meter that is not metered here, or that has no pulse output.
    """
    found = [Wiring() for _ in plans]
    places = {Path(plan.name).resolve(): place for place, plan in enumerate(plans)}
    for plan, mine in zip(plans, found, strict=True):
        for number, other in plan.wired.items():
            place = places.get(other.resolve())
            word = f"{plan.name}: input{number}_wired_to {other}"
            if place is None:
                msg = f"{word}: that meter is not in this run: run both together, watthour run {plan.name} {other}"
                raise UsageError(msg)
            try:
                require_feature(model_of(str(plans[place].setting("model"))), "pulse_outputs")
            except UsageError as problem:
                msg = f"{word}: {problem}"
                raise UsageError(msg) from None
            mine.to_inputs[number] = wire = Wire()
            found[place].from_output.append(wire)
    return found
