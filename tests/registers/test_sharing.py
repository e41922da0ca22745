"""Windows across edges: shared by samples in whole integers, the last side taking the remainder, nothing made or lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.metrology import WINDOW
from watthour.registers import Summation, count_stretches, first_carry, integers, sharing


def windows_of(samples, micro):
    """Return windows of so many samples, each with its microwatt-hours in L1, minus twice them in L2, and as var in L3."""
    rows = np.zeros(len(samples), WINDOW)
    rows["samples"] = samples
    rows["first_sample"] = np.concatenate([[0], np.cumsum(samples)[:-1]])
    rows["active_ws"][:, 0] = np.array(micro) * 3600e-6
    rows["active_ws"][:, 1] = np.array(micro) * -7200e-6
    rows["reactive_vars"][:, 2] = np.array(micro) * 3600e-6
    rows["power_w"], rows["reactive_var"] = rows["active_ws"] * 5, rows["reactive_vars"] * 5
    rows["voltage_v"], rows["current_a"] = 230.0, 1.0
    return rows


def whole(rows, summation):
    """Return the amounts of each window by itself."""
    carry, counts = first_carry(), np.zeros((len(rows), 4, 6), np.int64)
    for k in range(len(rows)):
        integers.count_integers(rows[k : k + 1], int(summation), carry[0], counts[k])
    return counts.tolist(), carry


def expected(rows, ends, amounts):
    """Return what each stretch gets, by fractions of samples counted one by one."""
    shares = [[[0] * 6 for _ in range(4)] for _ in ends]
    for row, amount in zip(rows, amounts, strict=True):
        begin, samples = int(row["first_sample"]), int(row["samples"])
        places = [next(k for k, end in enumerate(ends) if sample < end) for sample in range(begin, begin + samples)]
        for p in range(4):
            for e in range(6):
                given_so_far, passed = 0, 0
                for place in sorted(set(places)):
                    passed += places.count(place)
                    upto = amount[p][e] * passed // samples
                    shares[place][p][e] += upto - given_so_far
                    given_so_far = upto
    return shares


@given(
    windows=st.lists(st.tuples(st.integers(1, 40), st.integers(-(10**9), 10**9)), min_size=1, max_size=6),
    summation=st.sampled_from(list(Summation)),
    data=st.data(),
)
@settings(max_examples=80, deadline=None)
def test_a_window_is_shared_by_samples_and_nothing_is_made_or_lost(windows, summation, data):
    rows = windows_of(*zip(*windows, strict=True))
    total = int(rows["samples"].sum())
    edges = data.draw(st.sets(st.integers(1, total - 1), max_size=6)) if total > 1 else set()
    ends = [*sorted(edges), total]
    counts, carry = count_stretches(rows, first_carry(), ends, summation)
    amounts, carried = whole(rows, summation)
    assert counts.tolist() == expected(rows, ends, amounts)
    assert counts.sum(axis=0).tolist() == np.sum(amounts, axis=0).tolist()
    assert carry.tobytes() == carried.tobytes()


def test_a_window_has_one_sign_on_both_sides():
    counts, _ = count_stretches(windows_of([1600], [-1001]), first_carry(), [400, 1600], Summation.VECTORIAL)
    assert counts[:, 3, :2].tolist() == [[250, 0], [751, 0]]  # -1001 + 2002 = 1001 is import; the last side takes the rest


def test_the_largest_amount_is_shared_without_overflow():
    rows = windows_of([2**31 - 1], [2**50])
    counts, _ = count_stretches(rows, first_carry(), [2**30, 2**31 - 1], Summation.ARITHMETIC)
    assert counts[0, 0, 0] == 2**50 * 2**30 // (2**31 - 1)
    assert counts[:, 0, 0].sum() == 2**50


def test_interpreted_sharing_is_the_same(monkeypatch):
    rows = windows_of([7, 9, 11], [1000, -77, 500])
    compiled, _ = count_stretches(rows, first_carry(), [3, 9, 10, 27], Summation.VECTORIAL)
    monkeypatch.setattr(sharing, "_share", sharing._share.py_func)
    monkeypatch.setattr(sharing, "_count_into", sharing._count_into.py_func)
    plain, _ = count_stretches(rows, first_carry(), [3, 9, 10, 27], Summation.VECTORIAL)
    assert plain.tolist() == compiled.tolist()


@pytest.mark.parametrize("ends", [[10], [4, 10], [1, 2, 3, 10]])
def test_edges_between_windows_share_nothing(ends):
    rows = windows_of([1] * 10, range(100, 110))
    counts, _ = count_stretches(rows, first_carry(), ends, Summation.VECTORIAL)
    begins = [0, *ends[:-1]]
    amounts = np.array(whole(rows, Summation.VECTORIAL)[0])
    assert counts.tolist() == [amounts[b:e].sum(axis=0).tolist() for b, e in zip(begins, ends, strict=True)]
