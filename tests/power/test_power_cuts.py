"""Power is cut at every boundary of a meter's life on a simulated disk: nothing is lost, doubled or less than it was."""

import os
from unittest.mock import patch

import pytest
import simulated_disk
from judge import BrokenPromiseError
from power_cuts import cut_everywhere
from simulated_life import scenario_of

from watthour.host.store import pair

IS_SOAK = bool(os.environ.get("WATTHOUR_SOAK"))
SEEDS = range(168, 178)
CUTS = 500 if IS_SOAK else 60


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_a_cut_leaves_the_meter_goes_on_from_what_was_promised_to_what_a_life_without_cuts_ends_with(seed):
    done = cut_everywhere(seed, most_cuts=CUTS)
    assert done.cuts >= 60
    assert done.lives >= done.cuts


def test_a_seed_is_the_same_again_bit_for_bit():
    assert cut_everywhere(168, most_cuts=20).trace.digest() == cut_everywhere(168, most_cuts=20).trace.digest()
    assert cut_everywhere(168, most_cuts=20).trace.digest() != cut_everywhere(169, most_cuts=20).trace.digest()


def test_seeds_are_of_every_kind():
    scenarios = [scenario_of(seed) for seed in SEEDS]
    assert {scenario.rate_source for scenario in scenarios} == {"bus", "calendar", "inputs"}
    assert {scenario.arithmetic for scenario in scenarios} == {True, False}
    assert {bool(scenario.fails) for scenario in scenarios} == {True, False}
    assert {scenario.has_pulses for scenario in scenarios} == {True, False}
    assert any(None in scenario.rows for scenario in scenarios)
    assert {wish.kind for scenario in scenarios for wish in scenario.wishes} == {"reset", "close", "cost", "rate"}


def setup_with(old, new):
    return patch.object(simulated_disk, "SETUP", tuple(line.replace(old, new) for line in simulated_disk.SETUP))


def cut_all(seeds):
    for seed in seeds:
        cut_everywhere(seed, most_cuts=150)


BROKEN = {
    "nothing is ever synced": setup_with("synchronous=FULL", "synchronous=OFF"),
    "a commit is not synced": setup_with("synchronous=FULL", "synchronous=NORMAL"),
    "there is no log": setup_with("journal_mode=WAL", "journal_mode=OFF"),
    "names are never synced": patch.object(simulated_disk.Platter, "sync_names", lambda self: None),
    "the older of two files is believed": patch.object(
        pair, "max", lambda *found, key=None: min(*found, key=key) if key else max(*found), create=True
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_store_is_found_out_and_the_words_say_how_to_see_it_again(broken):
    with broken, pytest.raises(BrokenPromiseError) as found:
        cut_all(SEEDS)
    assert any("python tests/power/power_cuts.py 1" in note for note in found.value.__notes__)
