import math
from dataclasses import replace

import numpy as np
import pytest

from watthour.errors import UsageError
from watthour.waveform.front_end import CT_CLASSES, FRONT_ENDS, CtPoint, CurrentTransformer, ct_class, front_end


def points(*currents):
    return tuple(CtPoint(current_percent=i, ratio_percent=-1.0, phase_minutes=10.0) for i in currents)


def test_between_points_errors_follow_the_logarithm_of_the_current():
    ct = ct_class("0.5")
    ratio, phase = ct.errors_at(np.array([0.0, 5.0, 10.0, 20.0, 120.0, 500.0]))
    np.testing.assert_allclose(ratio[[0, 1, 3, 4, 5]], [-0.015, -0.015, -0.0075, -0.005, -0.005], rtol=1e-12)
    assert ratio[2] == pytest.approx(-0.01125)  # 10 % lies midway between 5 % and 20 % in the logarithm
    assert phase[2] == pytest.approx(math.radians(67.5 / 60))


@pytest.mark.parametrize("currents", [(), (0.0, 1.0), (5.0, 5.0), (5.0, 1.0)])
def test_points_that_do_not_rise_are_refused(currents):
    with pytest.raises(UsageError, match="rising current"):
        CurrentTransformer(points=points(*currents))


def test_points_that_rise_are_taken():
    assert len(CurrentTransformer(points=points(0.1, 1.0, 100.0)).points) == 3


@pytest.mark.parametrize("name", CT_CLASSES)
def test_a_class_has_the_error_of_its_name_at_rated_current(name):
    ratio, _ = ct_class(name).errors_at(np.array([100.0]))
    assert -100 * ratio[0] == pytest.approx(float(name.removesuffix("S")))


def test_unknown_names_are_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"0\.5S"):
        ct_class("7")
    with pytest.raises(UsageError, match="16 bit, 24 bit"):
        front_end("12 bit")


@pytest.mark.parametrize(
    "wrong",
    [{"bits": 7}, {"bits": 33}, {"noise_lsb": -1.0}, {"headroom": 0.0}, {"gain": (1, 1, 1, 1, 1, 0.0)}, {"bits": None}],
)
def test_impossible_front_ends_are_refused(wrong):
    with pytest.raises(UsageError):
        replace(FRONT_ENDS["16 bit"], **wrong)


@pytest.mark.parametrize("bits", [8, 32])
def test_the_ends_of_the_range_of_bits_are_taken(bits):
    assert replace(FRONT_ENDS["16 bit"], bits=bits).bits == bits
