"""Cuts the power at every boundary of a life and goes on from what is left, until the source is metered to its end.

``cut_everywhere(seed)`` lives once without cuts and keeps an image at each boundary; from each image it makes disks that a
power cut there may leave; from each disk a meter begins again, is judged, and meters on until the power fails once more at a
boundary by chance, or the source ends. All that happens is decided by the seed: a failure is seen again, bit for bit, with
``python tests/power/power_cuts.py SEED``.
"""

import hashlib
import random
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from judge import Judge, deeds, outcome, require
from simulated_disk import Platter, PowerCutError, after_cut, turning
from simulated_life import NEW, After, Faults, Life, scenario_of, world

from watthour import journal
from watthour.errors import StoreError

RAM = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
_LIVES = 12
"""So often at most the power fails again; then it stays, and the disk is a sound one."""
_REACHES = (20, 80, 250, 600)
"""Boundaries to the next cut, at most."""


@dataclass(slots=True)
class Tally:
    """What was done, and a hash of all of it: the same for the same seed."""

    cuts: int = 0
    failing: int = 0
    lives: int = 0
    ends: int = 0
    new: int = 0
    refused: int = 0
    trace: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def note(self, *words):
        self.trace.update(repr(words).encode())

    def note_files(self, boundary, files):
        self.trace.update(boundary.encode())
        for name in sorted(files):
            self.trace.update(files[name])

    def add(self, other):
        self.cuts, self.lives, self.ends = self.cuts + other.cuts, self.lives + other.lives, self.ends + other.ends
        self.failing += other.failing
        self.new, self.refused = self.new + other.new, self.refused + other.refused
        self.trace.update(other.trace.digest())


class Seed:
    """All lives of one seed."""

    def __init__(self, seed, folder):
        self.seed, self.folder = seed, folder
        self.scenario = scenario_of(seed)
        self.judge = Judge(self.scenario)
        self.tally = Tally()
        self.wanted, self.wanted_deeds, self.wanted_pulses = self._undisturbed()

    def _undisturbed(self):
        """Return what a life in memory, without a store, ends with."""
        dice = random.Random(f"undisturbed {self.seed}")
        with world(self.scenario, dice, self.folder):
            life = _InMemory(self.scenario, self.folder, dice)
            life.begin()
            life.run()
        entries = self.judge.hold_chain(life.work.keeping._chain.bodies.since(0), life.work.keeping.head)
        self.judge.hold(life.work.meter.state, entries)
        pulses = life.pulse_path.read_bytes() if self.scenario.has_pulses else b""
        return outcome(life.work.meter.state), deeds(entries), pulses

    def cut_everywhere(self, *, most_cuts=None):
        """Cut at every boundary of a life, in several ways; return what was done."""
        images = self._images()
        self.tally.note(len(images), self.wanted)
        order = list(range(len(images)))
        if most_cuts is not None:
            random.Random(f"order {self.seed}").shuffle(order)
        for place in order:
            if most_cuts is not None and self.tally.cuts >= most_cuts:
                break
            image, allowed, may_be_new, has_begun, pulses = images[place]
            dice = random.Random(f"cut {self.seed} {place}")
            self.tally.cuts += 1
            after = After(after_cut(image, dice), has_begun, pulses, allowed, may_be_new, f"boundary {place}: {image.boundary}")
            self._live_on(after, dice)
        self.tally.failing = self.tally.cuts if self.scenario.fails else 0
        return self.tally

    def _images(self):
        """Live once without cuts, and return an image at every boundary with what is promised there."""
        images = []
        dice = random.Random(f"whole {self.seed}")
        with self._living(NEW, dice) as life:
            life.platter.on_boundary = lambda what: images.append(
                (
                    life.platter.image(what),
                    *life.allowed(),
                    life.has_begun() if life.has_lock else False,
                    life.pulses_left(dice),
                )
            )
            ended = self._to_the_end(life)
            images.append((life.platter.image("the end"), *life.allowed(), life.has_begun(), life.pulses_left(dice)))
        if ended:
            self._judge_end(life)
        return images

    def _live_on(self, after, dice):
        """Begin again from what a cut left, and live on, cut after cut, to the end of the source."""
        for number in range(_LIVES + 1):
            is_calm = number == _LIVES
            with self._living(after, dice) as life:
                left = 0 if is_calm else dice.randrange(1, dice.choice(_REACHES))
                image = None

                def on_boundary(what):
                    nonlocal left, image
                    left -= 1
                    if not left:
                        image = life.platter.image(what)
                        life.platter.is_dead = True
                        raise PowerCutError

                life.platter.on_boundary = on_boundary
                try:
                    ended = self._to_the_end(life, is_calm=is_calm)
                except PowerCutError:
                    self.tally.cuts += 1
                    after = life.left_by_cut(image, dice, after_cut(image, dice))
                    self.tally.note_files(image.boundary, after.files)
                    continue
            if ended:
                self._judge_end(life)
                return
            after = life.left_by_stop()
        require(False, "a calm life does not come to its end")  # noqa: FBT003

    @contextmanager
    def _living(self, after, dice):
        platter = Platter(after.files)
        self.tally.lives += 1
        with world(self.scenario, dice, self.folder), turning(platter, dice):
            life = Life(self.scenario, self.folder, platter, dice, after)
            try:
                yield life
            finally:
                platter.is_dead = True
                platter.on_boundary = lambda what: None
                life.close()

    def _to_the_end(self, life, *, is_calm=False):
        """Begin, judge what was found, meter on; tell whether the source was metered to its end."""
        if self.scenario.fails and not is_calm:
            life.platter.refuse = Faults(self.scenario.fails, life.platter, life.dice).refuse
        try:
            life.begin()
            self._judge_found(life)
            life.run()
            life.close()
        except StoreError as problem:
            self.tally.refused += 1
            self.tally.note(str(problem))
            require(bool(self.scenario.fails), f"a sound disk was refused: {problem}")
            return False
        return True

    def _judge_found(self, life):
        loaded, after = life.store.loaded, life.after
        faults = life.found.faults
        if not self.scenario.fails and after.allowed and not after.may_be_new:
            require(not faults, f"a power cut alone is no damage, but it says: {faults}")
        if loaded.content is None:
            require(after.may_be_new, f"nothing is found, but {len(after.allowed)} states were promised: {faults}")
            self.tally.new += 1
            self.tally.note("new")
            return
        record = journal.to_bytes(dict(loaded.content))
        require(record in after.allowed, f"what is found is none of the {len(after.allowed)} states promised")
        kept = life.found.kept
        entries = self.judge.hold_chain(kept.events.since(0), kept.head)
        self.judge.hold(kept.state, entries)
        self.tally.note(record)

    def _judge_end(self, life):
        """Read the disk once more, and refuse what is not to the bit as without cuts."""
        files = life.platter.files()
        after = After(files, has_begun=True, pulses=b"", allowed=(), may_be_new=False, boundary="the end")
        platter, dice = Platter(files), random.Random(0)
        with world(self.scenario, dice, self.folder), turning(platter, dice):
            store = Life(self.scenario, self.folder, platter, dice, after).store
            store.path.mkdir(exist_ok=True)
            store.open()
            try:
                found = store.load()
            finally:
                store.close()
        require(found.kept is not None, f"nothing is left at the end: {found.faults}")
        require(bool(self.scenario.fails) or not found.faults, f"at the end: {found.faults}")
        entries = self.judge.hold_chain(found.kept.events.since(0), found.kept.head)
        self.judge.hold(found.kept.state, entries)
        require(outcome(found.kept.state) == self.wanted, "the meter is not as without cuts")
        require(deeds(entries) == self.wanted_deeds, f"events {deeds(entries)} instead of {self.wanted_deeds}")
        if self.scenario.has_pulses:
            require(life.pulse_path.read_bytes() == self.wanted_pulses, "the file of pulses is not as without cuts")
        self.tally.ends += 1
        self.tally.note(outcome(found.kept.state))


class _InMemory(Life):
    """A life without a store."""

    def __init__(self, scenario, folder, dice):
        super().__init__(scenario, folder, Platter(), dice, NEW)
        self.pulse_path = folder / "undisturbed.csv"

    def open_store(self):
        self.pulse_path.unlink(missing_ok=True)


def cut_everywhere(seed, *, most_cuts=None):
    """Cut the power of all lives of a seed; raise BrokenPromiseError with the seed in its words."""
    folder = Path(tempfile.mkdtemp(prefix="watthour-power-", dir=RAM if RAM.is_dir() else None))
    try:
        return Seed(seed, folder).cut_everywhere(most_cuts=most_cuts)
    except BaseException as problem:
        problem.add_note(f"seed {seed}; to see it again: PYTHONPATH=src python tests/power/power_cuts.py {seed}")
        raise
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    for text in sys.argv[1:]:
        done = cut_everywhere(int(text))
        print(f"seed {text}: {done.cuts} cuts, {done.lives} lives, {done.ends} ends, trace {done.trace.hexdigest()}")
