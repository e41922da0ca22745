"""How long the database keeps what is in the Parquet history as well, and giving its room back."""

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from watthour.errors import StoreError, UsageError
from watthour.host.archive.database import Archive
from watthour.host.archive.dense import Month
from watthour.host.archive.history import write_history
from watthour.host.archive.tables import INTERVAL, READING


def prune(archive: Archive, folder: Path, before_ns: int) -> dict[str, int]:
    """Delete readings, and intervals of whole months, that end before an instant; return how many.

    The history is written first, so that no interval is in neither.

    Raises
    ------
    StoreError
        If the history cannot be written, or the database refuses.
    UsageError
        If the instant would delete the readings that the next one is compared with.
    """
    with archive.reading() as connection:
        newest = connection.scalar(select(func.max(READING.c.time_ns)))
    if newest is not None and before_ns > newest:
        msg = "everything would be deleted: name more days with --keep-days"
        raise UsageError(msg)
    write_history(archive, folder)
    month_ns = Month.holding(before_ns).begin_ns
    with archive.writing() as connection:
        readings = connection.execute(delete(READING).where(READING.c.time_ns < before_ns)).rowcount
        intervals = connection.execute(delete(INTERVAL).where(INTERVAL.c.start_ns < month_ns)).rowcount
    return {"readings": readings, "intervals": intervals}


def compact(archive: Archive) -> None:
    """Give room that was deleted back to the disk.

    Raises
    ------
    StoreError
        If the database is in use, or refuses.
    """
    try:
        with archive.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            if connection.dialect.name == "postgresql":
                driver.autocommit = True
            driver.execute("VACUUM")
            if connection.dialect.name == "postgresql":
                driver.autocommit = False
    except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as problem:
        msg = f"{archive.shown}: {str(problem).splitlines()[0]}"
        raise StoreError(msg) from None
