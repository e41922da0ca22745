"""A PostgreSQL that is killed in the middle of a transaction: all of it is there afterwards, or nothing, and once."""

import os
import signal
import time

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from watthour.errors import StoreError
from watthour.headend.counting import Grid
from watthour.headend.reading import Counter, Reading
from watthour.host.archive.database import is_passing, open_archive
from watthour.host.archive.recording import Letter, Observation, record
from watthour.host.archive.tables import ANCHOR, EVENT, INTERVAL, METER, OUTBOX, PLACE, READING

S = 10**9
GRID = Grid(step_ns=900 * S, tolerance_ns=5 * S)
PATIENCE_S = 30.0


def round_at(at_s):
    """Return what three places showed at an instant, a chain's head among it."""
    return [
        Observation(
            place=place,
            reading=Reading(
                time_ns=at_s * S,
                serial=f"of {place}",
                counters={"import": Counter(micro=at_s * 1000, modulus_micro=2**64)},
                head=f"{at_s:064x}",
            ),
        )
        for place in ("hall", "roof", "yard")
    ]


def letters(told):
    return (Letter(topic=told.place, payload=str(told.reading.time_ns)),)


def content(archive):
    """Return every row of every table, without numbers that the database gives."""
    with archive.reading() as connection:
        return {
            table.name: sorted(
                (tuple(v for c, v in row._mapping.items() if c != "id") for row in connection.execute(select(table))), key=repr
            )
            for table in (METER, PLACE, READING, INTERVAL, EVENT, ANCHOR, OUTBOX)
        }


def when_it_is_back(asked):
    """Return what is asked of a database, once it answers again."""
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return asked()
        except StoreError as problem:
            if not is_passing(problem):
                raise
            assert time.monotonic() < give_up_s
            time.sleep(0.02)


class Killer:
    """Ends what serves a transaction at one of its statements, or at its commit."""

    def __init__(self, archive, end):
        self.archive, self.end = archive, end
        self.at, self.count, self.is_done = None, 0, True
        event.listen(archive.engine, "after_cursor_execute", self.after_statement)

    def after_statement(self, connection, *_):
        self.count += 1
        if self.count == self.at and not self.is_done:
            self.is_done = True
            self.end(connection.connection.driver_connection)

    def aim(self, at):
        self.at, self.count, self.is_done = at, 0, False


def kill_backend(driver):
    """End the process that serves a connection: its server throws all others out, and recovers."""
    pid = driver.info.backend_pid
    os.kill(pid, signal.SIGKILL)
    give_up_s = time.monotonic() + PATIENCE_S
    while os.path.exists(f"/proc/{pid}"):  # noqa: PTH110 - a process, not a file
        assert time.monotonic() < give_up_s


def test_a_backend_killed_at_any_statement_leaves_nothing_and_the_same_round_is_kept_once(postgres, tmp_path):
    stride = 1 if os.environ.get("WATTHOUR_LONG") else 4
    with open_archive(postgres.database()) as archive, open_archive(f"sqlite:///{tmp_path / 'calm.db'}") as calm:
        for one in (archive, calm):
            record(one, round_at(0), GRID, letters)
        killer = Killer(archive, kill_backend)
        at = 0
        while True:
            at += stride
            due = round_at(900 * at)
            before = when_it_is_back(lambda: content(archive))
            killer.aim(at)
            try:
                record(archive, due, GRID, letters)
            except StoreError as problem:
                if not is_passing(problem):
                    raise
                killer.at = None
                assert when_it_is_back(lambda: content(archive)) == before
                when_it_is_back(lambda due=due: record(archive, due, GRID, letters))
            record(calm, due, GRID, letters)
            assert when_it_is_back(lambda: content(archive)) == content(calm)
            if not killer.is_done:
                break
        assert at > 6


def test_a_server_killed_before_the_commit_leaves_nothing(postgres):
    with open_archive(postgres.database()) as archive:
        record(archive, round_at(0), GRID, letters)
        before = content(archive)
        event.listen(archive.engine, "commit", lambda _: postgres.kill(), once=True)
        with pytest.raises(StoreError) as refusal:
            record(archive, round_at(900), GRID, letters)
        postgres.start()
        assert is_passing(refusal.value)
        assert content(archive) == before
        assert all(each.is_new for each in record(archive, round_at(900), GRID, letters))


def test_a_commit_whose_word_was_lost_is_kept_once(postgres):
    def commit_and_die(connection):
        connection.connection.driver_connection.commit()
        postgres.kill()
        statement = "COMMIT"
        raise OperationalError(statement, None, RuntimeError("the connection is closed"))

    with open_archive(postgres.database()) as archive:
        record(archive, round_at(0), GRID, letters)
        event.listen(archive.engine, "commit", commit_and_die, once=True)
        with pytest.raises(StoreError):
            record(archive, round_at(900), GRID, letters)
        postgres.start()
        kept = content(archive)
        assert len(kept["interval"]) == 3
        assert not any(each.is_new for each in record(archive, round_at(900), GRID, letters))
        assert content(archive) == kept
