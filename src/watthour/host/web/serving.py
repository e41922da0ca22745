"""The page served: files of the package, the stream, the interface, behind one gate, on the loop of the buses."""

import asyncio
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from watthour.host.instrument import Shown
from watthour.host.lines.modbus_server import not_opened
from watthour.host.web.address import WebAddress
from watthour.host.web.api import api_of
from watthour.host.web.broadcasting import Broadcast
from watthour.host.web.guarding import Gate
from watthour.host.web.metrics import CONTENT_TYPE, metrics_of

_CLOSE_S = 1
_BACKLOG = 64


class _Server(uvicorn.Server):
    """A server that leaves signals to the program it runs in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class WebServer:
    """A page that is being served; `serve_web` starts one.

    Attributes
    ----------
    url : str
        Where to look, with the token where one is needed.
    """

    def __init__(self, server: uvicorn.Server, broadcast: Broadcast, url: str, resources: ExitStack) -> None:
        self._server = server
        self._broadcast = broadcast
        self._resources = resources
        self._tasks: list[asyncio.Task[None]] = []
        self.url = url

    async def start(self, listening: socket.socket) -> None:
        """Serve on an open socket from now on."""
        self._tasks = [
            asyncio.create_task(self._server.serve(sockets=[listening])),
            asyncio.create_task(self._broadcast.run()),
        ]
        while not self._server.started and not self._tasks[0].done():  # noqa: ASYNC110 - it has no event to wait for
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        """End streams and connections."""
        self._broadcast.end()
        self._server.should_exit = True
        self._tasks[1].cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._resources.close()


def application(shown: Shown, broadcast: Broadcast, folder: Path, token: str) -> Gate:
    """Return the page, the stream and the interface of a meter behind their gate."""

    async def page(_request: Request) -> Response:
        return FileResponse(folder / "index.html", headers={"cache-control": "no-cache"})

    async def events(_request: Request) -> Response:
        return StreamingResponse(broadcast.stream(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    async def metrics(_request: Request) -> Response:
        return Response(metrics_of(shown.port), media_type=CONTENT_TYPE)

    routes = [
        Route("/", page),
        Route("/events", events),
        Route("/metrics", metrics),
        Mount("/static", StaticFiles(directory=folder)),
        Mount("/api/v1", api_of(shown)),
    ]
    return Gate(Starlette(routes=routes, exception_handlers={HTTPException: _problem}), token)


async def _problem(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # noqa: S101 - what it is registered for
    return JSONResponse({"detail": problem.detail}, problem.status_code, problem.headers)


async def serve_web(address: WebAddress, shown: Shown, *, token: str = "") -> WebServer:
    """Serve a meter's page.

    Parameters
    ----------
    token : str
        Demanded on an address that others can reach; made up where it is empty there.

    Raises
    ------
    ListenError
        If the address cannot be listened on.
    """
    needed = "" if address.is_local else token or secrets.token_urlsafe(18)
    listening = _open(address)
    resources = ExitStack()
    folder = resources.enter_context(as_file(files("watthour.host.web") / "static"))
    broadcast = Broadcast(shown)
    config = uvicorn.Config(
        application(shown, broadcast, folder, needed),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_CLOSE_S,
    )
    there = WebAddress(address.host, listening.getsockname()[1])
    server = WebServer(_Server(config), broadcast, f"{there}{f'?token={needed}' if needed else ''}", resources)
    await server.start(listening)
    return server


def _open(address: WebAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as problem:
        raise not_opened(address, problem) from None
