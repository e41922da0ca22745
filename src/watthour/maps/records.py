"""Rows of the load profile and closings as registers: what is in the windows of the map, and back.

In: records of `watthour.history`. Out: bytes, big endian, as a meter sends them, and the records that bytes stand for; the
station writes, whoever reads a meter reads. Times travel as whole seconds, energies exact::

    profile row   start u32 | number u32 | metered_ms u32 | flags u16 | rate u16 | rates u16 | 0 | demand_w i32 | 6 x u64 | 0 x 4
    closing       time u32 | cause u16 | flags u16  ||  6 x u64 total  ||  8 x 6 x u64 rates  ||  9 x (demand_microw i64, end u32)

A row that is not there is all zeros; its start, which would be 1970, says so.
"""

import struct
from collections.abc import Sequence

from watthour.history import PROFILE_MIN, Closing, ClosingCause, History, Maximum, ProfileRow, RowFlag, Six
from watthour.units import MICRO, NANOSECONDS, round_half_up

ROW = struct.Struct(">IIIHHHxxi6Q8x")
ROWS_SHOWN = 3
HEAD = struct.Struct(">IHH")
ENERGIES_OF_SET = struct.Struct(">6Q")
MAXIMUM = struct.Struct(">qI")

_NO_DEMAND_W = -(2**31)
_MOST_W = 2**31 - 1
_NO_MAXIMUM = -1
_NS_PER_MS = 10**6
_LATEST_S = 2**32 - 1
_CAUSES = tuple(ClosingCause)


def row_to_registers(row: ProfileRow, number: int) -> bytes:
    """Return a row of the load profile as 40 registers."""
    demand = row.demand_microw
    return ROW.pack(
        _seconds(row.start_ns),
        number,
        min(row.metered_ns // _NS_PER_MS, 2**32 - 1),
        int(row.flags),
        row.rates[0],
        sum(1 << rate - 1 for rate in row.rates),
        _NO_DEMAND_W if demand is None else min(round_half_up(demand / MICRO), _MOST_W),
        *row.energies,
    )


def row_from_registers(data: bytes) -> tuple[int, ProfileRow] | None:
    """Return number and row; None where there is none.

    Rates beside the first come in the order of their numbers; the demand is that in whole watts.
    """
    start_s, number, metered_ms, flags, rate, mask, demand_w, *energies = ROW.unpack(data)
    if not start_s:
        return None
    others = tuple(n for n in range(1, 9) if mask >> n - 1 & 1 and n != rate)
    row = ProfileRow(
        start_ns=start_s * NANOSECONDS,
        end_ns=(start_s + PROFILE_MIN * 60) * NANOSECONDS,
        energies=tuple(energies),
        rates=(rate, *others),
        demand_microw=None if demand_w == _NO_DEMAND_W else demand_w * MICRO,
        metered_ns=metered_ms * _NS_PER_MS,
        flags=RowFlag(flags),
    )
    return number, row


def profile_window(profile: History[ProfileRow], first: int) -> bytes:
    """Return the rows from a number on, as many as the window shows; zeros where there is none."""
    shown = []
    for number in range(first, first + ROWS_SHOWN):
        held = profile.oldest <= number < len(profile)
        shown.append(row_to_registers(profile[number], number) if held else bytes(ROW.size))
    return b"".join(shown)


def closing_head(closing: Closing | None) -> bytes:
    """Return when and why a period was closed, and its flags."""
    if closing is None:
        return bytes(HEAD.size)
    return HEAD.pack(_seconds(closing.time_ns), _CAUSES.index(closing.cause), int(closing.flags))


def closing_energies(energies: Six | None) -> bytes:
    """Return six energies."""
    return bytes(ENERGIES_OF_SET.size) if energies is None else ENERGIES_OF_SET.pack(*energies)


def closing_maxima(closing: Closing | None) -> bytes:
    """Return the highest demands: over all rates, and T1 to T8."""
    maxima: Sequence[Maximum | None] = [None] * 9 if closing is None else [closing.maximum, *closing.rate_maxima]
    return b"".join(
        MAXIMUM.pack(_NO_MAXIMUM, 0) if each is None else MAXIMUM.pack(each.demand_microw, _seconds(each.time_ns))
        for each in maxima
    )


def closing_from_registers(head: bytes, total: bytes, rates: Sequence[bytes], maxima: bytes) -> Closing | None:
    """Return the closing that its records stand for; None where there is none."""
    time_s, cause, flags = HEAD.unpack(head)
    if not time_s:
        return None
    found = [
        None if demand == _NO_MAXIMUM else Maximum(demand_microw=demand, time_ns=end_s * NANOSECONDS)
        for demand, end_s in MAXIMUM.iter_unpack(maxima)
    ]
    return Closing(
        time_ns=time_s * NANOSECONDS,
        cause=_CAUSES[cause],
        total=ENERGIES_OF_SET.unpack(total),
        rates=tuple(ENERGIES_OF_SET.unpack(data) for data in rates),
        maximum=found[0],
        rate_maxima=tuple(found[1:]),
        flags=RowFlag(flags),
    )


def _seconds(time_ns: int) -> int:
    return min(max(time_ns // NANOSECONDS, 0), _LATEST_S)
