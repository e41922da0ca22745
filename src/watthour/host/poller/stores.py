"""A head-end's store by what a user names it: the config of its poll, a URL, or an SQLite file."""

from pathlib import Path

from watthour.host.archive.database import Archive, open_archive
from watthour.host.poller.config import plan_poll, store_url

DEFAULT_HISTORY = "archive"


def open_store(source: str) -> tuple[Archive, Path]:
    """Return a store, open, and the folder of its history.

    Raises
    ------
    UsageError
        If there is no store.
    ConfigError
        If the config is none.
    StoreError
        If the store cannot be opened.
    """
    if "://" in source:
        return open_archive(store_url(source, Path()), must_exist=True), Path(DEFAULT_HISTORY)
    path = Path(source)
    if path.suffix == ".toml":
        plan = plan_poll(path)
        return open_archive(plan.store, must_exist=True), plan.archive
    return open_archive(f"sqlite:///{path.absolute()}", must_exist=True), path.parent / DEFAULT_HISTORY
