"""Who may ask what: the gate in front of page, stream and interface.

- On an address of this machine alone no token is needed; a request that names another host is refused, so that no foreign name
  can be made to point here (DNS rebinding).
- On any other address everything needs the token: as a cookie (same site, not for scripts), as ``Authorization: Bearer``, or once
  as ``?token=``, which sets the cookie and goes on without it.
- A request that changes something must come from the page itself or from no browser at all (Origin, Sec-Fetch-Site).
- Every answer carries the headers that keep a page to itself.
"""

import hmac
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watthour.host.web.address import LOCAL_NAMES

COOKIE = "watthour_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_BODY = 65_536

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), usb=(), serial=()",
}


def is_foreign(headers: Headers, method: str) -> bool:
    """Say whether a browser sends a request that changes something from another site's page."""
    if method in _SAFE:
        return False
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return True
    return headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}


def is_known_host(headers: Headers) -> bool:
    """Say whether the host that a request names is this machine itself."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname in LOCAL_NAMES
    except ValueError:
        return False


class Gate:
    """Refuses what may not come in, and gives every answer its headers.

    Parameters
    ----------
    app : ASGIApp
    token : str
        Empty where none is needed.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._refusal(Request(scope)) or self._app
        await answer(scope, receive, send_guarded)

    def _refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that does not come in; None where it may."""
        if not self._token and not is_known_host(request.headers):
            return _refused(421, "this page is for this machine alone: ask for it by 127.0.0.1 or localhost")
        if is_foreign(request.headers, request.method):
            return _refused(403, "the page of another site may not ask this")
        if "transfer-encoding" in request.headers:
            return _refused(411, "say how long it is: Content-Length")
        if int(request.headers.get("content-length") or 0) > _LONGEST_BODY:
            return _refused(413, f"more than {_LONGEST_BODY} bytes")
        if self._token:
            return self._without_token(request)
        return None

    def _without_token(self, request: Request) -> Response | None:
        given = request.query_params.get("token")
        if given is not None and self._is_token(given) and request.method == "GET":
            return self._welcome(request.url)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_token(request.cookies.get(COOKIE, "")) or self._is_token(bearer):
            return None
        words = "a token is needed here: open the address that was printed when the meter started, or send Authorization: Bearer TOKEN"
        answer = _refused(401, words)
        answer.headers["www-authenticate"] = "Bearer"
        return answer

    def _welcome(self, url: URL) -> Response:
        left = [(name, value) for name, value in _pairs(url.query) if name != "token"]
        answer = RedirectResponse(f"{url.path}{'?' if left else ''}{urlencode(left)}", status_code=303)
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", max_age=30 * 86_400)
        return answer

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


def _pairs(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]


def _refused(status: int, words: str) -> Response:
    return JSONResponse({"detail": words}, status)
