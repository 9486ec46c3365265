"""The server of the page: it serves this machine alone, and its own page alone.

It refuses requests with another ``Host``, so that no domain name made to point to 127.0.0.1 can
read from it (DNS rebinding), and requests that a page of another site makes. The content security
policy forbids the page to load anything from elsewhere or to run any script but its own. No
request has a body; a client that is slow to send one, or to read its answer, is disconnected.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from nanoknow.errors import ConfigError, NanoknowError, naming
from nanoknow.play.lab import Lab
from nanoknow.system.plain import to_json

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from uvicorn.protocols.http.h11_impl import H11Protocol
except ModuleNotFoundError as error:
    raise ConfigError(
        f"play: needs the package {error.name}: install it with \"pip install 'nanoknow[play]'\""
    ) from None

HOST = "127.0.0.1"
AT_ONCE = 64
"""Most connections that are served at once; further ones are answered 503 (busy)."""
LONGEST_HEAD = 16 * 1024
"""Longest request, in bytes; it has a head and no body."""
PATIENCE = 5.0
"""Seconds between two checks of a connection; it is closed if it is late at two in a row."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
OWN = ("same-origin", "none")
"""Origins of requests that are answered, by ``Sec-Fetch-Site``: the page itself, or the user."""
PAGES = {
    "/": ("index.html", "text/html"),
    "/play.css": ("play.css", "text/css"),
    "/play.js": ("play.js", "text/javascript"),
}


class Impatient(H11Protocol):
    """A connection that is closed if a request does not arrive, or an answer is not read, soon."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or close the connection if there are far too many."""
        super().connection_made(transport)
        if len(self.connections) > 2 * AT_ONCE:
            transport.abort()
        self._look(was_late=False)

    def _look(self, *, was_late: bool) -> None:
        waits = self.cycle is None or self.cycle.response_complete  # for a request to arrive
        is_late = waits or self.transport.get_write_buffer_size() > 0
        if is_late and was_late:
            self.transport.abort()
        if not self.transport.is_closing():
            self.loop.call_later(PATIENCE, lambda: self._look(was_late=is_late))


def application(lab: Lab) -> Starlette:
    """Return the application: it serves the page's files, and answers its requests in JSON."""
    answers: dict[str, Callable[[str], Any]] = {
        "/api/run": lambda _: lab.introduction(),
        "/api/names": lab.names,
        "/api/invent": lambda _: {"question": lab.invent()},
        "/api/ask": lab.ask,
        "/api/lesson": lambda _: lab.lesson(),
        "/api/curves": lambda _: lab.curves(),
    }
    routes = [Route(path, _page(*page)) for path, page in PAGES.items()]
    routes += [Route(path, _answer(answer)) for path, answer in answers.items()]
    guards = [
        Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"], www_redirect=False),
        Middleware(BaseHTTPMiddleware, dispatch=_guarded),
    ]
    return Starlette(routes=routes, middleware=guards)


def listen(port: int) -> socket.socket:
    """Return a socket that listens on ``HOST``, which only this machine reaches.

    Raises:
        ConfigError: the port is in use, or not allowed.
    """
    with naming(f"--port {port}", "take another, or 0 for any that is free", ConfigError):
        return socket.create_server((HOST, port))


def server(lab: Lab) -> uvicorn.Server:
    """Return a server; its ``run([listen(port)])`` serves until a signal or ``should_exit``."""
    config = uvicorn.Config(
        application(lab),
        log_level="error",
        lifespan="off",
        http=Impatient,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        limit_concurrency=AT_ONCE,
        backlog=AT_ONCE,
        timeout_graceful_shutdown=1,
        server_header=False,
        ws="none",
    )
    return uvicorn.Server(config)


def _page(name: str, kind: str) -> Callable[[Request], Response]:
    content = files("nanoknow.play").joinpath(name).read_bytes()
    return lambda _: Response(content, media_type=kind)


def _answer(answer: Callable[[str], Any]) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        try:
            found, status = answer(request.query_params.get("q", "")), 200
        except NanoknowError as error:
            found, status = {"error": str(error)}, 400
        return Response(to_json(found), status, media_type="application/json")

    return respond


async def _guarded(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    headers, own = request.headers, f"http://{request.headers.get('host')}"
    if headers.get("sec-fetch-site", "none") not in OWN or headers.get("origin", own) != own:
        response = Response("asked by another page", 403, media_type="text/plain")
    elif headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        closing = {"Connection": "close"}  # else the body would be read
        response = Response("no body is read", 413, closing, "text/plain")
    else:
        response = await call_next(request)
    response.headers.update(HEADERS)
    return response
