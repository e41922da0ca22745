"""Counters of a place: what no read saw is bounded by what reads saw, to the last digit."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from watthour.headend.counting import Count, Grid, advance, wanted_profile
from watthour.headend.kept import from_plain, to_plain
from watthour.headend.reading import Counter, Kind, Quality, Reading

S = 10**9
STEP = 900 * S
GRID = Grid(step_ns=STEP, tolerance_ns=5 * S)
MODULUS = 2**32 * 10**6
MOST_W = 100_000
WH = 10**6


def read(at_s, wh, serial="1", *, modulus=MODULUS, step=1, export=None, ratio="", partial=None):
    counters = {"import": Counter(micro=wh * WH % modulus, step_micro=step, modulus_micro=modulus)}
    if export is not None:
        counters["export"] = Counter(micro=export * WH, modulus_micro=modulus)
    resettable = {} if partial is None else {"partial_import_wh": Counter(micro=partial * WH, modulus_micro=modulus)}
    return Reading(time_ns=at_s * S, serial=serial, counters=counters, resettable=resettable, ratio=ratio, max_power_w=MOST_W)


def run(readings, profile=None, grid=GRID):
    count, intervals, events = Count(), [], []
    for each in readings:
        came = advance(from_plain(to_plain(count)), each, grid, profile)
        count = came.count
        intervals += came.intervals
        events += came.events
    return count, intervals, events


def told(events):
    return [event.kind for event in events if event.kind is not Kind.FIRST]


def shown(intervals):
    return [(i.start_ns // (900 * S), i.energies.get("import"), i.quality) for i in intervals]


def test_reads_at_the_boundaries_are_differences_of_registers():
    _, intervals, events = run([read(0, 100), read(901, 350), read(1803, 360)])
    assert shown(intervals) == [(0, 250 * WH, Quality.MEASURED), (1, 10 * WH, Quality.MEASURED)]
    assert told(events) == []


def test_a_late_read_is_interpolated_and_marked():
    _, intervals, _ = run([read(0, 0), read(990, 990), read(1800, 1800)])
    assert shown(intervals) == [(0, 900 * WH, Quality.INTERPOLATED), (1, 900 * WH, Quality.INTERPOLATED)]


def test_a_read_is_at_the_boundary_up_to_the_tolerance_and_not_beyond():
    within = run([read(0, 0), read(905, 7)])[1]
    beyond = run([read(0, 0), read(906, 7)])[1]
    assert within[0].quality is Quality.MEASURED
    assert within[0].energies["import"] == 7 * WH
    assert beyond[0].quality is Quality.INTERPOLATED


def test_a_read_whose_instant_may_be_wrong_is_at_the_boundary_only_if_it_surely_is():
    late = replace(read(902, 7), within_ns=3 * S)
    assert run([read(0, 0), late])[1][0].quality is Quality.MEASURED
    assert run([read(0, 0), replace(late, within_ns=3 * S + 1)])[1][0].quality is Quality.INTERPOLATED


def test_a_read_just_before_the_boundary_is_the_one_that_counts():
    _, intervals, _ = run([read(0, 0), read(898, 5), read(1800, 30)])
    assert shown(intervals) == [(0, 5 * WH, Quality.MEASURED), (1, 25 * WH, Quality.MEASURED)]


def test_reads_two_intervals_apart_interpolate_and_three_apart_leave_an_estimate():
    assert [q for *_, q in shown(run([read(0, 0), read(1800, 50)])[1])] == [Quality.INTERPOLATED] * 2
    intervals = run([read(0, 0), read(2700, 100)])[1]
    assert [q for *_, q in shown(intervals)] == [Quality.ESTIMATED] * 3
    assert sum(i.energies["import"] for i in intervals) == 100 * WH


def test_a_roll_over_at_the_modulus_is_an_event_and_no_spike():
    _, intervals, events = run([read(0, 2**32 - 100), read(900, 2**32 + 150)])
    assert shown(intervals) == [(0, 250 * WH, Quality.MEASURED)]
    assert told(events) == [Kind.ROLLED_OVER]


def test_a_roll_over_that_would_need_more_than_the_greatest_power_is_none():
    most_wh = MOST_W // 4
    _, intervals, events = run([read(0, 2**32 - 1), read(900, 2**32 - 1 + most_wh)])
    assert shown(intervals) == [(0, most_wh * WH, Quality.MEASURED)]
    _, intervals, events = run([read(0, 2**32 - 1), read(900, 2**32 + most_wh)])
    assert intervals == []
    assert told(events) == [Kind.HELD]


def test_a_wrong_read_is_held_and_dropped_by_the_next_and_costs_nothing():
    _, intervals, events = run([read(0, 1000), read(900, 4_000_000), read(1800, 1020)])
    assert told(events) == [Kind.HELD, Kind.DROPPED]
    assert [i.quality for i in intervals] == [Quality.INTERPOLATED] * 2
    assert sum(i.energies["import"] for i in intervals) == 20 * WH


def test_a_counter_that_ran_backwards_begins_anew_once_the_next_read_confirms_it():
    _, intervals, events = run([read(0, 900_000), read(900, 900_100), read(1800, 500_000), read(2700, 500_040)])
    assert told(events) == [Kind.HELD, Kind.BACKWARDS]
    assert shown(intervals) == [(0, 100 * WH, Quality.MEASURED), (1, None, Quality.GAP), (2, 40 * WH, Quality.MEASURED)]


def test_a_counter_that_begins_again_at_zero_is_a_reset():
    _, intervals, events = run([read(0, 900_000), read(900, 3), read(1800, 43)])
    assert told(events) == [Kind.HELD, Kind.RESET]
    assert shown(intervals) == [(0, None, Quality.GAP), (1, 40 * WH, Quality.MEASURED)]


def test_a_confirmed_jump_is_an_event_and_never_energy():
    _, intervals, events = run([read(0, 0), read(900, 10**9), read(1800, 10**9 + 5)])
    assert told(events) == [Kind.HELD, Kind.JUMPED]
    assert shown(intervals) == [(0, None, Quality.GAP), (1, 5 * WH, Quality.MEASURED)]


def test_a_swapped_meter_leaves_a_gap_and_the_place_goes_on():
    count, intervals, events = run(
        [read(0, 500), read(900, 600), read(1200, 640), read(2000, 7, "2"), read(2700, 57, "2"), read(3600, 60, "2")]
    )
    assert told(events) == [Kind.SWAPPED]
    assert shown(intervals) == [
        (0, 100 * WH, Quality.MEASURED),
        (1, 40 * WH, Quality.INCOMPLETE),
        (2, 50 * WH, Quality.INCOMPLETE),
        (3, 3 * WH, Quality.MEASURED),
    ]
    assert count.total["import"] == (140 + 53) * WH == sum(i.energies["import"] for i in intervals)


def test_a_meter_swapped_between_two_boundaries_leaves_one_gap():
    _, intervals, events = run([read(0, 500), read(900, 600), read(1800, 3, "2"), read(2700, 4, "2")])
    assert told(events) == [Kind.SWAPPED]
    assert [q for *_, q in shown(intervals)] == [Quality.MEASURED, Quality.GAP, Quality.MEASURED]


def test_a_ratio_a_partial_reset_and_a_clock_that_steps_back_are_events_and_no_energy():
    readings = [
        read(0, 0, ratio="200 5", partial=90),
        read(900, 10, ratio="400 5", partial=2),
        read(600, 11),
        read(700, 12),
        read(1800, 30),
    ]
    count, intervals, events = run(readings)
    assert told(events) == [Kind.PARTIAL_RESET, Kind.RATIO_CHANGED, Kind.CLOCK_STEPPED_BACK]
    assert shown(intervals) == [(0, 10 * WH, Quality.MEASURED), (1, 20 * WH, Quality.MEASURED)]
    assert count.stepped_ns is None


def test_a_clock_set_forward_is_an_event_and_its_intervals_are_marked():
    stepped = replace(read(4 * 900, 40), stepped_ns=3 * STEP)
    _, intervals, events = run([read(0, 0), stepped, read(5 * 900, 60)])
    assert told(events) == [Kind.CLOCK_STEPPED_FORWARD]
    assert (events[-1].before, events[-1].after) == ("1970-01-01T00:15:00Z", "1970-01-01T01:00:00Z")
    assert shown(intervals)[:4] == [(n, 10 * WH, Quality.ESTIMATED) for n in range(4)]
    assert shown(intervals)[4] == (4, 20 * WH, Quality.MEASURED)


def test_a_clock_set_forward_by_days_begins_anew_and_invents_no_intervals():
    days = 400 * 86400
    stepped = replace(read(days + 900, 40), stepped_ns=days * S)
    count, intervals, events = run([read(0, 0), stepped, read(days + 1800, 60)])
    assert told(events) == [Kind.CLOCK_STEPPED_FORWARD]
    assert shown(intervals) == [((days + 900) // 900, 20 * WH, Quality.MEASURED)]
    assert count.total["import"] == 60 * WH


def test_a_long_time_without_a_step_keeps_its_intervals():
    _, intervals, _ = run([read(0, 0), read(2 * 86400, 40)])
    assert len(intervals) == 192
    assert sum(i.energies["import"] for i in intervals) == 40 * WH


def test_a_clock_set_back_a_little_is_an_event_and_hides_no_growth():
    full = MOST_W // 4
    stepped = replace(read(1000, 2 * full), stepped_ns=-800 * S)
    _, intervals, events = run([read(0, 0), stepped])
    assert told(events) == [Kind.CLOCK_STEPPED_BACK]
    assert sum(i.energies["import"] for i in intervals) > 0
    assert told(run([read(0, 0), read(1000, 2 * full)])[2]) == [Kind.HELD]


def test_a_clock_that_stays_behind_for_a_day_is_believed():
    ahead = 10**8
    readings = [
        read(ahead, 0),
        *(read(at, at) for at in range(900, 900 + 86400 + 2 * 900, 900)),
        read(900 + 86400 + 2 * 900, 10**5),
    ]
    _, intervals, events = run(readings)
    assert told(events) == [Kind.CLOCK_STEPPED_BACK] * 2
    assert shown(intervals) == [(98, (10**5 - 88_200) * WH, Quality.MEASURED)]


def test_a_partial_counter_that_rolls_over_is_not_reset():
    readings = [replace(read(0, 0, partial=0), resettable={}), read(900, 1, partial=2**32 - 5), read(1800, 2, partial=3)]
    assert told(run(readings)[2]) == []


def test_the_same_reading_twice_changes_nothing():
    readings = [read(0, 0), read(900, 10), read(1800, 30)]
    once, twice = run(readings), run([each for each in readings for _ in range(2)])
    assert once == twice


def test_a_reading_that_lacks_a_counter_is_not_counted():
    came = advance(run([read(0, 0, export=0)])[0], read(900, 9), GRID)
    assert not came.is_counted
    assert shown(run([read(0, 0, export=0), read(900, 9), read(1800, 20, export=5)])[1]) == [
        (0, 10 * WH, Quality.INTERPOLATED),
        (1, 10 * WH, Quality.INTERPOLATED),
    ]


def test_a_gap_so_long_that_a_counter_may_wrap_twice_says_so():
    hours = 2**32 // MOST_W
    assert Kind.AMBIGUOUS in told(run([read(0, 0), read((hours + 1) * 3600, 5)])[2])
    assert Kind.AMBIGUOUS not in told(run([read(0, 0), read((hours - 1) * 3600, 5)])[2])


ROWS = [10, 20, 0, 40, 5]
PROFILE = {k * STEP: {"import": wh * WH} for k, wh in enumerate(ROWS) if wh}


def test_a_gap_is_filled_from_the_profile_to_the_last_digit():
    count = run([read(0, 1000)])[0]
    assert wanted_profile(count, read(5 * 900, 1075), GRID) == (0, 5 * STEP)
    _, intervals, _ = run([read(0, 1000), read(5 * 900, 1075)], PROFILE)
    assert [i.energies["import"] for i in intervals] == [wh * WH for wh in ROWS]
    assert {i.quality for i in intervals} == {Quality.PROFILE}


def test_a_read_off_the_boundary_leaves_the_edge_to_the_registers():
    _, intervals, _ = run([read(2, 1001), read(5 * 900 + 3, 1076)], PROFILE)
    assert [i.energies["import"] for i in intervals][:4] == [wh * WH for wh in ROWS[:4]]
    assert [i.quality for i in intervals] == [Quality.PROFILE] * 4 + [Quality.PROFILE]
    _, intervals, _ = run([read(2, 1001), read(5 * 900 + 3, 1075)], PROFILE)
    assert intervals[-1].energies["import"] == 4 * WH
    assert intervals[-1].quality is Quality.INTERPOLATED
    assert sum(i.energies["import"] for i in intervals) == 74 * WH


def test_a_profile_that_does_not_fit_the_counters_is_refused():
    slack_wh = 2 * MOST_W * 5 // 3600
    _, intervals, events = run([read(0, 1000), read(5 * 900, 1075 + slack_wh + 1)], PROFILE)
    assert told(events) == [Kind.PROFILE_REFUSED]
    assert {i.quality for i in intervals} == {Quality.ESTIMATED}
    _, _, events = run([read(0, 1000), read(5 * 900, 1075 + slack_wh - 1)], PROFILE)
    assert told(events) == []


def test_a_profile_whose_newest_row_is_not_there_yet_fills_what_it_has():
    shorter = {start: row for start, row in PROFILE.items() if start < 4 * STEP}
    _, intervals, events = run([read(0, 1000), read(5 * 900, 1075)], shorter)
    assert told(events) == []
    assert [i.energies["import"] for i in intervals] == [wh * WH for wh in ROWS]
    assert [i.quality for i in intervals][:4] == [Quality.PROFILE] * 4


def test_no_profile_is_asked_of_another_meter():
    count = run([read(0, 1000)])[0]
    assert wanted_profile(count, read(5 * 900, 1075, "2"), GRID) is None


def test_a_late_read_with_a_profile_needs_no_line():
    _, intervals, _ = run([read(0, 0), read(950, 12), read(1850, 31)], PROFILE)
    assert shown(intervals) == [(0, 10 * WH, Quality.PROFILE), (1, 20 * WH, Quality.PROFILE)]


def test_no_profile_is_asked_where_reads_tell_all():
    count = run([read(0, 0)])[0]
    assert wanted_profile(count, read(900, 1), GRID) is None
    assert wanted_profile(count, read(906, 1), GRID) == (0, 2 * STEP)
    assert wanted_profile(Count(), read(900, 1), GRID) is None


@st.composite
def histories(draw):
    """Return reads at uneven times of a counter that only grows, near its roll-over."""
    at, true = draw(st.integers(0, 2000)), draw(st.integers(0, 2**33))
    reads = []
    for gap, use in draw(st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 30)), min_size=2, max_size=25)):
        at += gap
        true += gap * use // 3600 * 1000 // 2
        reads.append((at, true))
    return reads


@given(histories())
def test_intervals_sum_to_the_difference_of_the_registers_whatever_reads_were_missed(history):
    count, intervals, events = run([read(at, true) for at, true in history])
    assert {event.kind for event in events} <= {Kind.FIRST, Kind.ROLLED_OVER}
    assert all(i.energies["import"] >= 0 for i in intervals)
    assert all(b.start_ns - a.start_ns == STEP for a, b in pairwise(intervals))
    assert count.total["import"] == (history[-1][1] - history[0][1]) * WH
    exact = [(at_s // 900 * STEP, true) for at_s, true in history if at_s % 900 <= 5]
    first_of = dict(reversed(exact))
    inner = sorted(first_of.items())
    for (begin, low), (end, high) in pairwise(inner):
        held = [i for i in intervals if begin <= i.start_ns < end]
        if len(held) * STEP == end - begin and all(
            abs(at * S - b) > GRID.tolerance_ns or at * S >= b for at, _ in history for b in (begin, end)
        ):
            assert sum(i.energies["import"] for i in held) == (high - low) * WH
