"""Debouncing and counting, against an oracle that looks at the contact every millisecond."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.pulses import Contacts, Edge, advance, begin, hand_over, pause, rate_selected, shift

MS = 10**6
CLOSED, OPEN = True, False
PULSES = (1_000_000, 2_500_000)
START = begin(Contacts(), 0)


def edge(time_ms, closed, contact=1, number=None):
    return Edge(time_ns=round(time_ms * MS), contact=contact, closed=closed, number=number)


def run(edges, until_ms, contacts=START, weights=PULSES):
    return advance(hand_over(contacts, edges), round(until_ms * MS), weights)


def pulses(contacts):
    return [contact.count for contact in contacts.inputs]


@pytest.mark.parametrize(("closed_ms", "count"), [(29.99, 0), (29.999999, 0), (30, 1), (30.000001, 1), (100, 1)])
def test_a_contact_closed_for_thirty_milliseconds_is_a_pulse_and_a_nanosecond_less_is_not(closed_ms, count):
    contacts, changes = run([edge(10, CLOSED), edge(10 + closed_ms, OPEN)], 1000)
    assert pulses(contacts) == [count, 0]
    assert [(change.time_ns, change.closed) for change in changes] == (
        [(40 * MS, True), (round((40 + closed_ms) * MS), False)] if count else []
    )


@pytest.mark.parametrize(("open_ms", "count"), [(29.99, 1), (30, 2)])
def test_two_pulses_need_thirty_milliseconds_between_them(open_ms, count):
    contacts, _ = run([edge(0.001, CLOSED), edge(50, OPEN), edge(50 + open_ms, CLOSED)], 1000)
    assert pulses(contacts) == [count, 0]


def test_a_change_that_lasts_until_the_end_waits_for_the_next_call():
    contacts, changes = run([edge(10, CLOSED)], 40)
    assert (pulses(contacts), changes) == ([0, 0], ())
    contacts, changes = run([], 40.000001, contacts)
    assert (pulses(contacts), changes[0].time_ns) == ([1, 0], 40 * MS)


def test_each_pulse_weighs_what_its_input_says_and_inputs_do_not_disturb_each_other():
    train = [edge(100 * n + 50 * k, k == 0, contact) for n in range(1, 8) for k in (0, 1) for contact in (1, 2)]
    contacts, _ = run([*train, edge(900, CLOSED, 2)], 2000)
    assert pulses(contacts) == [7, 8]
    assert [contact.quantity_micro for contact in contacts.inputs] == [7_000_000, 20_000_000]


def test_an_input_that_counts_no_pulses_still_shows_its_state():
    contacts, changes = run([edge(10, CLOSED, 2)], 1000, weights=(1, None))
    assert (pulses(contacts), contacts.inputs[1].closed, len(changes)) == ([0, 0], True, 1)


def test_where_a_contact_stands_at_the_first_sample_is_no_pulse():
    contacts = begin(hand_over(Contacts(), [edge(-500, CLOSED), edge(-100, OPEN), edge(0, CLOSED), edge(100, OPEN)]), 0)
    assert contacts.inputs[0].closed
    contacts, changes = run([], 1000, contacts)
    assert (pulses(contacts), [change.closed for change in changes]) == ([0, 0], [False])


def test_an_edge_that_comes_late_takes_effect_at_once():
    contacts, _ = run([], 500)
    contacts, changes = run([edge(10, CLOSED)], 1000, contacts)
    assert changes[0].time_ns == 500 * MS


@pytest.mark.parametrize(("closed_ms", "open_ms", "count"), [(50, 50, 4), (30, 30, 4), (29, 71, 0), (71, 29, 1)])
def test_edges_that_come_late_together_count_by_their_own_instants(closed_ms, open_ms, count):
    contacts, _ = run([], 900)
    every_ms = closed_ms + open_ms
    train = [edge(100 + every_ms * n + k * closed_ms, k == 0) for n in range(4) for k in (0, 1)]
    contacts, changes = run(train, 1000, contacts)
    assert pulses(contacts) == [count, 0]
    assert all(change.time_ns == 900 * MS for change in changes)
    assert not contacts.inputs[0].closed


def test_pulses_in_a_stretch_that_the_clock_jumped_over_are_counted_once_each():
    train = [edge(100 * n + 50 * k, k == 0, number=2 * n + k) for n in range(1, 9) for k in (0, 1)]
    contacts, _ = run(train, 250)
    contacts, changes = run(train, 1000, shift(contacts, 600 * MS))  # 250 ms became 850 ms
    assert pulses(contacts) == [8, 0]
    assert [change.time_ns for change in changes] == sorted(change.time_ns for change in changes)


def test_an_edge_told_twice_is_taken_once():
    train = [edge(100 * n, n % 2 == 1, number=n) for n in range(1, 9)]
    contacts, _ = run(train, 350)
    contacts, _ = run(train, 2000, contacts)
    assert pulses(contacts) == [4, 0]


def test_between_two_sources_a_contact_stays_as_it_was_believed():
    contacts, _ = run([edge(10, CLOSED), edge(995, OPEN), edge(5000, CLOSED)], 1000)
    contacts = begin(pause(contacts), -(10**15))
    assert contacts.inputs[0].closed
    assert (contacts.waiting, pulses(contacts)) == ((), [1, 0])
    assert pulses(run([edge(10**6, OPEN, number=1), edge(10**6 + 50, CLOSED, number=2)], 2 * 10**6, contacts)[0]) == [2, 0]
    assert pulses(advance(contacts, 10**12, PULSES)[0]) == [1, 0]


def test_the_inputs_select_the_rate():
    assert [rate_selected(pair) for pair in ((False, False), (True, False), (False, True), (True, True))] == [1, 2, 3, 4]


def oracle(levels):
    """Go through a contact millisecond by millisecond: believe what has been so through thirty of them, count closings."""
    believed, same, count = levels[0], 30, 0
    for before, level in pairwise(levels):
        same = same + 1 if level == before else 1
        if same >= 30 and level != believed:
            believed = level
            count += level
    return count


runs = st.lists(st.integers(1, 65), min_size=1, max_size=40)


@given(lengths=runs, cuts=st.lists(st.integers(0, 2600), max_size=6))
def test_bouncing_contacts_count_as_an_oracle_of_one_millisecond_however_the_stream_is_cut(lengths, cuts):
    levels, edges, time_ms = [False], [], 1
    for place, length in enumerate(lengths):
        edges.append(edge(time_ms, place % 2 == 0))
        levels += [place % 2 == 0] * length
        time_ms += length
    levels += [levels[-1]] * 100
    whole, changes = run(edges, time_ms + 99)
    assert whole.inputs[0].count == oracle(levels)
    parted, found = START, []
    for until in sorted({*(min(cut, time_ms) for cut in cuts), time_ms + 99}):
        parted, some = run([e for e in edges if (parted.time_ns or 0) <= e.time_ns < until * MS], until, parted)
        found += some
    assert (parted, found) == (whole, list(changes))
