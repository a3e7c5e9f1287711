"""The page's server: the page itself, its parts as they are computed, and files of what a picture shows.

It answers on the loopback interface only. A change on the page is one request, /update, whose answer has a line of JSON
for each part, sent as soon as the part is there; a browser that has closed it stops the rest.
"""

import functools
import importlib.resources
import threading
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from ..bench import Bench
from . import exports, layout, parts, query
from .plotting import to_json
from .themes import THEMES

HOST = "127.0.0.1"
FIRST = query.read({}).mode  # what the page starts with
_KINDS = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_LONGEST = 8192  # of an address
_WIDEST = 10_000  # of a picture [px]


class Page:
    """The page of a `Bench`, served on the loopback interface while in a with statement. port : 0 for any free one."""

    def __init__(self, bench: Bench, port: int = 0):
        handler = functools.partial(_Handler, bench)
        self._server = _Server((HOST, port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self._server.server_port}/"

    def __enter__(self) -> "Page":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Serve until interrupted."""
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False  # a port that another program listens on is an error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet about browsers that went away; other faults are told."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def library() -> bytes:
    """Plotly's library, from the package that is installed.

    Raises
    ------
    ModuleNotFoundError
        It is not.
    """
    return (importlib.resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()


def view(given: Mapping[str, str]) -> tuple[parts.View, dict[str, str], list[str]]:
    """How the page is seen, the mode's query, and the parts that are asked for, from those of a request.

    Raises
    ------
    ValueError
        A theme or a width that is none.
    """
    rest = dict(given)
    names = rest.pop("parts", ",".join(parts.PARTS)).split(",")
    theme, held = rest.pop("theme", "light"), rest.pop("held", None)
    if theme not in THEMES:
        raise ValueError(f"the theme must be one of {', '.join(THEMES)}, got {theme!r}")
    widths = {name: float(rest.pop(f"width.{name}")) for name in parts.GRAPHS if f"width.{name}" in rest}
    if not all(0 <= width < _WIDEST for width in widths.values()):
        raise ValueError(f"widths must lie in 0 ... {_WIDEST} pixels, got {widths}")
    return parts.View(THEMES[theme], widths, None if held is None else dict(parse_qsl(held))), rest, names


class _Handler(BaseHTTPRequestHandler):
    """Answers to GET."""

    protocol_version = "HTTP/1.1"  # connections are kept
    server_version = "wavenet"
    timeout = 60

    def __init__(self, bench: Bench, *arguments: Any):
        self._bench = bench
        super().__init__(*arguments)

    def log_message(self, format: str, *arguments: Any) -> None:
        """A line for each request is of no use on the console."""

    def do_GET(self) -> None:
        """Answer by the first part of the path."""
        address = urlsplit(self.path)
        given = dict(parse_qsl(address.query, keep_blank_values=True))
        first, _, name = address.path.lstrip("/").partition("/")
        if len(self.path) > _LONGEST or self.headers.get("Host", "").partition(":")[0] not in (HOST, "localhost"):
            self._send(HTTPStatus.BAD_REQUEST, "text/plain", b"not for this page")
        elif first in self._ANSWERS:
            self._ANSWERS[first](self, name, given)
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"no such page")

    def _page(self, name: str, given: Mapping[str, str]) -> None:
        self._send(HTTPStatus.OK, "text/html", layout.page().encode())

    def _asset(self, name: str, given: Mapping[str, str]) -> None:
        folder = importlib.resources.files(__package__) / "assets"
        found = {each.name: each for each in folder.iterdir()}.get(name)
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"no such file")
        else:
            self._send(HTTPStatus.OK, _KINDS[name.rpartition(".")[2]], found.read_bytes())

    def _library(self, name: str, given: Mapping[str, str]) -> None:
        self._send(HTTPStatus.OK, _KINDS["js"], library(), cached=True)

    def _update(self, name: str, given: Mapping[str, str]) -> None:
        try:
            seen, wanted, names = view(given)
            answers = parts.update(self._bench, wanted, seen, names)
            first = next(answers, None)
        except ValueError as error:
            self._send(HTTPStatus.BAD_REQUEST, "text/plain", str(error).encode())
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-ndjson; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for answer in _chain(first, answers):
            self._chunk((to_json(answer) + "\n").encode())
        self._chunk(b"")

    def _chunk(self, content: bytes) -> None:
        """A part of an answer whose length is not known; an empty one ends it."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def _export(self, name: str, given: Mapping[str, str]) -> None:
        try:
            seen, wanted, _ = view(given)
            figure, _, form = name.partition(".")
            kind, content = exports.export(self._bench, query.read(wanted), seen, figure, form)
        except parts.REFUSED as error:
            self._send(HTTPStatus.BAD_REQUEST, "text/plain", str(error).encode())
            return
        self._send(HTTPStatus.OK, kind, content, named=f"wavenet-{name}")

    def _send(
        self, status: HTTPStatus, kind: str, content: bytes, *, cached: bool = False, named: str | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=86400" if cached else "no-cache")
        if named is not None:
            self.send_header("Content-Disposition", f'attachment; filename="{named}"')
        self.end_headers()
        self.wfile.write(content)

    _ANSWERS: ClassVar[dict[str, Callable[..., None]]] = {
        "": _page,
        "assets": _asset,
        "plotly.js": _library,
        "update": _update,
        "export": _export,
    }


def _chain(first: parts.Answer | None, rest: Iterator[parts.Answer]) -> Iterator[parts.Answer]:
    if first is not None:
        yield first
        yield from rest
