"""Views of real meters, and a hand that presses keys on one."""

import pytest

from watthour.face import HOLD_S, Face, Key, lcd, passed, press, told
from watthour.meter import Meter, first_state


class Hand:
    """Presses the keys of a meter, as a person would; a second lies between two presses."""

    def __init__(self, **settings):
        self.meter = Meter(first_state(settings), software_id="0123456789abcdef" * 4)
        self.face = Face()
        self.now_s = 1000.0
        self.asked = []

    def press(self, key, held_s=0.1):
        self.now_s += 1.0
        self.face, command = press(self.face, Key(key), held_s, self.meter.view(), self.now_s)
        if command is not None:
            self.asked.append(command)
            self.face = told(self.face, self.meter.command(command, 0), self.now_s)
        return self.glass()

    def hold(self, key=2):
        return self.press(key, HOLD_S)

    def wait(self, seconds):
        self.now_s += seconds
        self.face = passed(self.face, self.now_s)
        return self.glass()

    def glass(self):
        return lcd(self.face, self.meter.view(), self.now_s)

    def go(self, page, legend=None):
        """Press until page and legend are there."""
        for _ in range(40):
            if self.glass().page == page:
                break
            self.press(1)
        assert self.glass().page == page
        for _ in range(self.glass().places):
            if legend is None or self.glass().legend == legend:
                return self.glass()
            self.press(2)
        raise AssertionError(legend)


@pytest.fixture(scope="session")
def make_hand():
    return Hand
