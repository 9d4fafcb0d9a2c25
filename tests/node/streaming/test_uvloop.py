"""The agent runs on uvloop, whose transports, pipes and processes are not asyncio's own: the same must come out."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from tests.node.streaming.runtime import LocalRuntime
from tests.node.streaming.test_vanishing import RawSpdy, has_output
from tests.node.streaming.test_websocket import RESIZE, STDERR, STDIN, STDOUT, collect, connected, exec_path
from wherry.node.streaming.server import StreamingServer
from wherry.node.streaming.spdy import Data

Scenario = Callable[[StreamingServer], Awaitable[None]]


async def both_outputs(server: StreamingServer) -> None:
    async with connected(server, exec_path("echo out; echo err >&2"), "v4.channel.k8s.io") as ws:
        got = await collect(ws)
    assert (got[STDOUT], got[STDERR]) == (b"out\n", b"err\n")


async def a_terminal(server: StreamingServer) -> None:
    path = exec_path("stty size; read x; echo got $x", "&input=1&tty=1")
    async with connected(server, path, "v4.channel.k8s.io") as ws:
        await ws.send_bytes(bytes([RESIZE]) + b'{"Width":100,"Height":40}')
        await ws.send_bytes(bytes([STDIN]) + b"boat\n")
        got = await collect(ws)
    assert b"40 100" in got[STDOUT]
    assert b"got boat" in got[STDOUT]


async def much_input_over_spdy(server: StreamingServer) -> None:
    client = await RawSpdy.connect(server, exec_path("wc -c", "&input=1"))
    client.open("error", "stdin", "stdout", "stderr")
    for _ in range(30):
        client.send(Data(3, b"x" * 100_000))
    client.send(Data(3, b"", fin=True))
    await client.until(has_output(b"3000000"))
    client.writer.close()


async def a_client_that_vanishes(server: StreamingServer) -> None:
    client = await RawSpdy.connect(server, exec_path("echo ready; exec sleep 1000", "&input=1"))
    client.open("error", "stdin", "stdout", "stderr")
    await client.until(has_output(b"ready"))
    client.vanish()
    async with asyncio.timeout(10):
        while server._sessions:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("scenario", [both_outputs, a_terminal, much_input_over_spdy, a_client_that_vanishes])
def test_streaming_works_on_uvloop(tmp_path, scenario: Scenario):
    async def main() -> None:
        server = StreamingServer(LocalRuntime(tmp_path), "127.0.0.1", 0)
        await server.start()
        try:
            await scenario(server)
        finally:
            await server.stop()

    uvloop.run(main())
