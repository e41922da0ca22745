"""What closes the inputs, brought to a meter in time: nothing lost, nothing twice, wherever it was stopped."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from watthour.host.contacts import ContactFeed, ScheduledContacts, Wire, WrittenContacts, kept_starts
from watthour.host.contacts.line import ContactLine
from watthour.pulses import Contacts, advance, begin, hand_over
from watthour.waveform.network import Network

MS = 10**6
S = 10**9
WEIGHTS = (1, 1)


def train(count, every_ms=100, closed_ms=40, contact=1):
    return [
        ContactLine(time_ns=(every_ms * n + rest) * MS, input=contact, closed=rest == 0)
        for n in range(1, count + 1)
        for rest in (0, closed_ms)
    ]


def metered(contacts, feed, begin_ns, end_ns):
    """Return inputs after a piece, as a meter leaves them."""
    contacts = hand_over(contacts, feed.take(contacts, begin_ns, end_ns))
    if contacts.time_ns is None:
        contacts = begin(contacts, begin_ns)
    return advance(contacts, end_ns, WEIGHTS)[0]


def counts(contacts):
    return [contact.count for contact in contacts.inputs]


@given(stops=st.lists(st.integers(1, 2500), max_size=6))
def test_a_file_read_again_after_each_stop_counts_what_one_run_counts(stops):
    replay = WrittenContacts([*train(20), *train(9, 250, 30, contact=2)])
    contacts, at_ns = Contacts(), 0
    for stop_ns in sorted({*(stop * MS for stop in stops), 2600 * MS}):
        contacts = metered(contacts, ContactFeed([replay]), at_ns, stop_ns)
        at_ns = stop_ns
    assert counts(contacts) == [20, 9]
    assert contacts.inputs == metered(Contacts(), ContactFeed([replay]), 0, 2600 * MS).inputs


def test_what_a_file_told_of_before_the_first_sample_is_no_pulse_and_how_it_left_the_contact_stands():
    contacts = metered(Contacts(), ContactFeed([WrittenContacts([*train(5), *train(1, 4000, 100, contact=2)])]), S, 2 * S)
    assert counts(contacts) == [0, 0]
    closed = metered(Contacts(), ContactFeed([WrittenContacts(train(1, 900, 10**6))]), S, 2 * S)
    assert (counts(closed), closed.inputs[0].closed) == ([0, 0], True)


def test_a_file_named_for_the_first_time_half_way_counts_from_there_on():
    contacts = metered(Contacts(), ContactFeed(), 0, S)
    contacts = metered(contacts, ContactFeed([WrittenContacts(train(20))]), S, 3 * S)
    assert counts(contacts) == [11, 0]  # from the tenth on, at 1 s


def test_a_clock_set_back_is_not_told_again_what_it_was_told():
    feed, contacts = ContactFeed([WrittenContacts(train(20))]), Contacts()
    contacts = metered(contacts, feed, 0, S)
    assert counts(contacts) == [9, 0]
    assert feed.take(contacts, S // 2, S) == []
    assert len(feed.take(contacts, S, 3 * S)) == 21  # that at 1 s was handed over ahead


def schedule():
    rows = [{"kind": "pulses", "input": 1, "every_s": 0.7, "closed_s": 0.1},
            {"kind": "hours", "input": 2, "closed": "thu 00:00-00:01"}]  # fmt: skip
    network = Network.model_validate({"supply": {"voltages_v": 230}, "contact": rows})
    return network.contacts


@given(stops=st.lists(st.integers(1, 69_999), max_size=5))
def test_a_schedule_counts_the_same_however_a_run_is_stopped(stops):
    from watthour.waveform.network import Schedule  # noqa: PLC0415

    contacts, at_ns = Contacts(), 0
    for stop_ns in sorted({*(stop * MS for stop in stops), 70 * S}):
        replay = ScheduledContacts(Schedule(rows=schedule()), 0)
        contacts = metered(contacts, ContactFeed([replay]), at_ns, stop_ns)
        at_ns = stop_ns
    assert counts(contacts) == [99, 0]  # at 0.7, 1.4 ... 69.3 s; the one at 0 is how it stands
    assert not contacts.inputs[1].closed


# wires


def test_pulses_by_wire_are_counted_once_though_they_are_given_again():
    contacts, starts = Contacts(), [n * 200 * MS for n in range(1, 20)]
    for begin_ns, end_ns in ((0, S), (S, 2 * S), (2 * S, 5 * S)):
        wire = Wire()  # after a stop both begin again; all pulses kept so far are given first
        wire.give([start for start in starts if start < end_ns], width_ns=100 * MS, reached_ns=end_ns)
        contacts = metered(contacts, ContactFeed(wires={1: wire}), begin_ns, end_ns)
    assert counts(contacts) == [19, 0]


def test_an_input_wired_for_the_first_time_does_not_count_what_the_other_meter_gave_before():
    wire = Wire()
    wire.give([n * 100 * MS for n in range(1, 40)], width_ns=50 * MS, reached_ns=4 * S)
    contacts = metered(Contacts(), ContactFeed(), 0, 2 * S)
    assert counts(metered(contacts, ContactFeed(wires={2: wire}), 2 * S, 5 * S)) == [0, 20]


def test_pulses_of_a_meter_whose_clock_was_set_back_are_all_counted():
    wire = Wire()
    feed = ContactFeed(wires={1: wire})
    wire.give([5 * S, 6 * S], width_ns=50 * MS, reached_ns=7 * S)
    contacts = metered(Contacts(), feed, 0, 7 * S)
    wire.give([5 * S, 6 * S], width_ns=50 * MS, reached_ns=7 * S)
    assert counts(metered(contacts, feed, 7 * S, 8 * S)) == [4, 0]


def test_a_wire_is_waited_for_until_the_other_meter_has_come_so_far_or_has_ended():
    wire = Wire()
    feed = ContactFeed(wires={1: wire})
    assert not feed.wait(S, 0.01)
    wire.give([], width_ns=0, reached_ns=S)
    assert not feed.wait(S, 0.01)  # a margin for clocks that differ
    threading.Timer(0.05, lambda: wire.give([], width_ns=0, reached_ns=2 * S)).start()
    assert feed.wait(S, 30.0)
    assert not feed.wait(3 * S, 0.01)
    wire.end()
    assert feed.wait(10**19 // 4, 0.01)


def test_the_pulses_kept_beside_a_meter_are_read_to_the_nanosecond(tmp_path):
    path = tmp_path / "output.csv"
    path.write_text("time,led,count\n1970-01-01T00:00:01.000000001Z,output,1\n2026-01-01T00:00:00.999999999Z,output,2\n")
    assert kept_starts(path) == [S + 1, 1_767_225_600 * S + 999_999_999]
