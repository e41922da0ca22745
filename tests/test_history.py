"""Histories: numbered entries that never change under those who hold them, the oldest let go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.history import CLOSINGS, PROFILE_ROWS, History


def test_two_years_of_quarter_hours_and_of_months_are_kept():
    assert PROFILE_ROWS == (366 + 366) * 96
    assert CLOSINGS == 24


@given(keep=st.integers(1, 5), first=st.integers(0, 3), known=st.integers(0, 7), more=st.integers(0, 20))
def test_a_history_holds_the_newest_under_their_numbers_and_earlier_ones_stay(keep, first, known, more):
    history = History(range(first, first + known), keep=keep, first=first)
    states = [history]
    for number in range(first + known, first + known + more):
        states.append(states[-1].append(number))
    for k, state in enumerate(states):
        end = first + known + k
        held = list(range(max(first, end - keep), end))
        assert (len(state), state.oldest, list(state)) == (end, end - len(held), held)
        assert [state[n] for n in held] == held
        assert state.since(end - 1) == tuple(held[-1:])
        for absent in (state.oldest - 1, end):
            with pytest.raises(IndexError, match=f"entry {absent} is not among"):
                state[absent]


def test_two_that_go_on_from_one_do_not_meet():
    base = History("a", keep=10)
    left, right = base.append("b"), base.append("c")
    assert (list(base), list(left), list(right.append("d"))) == (["a"], ["a", "b"], ["a", "c", "d"])
    assert left != right
    assert left == base.append("b")
    assert left != "ab"
