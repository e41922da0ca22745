"""Closing a billing period: registers and maxima frozen as they stand, maxima begun again, registers going on."""

from watthour.history import Closing, ClosingCause, RowFlag
from watthour.registers.counters import Registers
from watthour.registers.demand import Demand, reset_maxima


def close_period(
    registers: Registers, demand: Demand, time_ns: int, cause: ClosingCause, flags: RowFlag
) -> tuple[Closing, Demand]:
    """Return what is frozen, and the demand of the period that begins; its open step goes on."""
    closing = Closing(
        time_ns=time_ns,
        cause=cause,
        total=registers.total,
        rates=registers.rates,
        maximum=demand.maximum,
        rate_maxima=demand.rate_maxima,
        flags=flags,
    )
    return closing, reset_maxima(demand)
