"""A server on this machine that behaves as badly as it is asked to."""

import hashlib
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from nanoknow.data.download import SECONDS, fetch_file
from nanoknow.data.published import RemoteFile
from nanoknow.errors import NanoknowError
from tests.helpers.refused import refused

CONTENT = random.Random(0).randbytes(150_000)
NAME = "facts.txt"


class Site(ThreadingHTTPServer):
    """A server on this machine; the first part of a path says how it behaves (see Handler)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = 0
        self.cut_at = 0
        self.closing = threading.Event()

    def base(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{behaviour}/"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def do_GET(self) -> None:
        self.server.requests += 1
        match self.path.split("/")[1]:
            case "plain":
                self.answer(200, CONTENT)
            case "cut":  # announces everything, then breaks off
                self.answer(200, CONTENT[: self.server.cut_at], length=len(CONTENT))
            case "unannounced":  # breaks off and had never said how much would come
                self.answer(200, CONTENT[: self.server.cut_at], length=None)
            case "wrong":
                self.answer(200, CONTENT[::-1])
            case "pointer":  # a whole file, but a shorter one, like a Git LFS pointer
                self.answer(200, b"version https://git-lfs.example/spec/v1\n")
            case "long":
                self.answer(200, CONTENT + b"!" * 1_000_000)
            case "slow":  # says something all the time
                self.drip(b"HTTP/1.0 200 OK\r\n\r\n", CONTENT)
            case "slow-head":
                self.drip(b"HTTP/1.0 200 OK\r\n", b"X: " + CONTENT)
            case "redirect":
                self.answer(302, b"", location="/nothing/")
            case "loop":
                self.answer(302, b"", location=self.path)
            case _:
                self.answer(404, b"")

    def drip(self, head: bytes, body: bytes) -> None:
        self.wfile.write(head)
        for byte in body:
            if self.server.closing.wait(0.02):
                break
            self.wfile.write(bytes([byte % 10 + 48]))

    def answer(
        self, status: int, body: bytes, length: int | None = -1, location: str | None = None
    ) -> None:
        headers = {"Location": location}
        headers["Content-Length"] = str(len(body) if length == -1 else length) if length else None
        self.send_response(status)
        for key, value in headers.items():
            if value is not None:
                self.send_header(key, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:  # the client had seen enough
            self.close_connection = True


def remote(base: str) -> RemoteFile:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return RemoteFile(NAME, base, "facts", len(CONTENT), digest)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(
    base: str, folder: Path, mentions: tuple[str, ...] = (), seconds: float = SECONDS
) -> str:
    """The text with which a fetch is refused: one line that holds every one of `mentions`."""
    until = time.monotonic() + seconds
    text = refused(NanoknowError, lambda: fetch_file(remote(base), folder, until))
    assert [word for word in mentions if word not in text] == []
    return text
