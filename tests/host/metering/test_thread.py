"""The metering thread: it meters, answers, waits, stops, and keeps what went wrong."""

import threading
import time

import pytest

from watthour.errors import RecordingError, StoreError
from watthour.host.metering import MeteringThread, Pace
from watthour.host.metering.keeping import Keeping
from watthour.host.store import DataDirectory
from watthour.parameters import Interface
from watthour.view import EventKind, ResetPartial, Verdict, WriteSettings

PATIENCE_S = 60.0
FAST = Pace(speed=None)
HELD = Pace(speed=None, hold=True)
CRAWLING = Pace(speed=1e-9)

PRICE = WriteSettings(settings={"cost_per_kwh": "0.25"}, interface=Interface.BUS)


@pytest.fixture
def running():
    """Start a thread, and stop it whatever happens."""
    started = []

    def start(work, pace):
        thread = MeteringThread(work, pace)
        thread.start()
        started.append(thread)
        return thread

    yield start
    for thread in started:
        thread.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def outcome_of(thread, command):
    return thread.submit(command).result(PATIENCE_S)


def test_a_source_is_metered_to_its_end(make_work, running):
    thread = running(make_work(), FAST)
    assert thread.done.wait(PATIENCE_S)
    assert thread.ended.is_set()
    assert thread.failure is None
    assert thread.view.samples == 4000
    assert thread.view.exact["secondary_import_microwh"] == pytest.approx(3 * 230 * 2 / 3600 * 1e6, rel=1e-5)
    assert thread.progress.sample == thread.progress.end_sample == 4000


def test_a_duration_counts_from_the_first_sample_of_the_source(make_work, running):
    thread = running(make_work(first_sample=1000), Pace(speed=None, duration_s=0.5))
    assert thread.done.wait(PATIENCE_S)
    assert thread.view.samples == 1000
    thread = running(make_work(first_sample=2000), Pace(speed=None, duration_s=0.5))
    assert thread.done.wait(PATIENCE_S)
    assert thread.view.samples == 0


def test_a_duration_is_sample_time_also_where_the_rate_changes(make_work, make_supply, running):
    source = make_supply(stretches=((0, 1000, 1000.0), (1000, 8000, 4000.0)))
    thread = running(make_work(source), Pace(speed=None, duration_s=2.0))
    assert thread.done.wait(PATIENCE_S)
    assert thread.view.samples == 1000 + 4000
    assert thread.view.duration_s == 2.0


def test_samples_behind_a_gap_are_metered_to_the_last(make_work, make_supply, running):
    source = make_supply(stretches=((0, 2000, 4000.0), (3000, 2000, 4000.0)))
    thread = running(make_work(source), FAST)
    assert thread.done.wait(PATIENCE_S)
    assert thread.view.samples == 4000
    assert [event.kind for event in thread.take_events()] == [EventKind.SOURCE_GAP]
    assert list(thread.take_events()) == []


def test_a_gap_counts_as_sample_time_of_a_duration(make_work, make_supply, running):
    source = make_supply(stretches=((0, 2000, 4000.0), (3000, 2000, 4000.0)))
    thread = running(make_work(source), Pace(speed=None, duration_s=1.0))
    assert thread.done.wait(PATIENCE_S)
    assert thread.view.samples == 3000


def test_a_run_takes_at_least_its_sample_time_over_its_speed(make_work, running):
    MeteringThread(make_work(), FAST).run()  # compiles
    begun_s = time.monotonic()
    thread = running(make_work(), Pace(speed=4.0))
    assert thread.done.wait(PATIENCE_S)
    assert time.monotonic() - begun_s >= 1.0 / 4.0
    assert thread.view.samples == 4000


@pytest.mark.parametrize("speed", [1e300, 1000.0])
def test_a_speed_that_no_machine_reaches_loses_nothing(make_work, running, speed):
    thread = running(make_work(), Pace(speed=speed))
    assert thread.done.wait(PATIENCE_S)
    assert thread.failure is None
    assert thread.view.samples == 4000


@pytest.mark.parametrize("speed", [1e-9, 1e-300])
def test_a_waiting_thread_stops_when_asked(make_work, running, speed):
    thread = running(make_work(), Pace(speed=speed))
    assert not thread.done.wait(0.2)
    thread.stop()
    assert thread.done.wait(PATIENCE_S)
    assert thread.failure is None
    assert thread.view.samples == 0


def test_a_thread_asked_to_stop_before_it_began_meters_nothing(make_work):
    thread = MeteringThread(make_work(), FAST)
    thread.stop()
    thread.run()
    assert thread.done.is_set()
    assert thread.view.samples == 0


def test_a_command_is_answered_while_the_thread_waits_for_its_pace(make_work, running):
    thread = running(make_work(), CRAWLING)
    assert outcome_of(thread, PRICE).verdict is Verdict.DONE
    assert thread.view.values["cost_per_kwh"] == 0.25
    assert [event.kind for event in thread.take_events()] == [EventKind.PARAMETER_CHANGED]
    assert not thread.ended.is_set()


def test_a_command_is_answered_at_full_speed(make_work, make_supply):
    thread = MeteringThread(make_work(make_supply(stretches=((0, 40_000, 4000.0),))), FAST)
    answer = thread.submit(PRICE)
    thread.run()
    assert answer.result(PATIENCE_S).verdict is Verdict.DONE


def test_a_held_thread_answers_with_its_last_values_until_it_is_stopped(make_work, running):
    thread = running(make_work(), HELD)
    assert thread.ended.wait(PATIENCE_S)
    assert not thread.done.wait(0.1)
    assert thread.view.samples == 4000
    assert outcome_of(thread, ResetPartial(interface=Interface.BUS)).verdict is Verdict.DONE
    assert thread.view.exact["partial_import_microwh"] == 0
    assert thread.view.samples == 4000
    thread.stop()
    assert thread.done.wait(PATIENCE_S)


def test_a_run_held_before_the_end_of_its_source_shows_what_is_left_of_the_open_window(make_work, running):
    thread = running(make_work(), Pace(speed=None, duration_s=0.51, hold=True))
    assert thread.ended.wait(PATIENCE_S)
    assert thread.view.samples == 2040
    outcome_of(thread, PRICE)
    assert thread.view.samples == 2040


def test_a_sealed_setting_is_refused_by_its_outcome(make_work, running):
    thread = running(make_work(), HELD)
    sealed = WriteSettings(settings={"ct": "400/5"}, interface=Interface.CONTROL)
    assert outcome_of(thread, sealed).verdict is Verdict.SEALED
    assert thread.failure is None


def test_a_command_after_the_end_is_refused(make_work, running):
    thread = running(make_work(), FAST)
    assert thread.done.wait(PATIENCE_S)
    outcome = outcome_of(thread, PRICE)
    assert outcome.verdict is Verdict.REFUSED
    assert outcome.message == "the meter has stopped"


def test_every_command_of_a_thread_that_stops_gets_its_outcome(make_work, running):
    thread = running(make_work(), HELD)
    answers = []

    def ask():
        answers.extend(thread.submit(PRICE) for _ in range(200))

    asking = threading.Thread(target=ask)
    asking.start()
    thread.stop()
    asking.join(PATIENCE_S)
    verdicts = {answer.result(PATIENCE_S).verdict for answer in answers}
    assert len(answers) == 200
    assert verdicts <= {Verdict.DONE, Verdict.REFUSED}


def test_a_failure_of_the_source_is_kept_and_so_is_what_was_metered(make_work, make_supply, running, tmp_path):
    with DataDirectory(tmp_path, 1) as store:
        thread = running(make_work(make_supply(breaks_at=2500), keeping=Keeping(store)), HELD)
        assert thread.done.wait(PATIENCE_S)
        assert isinstance(thread.failure, RecordingError)
        kept = store.load().kept
    assert kept.sources["supply"].next_sample == 2100
    assert not kept.sources["supply"].finished
    assert kept.state.registers.secondary[0] > 0


def test_a_state_that_cannot_be_kept_is_a_failure(make_work, running, tmp_path):
    class Full(DataDirectory):
        def save(self, _kept, *, both=True):  # noqa: ARG002
            msg = "the disk is full"
            raise StoreError(msg)

    with Full(tmp_path, 1) as store:
        thread = running(make_work(keeping=Keeping(store)), FAST)
        assert thread.done.wait(PATIENCE_S)
    assert isinstance(thread.failure, StoreError)
    assert outcome_of(thread, PRICE).verdict is Verdict.REFUSED


def test_a_setting_written_while_the_thread_is_held_is_kept(make_work, running, tmp_path):
    with DataDirectory(tmp_path, 1) as store:
        thread = running(make_work(keeping=Keeping(store)), HELD)
        assert thread.ended.wait(PATIENCE_S)
        assert outcome_of(thread, PRICE).verdict is Verdict.DONE
        thread.stop()
        assert thread.done.wait(PATIENCE_S)
        kept = store.load().kept
    assert str(kept.state.settings["cost_per_kwh"]) == "0.2500"
    assert kept.sources["supply"].finished
