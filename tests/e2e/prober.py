"""A pod that serves, and tries whom it reaches when it is told to: what upstream's policy tests have agnhost for.

It answers "?" on TCP and UDP ports 80 and 81 with its name. On port 9000 it takes a JSON list of [address, port,
protocol] and answers with a list of what came of each: the name that answered, or "".
"""

from __future__ import annotations

import asyncio
import json
import socket

NAME = socket.gethostname()
PORTS = (80, 81)
CONTROL = 9000
SECONDS = 0.5


class Answering(asyncio.DatagramProtocol):
    """Answers each datagram with who we are."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(NAME.encode(), addr)  # type: ignore[attr-defined]


class Asking(asyncio.DatagramProtocol):
    """Waits for one answer."""

    def __init__(self) -> None:
        self.answer = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.answer.done():
            self.answer.set_result(data.decode())


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(NAME.encode())
    writer.close()


async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    wanted = json.loads(await reader.readline())
    writer.write(json.dumps(await asyncio.gather(*(attempt(*one) for one in wanted))).encode())
    writer.close()


async def attempt(address: str, port: int, protocol: str) -> str:
    try:
        async with asyncio.timeout(SECONDS):
            return await (over_tcp(address, port) if protocol == "TCP" else over_udp(address, port))
    except (OSError, TimeoutError):
        return ""


async def over_tcp(address: str, port: int) -> str:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(b"?")
        return (await reader.read()).decode()
    finally:
        writer.close()


async def over_udp(address: str, port: int) -> str:
    loop = asyncio.get_running_loop()
    transport, asking = await loop.create_datagram_endpoint(Asking, remote_addr=(address, port))
    try:
        transport.sendto(b"?")
        return await asking.answer
    finally:
        transport.close()


async def main() -> None:
    loop = asyncio.get_running_loop()
    for port in PORTS:
        await asyncio.start_server(serve, "0.0.0.0", port)
        await loop.create_datagram_endpoint(Answering, local_addr=("0.0.0.0", port))
    await asyncio.start_server(control, "0.0.0.0", CONTROL)
    await loop.create_future()


if __name__ == "__main__":
    asyncio.run(main())
