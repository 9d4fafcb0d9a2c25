"""Clients that vanish half-way: whatever they leave, nothing of theirs stays (the `server` fixture checks the rest)."""

import asyncio
import fcntl
import socket
import struct
import termios

import pytest

from tests.node.streaming.test_websocket import STDIN, connected, exec_path
from wherry.node.streaming import duplex, spdy
from wherry.node.streaming.spdy import Data, Decoder, Encoder, SynStream


class RawSpdy:
    """A SPDY client that does what it is told, and no more."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader = reader
        self.writer = writer
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.frames: list[spdy.Frame] = []

    @classmethod
    async def connect(cls, server, path: str, protocol: str = "v4.channel.k8s.io") -> "RawSpdy":
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        writer.write(f"{head}X-Stream-Protocol-Version: {protocol}\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 ")
        return cls(reader, writer)

    def send(self, *frames: spdy.Frame) -> None:
        for frame in frames:
            self.writer.write(self.encoder.encode(frame))

    def open(self, *kinds: str, **headers: str) -> None:
        for number, kind in enumerate(kinds):
            self.send(SynStream(2 * number + 1, {"streamtype": kind, **headers}))

    async def until(self, wanted) -> None:
        async with asyncio.timeout(10):
            while not any(wanted(frame) for frame in self.frames):
                data = await self.reader.read(1 << 16)
                assert data, f"ended after {self.frames}"
                self.frames += self.decoder.feed(data)

    async def until_unread(self, size: int) -> None:
        """Read nothing until the kernel holds so many bytes for us (Linux tcp(7), SIOCINQ)."""
        raw = self.writer.get_extra_info("socket")
        async with asyncio.timeout(10):
            while struct.unpack("i", fcntl.ioctl(raw, termios.FIONREAD, b"\0" * 4))[0] < size:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def vanish(self) -> None:
        """Go without a word: the other side gets a reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def has_output(text: bytes):
    return lambda frame: isinstance(frame, Data) and text in frame.data


async def test_before_the_streams_are_open(server):
    client = await RawSpdy.connect(server, exec_path("sleep 1000"))
    client.open("error", "stdout")
    client.vanish()


async def test_while_the_command_is_silent(server):
    client = await RawSpdy.connect(server, exec_path("echo ready; exec sleep 1000"))
    client.open("error", "stdout", "stderr")
    await client.until(has_output(b"ready"))
    client.vanish()


async def test_while_the_command_floods_a_client_that_does_not_read(server):
    client = await RawSpdy.connect(server, exec_path("echo ready; exec yes"))
    client.open("error", "stdout", "stderr")
    await client.until(has_output(b"ready"))
    await client.until_unread(1 << 16)
    client.vanish()


async def test_while_the_command_does_not_read_its_stdin(server, monkeypatch):
    looked, look = asyncio.Event(), duplex.peer_is_gone
    monkeypatch.setattr(duplex, "GONE_CHECK_SECONDS", 0.05)
    monkeypatch.setattr(duplex, "peer_is_gone", lambda request: looked.set() or look(request))
    client = await RawSpdy.connect(server, exec_path("echo ready; exec sleep 1000", "&input=1"))
    client.open("error", "stdin", "stdout", "stderr")
    await client.until(has_output(b"ready"))
    client.send(Data(3, b"x" * 2_000_000))
    async with asyncio.timeout(10):
        await looked.wait()  # the server waits for the command to read, and looks now and then whether we are there
    client.vanish()


async def test_with_a_terminal_and_children_in_it(server):
    client = await RawSpdy.connect(server, exec_path("sleep 1000 & echo ready; sleep 1000", "&input=1&tty=1"))
    client.open("error", "stdin", "stdout", "resize")
    await client.until(has_output(b"ready"))
    client.vanish()


async def test_in_the_middle_of_a_frame(server):
    client = await RawSpdy.connect(server, exec_path("cat", "&input=1"))
    client.open("error", "stdin", "stdout", "stderr")
    client.writer.write(client.encoder.encode(Data(3, b"x" * 1000))[:500])
    await client.writer.drain()
    client.vanish()


async def test_after_breaking_the_protocol(server):
    client = await RawSpdy.connect(server, exec_path("sleep 1000"))
    client.open("error", "stdout", "stderr")
    client.writer.write(b"\x80\x09nonsense")
    async with asyncio.timeout(10):
        while data := await client.reader.read(1 << 16):
            client.frames += client.decoder.feed(data)
    assert any(isinstance(frame, spdy.GoAway) and frame.status == spdy.PROTOCOL_ERROR for frame in client.frames)
    client.writer.close()


async def test_streams_nobody_asked_for_are_refused_and_do_no_harm(server):
    client = await RawSpdy.connect(server, exec_path("echo done"))
    client.open("error", "stdout", "stderr", "surprise", "stdout")
    await client.until(lambda frame: isinstance(frame, spdy.GoAway))
    refused = [frame.stream for frame in client.frames if isinstance(frame, spdy.RstStream)]
    assert refused == [7, 9]
    client.writer.close()


async def test_a_websocket_client_whose_command_is_silent(server):
    async with connected(server, exec_path("exec sleep 1000", "&input=1"), "v5.channel.k8s.io") as ws:
        await ws.send_bytes(bytes([STDIN]) + b"x")
        ws._response.connection.transport.abort()


async def test_a_client_that_follows_a_silent_log(server, runtime):
    runtime.log_path.write_bytes(b"2026-01-01T00:00:00Z stdout F one\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /containerLogs/demo/web/main?follow=true HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        await reader.readuntil(b"one\n")
    writer.transport.abort()


@pytest.mark.parametrize("kinds", [("error",), ("error", "data")])
async def test_a_port_forward_client(server, kinds):
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await reader.read()
        writer.close()

    target = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = str(target.sockets[0].getsockname()[1])
    client = await RawSpdy.connect(server, "/portForward/demo/web", "portforward.k8s.io")
    client.open(*kinds, port=port, requestid="1")
    if "data" in kinds:
        await client.until(has_output(b"hello"))
    client.vanish()
    target.close()


async def test_a_server_that_stops_ends_its_sessions(server):
    client = await RawSpdy.connect(server, exec_path("echo ready; exec sleep 1000"))
    client.open("error", "stdout", "stderr")
    await client.until(has_output(b"ready"))
    async with asyncio.timeout(10):
        await server.stop()
    client.vanish()
