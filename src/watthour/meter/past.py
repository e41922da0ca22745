"""What a meter keeps of the past, to records that JSON can write, and back: interval, demand, closings, rows of the profile.

Rows of the load profile travel one by one, beside the record of the state, which holds how many there were. What does not fit
is refused.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from watthour.history import (
    CLOSINGS,
    PROFILE_ROWS,
    Closing,
    ClosingCause,
    History,
    Maximum,
    ProfileRow,
    RowFlag,
    Six,
)
from watthour.meter.state import MeterState
from watthour.registers import Demand, DemandStep, OpenInterval
from watthour.units import ENERGIES, RATES

Json = dict[str, Any]

_FLAGS = sum(RowFlag)


def past_to_record(state: MeterState) -> Json:
    """Return the part of a state that is about time gone by; rows of the profile are counted, not written."""
    interval = state.interval
    return {
        "selected_rate": state.selected_rate,
        "clock_was_set": state.clock_was_set,
        "period_flags": int(state.period_flags),
        "closed_ns": state.closed_ns,
        "interval": None if interval is None else _interval_to_json(interval),
        "demand": _demand_to_json(state.demand),
        "profile": len(state.profile),
        "closings": {"first": state.closings.oldest, "rows": [_closing_to_json(closing) for closing in state.closings]},
    }


def past_from_record(record: Json, profile: Sequence[ProfileRow]) -> Json:
    """Return the fields of a state that `past_to_record` wrote."""
    first = whole(record["profile"]) - len(profile)
    if first < 0:
        msg = f"{len(profile)} rows of the load profile, of {record['profile']}"
        raise ValueError(msg)
    closings = record["closings"]
    interval = record["interval"]
    return {
        "selected_rate": rate_of(record["selected_rate"]),
        "clock_was_set": flag(record["clock_was_set"]),
        "period_flags": _row_flags(record.get("period_flags", 0)),
        "closed_ns": whole(record["closed_ns"]),
        "interval": None if interval is None else _interval_from_json(interval),
        "demand": _demand_from_json(record["demand"]),
        "profile": History(profile, keep=PROFILE_ROWS, first=first),
        "closings": History(
            [_closing_from_json(row) for row in listed(closings["rows"])], keep=CLOSINGS, first=_count(closings["first"])
        ),
    }


def row_to_record(row: ProfileRow) -> list[Any]:
    """Return a row of the load profile as a list that JSON can write."""
    return [row.start_ns, row.end_ns, row.energies, row.rates, row.demand_microw, row.metered_ns, int(row.flags)]


def row_from_record(record: Sequence[Any]) -> ProfileRow:
    """Return the row that `row_to_record` wrote.

    Raises
    ------
    TypeError, ValueError
        If it is none.
    """
    start_ns, end_ns, energies, rates, demand_microw, metered_ns, flags = record
    return ProfileRow(
        start_ns=whole(start_ns),
        end_ns=whole(end_ns),
        energies=six_counts(energies),
        rates=tuple(rate_of(rate) for rate in rates),
        demand_microw=_optional(demand_microw),
        metered_ns=_count(metered_ns),
        flags=_row_flags(flags),
    )


def whole(number: object) -> int:
    """Return what must be a whole number."""
    if type(number) is not int:
        msg = f"{number!r} is no whole number"
        raise TypeError(msg)
    return number


def listed(rows: object) -> list[Any]:
    """Return what must be a list."""
    if not isinstance(rows, list):
        msg = f"{rows!r} is no list"
        raise TypeError(msg)
    return rows


def flag(value: object) -> bool:
    """Return what must be true or false."""
    if not isinstance(value, bool):
        msg = f"{value!r} is neither true nor false"
        raise TypeError(msg)
    return value


def rate_of(number: object) -> int:
    """Return what must be a rate."""
    rate = whole(number)
    if not 1 <= rate <= len(RATES):
        msg = f"{rate} is no rate"
        raise ValueError(msg)
    return rate


def six_counts(row: Sequence[object]) -> Six:
    """Return what must be six counts."""
    counts = tuple(whole(count) for count in row)
    if len(counts) != len(ENERGIES) or min(counts) < 0:
        msg = f"{row!r} are no counts of {', '.join(ENERGIES)}"
        raise ValueError(msg)
    return counts


def _count(number: object) -> int:
    count = whole(number)
    if count < 0:
        msg = f"{count} is no count"
        raise ValueError(msg)
    return count


def _optional(number: object) -> int | None:
    return None if number is None else _count(number)


def _row_flags(number: object) -> RowFlag:
    flags = _count(number)
    if flags & ~_FLAGS:
        msg = f"{flags} are no flags of a row"
        raise ValueError(msg)
    return RowFlag(flags)


def _interval_to_json(interval: OpenInterval) -> Json:
    return {
        "start_ns": interval.start_ns,
        "energies": interval.energies,
        "rates": interval.rates,
        "demand_microw": interval.demand_microw,
        "metered": str(interval.metered),
        "flags": int(interval.flags),
    }


def _interval_from_json(record: Json) -> OpenInterval:
    metered, rates = Fraction(record["metered"]), tuple(rate_of(rate) for rate in listed(record["rates"]))
    if metered < 0 or bool(metered) != bool(rates):
        msg = f"{metered} s metered at the rates {rates}"
        raise ValueError(msg)
    return OpenInterval(
        start_ns=whole(record["start_ns"]),
        energies=six_counts(record["energies"]),
        rates=rates,
        demand_microw=_optional(record["demand_microw"]),
        metered=metered,
        flags=_row_flags(record["flags"]),
    )


def _maximum_to_json(maximum: Maximum | None) -> list[int] | None:
    return None if maximum is None else [maximum.demand_microw, maximum.time_ns]


def _maximum_from_json(record: Sequence[object] | None) -> Maximum | None:
    if record is None:
        return None
    demand_microw, time_ns = record
    return Maximum(demand_microw=_count(demand_microw), time_ns=whole(time_ns))


def _maxima_from_json(rows: Sequence[Any]) -> tuple[Maximum | None, ...]:
    if len(rows) != len(RATES):
        msg = f"{len(rows)} maxima of {len(RATES)} rates"
        raise ValueError(msg)
    return tuple(_maximum_from_json(row) for row in rows)


def _step_to_json(step: DemandStep) -> list[object]:
    return [step.start_ns, step.end_ns, step.rate, step.energy_microwh, step.is_metered, step.is_disturbed]


def _step_from_json(record: Sequence[object]) -> DemandStep:
    start_ns, end_ns, rate, energy_microwh, is_metered, is_disturbed = record
    return DemandStep(
        start_ns=whole(start_ns),
        end_ns=whole(end_ns),
        rate=rate_of(rate),
        energy_microwh=_count(energy_microwh),
        is_metered=flag(is_metered),
        is_disturbed=flag(is_disturbed),
    )


def _demand_to_json(demand: Demand) -> Json:
    return {
        "running": None if demand.running is None else _step_to_json(demand.running),
        "steps": [_step_to_json(step) for step in demand.steps],
        "last": _maximum_to_json(demand.last),
        "maximum": _maximum_to_json(demand.maximum),
        "rate_maxima": [_maximum_to_json(maximum) for maximum in demand.rate_maxima],
    }


def _demand_from_json(record: Json) -> Demand:
    return Demand(
        running=None if record["running"] is None else _step_from_json(record["running"]),
        steps=tuple(_step_from_json(step) for step in listed(record["steps"])),
        last=_maximum_from_json(record["last"]),
        maximum=_maximum_from_json(record["maximum"]),
        rate_maxima=_maxima_from_json(record["rate_maxima"]),
    )


def _closing_to_json(closing: Closing) -> Json:
    return {
        "time_ns": closing.time_ns,
        "cause": str(closing.cause),
        "total": closing.total,
        "rates": closing.rates,
        "maximum": _maximum_to_json(closing.maximum),
        "rate_maxima": [_maximum_to_json(maximum) for maximum in closing.rate_maxima],
        "flags": int(closing.flags),
    }


def _closing_from_json(record: Json) -> Closing:
    rates = tuple(six_counts(row) for row in record["rates"])
    if len(rates) != len(RATES):
        msg = f"{len(rates)} register sets of {len(RATES)} rates"
        raise ValueError(msg)
    return Closing(
        time_ns=whole(record["time_ns"]),
        cause=ClosingCause(record["cause"]),
        total=six_counts(record["total"]),
        rates=rates,
        maximum=_maximum_from_json(record["maximum"]),
        rate_maxima=_maxima_from_json(record["rate_maxima"]),
        flags=_row_flags(record.get("flags", 0)),
    )
