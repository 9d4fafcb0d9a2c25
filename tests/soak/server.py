"""A server that ends gracefully: HTTP on 8080; told to end, it goes on for a while, then closes and finishes."""

from __future__ import annotations

import asyncio
import signal
import socket

LASTING_SECONDS = 2.0


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one request, and close."""
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{socket.gethostname()}\n".encode())
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main() -> None:
    """Serve until a while after SIGTERM."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    server = await asyncio.start_server(answer, None, 8080, backlog=256)
    await told.wait()
    await asyncio.sleep(LASTING_SECONDS)
    server.close()
    await asyncio.sleep(0.5)


asyncio.run(main())
