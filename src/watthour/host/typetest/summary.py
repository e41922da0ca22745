"""A type test in a few lines: the verdict, the worst figures, and what failed."""

from collections.abc import Iterator, Sequence

from watthour.host.typetest.results import TypeTest
from watthour.typetest import ACTIVE, AGREEMENT, REACTIVE, Bench, By, Checked, Judged, quantum_percent

_SHOWN_FAILURES = 10


def parts_of(error_percent: float) -> str:
    """Return an error as people say it: in percent, or in parts per million where it is small.

    >>> parts_of(0.00031), parts_of(-0.25), parts_of(6e-15)
    ('3.1 ppm', '-0.25 %', '< 0.001 ppm')
    """
    if 0.0 < abs(error_percent) < 1e-7:  # noqa: PLR2004 - rounding of the numbers themselves
        return "< 0.001 ppm"
    if abs(error_percent) < 0.01:  # noqa: PLR2004 - 100 ppm
        return f"{error_percent * 1e4:.2g} ppm" if abs(error_percent) < 0.001 else f"{error_percent * 1e4:.3g} ppm"  # noqa: PLR2004
    return f"{error_percent:.3g} %"


def worst(points: Sequence[Judged]) -> Judged | None:
    """Return the point with the largest error."""
    return max(points, key=lambda point: abs(point.error_percent), default=None)


def intrinsic(test: TypeTest, quantity: str, by: By) -> list[Judged]:
    """Return the grid's points."""
    return [
        point
        for point in test.points
        if point.quantity == quantity and point.by is by and point.test.startswith("intrinsic") and point.limit_percent
    ]


def quanta(bench: Bench, points: Sequence[Judged]) -> dict[int, float]:
    """Return by current, in thousandths of Iref, the most that counting in whole microwatt-hours may change, in percent."""
    most: dict[int, float] = {}
    for point in points:
        permille = point.point.permille
        most[permille] = max(most.get(permille, 0.0), quantum_percent(bench, point.point))
    return most


def beyond_quanta(test: TypeTest, quantity: str) -> float | None:
    """Return the largest error by register that counting in whole microwatt-hours does not explain, in percent."""
    bench_of = {bench.current_range: bench for bench in test.benches}
    points = intrinsic(test, quantity, By.REGISTER)
    errors = (abs(each.error_percent) - quantum_percent(bench_of[each.current_range], each.point) for each in points)
    return max(0.0, *errors) if points else None


def agreement(checks: Sequence[Checked]) -> int:
    """Return how many loads had a pulse more or less than their register."""
    return int(sum(check.observed for check in checks if check.test == AGREEMENT))


def summary_lines(test: TypeTest) -> Iterator[str]:
    """Yield the summary, line by line."""
    yield f"{'PASSED' if test.passed else 'FAILED'}: {len(test.points)} errors judged, {len(test.checks)} checks"
    for quantity in (ACTIVE, REACTIVE):
        for by in By:
            point = worst(intrinsic(test, quantity, by))
            if point is not None:
                yield f"worst {quantity} error by {by}: {parts_of(point.error_percent)} of {point.limit_percent:g} % ({point.condition})"
        beyond = beyond_quanta(test, quantity)
        if beyond is not None:
            yield f"worst {quantity} error by register beyond one whole microwatt-hour of each phase: {parts_of(beyond)}"
    yield f"loads where register and LED differ by a pulse: {agreement(test.checks)}"
    yield f"front end: {test.benches[0].front_end.name}; software identification {test.software_id}"
    for finding in test.failures[:_SHOWN_FAILURES]:
        found = (
            f"{finding.error_percent:.4g} %, limit {finding.limit_percent:g} %"
            if isinstance(finding, Judged)
            else f"{finding.observed:g}, limit {finding.limit:g}"
        )
        yield f"failed: {finding.test}: {finding.condition}: {found}"
    if len(test.failures) > _SHOWN_FAILURES:
        yield f"failed: {len(test.failures) - _SHOWN_FAILURES} more"
