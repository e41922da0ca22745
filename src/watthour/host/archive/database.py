"""The archive's database: opened by its URL, brought to the newest tables, and asked in transactions.

SQLite writes ahead and syncs each commit; PostgreSQL does by default. What a transaction held is there after a crash of anything, or
none of it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from watthour.errors import StoreError, UsageError
from watthour.headend.counting import Count
from watthour.host.archive.tables import METADATA

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = 0x77A7
"""Key of the lock under which one process at a time brings a PostgreSQL database up to date (ours)."""
_BUSY_S = 30.0
_WRITES = "watthour_writes"


class Archive:
    """An open archive; `open_archive` opens one.

    Attributes
    ----------
    counts : dict
        Counts of places beside the text that the database keeps of each: while it is that text they need not be read from it.
    """

    def __init__(self, engine: Engine, shown: str) -> None:
        self.engine = engine
        self.shown = shown
        self.counts: dict[str, tuple[str, Count]] = {}

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that may write; all of it is kept, or none.

        Raises
        ------
        StoreError
            If the database cannot be reached, or refuses.
        """
        try:
            with self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
                yield connection
        except (SQLAlchemyError, psycopg.Error) as problem:
            raise self.refused(problem) from problem

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that reads.

        Raises
        ------
        StoreError
            As `writing`.
        """
        try:
            with self.engine.connect() as connection, connection.begin():
                yield connection
        except SQLAlchemyError as problem:
            raise self.refused(problem) from problem

    def refused(self, problem: SQLAlchemyError | psycopg.Error) -> StoreError:
        """Return what went wrong, in one line."""
        origin = getattr(problem, "orig", None) or problem
        lines = str(origin).strip().splitlines()
        return StoreError(f"{self.shown}: {lines[0] if lines else type(origin).__name__}")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_archive(url: str, *, must_exist: bool = False) -> Archive:
    """Open the archive at a URL, made or brought up to date where needed.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``.
    must_exist : bool
        Refuse to make a new SQLite file.

    Raises
    ------
    UsageError
        If it is no such URL, or the file is not there.
    StoreError
        If it cannot be opened, or is newer than this program.
    """
    parsed = _parsed(url)
    shown = parsed.set(drivername=parsed.get_backend_name()).render_as_string(hide_password=True)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite:
        path = Path(parsed.database or "")
        if must_exist and not path.is_file():
            msg = f"{path}: no archive there: name the config of watthour poll, or --store URL"
            raise UsageError(msg)
        path.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"connect_args": {"timeout": _BUSY_S}} if is_sqlite else {"pool_pre_ping": True}
    engine = create_engine(parsed, **options)
    if is_sqlite:
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    archive = Archive(engine, shown)
    try:
        with archive.writing() as connection:
            _bring_up_to_date(connection, shown)
    except StoreError:
        archive.close()
        raise
    return archive


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    backend = parsed.get_backend_name() if parsed is not None else ""
    if parsed is None or backend not in {"sqlite", "postgresql"} or (backend == "sqlite" and not parsed.database):
        msg = f"{url}: no store that is known: write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        raise UsageError(msg)
    return parsed.set(drivername="postgresql+psycopg") if backend == "postgresql" else parsed


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begin a transaction that writes with the lock in hand: what it reads first, nobody changes before it ends."""
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _bring_up_to_date(connection: Connection, shown: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
    known = {revision.revision for revision in script.walk_revisions()}

    def steps(current: Any, _context: Any) -> Any:
        have = current if isinstance(current, str) else next(iter(current), None)
        if have is not None and have not in known:
            msg = f"{shown}: its tables are those of a newer watthour ({have}): use that one"
            raise StoreError(msg)
        return script._upgrade_revs("head", current)  # noqa: SLF001 - as alembic.command.upgrade does

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=METADATA)
        environment.run_migrations()


def is_passing(problem: StoreError) -> bool:
    """Whether a refusal may be over soon: the database is away, or busy."""
    return isinstance(problem.__cause__, OperationalError | psycopg.OperationalError)
