"""Who may ask what: the gate in front of page, stream and interface.

- On an address of this machine alone no token is needed; a request that names another host is refused, so that no foreign name
  can be made to point here (DNS rebinding).
- On any other address everything needs the token: as a cookie (same site, not for scripts), as ``Authorization: Bearer``, or once
  as ``?token=``, which sets the cookie and goes on without it.
- A request that changes something must come from the page itself or from no browser at all (Origin, Sec-Fetch-Site).
- Every answer carries the headers that keep a page to itself.
"""

import base64
import hashlib
import hmac
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
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


_NEEDED = "a token is needed here: open the address that was printed when the meter started"
_WRONG = "that is not this meter's token: open the address that was printed when it started; each start may print another"
_STYLE = """\
:root { color-scheme: light dark }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 17px/1.5 system-ui, sans-serif;
  background: light-dark(#e9ecee, #10151a); color: light-dark(#1d2830, #e6ebee) }
main { max-width: 30rem; margin: 1rem; padding: 1.6rem 1.9rem; border-radius: 12px; background: light-dark(#ffffff, #181f26) }
h1 { margin: 0 0 .5rem; font-size: 1.15rem } b { color: light-dark(#0b6b5d, #3fb59f); margin-right: .4em } p { margin: 0 }
"""
_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>watthour</title><style>{style}</style></head>
<body><main><h1><b>watthour</b> not yet</h1><p>{words}.</p></main></body>
</html>
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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
        words = _NEEDED if given is None else _WRONG
        is_browser = "text/html" in request.headers.get("accept", "")
        answer = _refusing_page(words) if is_browser else _refused(401, f"{words}, or send Authorization: Bearer TOKEN")
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


def _refusing_page(words: str) -> Response:
    """Return a page for a person who has no token."""
    text = _PAGE.format(style=_STYLE, words=f"{words[0].upper()}{words[1:]}")
    return HTMLResponse(text, 401, {"content-security-policy": _PAGE_POLICY})


def _refused(status: int, words: str) -> Response:
    return JSONResponse({"detail": words}, status)
