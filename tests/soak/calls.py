"""Requests by one way of access after another, counted by what came of them.

As a program it calls ways named on the command line, `NAME=http:HOST:PORT[:NAME IN THE HOST HEADER]` or
`NAME=dns:SERVER:QUESTION`, and prints what it has counted, as JSON, every two seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import struct
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.02
WORKERS = 2
ANSWERED = "answered"
CUT = ("answer: empty", "answer: ConnectionResetError", "connect: ConnectionResetError")
"""What comes of a request whose connection ends before an answer."""
Call = Callable[[], Awaitable[str]]


async def http(
    host: str, port: int, path: str = "/", name: str = "", tls: ssl.SSLContext | None = None, headers: str = ""
) -> str:
    """Ask once, on a connection of its own; return `ANSWERED`, or in a few words what came instead."""
    step = "connect"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
            step = "answer"
            try:
                head = f"GET {path} HTTP/1.1\r\nHost: {name or host}\r\nConnection: close\r\n{headers}\r\n"
                writer.write(head.encode())
                answer = await reader.read()
            finally:
                writer.close()
    except TimeoutError:
        return f"{step}: timed out"
    except OSError as error:
        return f"{step}: {type(error).__name__}"
    first, _, rest = answer.partition(b"\r\n")
    if not first:
        return "answer: empty"
    code = first.split(b" ")[1].decode() if first.count(b" ") else "nonsense"
    return ANSWERED if code == "200" and b"\r\n\r\n" in rest else f"answer: {code}"


def again(call: Call) -> Call:
    """Return a call that is made once more, a second later, when its connection is cut before an answer.

    So does client-go with every GET (client-go rest/request.go: reset, EOF), so does who uses it.
    """

    async def called() -> str:
        result = await call()
        if result not in CUT:
            return result
        await asyncio.sleep(1.0)
        result = await call()
        return "answered the second time" if result == ANSWERED else result

    return called


class _Question(asyncio.DatagramProtocol):
    def __init__(self, question: bytes):
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._question = question

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.sendto(self._question)  # type: ignore[attr-defined]

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.answer.done() and data[:2] == self._question[:2]:
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def dns(server: str, name: str) -> str:
    """Ask for an A record over UDP, as glibc's resolver does: twice, waiting five seconds; return as `http`."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    asking = struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)
    loop, result = asyncio.get_running_loop(), ""
    for attempt in range(2):
        endpoint = loop.create_datagram_endpoint(lambda: _Question(os.urandom(2) + asking), remote_addr=(server, 53))
        transport, asked = await endpoint
        try:
            async with asyncio.timeout(5.0):
                answer = await asked.answer
        except TimeoutError:
            result = "timed out"
            continue
        except OSError as error:
            result = f"answer: {type(error).__name__}"
            continue
        finally:
            transport.close()
        code, count = answer[3] & 15, struct.unpack(">H", answer[6:8])[0]
        if code or not count:
            return f"answer: code {code}, {count} records"
        return ANSWERED if attempt == 0 else "answered the second time"
    return result


async def keep(call: Call, counted: Counter[str], failed: Callable[[str], None] = lambda what: None) -> None:
    """Call for ever, and count; `failed` hears at once of each that was not answered, or not at once."""

    async def work() -> None:
        while True:
            result = await call()
            counted[result] += 1
            if result != ANSWERED:
                failed(result)
            await asyncio.sleep(PAUSE_SECONDS)

    await asyncio.gather(*(work() for _ in range(WORKERS)))


def way(text: str) -> tuple[str, Call]:
    """Return the name of a way and its call, from a word of the command line."""
    name, _, rest = text.partition("=")
    kind, target, last, *more = rest.split(":")
    if kind == "dns":
        return name, lambda: dns(target, last)
    return name, lambda: http(target, int(last), name=more[0] if more else "")


async def main(words: list[str]) -> None:
    """Call every way, and print."""
    counts: dict[str, Counter[str]] = {}
    failures: list[tuple[float, str, str]] = []
    tasks = []
    for name, call in map(way, words):
        counts[name] = Counter()

        def failed(what: str, name: str = name) -> None:
            failures.append((time.time(), name, what))

        tasks.append(asyncio.create_task(keep(call, counts[name], failed)))
    while True:
        await asyncio.sleep(2)
        print(json.dumps({"counts": counts, "failures": failures[-200:]}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
