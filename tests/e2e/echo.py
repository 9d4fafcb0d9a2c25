"""What the pods of the end-to-end tests run: HTTP on 8080 and UDP on 8081, both answering "HOSTNAME PEER-ADDRESS".

/ready is 503 while /tmp/unready exists; /alive likewise with /tmp/dead; /slow answers in two parts with the file
/tmp/go awaited in between; /headers is answered with the request's head.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator

HTTP_PORT, UDP_PORT = 8080, 8081
NAME = socket.gethostname()
FAILING = {"/ready": "/tmp/unready", "/alive": "/tmp/dead"}


class Datagrams(asyncio.DatagramProtocol):
    """Answers each datagram with who we are and who asked."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        client = addr[0].removeprefix("::ffff:")
        self._transport.sendto(f"{NAME} {client}\n".encode(), addr)  # type: ignore[attr-defined]


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one request, and close."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ", 2)[1]
        writer.write(f"HTTP/1.1 {status(path)} \r\nConnection: close\r\n\r\n".encode())
        async for part in body(path, head, writer.get_extra_info("peername")[0]):
            writer.write(part.encode())
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


def status(path: str) -> int:
    """Return what probes see."""
    failing = FAILING.get(path)
    return 503 if failing and os.path.exists(failing) else 200


async def body(path: str, head: str, peer: str) -> AsyncIterator[str]:
    """Yield the parts of an answer."""
    if path == "/headers":
        yield head
    elif path == "/slow":
        yield f"{NAME} first\n"
        while not os.path.exists("/tmp/go"):  # noqa: ASYNC110 - a file made by `kubectl exec`
            await asyncio.sleep(0.05)
        yield f"{NAME} last\n"
    else:
        yield f"{NAME} {peer}\n"


async def main() -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await asyncio.start_server(answer, None, HTTP_PORT, backlog=256)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.bind(("::", UDP_PORT))
    await loop.create_datagram_endpoint(Datagrams, sock=udp)
    print("serving", NAME, flush=True)
    await stopped.wait()


asyncio.run(main())
