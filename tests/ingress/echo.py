"""Small real endpoints that say what they were asked, in threads of their own, and a client that asks once."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Answer:
    """What came back; `told` is what the endpoint says it was asked."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.text)) if self.text.startswith("{") else {}


class _Echo(BaseHTTPRequestHandler):
    """Answers with what was asked. Query: `status=N`, `set-NAME=VALUE` for headers, `large=N` for a header of N bytes.

    `/auth` is an authority: 401 unless the header X-User says who, whom it then names in X-Auth-User.
    """

    protocol_version = "HTTP/1.1"
    server: Server

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        user = self.headers.get("X-User")
        self.server.asked.append(self.path)
        is_refused = url.path.startswith("/auth") and not user
        said = {"backend": self.server.name, "path": self.path, "method": self.command, "length": len(body)}
        text = json.dumps({**said, "headers": dict(self.headers)}).encode()
        self.send_response(401 if is_refused else int(query.get("status", 200)))
        if user:
            self.send_header("X-Auth-User", user)
        for name, value in query.items():
            if name.startswith("set-"):
                self.send_header(name.removeprefix("set-"), value)
        if "large" in query:
            self.send_header("X-Large", "x" * int(query["large"]))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str, tls: ssl.SSLContext | None = None):
        super().__init__(("127.0.0.1", 0), _Echo)
        self.name = name
        self.asked: list[str] = []
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@contextmanager
def serving(*servers: Server) -> Iterator[None]:
    threads = [threading.Thread(target=s.serve_forever, args=(0.05,), daemon=True) for s in servers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def ask(
    port: int,
    host: str,
    path: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str = "",
    *,
    tls: bool = False,
    proxy: str = "",
) -> Answer:
    """Ask once, on a connection of its own; `proxy` is a line of the PROXY protocol to begin it with."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    opened = socket.create_connection(("127.0.0.1", port), 20)
    try:
        if proxy:
            opened.sendall(f"{proxy}\r\n".encode())
        context = ssl._create_unverified_context()
        connection.sock = context.wrap_socket(opened, server_hostname=host) if tls else opened
        connection.request(method, path, body or None, {"Host": host, **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode(errors="replace"))
    finally:
        connection.close()
