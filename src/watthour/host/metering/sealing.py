"""The seal, opened and closed by whoever knows its secret: what the host does to a meter between two steps.

The secret is set at the first sealing. Each wrong attempt becomes an event, is counted across restarts, and makes the next one
wait; whoever asks waits before the secret is looked at.
"""

from watthour.host.metering.keeping import Keeping
from watthour.host.store.sealed import print_of
from watthour.host.store.secret import after_attempt, delay_s, is_right, secret_of
from watthour.meter import Meter
from watthour.parameters import Interface
from watthour.view import Event, EventKind, Outcome, SetSeal, Verdict

SHORTEST_SECRET = 6
ASK_FOR_IT = "a secret is needed"
ASK_FOR_NEW = "a new secret is needed: it is set at the first sealing"


def attempt_delay_s(keeping: Keeping) -> float:
    """Return how long an attempt at the secret has to wait."""
    return 0.0 if keeping.secret is None else delay_s(keeping.secret)


def unseal(meter: Meter, keeping: Keeping, now_ns: int, secret: str | None) -> Outcome:
    """Open the seal; without a secret where it was never sealed with one."""
    if keeping.secret is None:
        return meter.command(SetSeal(is_open=True, interface=Interface.CONTROL), now_ns)
    if secret is None:
        return Outcome(verdict=Verdict.REFUSED, message=ASK_FOR_IT)
    right = is_right(keeping.secret, secret)
    keeping.secret = after_attempt(keeping.secret, right=right)
    if right:
        return meter.command(SetSeal(is_open=True, interface=Interface.CONTROL), now_ns)
    return _refused(keeping, now_ns)


def seal(meter: Meter, keeping: Keeping, now_ns: int, secret: str | None) -> Outcome:
    """Close the seal; the first time with a new secret. A secret given later must be the one that was set."""
    if keeping.secret is None:
        if secret is None:
            return Outcome(verdict=Verdict.REFUSED, message=ASK_FOR_NEW)
        if len(secret) < SHORTEST_SECRET:
            return Outcome(verdict=Verdict.REFUSED, message=f"a secret has at least {SHORTEST_SECRET} characters")
        keeping.secret = secret_of(secret)
        if (
            not meter.state.seal_open
        ):  # it was closed, with nothing to open it by: the event that tells of the secret needs both
            meter.command(SetSeal(is_open=True, interface=Interface.CONTROL), now_ns)
    elif secret is not None:
        right = is_right(keeping.secret, secret)
        keeping.secret = after_attempt(keeping.secret, right=right)
        if not right:
            return _refused(keeping, now_ns)
    return meter.command(SetSeal(is_open=False, interface=Interface.CONTROL, secret=print_of(keeping.secret)), now_ns)


def _refused(keeping: Keeping, now_ns: int) -> Outcome:
    attempts = 0 if keeping.secret is None else keeping.secret.wrong_attempts
    detail = {"interface": str(Interface.CONTROL), "wrong_attempts": str(attempts)}
    keeping.note(Event(time_ns=now_ns, kind=EventKind.SEAL_REFUSED, detail=detail))
    return Outcome(verdict=Verdict.REFUSED, message="wrong secret")
