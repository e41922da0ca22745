"""A chain of events: each follows from the one before, and whatever is done to it afterwards is found."""

import hashlib
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour import journal
from watthour.errors import DamagedRecordError
from watthour.journal import Entry, Head

SERIAL = 42


def chain_of(count, serial=SERIAL):
    head, bodies = journal.beginning(serial), []
    for n in range(count):
        entry, head = journal.append(head, time_ns=n * 10**9, kind="power up", detail={"gap_s": str(n)})
        bodies.append(entry.to_bytes())
    return bodies, head


def test_a_body_is_the_documented_canonical_bytes_and_the_head_its_sha_256():
    genesis = hashlib.sha256(b"watthour event chain 1, serial 42").hexdigest()
    bodies, head = chain_of(1)
    wanted = {"detail": {"gap_s": "0"}, "kind": "power up", "number": 0, "previous": genesis, "time_ns": 0}
    assert bodies[0] == json.dumps(wanted, separators=(",", ":"), sort_keys=True).encode()
    assert head == Head(count=1, digest=hashlib.sha256(bodies[0]).hexdigest())


def test_each_body_holds_the_hash_of_the_one_before():
    bodies, _ = chain_of(5)
    for before, body in pairwise(bodies):
        assert json.loads(body)["previous"] == hashlib.sha256(before).hexdigest()


def test_a_whole_chain_has_no_faults_and_every_head_it_ever_had_is_an_anchor():
    bodies, head = chain_of(6)
    assert journal.chain_faults(bodies, SERIAL, head) == []
    for n in range(7):
        _, earlier = chain_of(n)
        assert journal.anchor_fault(bodies, SERIAL, earlier.digest) == ""
        assert journal.anchor_fault(bodies, SERIAL, earlier.digest[:16].upper() + " ") == ""


@pytest.mark.parametrize("place", range(5))
def test_an_event_taken_out_is_found(place):
    bodies, head = chain_of(5)
    del bodies[place]
    assert journal.chain_faults(bodies, SERIAL, head)


@pytest.mark.parametrize("place", range(5))
def test_an_event_altered_is_found_though_its_own_shape_is_right(place):
    bodies, head = chain_of(5)
    entry = Entry.from_bytes(bodies[place])
    forged = Entry(number=place, time_ns=entry.time_ns + 1, kind=entry.kind, detail=entry.detail, previous=entry.previous)
    bodies[place] = forged.to_bytes()
    assert journal.chain_faults(bodies, SERIAL, head)


def test_events_that_changed_places_are_found():
    bodies, head = chain_of(5)
    bodies[1], bodies[2] = bodies[2], bodies[1]
    faults = journal.chain_faults(bodies, SERIAL, head)
    assert "event 1 says that it is event 2: events were removed or reordered" in faults


def test_a_cut_tail_is_found_by_the_state_and_by_an_anchor():
    bodies, head = chain_of(5)
    shorter, cut = chain_of(3)
    assert journal.chain_faults(shorter, SERIAL, head) == [
        f"the chain ends with event 2 ({cut.digest[:16]}…), but the state says event 4 ({head.digest[:16]}…)"
    ]
    assert journal.chain_faults(shorter, SERIAL, cut) == []  # whoever cuts the state too is found by
    assert "is not in this chain" in journal.anchor_fault(shorter, SERIAL, head.digest)
    assert journal.anchor_fault(bodies, SERIAL, head.digest) == ""


def test_a_chain_written_anew_is_found_by_an_anchor_alone():
    _, head = chain_of(5)
    at, forged = journal.beginning(SERIAL), []
    for n in range(5):
        entry, at = journal.append(at, time_ns=n, kind="power up", detail={})
        forged.append(entry.to_bytes())
    assert journal.chain_faults(forged, SERIAL, at) == []
    assert journal.anchor_fault(forged, SERIAL, head.digest)


def test_the_chain_of_another_meter_does_not_stand_in():
    bodies, head = chain_of(3, serial=43)
    assert journal.chain_faults(bodies, SERIAL, head) == [
        "event 0 does not follow from the one before it: one of the two was altered"
    ]


def test_a_missing_event_is_a_fault_with_its_number():
    bodies, head = chain_of(4)
    assert journal.chain_faults([bodies[0], None, *bodies[2:]], SERIAL, head) == ["event 1 is missing or damaged"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"detail":{},"kind":"x","number":0,"previous":"00","time_ns":0}',
        b'{"detail":{},"kind":"x","number":true,"previous":"' + b"0" * 64 + b'","time_ns":0}',
        b'{"detail":{"a":1},"kind":"x","number":0,"previous":"' + b"0" * 64 + b'","time_ns":0}',
        b'{"detail":[],"kind":"x","number":0,"previous":"' + b"0" * 64 + b'","time_ns":0}',
        b'{"detail":{},"kind":"x","number":0,"previous":"' + b"0" * 64 + b'","time_ns":0} ',
        b'{"detail":{},"kind":"x","more":1,"number":0,"previous":"' + b"0" * 64 + b'","time_ns":0}',
    ],
)
def test_bytes_that_are_no_event_are_refused(body):
    with pytest.raises(DamagedRecordError, match="not the bytes of an event"):
        Entry.from_bytes(body)
    assert journal.chain_faults([body], SERIAL)


@given(detail=st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=4), time_ns=st.integers(-(2**63), 2**63))
def test_whatever_an_event_says_comes_back(detail, time_ns):
    entry, _ = journal.append(journal.beginning(1), time_ns=time_ns, kind="süß", detail=detail)
    assert Entry.from_bytes(entry.to_bytes()) == entry
    assert entry.to_bytes().isascii()
