"""Everything in a data directory that can be held against something else in it, or against a head that was noted elsewhere.

In: the files of a meter. Out: what is wrong, one line each; nothing where all agrees. Four questions: are the files whole,
does the chain of events follow, does the state agree with what the events say of it, do the registers agree with one another.

An unkeyed chain proves nothing against whoever writes state and chain anew, whole: for that a head has to be noted where he
does not come (``--anchor``).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import sub

from watthour import journal
from watthour.errors import DamagedRecordError, UsageError
from watthour.host.calendars import is_file_name
from watthour.host.evidence.files import MeterFiles
from watthour.host.evidence.log import entries_of
from watthour.host.instants import iso
from watthour.host.store.kept import Kept, kept_from_content
from watthour.host.store.pair import LOST
from watthour.host.store.sealed import CALENDAR_CONTENT, SEALED, SOURCE_WORDS, from_text, print_of, sealed_values
from watthour.journal import Entry
from watthour.meter.state import primary_ratio
from watthour.parameters import DEFAULTS
from watthour.units import ENERGIES, exact_name
from watthour.view import EventKind

_TOTALS = tuple(exact_name(energy) for energy in ENERGIES)
_CHANGES = frozenset({EventKind.PARAMETER_CHANGED, EventKind.CALENDAR_CHANGED, EventKind.RATE_SOURCE_CHANGED})
_ANCHOR = re.compile("[0-9a-f]{16,64}")

_WORDS = frozenset({*SOURCE_WORDS, CALENDAR_CONTENT})
"""What is under the seal and no setting; what was not said before is not changed when it is said."""

Six = tuple[int, ...]


def wanted_anchor(text: str) -> str:
    """Return a head as it was noted: the whole hash, or at least its first 16 digits.

    Raises
    ------
    UsageError
        If it is none.
    """
    anchor = text.strip().lower()
    if not _ANCHOR.fullmatch(anchor):
        msg = f"--anchor {text}: give the head as it was noted, its 64 hexadecimal digits or at least the first 16"
        raise UsageError(msg)
    return anchor


@dataclass(slots=True)
class _Told:
    """What a chain says of its meter, up to some event."""

    totals: Six | None = None
    totals_number: int = 0
    seal_open: bool = False
    sealed: dict[str, str] | None = None
    secret: str | None = None
    ratio_changed: bool = False
    faults: list[str] = field(default_factory=list)


def faults_of(meter: MeterFiles, anchor: str | None = None) -> list[str]:
    """Return what is wrong with what a meter has kept, one line each.

    Parameters
    ----------
    anchor : str, optional
        A head noted earlier, from `wanted_anchor`.
    """
    loaded = meter.loaded
    faults = list(loaded.faults)
    bodies = [None if body == LOST else body for body in loaded.rows["events"].since(0)]
    kept = None
    if loaded.content is None:
        faults.append("there is no state that can be believed: what was counted is lost")
    else:
        try:
            kept = kept_from_content(loaded.content, loaded.rows["events"])
        except DamagedRecordError as problem:
            faults.append(str(problem))
    faults += journal.chain_faults(bodies, meter.serial, None if kept is None else kept.head)
    if anchor is not None:
        fault = journal.anchor_fault(bodies, meter.serial, anchor)
        faults += [fault] if fault else []
    told = _told(meter)
    faults += told.faults
    if kept is not None:
        faults += [*_against_events(kept, told), *_among_registers(kept, told), *_against_profile(meter, kept)]
        faults += _marks(kept)
    return faults


def _told(meter: MeterFiles) -> _Told:
    """Return what the chain says, and where it contradicts itself."""
    told = _Told()
    for number, entry, _ in entries_of(meter):
        if entry is not None:
            _take_totals(told, number, entry)
            _take_seal(told, number, entry)
    return told


def _take_totals(told: _Told, number: int, entry: Entry) -> None:
    if entry.detail.get("registers") == "fresh":
        told.totals, told.totals_number = None, number
    try:
        totals = tuple(int(entry.detail[name]) for name in _TOTALS)
    except (KeyError, ValueError):
        return
    if told.totals is not None and any(new < old for new, old in zip(totals, told.totals, strict=True)):
        told.faults.append(
            f"the totals of event {number} are lower than those of event {told.totals_number}: registers were set back"
        )
    told.totals, told.totals_number = totals, number


def _take_seal(told: _Told, number: int, entry: Entry) -> None:
    if entry.kind == EventKind.SEAL_OPENED:
        told.seal_open = True
    elif entry.kind == EventKind.SEAL_CLOSED:
        told.seal_open, told.secret = False, entry.detail.get("secret", told.secret)
    elif entry.kind in _CHANGES and entry.detail.get("name") in {*SEALED, *_WORDS}:
        name = entry.detail["name"]
        is_of_the_package = name == CALENDAR_CONTENT and not is_file_name(entry.detail.get("calendar", ""))
        if not (told.seal_open or is_of_the_package):
            told.faults.append(f"event {number}: {name} was changed while the seal was closed")
        told.ratio_changed |= name in {"ct", "vt"}
        if told.sealed is not None:
            told.sealed[name] = entry.detail.get("new", "").removesuffix(", read anew")
            if "sha256" in entry.detail:
                told.sealed[CALENDAR_CONTENT] = entry.detail["sha256"]
    if "sealed" in entry.detail:
        try:
            now = from_text(entry.detail["sealed"])
        except ValueError:
            told.faults.append(f"event {number}: what it says of sealed settings cannot be read")
            return
        told.faults += [f"event {number}: {line}" for line in _differing(told.sealed, now)]
        told.sealed = now


def _differing(before: Mapping[str, str] | None, now: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each sealed value that is not what the events before lead to."""
    if before is None:
        return
    for name in sorted({*before, *now}):
        old, new = (values.get(name, str(DEFAULTS.get(name, ""))) for values in (before, now))
        if old != new and not (name in _WORDS and not old):
            yield f"{name} is {new}, where the events lead to {old}: it was changed without one"


def _against_events(kept: Kept, told: _Told) -> Iterator[str]:
    """Yield where the state is not what the events lead to."""
    total = kept.state.registers.total
    if told.totals is not None:
        names = [
            f"{name} is {new}, where event {told.totals_number} has {old}"
            for name, new, old in zip(_TOTALS, total, told.totals, strict=True)
            if new < old or (kept.stopped and new != old)
        ]
        if names:
            yield f"registers were set: {', '.join(names)}"
    if kept.state.seal_open != told.seal_open:
        words = {True: "open", False: "closed"}
        yield f"the seal is {words[kept.state.seal_open]}, where the events leave it {words[told.seal_open]}"
    if told.secret is not None and told.secret != print_of(kept.secret):
        yield "the secret of the seal is not the one it was closed with: it was replaced or taken away"
    for line in _differing(told.sealed, sealed_values(kept.state.settings, kept.sealed_source)):
        yield f"sealed: {line}"


def _among_registers(kept: Kept, told: _Told) -> Iterator[str]:
    """Yield where registers do not agree with one another."""
    registers = kept.state.registers
    for place, energy in enumerate(ENERGIES):
        total = registers.total[place]
        by_rate = sum(rate[place] for rate in registers.rates)
        if by_rate != total:
            yield f"the rates of {energy} sum to {by_rate}, and the total is {total}"
        if registers.partial[place] > total:
            yield f"the partial {energy} {registers.partial[place]} is above the total {total}"
        owed = registers.remainders[-1][place]
        if not told.ratio_changed and total * registers.parts + owed != registers.secondary[place] * (
            primary_ratio(kept.state.settings) * registers.parts
        ):
            yield f"the total {energy} {total} is not the secondary {registers.secondary[place]} times the transformers' ratio"


def _against_profile(meter: MeterFiles, kept: Kept) -> Iterator[str]:
    """Yield where the rows of the load profile, and what is open of the next, do not sum to the totals."""
    rows = meter.loaded.rows["profile"]
    bodies = rows.since(0)
    if LOST in bodies:
        return
    with_rows = kept_from_content(meter.loaded.content or {}, profile=bodies)
    opened = with_rows.state.interval
    sums = [sum(row.energies[place] for row in with_rows.state.profile) for place in range(len(ENERGIES))]
    sums = [amount + (0 if opened is None else opened.energies[place]) for place, amount in enumerate(sums)]
    for energy, missing in zip(ENERGIES, map(sub, kept.state.registers.total, sums), strict=True):
        if missing < 0 or (missing > 0 and rows.oldest == 0 and with_rows.state.profile.oldest == 0):
            yield f"the total {energy} is {abs(missing)} micro-units {'more' if missing > 0 else 'less'} than its load profile sums to"


def _marks(kept: Kept) -> Iterator[str]:
    if kept.fresh_since_ns is not None:
        yield f"the registers are fresh ones since {iso(kept.fresh_since_ns)}: what was counted before was lost with its files"
