"""What a meter must have counted, in whole numbers of its own: no line of this knows the code that it judges.

A row of a plan is one second of three phases whose currents are quarters of an ampere at 225 V, so that each second is an exact
number of micro-units: 225 V x 1/4 A = 56.25 W, and 56.25 W for a second are 15 625 microwatt-hours.
"""

STEP_MICRO = 15_625
"""Microwatt-hours, microvar-hours, of one quarter of an ampere at 225 V in a second."""
QUARTER_NS = 15 * 60 * 10**9
NONE = (0,) * 6


def six(active, reactive):
    """Return import, export, Q1, Q2, Q3, Q4 of signed amounts, neither of them 0."""
    quadrant = {(True, True): 2, (False, True): 3, (False, False): 4, (True, False): 5}[active > 0, reactive > 0]
    counted = [0] * 6
    counted[0 if active > 0 else 1] = abs(active)
    counted[quadrant] = abs(reactive)
    return tuple(counted)


def added(*rows):
    return tuple(map(sum, zip(*rows, strict=True)))


def minus(row, other):
    return tuple(a - b for a, b in zip(row, other, strict=True))


class Course:
    """Secondary and primary counts before each row, of each phase and together.

    Parameters
    ----------
    rows : sequence of three (active, reactive) steps, or None where the row is missing
    ratio : Fraction
        Primary per secondary.
    """

    def __init__(self, rows, ratio, *, arithmetic):
        self.secondary, self.total = [NONE], [NONE]
        self.phases = [[NONE], [NONE], [NONE]]
        sums = [NONE, NONE, NONE]
        together = NONE
        for row in rows:
            if row is not None:
                counts = [six(STEP_MICRO * active, STEP_MICRO * reactive) for active, reactive in row]
                sums = [added(a, b) for a, b in zip(sums, counts, strict=True)]
                signed = STEP_MICRO * sum(a for a, _ in row), STEP_MICRO * sum(r for _, r in row)
                together = added(together, *(counts if arithmetic else (six(*signed),)))
            self.secondary.append(together)
            self.total.append(_primary(together, ratio))
            for place in range(3):
                self.phases[place].append(_primary(sums[place], ratio))

    def between(self, begin, end):
        """Return what the totals grew by from one row to another."""
        return minus(self.total[end], self.total[begin])


def _primary(secondary, ratio):
    return tuple(amount * ratio.numerator // ratio.denominator for amount in secondary)


def rates_of(course, rate_of_row, end):
    """Return what each of the eight rates has counted before a row."""
    rates = [NONE] * 8
    for row in range(end):
        place = rate_of_row(row) - 1
        rates[place] = added(rates[place], course.between(row, row + 1))
    return tuple(rates)


def pulses_of(edges, until_ns):
    """Return how many pulses a contact has given before an instant: closed for 30 ms, after 30 ms open."""
    believed, since, touching, count = False, None, False, 0
    for time_ns, closed in [*edges, (until_ns, None)]:
        if since is not None and since + 30_000_000 <= min(time_ns, until_ns - 1):
            believed, since = touching, None
            count += believed
        if time_ns >= until_ns or closed is None:
            break
        if closed != touching:
            touching = closed
            since = None if closed == believed else time_ns
    return count


def is_believed_closed(edges, at_ns):
    """Tell whether a contact is believed to be closed at an instant: so for 30 ms, and not less."""
    believed, since, touching = False, None, False
    for time_ns, closed in edges:
        if since is not None and since + 30_000_000 <= min(time_ns, at_ns):
            believed, since = touching, None
        if time_ns > at_ns:
            return believed
        if closed != touching:
            touching = closed
            since = None if closed == believed else time_ns
    if since is not None and since + 30_000_000 <= at_ns:
        believed = touching
    return believed
