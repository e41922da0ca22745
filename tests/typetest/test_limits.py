"""The limits: each row where it holds, and a limit for every point."""

import pytest

from watthour.typetest import ACTIVE, REACTIVE
from watthour.typetest.limits import EN, IEC, INTRINSIC, LIMITS, Basis, limit_for
from watthour.typetest.points import differences, distorted_grid, grid, influences

ROWS = [
    (EN, ACTIVE, True, "1", 10, 1.5),
    (EN, ACTIVE, True, "1", 50, 1.0),
    (EN, ACTIVE, True, "0.8 cap", 50, 1.0),
    (EN, ACTIVE, True, "0.8 cap", 20, 2.0),
    (EN, ACTIVE, False, "0.5 ind", 50, 2.0),
    (EN, ACTIVE, True, "1", 2, 2.0),
    (IEC, ACTIVE, True, "1", 20, 1.5),
    (IEC, ACTIVE, True, "1", 10, 2.0),
    (IEC, ACTIVE, True, "0.5 ind", 50, 1.5),
    (IEC, ACTIVE, True, "0.5 ind", 100, 1.0),
    (IEC, ACTIVE, True, "0.25 ind", 1200, 2.0),
    (IEC, REACTIVE, True, "1", 20, 2.5),
    (IEC, REACTIVE, True, "1", 50, 2.0),
    (EN, REACTIVE, True, "0.25 cap", 100, 2.5),
    (EN, REACTIVE, False, "1", 50, 3.0),
    (EN, REACTIVE, False, "1", 20, 2.5),
]


@pytest.mark.parametrize("row", ROWS)
def test_a_limit_holds_where_its_row_says(row):
    standard, quantity, balanced, factor, permille, percent = row
    found = limit_for(INTRINSIC, quantity, standard=standard, balanced=balanced, factor=factor, permille=permille)
    assert found.percent == percent


def test_a_point_beyond_every_row_is_an_error():
    with pytest.raises(LookupError, match="no limit"):
        limit_for("humidity", ACTIVE, standard=EN, balanced=True, factor="1", permille=50)


def test_a_point_that_no_standard_covers_is_never_given_as_a_standards():
    for row in LIMITS:
        assert (row.basis is Basis.OURS) == row.source.startswith("ours")


def test_every_point_of_the_plan_has_a_limit_and_the_grid_is_whole(make_bench):
    bench = make_bench()
    assert len(list(grid(bench, ACTIVE))) == 8 * 5 * 2 * 2 * 2 * 4
    assert len(list(grid(bench, REACTIVE))) == 8 * 5 * 2 * 2 * 2 * 4
    trials = [*differences(bench), *influences(bench), *distorted_grid(bench, ACTIVE), *distorted_grid(bench, REACTIVE)]
    assert all(len(trial.limits) == 2 for trial in trials)
    currents = sorted({bench.current_a(trial.point.permille) for trial in grid(bench, ACTIVE)})
    assert currents == [0.01, 0.05, 0.1, 0.25, 0.5, 2.5, 5.0, 6.0]
    fifth = make_bench(secondary_a=1)
    assert min(fifth.current_a(trial.point.permille) for trial in grid(fifth, REACTIVE)) == 0.003
