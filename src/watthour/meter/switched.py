"""Contacts and pulse output to the part of a meter's record that holds them, and back."""

from collections.abc import Sequence
from typing import Any

from watthour.meter.past import flag, listed, whole
from watthour.meter.state import MeterState
from watthour.pulses import INPUTS, Contact, Contacts, Edge, PulseOutput


def switched_to_record(state: MeterState) -> dict[str, Any]:
    """Return inputs and output as JSON can write them."""
    contacts = state.contacts
    return {
        "contacts": {
            "time_ns": contacts.time_ns,
            "inputs": [[c.closed, c.is_touching, c.since_ns, c.count, c.quantity_micro, c.number] for c in contacts.inputs],
            "waiting": [[edge.time_ns, edge.contact, edge.closed, edge.number] for edge in contacts.waiting],
        },
        "output": [state.output.count, state.output.pending, state.output.free_ns],
    }


def switched_from_record(record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a `MeterState` that `switched_to_record` wrote.

    Raises
    ------
    ValueError, TypeError, LookupError
        If they are not there, or are something else.
    """
    return {"contacts": _contacts(record["contacts"]), "output": _output(record["output"])}


def _contacts(record: dict[str, Any]) -> Contacts:
    inputs = tuple(_contact(row) for row in listed(record["inputs"]))
    waiting = [_edge(row) for row in listed(record["waiting"])]
    if len(inputs) != len(INPUTS) or waiting != sorted(waiting, key=lambda edge: edge.time_ns):
        msg = "inputs of another shape, or edges out of order"
        raise ValueError(msg)
    return Contacts(inputs=inputs, waiting=tuple(waiting), time_ns=_maybe(record["time_ns"]))


def _contact(row: Sequence[object]) -> Contact:
    closed, is_touching, since_ns, count, quantity, number = row
    return Contact(
        closed=flag(closed),
        is_touching=flag(is_touching),
        since_ns=_maybe(since_ns),
        count=_count(count),
        quantity_micro=_count(quantity),
        number=_maybe(number),
    )


def _edge(row: Sequence[object]) -> Edge:
    time_ns, contact, closed, number = row
    if contact not in INPUTS:
        msg = f"input {contact!r}"
        raise ValueError(msg)
    return Edge(time_ns=whole(time_ns), contact=whole(contact), closed=flag(closed), number=_maybe(number))


def _output(row: Sequence[object]) -> PulseOutput:
    count, pending, free_ns = row
    return PulseOutput(count=_count(count), pending=_count(pending), free_ns=_maybe(free_ns))


def _count(number: object) -> int:
    """Return what must be a whole number, and not below 0."""
    if whole(number) < 0:
        msg = f"{number!r} is no count"
        raise ValueError(msg)
    return whole(number)


def _maybe(number: object) -> int | None:
    """Return what must be a whole number where it is known."""
    return None if number is None else whole(number)
