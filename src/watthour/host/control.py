"""What is asked of a meter from beside it: over the socket in its data directory while it runs, else straight to its store.

One request a connection: a line of JSON, ``{"do": "set", "settings": {…}, "secret": …}``, and a line back, ``{"verdict",
"message"}``. The socket is for its owner alone (mode 0600). Both ways end in the same deed, so a meter at rest answers as
one that runs.
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from watthour.errors import StoreError, UsageError, WatthourError
from watthour.host.calendars import read_calendar
from watthour.host.evidence.files import read_meter
from watthour.host.instants import now_ns
from watthour.host.metering.carrying import Deed, carry_out
from watthour.host.metering.keeping import Keeping, totals_of
from watthour.host.metering.sealing import attempt_delay_s, seal, unseal
from watthour.host.metering.thread import MeteringThread
from watthour.host.store import DataDirectory
from watthour.meter import Meter
from watthour.parameters import Interface
from watthour.view import ClosePeriod, Command, Event, EventKind, Outcome, ResetPartial, Verdict, WriteSettings

SOCKET = "control.sock"
_LONGEST_LINE = 65_536
_PATIENCE_S = 90.0
"""Longer than the longest wait for a wrong secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked.

    Parameters
    ----------
    do : str
        ``set``, ``reset-partial``, ``close-period``, ``seal`` or ``unseal``.
    settings : mapping of str to str
        Of ``set``.
    secret : str or None
        Of ``seal`` and ``unseal``.
    """

    do: str
    settings: dict[str, str]
    secret: str | None = None

    def to_bytes(self) -> bytes:
        """Return the line that travels."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_bytes(cls, line: bytes) -> "Request":
        """Return the request of a line.

        Raises
        ------
        UsageError
            If it is none.
        """
        try:
            request = cls(**json.loads(line))
        except (TypeError, ValueError):
            request = None
        texts = () if request is None or not isinstance(request.settings, dict) else request.settings.items()
        if request is None or request.do not in DEEDS or not all(isinstance(part, str) for pair in texts for part in pair):
            msg = "this is no request to a meter"
            raise UsageError(msg)
        return request

    def deed(self) -> Command | Deed:
        """Return what is to be done."""
        return DEEDS[self.do](self)


DEEDS: dict[str, Callable[[Request], Command | Deed]] = {
    "set": lambda asked: WriteSettings(settings=asked.settings, interface=Interface.CONTROL),
    "reset-partial": lambda _: ResetPartial(interface=Interface.CONTROL),
    "close-period": lambda _: ClosePeriod(interface=Interface.CONTROL),
    "seal": lambda asked: partial(seal, secret=asked.secret),
    "unseal": lambda asked: partial(unseal, secret=asked.secret),
}
"""Everything that can be asked, by its word."""


class ControlSocket:
    """The socket of a running meter, open from `open` to `close`.

    Parameters
    ----------
    path : Path
        The meter's own directory, which this process owns.
    thread : MeteringThread
    keeping : Keeping
    """

    def __init__(self, path: Path, thread: MeteringThread, keeping: Keeping) -> None:
        self._path = path
        self._thread = thread
        self._keeping = keeping
        self._one_attempt = asyncio.Lock()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.fchmod(listening.fileno(), 0o600)  # before it has a name, so that it is nobody else's for a moment
            with suppress(FileNotFoundError):
                (self._path / SOCKET).unlink()
            at_socket(self._path, listening.bind)
            self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=_LONGEST_LINE)
        except OSError as problem:
            listening.close()
            msg = f"{self._path / SOCKET}: cannot be opened ({problem.strerror}): commands beside the running meter need it"
            raise StoreError(msg) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None  # noqa: S101 - it was entered
        self._server.close()
        with suppress(OSError):
            (self._path / SOCKET).unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, asyncio.TimeoutError):
            line = await asyncio.wait_for(reader.readline(), _PATIENCE_S)
            outcome = await self._answer(line)
            writer.write(_line_of(outcome))
            await writer.drain()
        writer.close()

    async def _answer(self, line: bytes) -> Outcome:
        try:
            request = Request.from_bytes(line)
        except UsageError as problem:
            return Outcome(verdict=Verdict.REFUSED, message=str(problem))
        if request.secret is None:
            return await asyncio.wrap_future(self._thread.submit(request.deed()))
        async with self._one_attempt:  # many at once would not wait for one another
            await asyncio.sleep(attempt_delay_s(self._keeping))
            return await asyncio.wrap_future(self._thread.submit(request.deed()))


def ask_meter(path: Path, request: Request) -> Outcome:
    """Ask a meter, running or at rest.

    Parameters
    ----------
    path : Path
        Its own directory, from `meter_directory`.

    Raises
    ------
    StoreError
        If it runs and does not answer, or its store cannot be used.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with client:
        client.settimeout(_PATIENCE_S)
        try:
            at_socket(path, client.connect)
        except (FileNotFoundError, ConnectionRefusedError):
            return _ask_at_rest(path, request)
        except OSError as problem:
            msg = f"{path / SOCKET}: the running meter cannot be asked ({problem.strerror or problem})"
            raise StoreError(msg) from None
        try:
            client.sendall(request.to_bytes())
            line = client.makefile("rb").readline()
            answer: dict[str, Any] = json.loads(line)
            return Outcome(verdict=Verdict(answer["verdict"]), message=str(answer["message"]))
        except (OSError, ValueError, LookupError):
            msg = f"{path / SOCKET}: the running meter did not answer"
            raise StoreError(msg) from None


def has_secret(path: Path) -> bool:
    """Tell whether a meter was ever sealed with a secret; it only reads, also beside a running meter."""
    content = read_meter(path).loaded.content
    return content is not None and content.get("secret") is not None


def meter_directory(directory: Path) -> Path:
    """Return the own directory of a meter: that itself, or the only one in a data directory.

    Raises
    ------
    UsageError
        If there is none, or more than one.
    """
    if directory.name.isdigit() and _is_a_meters(directory):
        return directory
    found = (
        sorted(path for path in directory.iterdir() if path.name.isdigit() and _is_a_meters(path)) if directory.is_dir() else []
    )
    if len(found) == 1:
        return found[0]
    if not found:
        msg = f"{directory}: no meter keeps its state here: name the directory given with --data"
        raise UsageError(msg)
    msg = f"{directory}: {len(found)} meters keep their state here: name one, such as {found[0]}"
    raise UsageError(msg)


def at_socket(path: Path, act: Callable[[str], None]) -> None:
    """Connect or bind by a name that is short, however long the directory's is."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        act(f"/proc/self/fd/{directory}/{SOCKET}")
    finally:
        os.close(directory)


def _is_a_meters(path: Path) -> bool:
    return any((path / name).exists() for name in ("a.db", "b.db", "lock"))


def _ask_at_rest(path: Path, request: Request) -> Outcome:
    """Do to a store what was asked, as the meter itself would."""
    with DataDirectory(path.parent, int(path.name)) as store:
        found = store.load()
        kept = found.kept
        if kept is None or found.faults:
            what = "; ".join(found.faults) or "it keeps no state"
            msg = f"{path}: {what}: run the meter first, which heals what can be healed"
            raise StoreError(msg)
        keeping = Keeping(store, found, serial=store.serial)
        keeping.software_id = kept.software_id
        calendars = partial(read_calendar, folder=Path(kept.folder))
        calendar = calendars(str(kept.state.settings["calendar"]))
        meter = Meter(kept.state, calendar, calendars=calendars)
        if request.secret is not None:
            time.sleep(attempt_delay_s(keeping))

        def save() -> None:
            if meter.state.registers != kept.state.registers:  # what was still open was counted before the change
                keeping.note(Event(time_ns=now_ns(), kind=EventKind.TOTALS, detail=totals_of(meter.state)))
            if meter.calendar is not calendar:  # one whose file was edited meanwhile is told at the next start
                keeping.hold_calendar(meter.calendar)
            keeping.commit(
                meter.state,
                source=kept.source,
                sources=kept.sources,
                now_ns=kept.committed_ns,
                now_s=time.monotonic(),
                both=True,
                stopped=kept.stopped,
            )

        outcome, _ = carry_out(request.deed(), meter, keeping, now_ns(), save)
        return outcome


def done_or_raise(outcome: Outcome) -> None:
    """Raise what a request that was not done says, in one line."""
    if outcome.verdict is not Verdict.DONE:
        raise WatthourError(outcome.message or f"refused: {outcome.verdict}")


def _line_of(outcome: Outcome) -> bytes:
    return json.dumps({"verdict": outcome.verdict, "message": outcome.message}).encode() + b"\n"
