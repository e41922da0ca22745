"""The archive on both databases: SQLite, and a PostgreSQL server started for the tests."""

import os

import pytest
from postgres_server import Postgres, programs

from watthour.host.archive.database import open_archive


@pytest.fixture(scope="session")
def postgres():
    """A running PostgreSQL."""
    folder = programs()
    if folder is None:
        what = "PostgreSQL (apt: postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs {what}", pytrace=False)
        pytest.skip(f"this test needs {what}")
    server = Postgres(folder)
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def archive_url(request, tmp_path):
    """Return the URL of an empty archive."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'readings.db'}"
    return request.getfixturevalue("postgres").database()


@pytest.fixture
def archive(archive_url):
    """An empty archive."""
    with open_archive(archive_url) as opened:
        yield opened
