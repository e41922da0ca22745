"""Integers to registers: exact rational ratios, one integer for total, partial and rate, and the partial reset."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.metrology import WINDOW
from watthour.registers import Registers, Summation, count_windows, first_carry, reset_partial
from watthour.registers.counters import NONE
from watthour.units import MICRO, REGISTER_MODULUS, shown_register

RATIOS = st.sampled_from(
    [Fraction(1), Fraction(40), Fraction(200, 3), Fraction(132000, 110), Fraction(1, 7), Fraction(999983, 1000)]
)


def windows_of(*micro):
    """Return windows that hold these microwatt-hours in L1 (and a third of them as Q1 in L2)."""
    rows = np.zeros(len(micro), WINDOW)
    rows["active_ws"][:, 0] = np.array(micro) * 3600e-6
    rows["reactive_vars"][:, 1] = np.array(micro) // 3 * 3600e-6
    rows["power_w"] = rows["active_ws"] * 5
    rows["voltage_v"], rows["current_a"] = 230.0, 1.0
    return rows


def run(registers, rows, *, ratio=Fraction(1), rate=1, carry=None, summation=Summation.VECTORIAL):
    return count_windows(
        registers, first_carry() if carry is None else carry, rows, summation=summation, ratio=ratio, rate=rate
    )


def test_primary_is_secondary_times_the_ratio_with_the_remainder_carried():
    registers, carry, amounts = Registers(), first_carry(), []
    for _ in range(6):
        rows = np.zeros(1, WINDOW)
        rows["active_ws"][:, 0] = 1.5 * 3600e-6
        registers, carry = run(registers, rows, ratio=Fraction(200, 3), carry=carry)
        amounts.append(registers.total[0])
    assert registers.secondary[0] == 9
    assert amounts == [66, 200, 266, 400, 466, 600]  # 1, 3, 4, 6, 7, 9 times 200/3, floored
    assert registers.phases[0] == registers.total


def test_a_ratio_that_changes_counts_what_comes_and_keeps_what_was():
    registers, carry = run(Registers(), windows_of(1_000_001), ratio=Fraction(200, 3))
    assert registers.total[0] == 1_000_001 * 200 // 3
    registers, carry = run(registers, windows_of(1_000_001), ratio=Fraction(5, 7), carry=carry)
    exact = Fraction(1_000_001) * (Fraction(200, 3) + Fraction(5, 7))
    assert registers.total[0] == exact.numerator // exact.denominator
    assert Fraction(registers.remainders[3][0], registers.parts) == exact - registers.total[0]
    registers, carry = run(registers, windows_of(1_000_001), ratio=Fraction(200, 3), carry=carry)
    exact += Fraction(1_000_001) * Fraction(200, 3)
    assert registers.total[0] == exact.numerator // exact.denominator
    assert registers.secondary[0] == 3_000_003


@given(
    steps=st.lists(st.tuples(st.integers(-(10**12), 10**12), RATIOS, st.integers(1, 8), st.booleans()), max_size=20),
    summation=st.sampled_from(list(Summation)),
)
@settings(max_examples=60, deadline=None)
def test_rates_sum_to_the_total_and_nothing_is_lost_or_made(steps, summation):
    registers, carry, exact = Registers(), first_carry(), Fraction(0)
    before_reset = [0] * 6
    for micro, ratio, rate, reset in steps:
        old = registers
        registers, carry = run(registers, windows_of(micro), ratio=ratio, rate=rate, carry=carry, summation=summation)
        secondary = registers.secondary[0] - registers.secondary[1] - old.secondary[0] + old.secondary[1]
        exact += secondary * ratio
        flat = [v for row in (registers.secondary, registers.total, *registers.phases, *registers.rates) for v in row]
        assert all(
            new >= v
            for new, v in zip(
                flat, [v for row in (old.secondary, old.total, *old.phases, *old.rates) for v in row], strict=True
            )
        )
        assert all(new >= v for new, v in zip(registers.partial, old.partial, strict=True))
        if reset:
            before_reset = [a + b for a, b in zip(before_reset, registers.partial, strict=True)]
            registers = reset_partial(registers)
    assert [sum(column) for column in zip(*registers.rates, strict=True)] == list(registers.total)
    assert [a + b for a, b in zip(before_reset, registers.partial, strict=True)] == list(registers.total)
    owed = Fraction(registers.remainders[3][0] - registers.remainders[3][1], registers.parts)
    assert registers.total[0] - registers.total[1] + owed == exact
    assert all(0 <= rest < registers.parts for row in registers.remainders for rest in row)


def test_energy_goes_to_the_active_rate_alone():
    registers, _ = run(Registers(), windows_of(3_000_000), rate=8)
    assert registers.rates[:7] == (NONE,) * 7
    assert registers.rates[7] == registers.total == (3_000_000, 0, 1_000_000, 0, 0, 0)


def test_a_partial_reset_touches_nothing_else():
    registers, carry = run(Registers(), windows_of(1_000_001), ratio=Fraction(200, 3))
    reset = reset_partial(registers)
    assert reset.partial == NONE
    assert (reset.total, reset.rates, reset.phases, reset.remainders) == (
        registers.total,
        registers.rates,
        registers.phases,
        registers.remainders,
    )
    again, _ = run(reset, windows_of(1_000_001), ratio=Fraction(200, 3), carry=carry)
    assert again.partial[0] == again.total[0] - registers.total[0]  # the remainder was not lost


def test_the_shown_register_rolls_over_and_the_exact_one_goes_on():
    full = REGISTER_MODULUS * MICRO
    start = Registers(total=(full - 2 * MICRO, 0, 0, 0, 0, 0))
    assert shown_register(start.total[0]) == REGISTER_MODULUS - 2
    almost, _ = run(start, windows_of(2 * MICRO - 1))
    assert shown_register(almost.total[0]) == 4_294_967_295
    over, _ = run(start, windows_of(2 * MICRO))
    assert shown_register(over.total[0]) == 0
    assert over.total[0] == full


def test_counting_leaves_the_registers_and_the_carry_given_as_they_were():
    registers, carry = Registers(), first_carry()
    run(registers, windows_of(5), carry=carry)
    assert registers == Registers()
    assert carry.tobytes() == first_carry().tobytes()


@pytest.mark.usefixtures("interpreted")
def test_interpreted_counting_is_the_same_count():
    rows = windows_of(7_000_001, -3_000_000)
    assert run(Registers(), rows, ratio=Fraction(200, 3))[0].total[:2] == (7_000_001 * 200 // 3, 200_000_000)
