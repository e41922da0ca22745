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
from watthour.units import NANOSECONDS, SECONDS_PER_HOUR

_NS_PER_MICRO_PER_W = SECONDS_PER_HOUR * NANOSECONDS // 10**6
"""Nanoseconds in which one watt makes one microwatt-hour."""

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
    is_stepped : bool
        The clock was told to have stepped back, and has not caught up.
    """

    good: Good | None = None
    total: Energies = field(default_factory=dict)
    held: Good | None = None
    boundary_ns: int | None = None
    at_boundary: Energies = field(default_factory=dict)
    open_quality: Quality = Quality.MEASURED
    is_stepped: bool = False


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
        return _begun(count, now, grid)
    if now in (before, count.held):
        return Advance(count=count, is_counted=now == before)
    if now.time_ns <= before.time_ns:
        return _stepped(count, before, now)
    return _later(count, before, now, reading, grid, profile)


def _later(  # noqa: PLR0917 - the state and what comes to it
    count: Count, before: Good, now: Good, reading: Reading, grid: Grid, profile: ProfileEnergies | None
) -> Advance:
    """Return what a reading brings that is later than the last good one."""
    if now.serial != before.serial:
        event = Event(time_ns=now.time_ns, kind=Kind.SWAPPED, before=_words(before), after=_words(now))
        return _restarted(count, before, now, grid, (event,))
    if not set(before.counters) <= set(now.counters):
        return Advance(count=count, is_counted=False)
    grown = _growth(before, reading, now.time_ns)
    if grown is None:
        return _doubted(count, before, now, reading, grid)
    events = [*_dropped(count, now), *_remarks(before, reading, now)]
    return _continued(count, before, now, _Step(grown=grown, reading=reading, profile=profile, events=tuple(events)), grid)


def wanted_profile(count: Count, time_ns: int, grid: Grid, within_ns: int = 0) -> tuple[int, int] | None:
    """Return the stretch [begin, end) of which the load profile would tell more than reads do, None where they tell all.

    Parameters
    ----------
    time_ns, within_ns : int
        Of the reading that is about to be counted.
    """
    if count.good is None or time_ns <= count.good.time_ns:
        return None
    boundaries = grid.within(count.good.time_ns, time_ns)
    early_ns, late_ns = grid.tolerance_ns - count.good.within_ns, grid.tolerance_ns - within_ns
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


def _begun(count: Count, now: Good, grid: Grid) -> Advance:
    """Return the count of a place that was never read before."""
    count = replace(count, good=now, total=dict.fromkeys(now.counters, 0))
    for boundary in grid.within(now.time_ns + now.within_ns - grid.tolerance_ns, now.time_ns):
        count = replace(count, boundary_ns=boundary, at_boundary=count.total)
    event = Event(time_ns=now.time_ns, kind=Kind.FIRST, after=_words(now))
    return Advance(count=count, events=(event,))


def _stepped(count: Count, before: Good, now: Good) -> Advance:
    if count.is_stepped:
        return Advance(count=count, is_counted=False)
    event = Event(time_ns=now.time_ns, kind=Kind.CLOCK_STEPPED, before=str(before.time_ns), after=str(now.time_ns))
    return Advance(count=replace(count, is_stepped=True), events=(event,), is_counted=False)


def _growth(before: Good, reading: Reading, until_ns: int) -> dict[str, int] | None:
    """Return by what each counter grew since, over a roll-over too; None where one of them cannot have."""
    most = reading.max_power_w * (until_ns - before.time_ns) // _NS_PER_MICRO_PER_W
    grown: dict[str, int] = {}
    for name, counter in reading.counters.items():
        if name in before.counters:
            growth = _grown(before.counters[name], counter)
            if not 0 <= growth <= most + counter.step_micro:
                return None
            grown[name] = growth
    return grown


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
    most = reading.max_power_w * (after.time_ns - before.time_ns) // _NS_PER_MICRO_PER_W
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
    most = reading.max_power_w * (now.time_ns - before.time_ns) // _NS_PER_MICRO_PER_W
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
            rest_micro=reading.max_power_w * (now.time_ns - max(placed)) // _NS_PER_MICRO_PER_W,
        )
        if better is None:
            events += (Event(time_ns=now.time_ns, kind=Kind.PROFILE_REFUSED),)
        else:
            placed = better
    intervals, count = _completed(count, placed, profile or {}, grid)
    count = replace(count, good=now, total=total, held=None, is_stepped=False)
    return Advance(count=count, intervals=intervals, events=events)


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
) -> tuple[tuple[Interval, ...], Count]:
    """Return the intervals that boundaries complete, and the count behind the last of them."""
    found = []
    for at, (energies, quality) in placed.items():
        if count.boundary_ns is not None:
            used = {name: micro - count.at_boundary.get(name, 0) for name, micro in energies.items()}
            row = profile.get(at - grid.step_ns, {})
            best = max(quality, count.open_quality)
            if Quality.PROFILE in {quality, count.open_quality} and best < Quality.INCOMPLETE:
                is_exact = all(micro == row.get(name, 0) for name, micro in used.items())
                best = Quality.PROFILE if is_exact else max(best, Quality.INTERPOLATED)
            found.append(Interval(start_ns=at - grid.step_ns, energies=used, quality=best))
        count = replace(count, boundary_ns=at, at_boundary=energies, open_quality=quality)
    return tuple(found), count


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
