"""Contacts by schedule: closed when the file says, by the installation's clock, and refused where it says nonsense."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from watthour.units import NANOSECONDS as S
from watthour.waveform.network import Network, Schedule

DAY = 86_400
THURSDAY = 0  # 1 January 1970


def schedule(*rows, local_zero_s=THURSDAY):
    network = Network.model_validate({"supply": {"voltages_v": 230}, "contact": list(rows)})
    return Schedule(rows=network.contacts, local_zero_s=local_zero_s)


def edges(found):
    return [(each.time_ns / S, each.number, each.closed) for each in found]


def hours(closed, number=1):
    return {"kind": "hours", "input": number, "closed": closed}


def test_hours_close_a_contact_by_the_local_clock():
    by_day = schedule(hours("mon-fri 06:00-22:00"), local_zero_s=THURSDAY + 3600)  # an hour ahead of UTC
    assert edges(by_day.switchings(0, 7 * DAY * S)) == [
        (day * DAY + hour * 3600, 1, closed) for day in (0, 1, 4, 5, 6) for hour, closed in ((5, True), (21, False))
    ]
    assert [by_day.is_closed(1, h * 3600 * S) for h in (4, 5, 20, 21)] == [False, True, True, False]


def test_hours_that_touch_are_one_and_a_week_goes_on_over_its_end():
    always = schedule(hours(["mon-sun 00:00-12:00", "mon-sun 12:00-24:00"]))
    assert always.switchings(0, 30 * DAY * S) == []
    assert always.is_closed(1, 17 * DAY * S)
    night = schedule(hours("sun 22:00-06:00"))
    assert edges(night.switchings(0, 6 * DAY * S)) == [(3 * DAY + 22 * 3600, 1, True), (4 * DAY + 6 * 3600, 1, False)]


def test_pulses_come_to_the_nanosecond_without_end():
    pulses = schedule({"kind": "pulses", "input": 2, "every_s": 0.1, "closed_s": 0.04, "first_s": 0.5})
    found = pulses.switchings(0, 10**9 * S // 10**7)  # a hundred seconds
    assert [each.time_ns for each in found if each.closed] == list(range(S // 2, 100 * S, S // 10))
    assert [each.time_ns for each in found if not each.closed] == list(range(S * 54 // 100, 100 * S, S // 10))
    late = pulses.switchings(10**8 * S, (10**8 + 1) * S)
    assert (len(late), late[0].time_ns) == (20, 10**8 * S)


def test_a_moment_closes_once_or_each_day():
    once = schedule({"kind": "moment", "input": 1, "at_s": 1.25, "duration_s": 0.5})
    assert edges(once.switchings(0, DAY * S)) == [(1.25, 1, True), (1.75, 1, False)]
    daily = schedule({"kind": "moment", "input": 1, "daily_at": "10:15", "duration_s": 60})
    assert [each.time_ns // S for each in daily.switchings(0, 3 * DAY * S) if each.closed] == [
        36900 + k * DAY for k in range(3)
    ]


def test_contacts_at_one_input_are_in_parallel_and_at_two_apart():
    rows = [{"kind": "moment", "input": n, "at_s": at, "duration_s": 2} for n, at in ((1, 1), (1, 2), (2, 2))]
    assert edges(schedule(*rows).switchings(0, 10 * S)) == [(1, 1, True), (2, 2, True), (4, 1, False), (4, 2, False)]


rows = st.lists(
    st.one_of(
        st.builds(lambda a, b: hours(f"{a:02}:{b:02}-{(a + 5) % 24:02}:{b:02}"), st.integers(0, 23), st.integers(0, 59)),
        st.builds(lambda e, f: {"kind": "pulses", "input": 1, "every_s": e / 8, "closed_s": e / 16, "first_s": f / 4},
                  st.integers(8000, 80_000), st.integers(0, 80_000)),
        st.builds(lambda a, d: {"kind": "moment", "input": 1, "at_s": a / 4, "duration_s": d / 4},
                  st.integers(0, 400_000), st.integers(1, 100_000)),
    ), min_size=1, max_size=4)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(given_rows=rows, cuts=st.lists(st.integers(0, 2 * DAY * 4), max_size=8), zero=st.integers(-DAY, 20_000 * DAY))
def test_however_time_is_cut_a_contact_closes_and_opens_in_turn_as_it_stands(given_rows, cuts, zero):
    contacts = schedule(*given_rows, local_zero_s=zero)
    edges_ns = [cut * S // 4 for cut in sorted({0, *cuts, 2 * DAY * 4})]
    parts = [each for a, b in pairwise(edges_ns) for each in contacts.switchings(a, b)]
    assert parts == contacts.switchings(0, 2 * DAY * S)
    closed = contacts.is_closed(1, -1)
    for each in parts:
        assert each.closed is not closed
        assert contacts.is_closed(1, each.time_ns) is each.closed
        assert contacts.is_closed(1, each.time_ns - 1) is closed
        closed = each.closed


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (hours("mon-fri 06:00"), "write it such as"),
        (hours("00:00-24:00", number=3), "1 or 2"),
        ({"kind": "pulses", "input": 1, "every_s": 0.1, "closed_s": 0.1}, "open again before the next pulse"),
        ({"kind": "pulses", "input": 1, "every_s": 0.001}, "0.01"),
        ({"kind": "moment", "input": 1, "at_s": 3}, "say how long it lasts"),
        ({"kind": "bell", "input": 1}, "does not match any of the expected tags"),
    ],
)
def test_a_contact_that_makes_no_sense_is_refused(row, problem):
    with pytest.raises(ValidationError, match=problem):
        schedule(row)
