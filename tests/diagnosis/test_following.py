"""Many windows: a finding lasts before it is told and after it is gone, and export learnt is not called a reversed CT."""

import numpy as np
import pytest

from watthour.diagnosis import Course, Plate, follow
from watthour.diagnosis.following import RELEASE_S, SURE_S, UNSURE_S, was_rewired
from watthour.diagnosis.terminals import terminals_of
from watthour.units import NANOSECONDS
from watthour.waveform.network.wiring import ReversedCt, SwappedCts

PLATE = Plate(ct_primary_a=200)
SIZES = [60, 80, 70]
SWAPPED = SwappedCts(kind="cts_swapped", phases=["L1", "L2"])
TURNED_L3 = ReversedCt(kind="ct_reversed", phases=["L3"])
REVERSED = ReversedCt(kind="ct_reversed", phases=["L1"])


def kinds(course):
    return [str(finding.kind) for finding in course.findings]


def watch(course, seconds, values, every_s=1):
    """Follow for some time; `values` may be a function of the second."""
    begin_ns = course.time_ns or 0
    for second in range(every_s, seconds + 1, every_s):
        now = values(second) if callable(values) else values
        course = follow(course, now, PLATE, begin_ns + second * NANOSECONDS)
    return course


@pytest.fixture
def right(bench):
    voltages = bench.star()
    return bench.values_of(voltages, bench.drawn(voltages, SIZES, [26, 20, 30]))


@pytest.fixture
def swapped(bench):
    voltages = bench.star()
    return bench.wired(SWAPPED, voltages, bench.drawn(voltages, SIZES, [26, 20, 30]))


@pytest.fixture
def turned(bench):
    voltages = bench.star()
    return bench.wired(REVERSED, voltages, bench.drawn(voltages, SIZES, [26, 20, 30]))


def test_a_finding_is_told_when_it_has_lasted(swapped):
    course = watch(Course(), int(SURE_S), swapped)
    assert kinds(course) == []
    assert kinds(watch(course, 1, swapped)) == ["cts_swapped"]


def test_one_that_export_may_be_too_has_to_last_longer(turned):
    course = watch(Course(), int(UNSURE_S), turned)
    assert kinds(course) == []
    assert kinds(watch(course, 1, turned)) == ["ct_reversed"]


def test_a_finding_stays_until_it_has_been_gone_for_a_while(right, swapped):
    course = watch(Course(), 20, swapped)
    course = watch(course, int(RELEASE_S) - 1, right)
    assert kinds(course) == ["cts_swapped"]
    assert kinds(watch(course, 1, right)) == []


def test_what_comes_and_goes_is_not_told(right, swapped):
    course = watch(Course(), 600, lambda second: swapped if second % 10 < 5 else right)
    assert kinds(course) == []


def test_a_dip_of_the_angles_does_not_take_a_finding_away(right, swapped):
    course = watch(Course(), 20, swapped)
    seen = set()
    for _ in range(20):
        course = watch(watch(course, 20, right), 20, swapped)
        seen |= set(kinds(course))
    assert seen == {"cts_swapped"}


def test_without_current_all_stays_as_it_is(bench, swapped):
    course = watch(Course(), 20, swapped)
    idle = bench.values_of(bench.star(), np.zeros(3))
    assert kinds(watch(course, 3600, idle, every_s=60)) == ["cts_swapped"]
    assert kinds(watch(Course(), 3600, idle, every_s=60)) == []


def test_few_looks_are_enough(swapped):
    assert kinds(watch(Course(), 7200, swapped, every_s=3600)) == ["cts_swapped"]


def test_a_roof_that_turns_one_phase_round_is_not_called_a_reversed_ct_once_the_phase_was_seen_to_draw(bench):
    voltages = bench.star()
    load = bench.drawn(voltages, SIZES, [10, 10, 10])

    def by_the_minute(second):
        roof = min(second / 3600, 1.0) * 70
        return bench.values_of(voltages, load - bench.drawn(voltages, [roof] * 3, [0] * 3))

    course = Course()
    for second in range(1, 4 * 3600, 30):
        course = follow(course, by_the_minute(second), PLATE, second * NANOSECONDS)
        assert kinds(course) == []


@pytest.mark.parametrize(("reversed_l1", "told"), [(False, []), (True, ["ct_reversed"])])
def test_what_moves_on_all_phases_tells_a_reversed_ct_from_a_phase_that_exports(bench, reversed_l1, told):
    """A roof under clouds: the same signs at the start, and the movement tells them apart."""
    voltages = bench.star()

    def seen(second):
        cloud = 10 * np.sin(second / 30)
        sizes = [-40, 60, 50] if not reversed_l1 else [40, 60, 50]
        currents = bench.drawn(voltages, sizes, [5, 5, 5]) + bench.drawn(voltages, [cloud] * 3, [0] * 3)
        currents = REVERSED.current_turn() @ currents if reversed_l1 else currents
        return bench.values_of(voltages, currents)

    course = watch(Course(), 900, seen, every_s=5)
    assert kinds(course) == told
    assert not told or course.findings[0].confidence > 0.9


def test_two_faults_at_a_time_are_both_named(bench):
    voltages = bench.star()

    def seen(second):
        sizes = np.array(SIZES) + 8 * np.sin(second / 30)
        return bench.wired(SWAPPED, voltages, TURNED_L3.current_turn() @ bench.drawn(voltages, sizes, [26, 24, 28]))

    found = [(str(each.kind), each.phases) for each in watch(Course(), 600, seen, every_s=5).findings]
    assert sorted(found) == [("ct_reversed", ("L3",)), ("cts_swapped", ("L1", "L2"))]


def test_currents_that_change_places_are_a_new_wiring_and_a_load_that_changes_is_not(bench, right, turned, swapped):
    before = terminals_of(right)
    assert was_rewired(before, terminals_of(turned))
    assert was_rewired(before, terminals_of(swapped))
    assert not was_rewired(before, before)
    voltages = bench.star()
    other = bench.values_of(voltages, bench.drawn(voltages, [60, 40, 70], [26, 50, 30]))
    assert not was_rewired(before, terminals_of(other))


def test_a_ct_that_is_turned_while_the_meter_runs_is_found_although_it_was_right_before(right, turned):
    course = watch(Course(), 600, right)
    assert kinds(watch(course, 61, turned)) == ["ct_reversed"]


def test_trust_ends_with_the_voltage(right):
    course = watch(Course(), 600, right)
    assert course.right_s > 500
    assert follow(course, {}, PLATE, course.time_ns + NANOSECONDS).right_s == 0


@pytest.mark.parametrize(("days", "told"), [(6, []), (8, ["ct_ratio_implausible"])])
def test_cts_that_never_see_a_hundredth_of_their_rating_are_called_too_large(bench, days, told):
    voltages = bench.star()
    little = bench.values_of(voltages, bench.drawn(voltages, [1.5, 1.2, 1.9], [20, 20, 20]))
    course = watch(Course(), days * 86400, little, every_s=3600)
    assert kinds(course) == told
    more = bench.values_of(voltages, bench.drawn(voltages, [1.5, 1.2, 2.1], [20, 20, 20]))
    assert kinds(watch(course, 3600, more, every_s=600)) == []


def test_the_same_instant_changes_nothing_and_an_earlier_one_begins_anew(swapped):
    course = watch(Course(), 20, swapped)
    assert follow(course, swapped, PLATE, course.time_ns) is course
    assert follow(course, swapped, PLATE, 0).findings == ()
