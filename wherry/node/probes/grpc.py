"""One try of a gRPC probe: a unary call of grpc.health.v1.Health/Check over HTTP/2 without TLS.

Two messages of one field each are all that is said: their bytes are made here, and HTTP/2 is the `h2` library's; gRPC's
own is a hundred times that. Source: the gRPC protocol over HTTP/2 (PROTOCOL-HTTP2.md), health/v1/health.proto;
the messages are those of kubernetes pkg/probe/grpc/grpc.go.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error

from wherry.objects.wire import write_bytes

PATH = "/grpc.health.v1.Health/Check"
STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
SERVING = 1
OK, UNIMPLEMENTED = 0, 12
CODES = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied",
    "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable",
    "DataLoss", "Unauthenticated",
)  # fmt: skip
MOST_BYTES = 64 << 10
CHUNK = 16 << 10


class GrpcError(Exception):
    """The service is not healthy, or does not say so; the message is the kubelet's."""


@dataclass(slots=True)
class _Answer:
    """What has come of a call. `code` is None until its trailers are there."""

    body: bytearray = field(default_factory=bytearray)
    code: int | None = None
    message: str = ""
    ended: bool = False

    def take(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Read headers or trailers: an error may come in either."""
        given = {name.decode(): value.decode(errors="replace") for name, value in headers}
        if given.get("grpc-status", "").isdigit():
            self.code, self.message = int(given["grpc-status"]), unquote(given.get("grpc-message", ""))
        elif given.get(":status", "200") != "200":
            self.code, self.message = 2, f"unexpected HTTP status code received from server: {given[':status']}"


async def check(host: str, port: int, service: str, user_agent: str) -> None:
    """Ask once; raises `GrpcError`, OSError where nobody can be asked. Set a time limit around it."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        answer = await _call(reader, writer, f"{host}:{port}", service, user_agent)
    except H2Error as error:
        raise GrpcError(_failed("Unavailable", f"error reading server preface: {error}")) from None
    finally:
        writer.close()
    if answer.code == UNIMPLEMENTED:
        raise GrpcError(
            f"error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {answer.message}"
        )
    if answer.code != OK:
        code = answer.code if answer.code is not None else 14
        name = CODES[code] if code < len(CODES) else f"Code({code})"
        raise GrpcError(_failed(name, answer.message or "the connection was closed"))
    status = status_of(bytes(answer.body))
    if status != SERVING:
        told = STATUSES[status] if status < len(STATUSES) else str(status)
        raise GrpcError(f'service unhealthy (responded with "{told}")')


def _failed(code: str, message: str) -> str:
    return f"error: health rpc failed: rpc error: code = {code} desc = {message}"


async def _call(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authority: str, service: str, user_agent: str
) -> _Answer:
    connection = H2Connection(H2Configuration(client_side=True, header_encoding=None))
    connection.initiate_connection()
    headers = [(":method", "POST"), (":scheme", "http"), (":path", PATH), (":authority", authority)]
    headers += [("content-type", "application/grpc"), ("te", "trailers"), ("user-agent", user_agent)]
    connection.send_headers(1, headers)
    connection.send_data(1, request(service), end_stream=True)
    answer = _Answer()
    while True:
        writer.write(connection.data_to_send())
        await writer.drain()
        if answer.ended:
            return answer
        data = await reader.read(CHUNK)
        if not data:
            return answer
        for event in connection.receive_data(data):
            _note(connection, event, answer)


def _note(connection: H2Connection, event: Event, answer: _Answer) -> None:
    if isinstance(event, ResponseReceived | TrailersReceived):
        answer.take(event.headers)
    elif isinstance(event, DataReceived):
        answer.body += event.data
        connection.acknowledge_received_data(event.flow_controlled_length, 1)
        answer.ended = len(answer.body) > MOST_BYTES
    elif isinstance(event, StreamEnded | StreamReset | ConnectionTerminated):
        answer.ended = True


def request(service: str) -> bytes:
    """Return a HealthCheckRequest as gRPC frames it: not compressed, its length, field 1 where there is a service."""
    message = write_bytes(1, service.encode()) if service else b""
    return struct.pack(">BI", 0, len(message)) + message


def status_of(body: bytes) -> int:
    """Return the status of a framed HealthCheckResponse: its field 1, 0 where it is left out."""
    message = body[5:]
    if not message:
        return 0
    if len(message) < 2 or message[0] != 0x08:
        raise GrpcError(_failed("Internal", "grpc: failed to unmarshal the received message"))
    return message[1]
