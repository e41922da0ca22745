"""A data directory as a run leaves it, and the hand of somebody who edits it with the right checksums."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from watthour import journal
from watthour.host.config import Plan, SourceWish
from watthour.host.metering import MeteringThread, Pace, begin_work
from watthour.host.store import DataDirectory
from watthour.parameters import Interface, check_setting

SERIAL = 42


@pytest.fixture(scope="session")
def csv_file(tmp_path_factory):
    time_s = np.arange(800)[:, None] / 1600
    wave = np.sqrt(2) * np.cos(2 * np.pi * 50 * time_s - 2 * np.pi / 3 * np.arange(3))
    rows = np.concatenate([time_s, 230 * wave, 2 * wave], axis=1)
    path = tmp_path_factory.mktemp("source") / "day.csv"
    np.savetxt(path, rows, delimiter=",", fmt="%.9g", header="time_s,V1,V2,V3,I1,I2,I3", comments="")
    return path


def run(data, path, *, duration_s=None, asked=(), settings=(), folder=Path(), **wish):
    """Meter a recording into a data directory; ask for some things at its end."""
    given = {"serial": SERIAL, "ct": "200/5", **dict(settings)}
    plan = Plan(settings={name: check_setting(name, value, Interface.CONFIG) for name, value in given.items()}, folder=folder)
    with DataDirectory(data, SERIAL) as store:
        thread = MeteringThread(
            begin_work(plan, SourceWish(path=path, **wish), store), Pace(speed=None, duration_s=duration_s, hold=bool(asked))
        )
        thread.start()
        assert not asked or thread.ended.wait(300)
        outcomes = [thread.submit(each).result(60) for each in asked]
        if asked:
            thread.stop()
        thread.join(300)
        assert not thread.is_alive()
        assert thread.failure is None
    return outcomes


@pytest.fixture(scope="session")
def meter_run():
    return run


@pytest.fixture
def kept_path(tmp_path, csv_file) -> Path:
    """The directory of a meter that was run twice, each time to an end in order."""
    run(tmp_path / "data", csv_file, duration_s=0.25)
    run(tmp_path / "data", csv_file)
    return tmp_path / "data" / str(SERIAL)


@pytest.fixture(scope="session")
def edit_state():
    """Change the state in both files, with checksums that are right."""

    def edit(path, change):
        for name in ("a.db", "b.db"):
            with closing(sqlite3.connect(path / name)) as database, database:
                ((record,),) = database.execute("SELECT record FROM state")
                content = journal.from_bytes(record)
                change(content)
                database.execute("UPDATE state SET record = ?", (journal.to_bytes(content),))

    return edit


@pytest.fixture(scope="session")
def edit_rows():
    """Change the rows of a series in both files, with checksums that are right: `change` takes and gives {number: body}."""

    def edit(path, series, change):
        for name in ("a.db", "b.db"):
            with closing(sqlite3.connect(path / name)) as database, database:
                rows = {
                    number: journal.row_from_bytes(series, number, row)
                    for number, row in database.execute(f"SELECT number, row FROM {series}")  # noqa: S608
                }
                database.execute(f"DELETE FROM {series}")  # noqa: S608
                for number, body in change(rows).items():
                    row = journal.row_to_bytes(series, number, body)
                    database.execute(f"INSERT INTO {series} VALUES (?, ?)", (number, row))  # noqa: S608

    return edit
