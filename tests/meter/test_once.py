"""What follows from settings is worked out once for each set of them, and never for another."""

from types import MappingProxyType

from watthour.meter.once import once_per_settings


def counting():
    """Return a function of settings that is worked out once, and how often it was worked out."""
    asked = []

    @once_per_settings
    def double(settings):
        asked.append(settings)
        return 2 * settings["n"]

    return double, asked


def test_the_same_settings_are_worked_out_once():
    double, asked = counting()
    settings = MappingProxyType({"n": 2})
    assert [double(settings), double(settings)] == [4, 4]
    assert len(asked) == 1


def test_other_settings_are_worked_out_for_themselves_also_where_they_say_the_same():
    double, asked = counting()
    several = [MappingProxyType({"n": n}) for n in (1, 2, 1)]
    assert [double(settings) for settings in several] == [2, 4, 2]
    assert len(asked) == 3


def test_settings_that_somebody_may_change_are_worked_out_each_time():
    double, _ = counting()
    settings = {"n": 1}
    before = double(settings)
    settings["n"] = 5
    assert (before, double(settings)) == (2, 10)


def test_a_place_in_memory_that_is_used_again_is_not_taken_for_the_settings_before():
    double, _ = counting()
    assert [double(MappingProxyType({"n": n})) for n in range(200)] == [2 * n for n in range(200)]
