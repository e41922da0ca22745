"""How a source splits its blocks never changes a bit: neither of a window, nor of what is left open."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watthour.metrology import continues, measure, measure_end, open_window
from watthour.samples import Block

RATE_HZ = 1200.0
SAMPLES = 1700
SOON = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CUTS = st.lists(st.integers(0, SAMPLES), max_size=12)


def signals(waves):
    """Return streams that make the tracker work: steady, jumping, coming late, below cut-off."""
    steady = waves.wave(waves.three_phase(), 50.13, SAMPLES, RATE_HZ, kind="float32")
    jumping = waves.wave(waves.single_phase(), [(0, 50.0), (480, 50.00003), (901, 45.4), (1300, 61.0)], SAMPLES, RATE_HZ)
    late = waves.wave(waves.three_phase(currents_a=(5.0, 0.0009, 0.0)), 63.0, SAMPLES, RATE_HZ)
    late.voltages[:, :700] = 0.0
    return steady, jumping, late


@pytest.mark.parametrize("which", [0, 1, 2], ids=["steady", "jumping", "late"])
@given(cuts=CUTS)
@SOON
def test_any_cut_gives_the_same_windows(waves, measure_all, which, cuts):
    block = signals(waves)[which]
    assert measure_all(waves.pieces(block, cuts)).tobytes() == measure_all([block]).tobytes()


@pytest.mark.parametrize("which", [0, 1, 2], ids=["steady", "jumping", "late"])
def test_blocks_of_one_sample_give_the_same_windows(waves, measure_all, which):
    block = signals(waves)[which]
    assert measure_all(waves.pieces(block, range(1, SAMPLES))).tobytes() == measure_all([block]).tobytes()


def test_a_cut_while_a_jump_is_being_followed_gives_the_same_windows(waves, measure_all):
    # 50.00003 Hz is cut with the table of 50 Hz; the window struck by the jump takes three attempts, each longer
    theta = np.cumsum(
        2
        * np.pi
        / RATE_HZ
        * np.select([np.arange(1500) < 480, np.arange(1500) < 901], [50.0, 50.00003510014628], 45.45235457774005)
    )
    block = waves.block_of(*waves.sample(waves.single_phase(), theta), RATE_HZ)
    whole = measure_all([block]).tobytes()
    assert [cut for cut in range(901, 1500) if measure_all(waves.pieces(block, [cut])).tobytes() != whole] == []


@given(cuts=CUTS, asked=st.lists(st.integers(0, 12), max_size=4))
@SOON
def test_asking_what_would_be_left_changes_nothing(waves, thresholds, measure_all, cuts, asked):
    block = signals(waves)[1]
    opened, found = open_window(block), []
    for number, piece in enumerate(waves.pieces(block, cuts)):
        opened, rows = measure(opened, piece, thresholds)
        found.append(rows)
        if number in asked:
            measure_end(opened, thresholds)
    found.append(measure_end(opened, thresholds)[1])
    assert np.concatenate(found).tobytes() == measure_all([block]).tobytes()


@pytest.mark.parametrize("how", ["fortran", "read-only", "half read-only", "unaligned"])
def test_the_way_samples_lie_in_memory_does_not_matter(waves, measure_all, how):
    block = signals(waves)[0]
    v, i = block.voltages, block.currents
    if how == "fortran":
        wide = np.zeros((6, 2 * SAMPLES), np.float32)
        wide[:3, :SAMPLES], wide[3:, :SAMPLES] = v, i
        v, i = wide[:3, :SAMPLES], wide[3:, :SAMPLES]
    if how == "unaligned":
        buffer = np.frombuffer(b"\0" + v.tobytes() + i.tobytes(), np.uint8)[1:].view(np.float32).reshape(6, -1)
        v, i = buffer[:3], buffer[3:]
        assert not v.flags.aligned
    if "read-only" in how:
        v = v.copy()
        v.flags.writeable = False
        i = i if "half" in how else v * 0 + i
        i.flags.writeable = "half" in how
    same = Block(voltages=v, currents=i, rate_hz=RATE_HZ, first_sample=0)
    assert measure_all(waves.pieces(same, [333])).tobytes() == measure_all([block]).tobytes()


def test_a_stream_continues_only_without_a_gap_and_with_the_same_numbers(waves, thresholds):
    block = signals(waves)[0]
    opened = open_window(block)
    assert continues(opened, block)
    assert not continues(opened, block.part(1, 9))
    opened, _ = measure(opened, block.part(0, 1000), thresholds)
    after = block.part(1000, SAMPLES)
    assert continues(opened, after)
    assert not continues(opened, block.part(1001, SAMPLES))

    def changed(**fields):
        base = {name: getattr(after, name) for name in Block.__dataclass_fields__}
        return Block(**{**base, **fields})

    assert continues(opened, changed())
    assert not continues(opened, changed(rate_hz=1201.0))
    assert not continues(opened, changed(voltage_scale=(1.0, 1.0, 1.1)))
    assert not continues(opened, changed(current_scale=(1.1, 1.0, 1.0)))
    assert not continues(opened, changed(voltage_offset=(0.0, 1.0, 0.0)))
    assert not continues(opened, changed(current_offset=(0.0, 0.0, 1.0)))
    double = {"voltages": after.voltages.astype(float), "currents": after.currents.astype(float)}
    assert not continues(opened, changed(**double))


def test_the_end_of_a_stream_that_never_began_has_no_row(waves, thresholds):
    opened, rows = measure_end(open_window(signals(waves)[0]), thresholds)
    assert len(rows) == 0
    assert opened.pieces == ()


def test_the_end_of_a_stream_of_empty_blocks_has_no_row(waves, thresholds):
    empty = signals(waves)[0].part(0, 0)
    opened, rows = measure(open_window(empty), empty, thresholds)
    assert len(rows) == 0
    assert len(measure_end(opened, thresholds)[1]) == 0


@pytest.mark.parametrize("length", [100, SAMPLES])
def test_a_source_may_use_its_buffer_again(waves, thresholds, length):
    block = signals(waves)[0].part(0, length)
    opened, _ = measure(open_window(block), block, thresholds)
    kept = opened.pieces[-1].voltages.copy()
    block.voltages[:] = 0.0
    assert (opened.pieces[-1].voltages == kept).all()
    assert kept.any()
