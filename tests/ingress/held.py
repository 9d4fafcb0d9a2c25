"""A controller with its nginx in a thread of its own, for tests that ask it as they are: without a loop."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.ingress.echo import Server, serving
from tests.ingress.world import World, running
from wherry.objects import Object

T = TypeVar("T")


@contextmanager
def held(
    make: Callable[[Path], Sequence[Server]],
    objects: Callable[[Mapping[str, int]], list[Object]],
    look: Callable[[World], Awaitable[T]],
    **changes: Any,
) -> Iterator[T]:
    """Serve `objects`, which get the ports of the servers that `make` returns by name; yield what `look` returns."""
    directory = Path(tempfile.mkdtemp(prefix="wherry-corpus-"))
    servers = make(directory)
    loop, done, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    found: list[T] = []

    async def run() -> None:
        wanted = objects({server.name: server.port for server in servers})
        (directory / "nginx").mkdir()
        async with running(directory / "nginx", *wanted, **changes) as world:
            found.append(await look(world))
            ready.set()
            await done.wait()

    def thread() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            ready.set()

    directory.chmod(0o711)
    runner = threading.Thread(target=thread)
    with serving(*servers):
        runner.start()
        ready.wait()
        try:
            assert found, "nginx did not start"
            yield found[0]
        finally:
            loop.call_soon_threadsafe(done.set)
            runner.join()
            shutil.rmtree(directory)


def warnings(world: World) -> dict[str, list[str]]:
    """Return what was reported, by namespace."""
    told: dict[str, list[str]] = {}
    for problem in world.controller._model.problems:
        told.setdefault(problem.subject.namespace, []).append(problem.message)
    return told


def misreported(told: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return what was to be reported and was not, and what was and was not to be."""
    missing = [f"not reported: {text}" for text in wanted if not any(text in message for message in told)]
    return missing + [f"reported: {message}" for message in told if not any(text in message for text in wanted)]
