"""A PostgreSQL server on a port of its own, for tests, the soak and the bench: it can be killed as by a power cut, and started again."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path

import psycopg

PATIENCE_S = 60.0
USER = "postgres"


def programs():
    """Return the folder of initdb and postgres; Debian keeps them beside the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


class Postgres:
    """A server on a free port of 127.0.0.1, its data in a folder of its own; it can be killed and started again."""

    def __init__(self, folder):
        self.bin = folder
        self.home = Path(tempfile.mkdtemp(prefix="watthour-postgres-"))
        self.names = count(1)
        self.as_user = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
        if self.as_user:
            shutil.chown(self.home, USER, USER)
        self.data = self.home / "data"
        self.ask("initdb", "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def ask(self, program, *words):
        command = [*self.as_user, str(self.bin / program), *map(str, words)]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False, text=True, cwd="/")
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.home}"
        self.ask("pg_ctl", "-D", self.data, "-w", "-l", self.home / "log", "-o", options, "start")

    def kill(self):
        """End it as a power cut would: SIGKILL to it and all its children."""
        pid = int((self.data / "postmaster.pid").read_text("utf-8").splitlines()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
        for each in (pid, *map(int, children)):
            os.kill(each, signal.SIGKILL)
        give_up_s = time.monotonic() + PATIENCE_S
        while any(Path(f"/proc/{each}").exists() for each in (pid, *children)):
            assert time.monotonic() < give_up_s
            time.sleep(0.02)

    def stop(self):
        self.ask("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.home)

    def database(self):
        """Return the URL of a new database."""
        name = f"archive{next(self.names)}"
        with psycopg.connect(f"postgresql://{USER}@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"
