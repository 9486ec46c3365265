"""The page's server: on this machine alone, for pages of its own alone.

Requests with another ``Host`` are refused, so that no name that somebody makes point to 127.0.0.1
reads from it, and those that a page of another site makes. What the page may do is said by its
content security policy: load nothing from elsewhere, run no script but its own. No request has a
body, and who takes too long to send one, or to read its answer, is cut off.
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
"""Connections; more are answered that the server is busy."""
LONGEST_HEAD = 16 * 1024
"""Bytes of a request, which is all head."""
PATIENCE = 5.0
"""Seconds between two looks at a connection; who is late at both is cut off."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
OWN = ("same-origin", "none")
"""Where a request may come from, as browsers say in ``Sec-Fetch-Site``: the page, or the user."""
PAGES = {
    "/": ("index.html", "text/html"),
    "/play.css": ("play.css", "text/css"),
    "/play.js": ("play.js", "text/javascript"),
}


class Impatient(H11Protocol):
    """A connection that ends where a request does not come whole, or an answer is not read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are far too many."""
        super().connection_made(transport)
        if len(self.connections) > 2 * AT_ONCE:
            transport.abort()
        self._look(was_late=False)

    def _look(self, *, was_late: bool) -> None:
        waits = self.cycle is None or self.cycle.response_complete  # for a request
        is_late = waits or self.transport.get_write_buffer_size() > 0
        if is_late and was_late:
            self.transport.abort()
        if not self.transport.is_closing():
            self.loop.call_later(PATIENCE, lambda: self._look(was_late=is_late))


def application(lab: Lab) -> Starlette:
    """Return the server's routes: the page, and what it asks for, as JSON."""
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
    """Return a socket that listens on this machine's own address alone.

    Raises:
        ConfigError: the port is taken, or is not allowed.
    """
    with naming(f"--port {port}", "take another, or 0 for any that is free", ConfigError):
        return socket.create_server((HOST, port))


def server(lab: Lab) -> uvicorn.Server:
    """Return what serves, with ``run([listen(port)])``, until a signal or ``should_exit``."""
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
        closing = {"Connection": "close"}  # or the rest of it would be read
        response = Response("no body is read", 413, closing, "text/plain")
    else:
        response = await call_next(request)
    response.headers.update(HEADERS)
    return response
