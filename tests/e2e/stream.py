"""One connection after the other to each address given as HOST:PORT, until a file appears or two minutes are over.

    stream.py FILE HOST:PORT …

Prints, as JSON, how often each thing happened: "answered", or what went wrong (and when, on stderr). A connection that
is refused, reset or silent for five seconds counts as what the client would see; nothing is tried again.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections import Counter

SECONDS, PAUSE_SECONDS = 120.0, 0.004


def ask(host: str, port: int) -> str:
    """Return what came of one request."""
    try:
        with socket.create_connection((host, port), timeout=5) as own:
            own.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = b""
            while part := own.recv(4096):
                text += part
    except OSError as error:
        return type(error).__name__
    return "answered" if b" 200 " in text else f"said {text[:40]!r}"


def stream(stop: str, address: str, counted: Counter[str]) -> None:
    """Ask `address` again and again."""
    host, _, port = address.rpartition(":")
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and not os.path.exists(stop):
        began, seen = time.time(), ask(host, int(port))
        counted[seen] += 1
        if seen != "answered":
            print(f"{began:.3f} to {time.time():.3f}: {address} {seen}", file=sys.stderr, flush=True)
        time.sleep(PAUSE_SECONDS)


def main(stop: str, *addresses: str) -> None:
    """Run a stream for each address and print what they saw."""
    counted: dict[str, Counter[str]] = {address: Counter() for address in addresses}
    threads = [threading.Thread(target=stream, args=(stop, address, counted[address])) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(counted))


main(*sys.argv[1:])
