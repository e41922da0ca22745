"""Contacts and the pulse output as this meter's settings have them.

In: settings, and windows with their instants. Out: the inputs advanced, and the pulses that the windows' energy makes.
The machines themselves are in ``pulses/``; what rate a contact selects is looked up here and used by the count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np

from watthour.errors import OutOfRangeError
from watthour.meter.once import once_per_settings
from watthour.meter.powering import Presence
from watthour.metrology import Rows
from watthour.models import RATINGS, has_feature, model_of
from watthour.parameters import Setting
from watthour.pulses import (
    INPUTS,
    Change,
    Contact,
    Contacts,
    PulseOutput,
    PulseShape,
    advance,
    due_instants,
    give,
    rate_selected,
    require_rate,
)
from watthour.registers import Carry, Registers, Summation, total_course
from watthour.units import ENERGIES, MICRO, energy_unit

_UNIT = {"wh": "Wh", "varh": "varh"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Consecutive windows [first, last) in which the meter was on, or was not."""

    first: int
    last: int
    on: bool


def spans_of(presence: Presence) -> list[Span]:
    """Return windows parted where the meter went on or off."""
    on = presence.on
    if presence.always:
        return [Span(first=0, last=len(on), on=True)]
    edges = [0, *(np.flatnonzero(on[1:] != on[:-1]) + 1).tolist(), len(on)]
    return [Span(first=first, last=last, on=bool(on[first])) for first, last in pairwise(edges)]


@once_per_settings
def has_inputs(settings: Mapping[str, Setting]) -> bool:
    """Say whether this meter has digital inputs."""
    return has_feature(model_of(str(settings["model"])), "digital_inputs")


@once_per_settings
def has_output(settings: Mapping[str, Setting]) -> bool:
    """Say whether this meter has a pulse output."""
    return has_feature(model_of(str(settings["model"])), "pulse_outputs")


def weight_micro(settings: Mapping[str, Setting], number: int) -> int | None:
    """Return what a pulse at an input weighs, in millionths of its unit; None where it counts none."""
    if settings[f"input{number}_use"] != "pulses":
        return None
    return int(Decimal(str(settings[f"input{number}_weight"])) * MICRO)


@once_per_settings
def _weights(settings: Mapping[str, Setting]) -> tuple[int | None, ...]:
    return tuple(weight_micro(settings, number) for number in INPUTS)


def rates_selected(contacts: Contacts, settings: Mapping[str, Setting], changes: Sequence[Change]) -> list[int]:
    """Return the rate that the inputs select, of those whose use it is: now, and after each change."""
    selecting = [settings[f"input{number}_use"] == "rate" for number in INPUTS]
    closed = [contact.closed and selects for contact, selects in zip(contacts.inputs, selecting, strict=True)]
    rates = [rate_selected(closed)]
    for change in changes:
        place = INPUTS.index(change.contact)
        closed[place] = change.closed and selecting[place]
        rates.append(rate_selected(closed))
    return rates


def contacts_after(
    contacts: Contacts, settings: Mapping[str, Setting], spans: list[Span], instant_of: Callable[[int], int]
) -> tuple[Contacts, tuple[Change, ...]]:
    """Return the inputs after some windows, and what changed in them; a meter that is off sees contacts, and counts none.

    Parameters
    ----------
    instant_of : callable
        Instant at which the window of this number begins, nanoseconds UTC since 1970; after the last, where it ends.
    """
    if not has_inputs(settings):
        return contacts, ()
    weights = _weights(settings)
    changes: list[Change] = []
    for span in spans:
        contacts, found = advance(contacts, instant_of(span.last), weights if span.on else (None,) * len(INPUTS))
        changes += found
    return contacts, tuple(changes)


def begin_units_again(contacts: Contacts, old: Mapping[str, Setting], new: Mapping[str, Setting]) -> Contacts:
    """Return the inputs after settings changed: what was summed in another unit is no longer shown."""

    def with_unit(contact: Contact, number: int) -> Contact:
        name = f"input{number}_unit"
        return contact if old[name] == new[name] else replace(contact, quantity_micro=0)

    return replace(contacts, inputs=tuple(map(with_unit, contacts.inputs, INPUTS)))


@once_per_settings
def pulse_shape(settings: Mapping[str, Setting]) -> PulseShape:
    """Return what a pulse of the output is."""
    return PulseShape(weight=int(str(settings["pulse_weight"])), width_ms=int(str(settings["pulse_width_ms"])))


def require_pulses(settings: Mapping[str, Setting], *, maximum_a: float, ratio: Fraction) -> None:
    """Refuse settings whose pulses the output could not keep up with.

    Parameters
    ----------
    maximum_a : float
        Imax of the current range that the CT chooses.
    ratio : Fraction
        CT x VT.

    Raises
    ------
    OutOfRangeError
        With the arithmetic.
    """
    if not has_output(settings):
        return
    highest_v = Fraction(str(max(RATINGS.voltages_v))) * (1 + Fraction(str(RATINGS.voltage_tolerance)))
    unit = _UNIT[energy_unit(str(settings["pulse_quantity"]))]
    try:
        require_rate(pulse_shape(settings), voltage_v=highest_v, maximum_a=Fraction(str(maximum_a)), ratio=ratio, unit=unit)
    except ValueError as problem:
        name = "pulse_weight"
        raise OutOfRangeError(name, str(problem)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Windows that were counted, with what is needed to count them again one by one.

    Parameters
    ----------
    before, after : Registers
    carry : Carry
        Before them.
    windows : ndarray of WINDOW
        With no energy where the meter was off.
    """

    before: Registers
    after: Registers
    carry: Carry
    windows: Rows
    summation: Summation
    ratio: Fraction


def pulses_after(
    output: PulseOutput, settings: Mapping[str, Setting], counted: Counted, spans: list[Span], instant_of: Callable[[int], int]
) -> tuple[PulseOutput, tuple[int, ...]]:
    """Return the output after some windows, and the instants at which it closed; while the meter is off, it waits."""
    if not has_output(settings):
        return output, ()
    shape = pulse_shape(settings)
    due = _due(counted, str(settings["pulse_quantity"]), shape, instant_of)
    if not (due or output.pending):
        return output, ()
    starts: list[int] = []
    for span in spans:
        since_ns, until_ns = instant_of(span.first), instant_of(span.last)
        if span.on:  # only where there was energy can a pulse be due
            mine = [instant for instant in due if since_ns < instant <= until_ns]
            output, given = give(output, mine, since_ns=since_ns, until_ns=until_ns, spacing_ns=shape.spacing_ns)
            starts += given
    return output, tuple(starts)


def _due(counted: Counted, energy: str, shape: PulseShape, instant_of: Callable[[int], int]) -> list[int]:
    """Return when new pulses are due; the windows are looked at one by one only where there are any."""
    place = ENERGIES.index(energy)
    if counted.before.total[place] // shape.weight_micro == counted.after.total[place] // shape.weight_micro:
        return []
    course = total_course(
        counted.before, counted.carry, counted.windows, summation=counted.summation, ratio=counted.ratio, energy=energy
    )
    return due_instants(course, instant_of, shape.weight_micro)
