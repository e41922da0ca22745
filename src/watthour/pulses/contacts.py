"""Two digital inputs: what their contacts do, debounced, and the pulses counted.

In: edges, each an instant, an input and whether its contact is closed from then on. Out: the changes that lasted, with
their instants, and the counts. How the edges are parted over calls changes nothing. Who closes the contacts, and what a
change does to the rate, is not known here.

::

    contact   ____|‾|_|‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾|__________________
                      |<- 30 ms ->|         |<- 30 ms ->|
    debounced ____________________|‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾|______
                                  counted: one pulse

A contact must stay for `DEBOUNCE_NS`, closed or open, to be believed: exactly that long is enough, a nanosecond less is
not. A pulse is counted where a closing is believed, so both its closed and the open time before it lasted (IEC 62053-31).

Edges may come late, many at a time, when what they tell of has been decided already. How long each contact stayed is then
taken from their own instants, so that every pulse is counted; what they change takes effect at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

DEBOUNCE_NS = 30 * 10**6
"""A contact that stays as it is this long is believed (decision, as the sibling CEM-C31)."""

INPUTS = (1, 2)
"""The inputs, as they are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What a contact does.

    Parameters
    ----------
    time_ns : int
        Nanoseconds UTC since 1970, on sample time.
    contact : int
        The input it is at, 1 or 2.
    closed : bool
        As the contact is from this instant on.
    number : int, optional
        Counts the edges of whoever closes the contact, so that one which is told again is not taken again.
    """

    time_ns: int
    contact: int
    closed: bool
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A contact believed to have closed or opened at an instant: `DEBOUNCE_NS` after it did."""

    time_ns: int
    contact: int
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One input.

    Parameters
    ----------
    closed : bool
        As believed.
    is_touching : bool
        As the contact is, bouncing or not.
    since_ns : int or None
        Since when it differs from what is believed.
    count : int
        Pulses counted.
    quantity_micro : int
        Their weights, summed as each was counted: millionths of the input's unit.
    number : int or None
        Of the last edge taken.
    """

    closed: bool = False
    is_touching: bool = False
    since_ns: int | None = None
    count: int = 0
    quantity_micro: int = 0
    number: int | None = None


Weights = Sequence[int | None]
"""Weight of a pulse of each input, millionths of its unit; None where no pulses are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """The inputs of a meter.

    Parameters
    ----------
    inputs : tuple of Contact
    waiting : tuple of Edge
        Handed over, and still to come on sample time; in order.
    time_ns : int or None
        Up to here, and not including it, all is decided; None before the first sample.
    """

    inputs: tuple[Contact, ...] = field(default=(Contact(),) * len(INPUTS))
    waiting: tuple[Edge, ...] = ()
    time_ns: int | None = None


def hand_over(contacts: Contacts, edges: Iterable[Edge]) -> Contacts:
    """Return the inputs with edges to come.

    They take their place by their instants, those of the same instant as they were handed over. One whose instant has
    been decided already is late: it keeps its instant among the others of its input, and what it changes takes effect at
    once. One with a number that was taken is passed over.
    """
    inputs = list(contacts.inputs)
    waiting = list(contacts.waiting)
    for edge in edges:
        place = INPUTS.index(edge.contact)
        last = inputs[place].number
        if edge.number is not None:
            if last is not None and edge.number <= last:
                continue
            inputs[place] = replace(inputs[place], number=edge.number)
        waiting.append(edge)
    waiting.sort(key=lambda edge: edge.time_ns)
    return replace(contacts, inputs=tuple(inputs), waiting=tuple(waiting))


def begin(contacts: Contacts, time_ns: int) -> Contacts:
    """Return the inputs at the first sample: the edges up to it say how the contacts stand, and are no pulses."""
    inputs = list(contacts.inputs)
    for edge in contacts.waiting:
        if edge.time_ns <= time_ns:
            place = INPUTS.index(edge.contact)
            inputs[place] = replace(inputs[place], closed=edge.closed, is_touching=edge.closed, since_ns=None)
    later = tuple(edge for edge in contacts.waiting if edge.time_ns > time_ns)
    return Contacts(inputs=tuple(inputs), waiting=later, time_ns=time_ns)


def pause(contacts: Contacts) -> Contacts:
    """Return the inputs between two sources: nothing to come, the contacts as they are believed to be.

    Whoever closes them numbers anew.
    """
    still = tuple(replace(contact, is_touching=contact.closed, since_ns=None, number=None) for contact in contacts.inputs)
    return Contacts(inputs=still)


def shift(contacts: Contacts, step_ns: int) -> Contacts:
    """Return the inputs after the clock was set: what has begun goes on; what is still to come keeps its instant."""
    if contacts.time_ns is None:
        return contacts
    now_ns = contacts.time_ns + step_ns
    inputs = tuple(
        contact if contact.since_ns is None else replace(contact, since_ns=contact.since_ns + step_ns)
        for contact in contacts.inputs
    )
    return Contacts(inputs=inputs, waiting=contacts.waiting, time_ns=now_ns)


def advance(contacts: Contacts, until_ns: int, weights: Weights) -> tuple[Contacts, tuple[Change, ...]]:
    """Return the inputs at `until_ns`, and what changed before it, in order.

    Parameters
    ----------
    until_ns : int
        What happens at this very instant belongs to the next call. An earlier one than before changes nothing.
    """
    since_ns = contacts.time_ns
    if since_ns is not None and until_ns <= since_ns:
        return contacts, ()
    due = sum(edge.time_ns < until_ns for edge in contacts.waiting)
    if not due and all(contact.since_ns is None for contact in contacts.inputs):
        return Contacts(inputs=contacts.inputs, waiting=contacts.waiting, time_ns=until_ns), ()
    inputs = list(contacts.inputs)
    changes: list[Change] = []
    for edge in contacts.waiting[:due]:
        place = INPUTS.index(edge.contact)
        inputs[place] = _believed(inputs[place], edge.contact, edge.time_ns, weights[place], changes)
        inputs[place] = _touched(inputs[place], edge)
    for place, number in enumerate(INPUTS):
        inputs[place] = _believed(inputs[place], number, until_ns - 1, weights[place], changes)
    if since_ns is not None:  # what a late edge tells of is in effect from now on
        changes = [replace(change, time_ns=max(change.time_ns, since_ns)) for change in changes]
    changes.sort(key=lambda change: (change.time_ns, change.contact))
    return Contacts(inputs=tuple(inputs), waiting=contacts.waiting[due:], time_ns=until_ns), tuple(changes)


def _touched(contact: Contact, edge: Edge) -> Contact:
    """Return a contact after an edge; a word that it is as it was starts no new wait."""
    if edge.closed == contact.is_touching:
        return contact
    since_ns = None if edge.closed == contact.closed else edge.time_ns
    return replace(contact, is_touching=edge.closed, since_ns=since_ns)


def _believed(contact: Contact, number: int, last_ns: int, weight: int | None, changes: list[Change]) -> Contact:
    """Return a contact that has stayed as it is up to `last_ns`, and note the change if that was long enough."""
    if contact.since_ns is None or contact.since_ns + DEBOUNCE_NS > last_ns:
        return contact
    changes.append(Change(time_ns=contact.since_ns + DEBOUNCE_NS, contact=number, closed=contact.is_touching))
    is_pulse = contact.is_touching and weight is not None
    return replace(
        contact,
        closed=contact.is_touching,
        since_ns=None,
        count=contact.count + is_pulse,
        quantity_micro=contact.quantity_micro + (weight or 0) * is_pulse,
    )


def rate_selected(closed: Sequence[bool]) -> int:
    """Return the rate that two inputs select; one that does not select rates counts as open.

    >>> [rate_selected(pair) for pair in ((False, False), (True, False), (False, True), (True, True))]
    [1, 2, 3, 4]
    """
    return 1 + sum(1 << place for place, is_closed in enumerate(closed) if is_closed)
