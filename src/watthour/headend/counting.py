"""The arithmetic of counters: readings of a place in, energies of its intervals and what happened out.

The counters of a place are made into one that never falls and never rolls over: it grows by what each meter's counter grew
between two of its own readings, and stands still while nobody counted. With U for it, V(T) is U at a boundary T of intervals::

    reads        x            x                        x          x
    U            |.-''|       |                 .-''   |     ..-''
    boundaries   T0           T1           T2          T3         T4

An interval's energy is V(T + 1) - V(T), so that intervals sum to differences of registers, to the last digit. A read within the
tolerance of T gives V(T) itself; else V(T) lies between the reads around it: where the meter's load profile puts it, or on the
straight line. A counter that cannot have got where it stands is held until the next read confirms or drops it. Where a counter
begins anew (another meter, a reset) nothing is known of the time between, and the intervals say so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from watthour.headend.filling import ProfileEnergies, placed_by_profile
from watthour.headend.reading import Counter, Energies, Event, Interval, Kind, Quality, Reading
from watthour.units import NANOSECONDS, SECONDS_PER_HOUR, iso

_NS_PER_MICRO_PER_W = SECONDS_PER_HOUR * NANOSECONDS // 10**6
"""Nanoseconds in which one watt makes one microwatt-hour."""

_DAY_NS = 24 * SECONDS_PER_HOUR * NANOSECONDS
"""A clock set by more than it was wrong beyond use: what it named in between is no time (ours)."""

LONG = 2
"""Reads further apart than so many intervals leave a gap between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The boundaries of intervals: whole multiples of the step since 1970 UTC.

    Parameters
    ----------
    tolerance_ns : int
        A read so near to a boundary is a read at it; less than half a step.
    """

    step_ns: int
    tolerance_ns: int

    def within(self, begin_ns: int, end_ns: int) -> range:
        """Return the boundaries in [begin, end]."""
        return range(-(-begin_ns // self.step_ns) * self.step_ns, end_ns + 1, self.step_ns)

    def is_long(self, begin_ns: int, end_ns: int) -> bool:
        """Whether two reads leave a gap between them."""
        return end_ns - begin_ns > LONG * self.step_ns + self.tolerance_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A reading that was counted, or is held: what of it the next one is compared with."""

    time_ns: int
    serial: str
    counters: Mapping[str, int]
    within_ns: int = 0
    resettable: Mapping[str, int] = field(default_factory=dict)
    ratio: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Where the counters of a place stand.

    Parameters
    ----------
    good : Good, optional
        The last reading that was counted; None before the first.
    total : mapping of str to int
        U at that reading.
    held : Good, optional
        A later reading that was not believed yet.
    boundary_ns : int, optional
        The newest boundary whose V is fixed.
    at_boundary : mapping of str to int
        V there.
    open_quality : Quality
        How the interval that begins there is known so far.
    stepped_ns : int, optional
        First instant of a clock that was set back and has not caught up; None: it was not, or it has.
    """

    good: Good | None = None
    total: Energies = field(default_factory=dict)
    held: Good | None = None
    boundary_ns: int | None = None
    at_boundary: Energies = field(default_factory=dict)
    open_quality: Quality = Quality.MEASURED
    stepped_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What a reading brought.

    Parameters
    ----------
    intervals : tuple of Interval
        Those it completed, in order.
    is_counted : bool
        Whether it is a good reading: the next is counted from it.
    """

    count: Count
    intervals: tuple[Interval, ...] = ()
    events: tuple[Event, ...] = ()
    is_counted: bool = True


def advance(count: Count, reading: Reading, grid: Grid, profile: ProfileEnergies | None = None) -> Advance:
    """Return what one more reading of a place brings.

    Parameters
    ----------
    profile : mapping of int to energies, optional
        Of the meter's own load profile, by start of interval, each one step long.
    """
    now = _good(reading)
    before = count.good
    if before is None:
        return _begun(now, grid)
    if now in (before, count.held):
        return Advance(count=count, is_counted=now == before)
    if now.time_ns <= before.time_ns:
        return _set_back(count, before, now, grid)
    return _later(count, before, now, reading, grid, profile)


def _later(  # noqa: PLR0917 - the state and what comes to it
    count: Count, before: Good, now: Good, reading: Reading, grid: Grid, profile: ProfileEnergies | None
) -> Advance:
    """Return what a reading brings that is later than the last good one."""
    if now.serial != before.serial:
        event = Event(time_ns=now.time_ns, kind=Kind.SWAPPED, before=_words(before), after=_words(now))
        return _restarted(count, before, now, grid, (event,))
    if not before.counters.keys() <= now.counters.keys():
        return Advance(count=count, is_counted=False)
    grown = _growth(before, reading, now.time_ns)
    if grown is None:
        return _doubted(count, before, now, reading, grid)
    events = [*_dropped(count, now), *_remarks(before, reading, now)]
    if reading.stepped_ns > _DAY_NS and now.time_ns - before.time_ns > _DAY_NS:
        total = {name: count.total.get(name, 0) + grown.get(name, 0) for name in now.counters}
        return Advance(count=_anchored(now, total, grid), events=tuple(events))
    return _continued(count, before, now, _Step(grown=grown, reading=reading, profile=profile, events=tuple(events)), grid)


def wanted_profile(count: Count, reading: Reading, grid: Grid) -> tuple[int, int] | None:
    """Return the stretch [begin, end) of which the load profile would tell more than reads do, None where they tell all.

    Parameters
    ----------
    reading : Reading
        That is about to be counted.
    """
    time_ns = reading.time_ns
    if count.good is None or time_ns <= count.good.time_ns or reading.serial != count.good.serial:
        return None
    boundaries = grid.within(count.good.time_ns, time_ns)
    early_ns, late_ns = grid.tolerance_ns - count.good.within_ns, grid.tolerance_ns - reading.within_ns
    unread = [at for at in boundaries if at - count.good.time_ns > early_ns and time_ns - at > late_ns]
    if not unread:
        return None
    begin = unread[0] - grid.step_ns
    return begin if count.boundary_ns is None else min(begin, count.boundary_ns), unread[-1] + grid.step_ns


def _good(reading: Reading) -> Good:
    return Good(
        time_ns=reading.time_ns,
        serial=reading.serial,
        counters={name: counter.micro for name, counter in reading.counters.items()},
        within_ns=reading.within_ns,
        resettable={name: counter.micro for name, counter in reading.resettable.items()},
        ratio=reading.ratio,
    )


def _words(good: Good) -> str:
    shown = " ".join(f"{name}={micro}" for name, micro in good.counters.items())
    return f"{good.serial}: {shown}"


def _begun(now: Good, grid: Grid) -> Advance:
    """Return the count of a place that was never read before."""
    event = Event(time_ns=now.time_ns, kind=Kind.FIRST, after=_words(now))
    return Advance(count=_anchored(now, dict.fromkeys(now.counters, 0), grid), events=(event,))


def _anchored(now: Good, total: Energies, grid: Grid) -> Count:
    """Return a count that begins at a reading; nothing is said of the time before it."""
    boundaries = grid.within(now.time_ns + now.within_ns - grid.tolerance_ns, now.time_ns)
    if not boundaries:
        return Count(good=now, total=total)
    return Count(good=now, total=total, boundary_ns=boundaries[-1], at_boundary=total)


def _set_back(count: Count, before: Good, now: Good, grid: Grid) -> Advance:
    """Wait for a clock that was set back to catch up; one that did not for a day is believed."""
    event = Event(time_ns=now.time_ns, kind=Kind.CLOCK_STEPPED_BACK, before=iso(before.time_ns), after=iso(now.time_ns))
    if count.stepped_ns is None or now.time_ns < count.stepped_ns:
        return Advance(count=replace(count, stepped_ns=now.time_ns), events=(event,), is_counted=False)
    if now.time_ns - count.stepped_ns <= _DAY_NS:
        return Advance(count=count, is_counted=False)
    return Advance(count=_anchored(now, {name: count.total.get(name, 0) for name in now.counters}, grid), events=(event,))


def _growth(before: Good, reading: Reading, until_ns: int) -> dict[str, int] | None:
    """Return by what each counter grew since, over a roll-over too; None where one of them cannot have."""
    most = _most(before, reading, until_ns)
    grown: dict[str, int] = {}
    for name, was in before.counters.items():
        counter = reading.counters.get(name)
        if counter is not None:
            grown[name] = growth = _grown(was, counter)
            if not 0 <= growth <= most + counter.step_micro:
                return None
    return grown


def _most(before: Good, reading: Reading, until_ns: int) -> int:
    """Return what the meter can have counted since, however the reader's clock was set."""
    elapsed_ns = until_ns - before.time_ns
    return reading.max_power_w * max(elapsed_ns, elapsed_ns - reading.stepped_ns) // _NS_PER_MICRO_PER_W


def _grown(before: int, counter: Counter) -> int:
    growth = counter.micro - before
    return growth if counter.modulus_micro is None else growth % counter.modulus_micro


def _doubted(count: Count, before: Good, now: Good, reading: Reading, grid: Grid) -> Advance:
    """Hold a reading that cannot follow the last good one; count anew from the held one where this one follows it."""
    if count.held is not None and count.held.serial == now.serial:
        grown = _growth(count.held, reading, now.time_ns) if now.time_ns > count.held.time_ns else None
        if grown is not None:
            restarted = _restarted(count, before, count.held, grid, _breaks(before, count.held, reading))
            then = _continued(restarted.count, count.held, now, _Step(grown=grown, reading=reading), grid)
            return Advance(
                count=then.count,
                intervals=restarted.intervals + then.intervals,
                events=restarted.events + then.events,
            )
    events = []
    for name, counter in reading.counters.items():
        if _growth(before, replace(reading, counters={name: counter}), now.time_ns) is None:
            was, shown = str(before.counters[name]), str(counter.micro)
            events.append(Event(time_ns=now.time_ns, kind=Kind.HELD, counter=name, before=was, after=shown))
    return Advance(count=replace(count, held=now), events=(*_dropped(count, now), *events), is_counted=False)


def _breaks(before: Good, after: Good, reading: Reading) -> tuple[Event, ...]:
    """Return what a confirmed break is, counter by counter."""
    most = _most(before, reading, after.time_ns)
    found = []
    for name, micro in after.counters.items():
        was = before.counters.get(name)
        if was is None or 0 <= micro - was <= most:
            continue
        kind = Kind.JUMPED if micro > was else Kind.RESET if micro <= most else Kind.BACKWARDS
        found.append(Event(time_ns=after.time_ns, kind=kind, counter=name, before=str(was), after=str(micro)))
    return tuple(found)


def _dropped(count: Count, now: Good) -> list[Event]:
    if count.held is None:
        return []
    return [Event(time_ns=now.time_ns, kind=Kind.DROPPED, before=_words(count.held), after=_words(now))]


def _remarks(before: Good, reading: Reading, now: Good) -> Iterator[Event]:
    """Yield what is worth an event although the counters went on."""
    most = _most(before, reading, now.time_ns)
    for name, counter in reading.counters.items():
        was = before.counters.get(name, 0)
        if counter.micro < was:
            yield Event(time_ns=now.time_ns, kind=Kind.ROLLED_OVER, counter=name, before=str(was), after=str(counter.micro))
        if counter.modulus_micro is not None and most >= counter.modulus_micro:
            yield Event(time_ns=now.time_ns, kind=Kind.AMBIGUOUS, counter=name, before=str(was), after=str(counter.micro))
    for name, counter in reading.resettable.items():
        was = before.resettable.get(name, 0)
        if counter.micro < was and _grown(was, counter) > most + counter.step_micro:
            yield Event(time_ns=now.time_ns, kind=Kind.PARTIAL_RESET, counter=name, before=str(was), after=str(counter.micro))
    if before.ratio and reading.ratio and before.ratio != reading.ratio:
        yield Event(time_ns=now.time_ns, kind=Kind.RATIO_CHANGED, before=before.ratio, after=reading.ratio)
    if reading.stepped_ns:
        kind = Kind.CLOCK_STEPPED_FORWARD if reading.stepped_ns > 0 else Kind.CLOCK_STEPPED_BACK
        yield Event(time_ns=now.time_ns, kind=kind, before=iso(now.time_ns - reading.stepped_ns), after=iso(now.time_ns))


def _unfixed(count: Count, before: Good, now: Good, grid: Grid) -> Sequence[int]:
    """Return the boundaries up to a reading whose V is not fixed yet."""
    begin = before.time_ns - grid.tolerance_ns if count.boundary_ns is None else count.boundary_ns + grid.step_ns
    return grid.within(begin, now.time_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What a reading that follows the last good one tells."""

    grown: Mapping[str, int]
    reading: Reading
    profile: ProfileEnergies | None = None
    events: tuple[Event, ...] = ()


def _continued(count: Count, before: Good, now: Good, step: _Step, grid: Grid) -> Advance:
    """Count on from the last good reading to one that follows it."""
    reading, profile, events = step.reading, step.profile, step.events
    total = {name: count.total.get(name, 0) + step.grown.get(name, 0) for name in now.counters}
    placed = dict(_between_reads(_unfixed(count, before, now, grid), (before, count.total), (now, total), grid))
    if profile is not None and placed:
        slack = {
            name: 2 * reading.max_power_w * grid.tolerance_ns // _NS_PER_MICRO_PER_W + 2 * counter.step_micro
            for name, counter in reading.counters.items()
        }
        better = placed_by_profile(
            placed,
            profile,
            step_ns=grid.step_ns,
            known=_known(count),
            reads=(_all(count.total, total), total),
            slack=slack,
            rest_micro=lambda at: reading.max_power_w * (now.time_ns - at) // _NS_PER_MICRO_PER_W,
        )
        if better is None:
            events += (Event(time_ns=now.time_ns, kind=Kind.PROFILE_REFUSED),)
        else:
            placed = better
    intervals, (boundary_ns, at_boundary, quality) = _completed(count, placed, profile or {}, grid)
    after = Count(good=now, total=total, boundary_ns=boundary_ns, at_boundary=at_boundary, open_quality=quality)
    return Advance(count=after, intervals=intervals, events=events)


def _known(count: Count) -> tuple[int, Energies] | None:
    """Return the newest fixed boundary and V there, where the profile may count on from it."""
    if count.boundary_ns is None or count.open_quality >= Quality.INCOMPLETE:
        return None
    return count.boundary_ns, count.at_boundary


def _between_reads(
    boundaries: Sequence[int], before: tuple[Good, Energies], now: tuple[Good, Energies], grid: Grid
) -> Iterator[tuple[int, tuple[Energies, Quality]]]:
    """Yield V at each boundary, and how it is known, from the two reads around it, and U at them."""
    (first, low), (last, high) = before, now
    begin_ns, end_ns = first.time_ns, last.time_ns
    guess = Quality.ESTIMATED if grid.is_long(begin_ns, end_ns) else Quality.INTERPOLATED
    for at in boundaries:
        late, early = end_ns - at, at - begin_ns
        if early + first.within_ns <= grid.tolerance_ns and early <= late:
            yield at, (_all(low, high), Quality.MEASURED)
        elif late + last.within_ns <= grid.tolerance_ns:
            yield at, (high, Quality.MEASURED)
        else:
            span = end_ns - begin_ns
            yield at, ({name: micro - (micro - low.get(name, 0)) * late // span for name, micro in high.items()}, guess)


def _all(some: Energies, names: Energies) -> dict[str, int]:
    return {name: some.get(name, 0) for name in names}


def _completed(
    count: Count, placed: Mapping[int, tuple[Energies, Quality]], profile: ProfileEnergies, grid: Grid
) -> tuple[tuple[Interval, ...], tuple[int | None, Energies, Quality]]:
    """Return the intervals that boundaries complete; and the last boundary, V there and how it is known."""
    found = []
    last_ns, at_last, open_quality = count.boundary_ns, count.at_boundary, count.open_quality
    for at, (energies, quality) in placed.items():
        if last_ns is not None:
            used = {name: micro - at_last.get(name, 0) for name, micro in energies.items()}
            best = max(quality, open_quality)
            if best and best < Quality.INCOMPLETE and Quality.PROFILE in {quality, open_quality}:
                row = profile.get(last_ns, {})
                is_exact = all(micro == row.get(name, 0) for name, micro in used.items())
                best = Quality.PROFILE if is_exact else max(best, Quality.INTERPOLATED)
            found.append(Interval(start_ns=at - grid.step_ns, energies=used, quality=best))
        last_ns, at_last, open_quality = at, energies, quality
    return tuple(found), (last_ns, at_last, open_quality)


def _restarted(count: Count, before: Good, now: Good, grid: Grid, events: tuple[Event, ...]) -> Advance:
    """Count anew from a reading that does not follow the last good one: nothing is known of the time between."""
    total = {name: count.total.get(name, 0) for name in now.counters}
    found = []
    boundary = count.boundary_ns
    at_boundary, quality = count.at_boundary, count.open_quality
    last = before.time_ns
    for at in _unfixed(count, before, now, grid):
        if boundary is not None:
            used = {name: micro - at_boundary.get(name, 0) for name, micro in total.items()}
            if at - last > grid.tolerance_ns:
                knows_nothing = boundary >= last - grid.tolerance_ns and not any(used.values())
                quality = Quality.GAP if knows_nothing else Quality.INCOMPLETE
            energies = {} if quality is Quality.GAP else used
            found.append(Interval(start_ns=boundary, energies=energies, quality=quality))
        boundary, at_boundary, quality = at, total, Quality.MEASURED
    if boundary is None or now.time_ns - boundary > grid.tolerance_ns:
        quality = Quality.INCOMPLETE
    count = Count(good=now, total=total, boundary_ns=boundary, at_boundary=at_boundary, open_quality=quality)
    return Advance(count=count, intervals=tuple(found), events=events)
