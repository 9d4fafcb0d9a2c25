"""gRPC probes, beside gRPC's own server; and servers that speak something else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc.aio
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st

from tests.node.probes.test_probe import attempt
from wherry.node.probes.grpc import GrpcError, request, status_of

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def service(*, healthy: bool = True, known: bool = True) -> AsyncIterator[int]:
    """A real server; `boats` is a service that is not healthy."""
    server = grpc.aio.server()
    if known:
        servicer = health.aio.HealthServicer()
        await servicer.set("", SERVING if healthy else NOT_SERVING)
        await servicer.set("boats", NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


@asynccontextmanager
async def talker(talk: Talk) -> AsyncIterator[int]:
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_healthy_server_succeeds() -> None:
    async with service() as port:
        assert await attempt({"grpc": {"port": port}}) == ""
        assert await attempt({"grpc": {"port": port, "service": ""}}) == ""


async def test_one_that_is_not_says_what_it_answered() -> None:
    unhealthy = 'service unhealthy (responded with "NOT_SERVING")'
    async with service(healthy=False) as port:
        assert await attempt({"grpc": {"port": port}}) == unhealthy
    async with service() as port:
        assert await attempt({"grpc": {"port": port, "service": "boats"}}) == unhealthy


async def test_a_service_nobody_knows_is_an_error() -> None:
    async with service() as port:
        said = await attempt({"grpc": {"port": port, "service": "ships" * 60}})
    assert said.startswith("error: health rpc failed: rpc error: code = NotFound desc = ")


async def test_a_server_without_the_protocol_is_named_as_such() -> None:
    async with service(known=False) as port:
        said = await attempt({"grpc": {"port": port}})
    assert said.startswith("error: this server does not implement the grpc health protocol (grpc.health.v1.Health)")


async def test_a_closed_port_is_refused_in_gos_words(unused_tcp_port: int) -> None:
    said = await attempt({"grpc": {"port": unused_tcp_port}})
    assert f"dial tcp 127.0.0.1:{unused_tcp_port}: connect: connection refused" in said


async def test_one_that_never_answers_times_out() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with talker(silent) as port:
        said = await attempt({"grpc": {"port": port}}, timeout=0.1)
    assert said == "timeout: health rpc did not complete within 0.1s"


@pytest.mark.parametrize(
    "words",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x00" * 9, b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\xff\xff\xff\xff"],
)
async def test_one_that_speaks_something_else_fails_and_no_more(words: bytes) -> None:
    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(64)
        writer.write(words)
        await writer.drain()
        writer.close()

    async with talker(odd) as port:
        assert "health rpc failed" in await attempt({"grpc": {"port": port}})


@given(st.text(max_size=300))
def test_a_request_is_what_googles_library_makes_of_it(name: str) -> None:
    message = health_pb2.HealthCheckRequest(service=name).SerializeToString()
    assert request(name) == b"\x00" + len(message).to_bytes(4, "big") + message


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_an_answer_is_read_as_googles_library_writes_it(status: int) -> None:
    message = health_pb2.HealthCheckResponse(status=status).SerializeToString()
    assert status_of(b"\x00" + len(message).to_bytes(4, "big") + message) == status


@pytest.mark.parametrize("body", [b"\x00\x00\x00\x00\x01\x08", b"\x00\x00\x00\x00\x02\x12\x01"])
def test_an_answer_that_is_none_is_an_error(body: bytes) -> None:
    with pytest.raises(GrpcError):
        status_of(body)
