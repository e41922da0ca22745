"""The reader's clock, held against one that nobody sets."""

from watthour.host.poller.clock import LEAST_NS, Clock

S = 10**9


class Hands:
    def __init__(self):
        self.wall, self.steady = 1_800_000_000 * S, 77 * S

    def go(self, seconds, drift_ns=0, step_ns=0):
        self.steady += seconds * S
        self.wall += seconds * S + drift_ns + step_ns


def test_a_step_either_way_is_told_and_drift_is_not():
    hands = Hands()
    clock = Clock(lambda: hands.wall, lambda: hands.steady)
    for _ in range(100):
        hands.go(1, drift_ns=LEAST_NS // 2)
        assert clock.stepped_ns() == 0
    hands.go(1, step_ns=3600 * S)
    assert clock.stepped_ns() == 3600 * S
    hands.go(1, step_ns=-60 * S)
    assert clock.stepped_ns() == 3540 * S
    assert clock.now_ns() == hands.wall


def test_the_border_of_a_step():
    for change_ns, told_ns in ((LEAST_NS - 1, 0), (LEAST_NS, LEAST_NS)):
        hands = Hands()
        clock = Clock(lambda hands=hands: hands.wall, lambda hands=hands: hands.steady)
        hands.go(1, step_ns=change_ns)
        assert clock.stepped_ns() == told_ns
