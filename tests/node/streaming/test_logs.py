"""Following a log file through everything that happens to it."""

import asyncio

import pytest

from wherry.node.streaming.crilog import LogOptions
from wherry.node.streaming.logs import send_log


class Follower:
    """A client that follows the log at `path`, of a container that runs until `end`."""

    def __init__(self, path, **options):
        self.seen = b""
        self.running = True
        self.waits = asyncio.Event()
        self._options = LogOptions(follow=True, **options)
        self._path = path
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async def write(text: bytes) -> None:
            self.seen += text

        await send_log(self._path, self._options, self._looked, write)

    def _looked(self) -> bool:
        """Say whether the container runs. Who asks reads what there is and then waits, with nothing in between."""
        self.waits.set()
        return self.running

    async def sees(self, text: bytes) -> None:
        async with asyncio.timeout(5):
            while self.seen != text:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def end(self) -> bytes:
        self.running = False
        async with asyncio.timeout(5):
            await self._task
        return self.seen


def line(text: str, tag: str = "F") -> bytes:
    return f"2026-01-01T00:00:00Z stdout {tag} {text}\n".encode()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "0.log"


async def test_what_is_written_is_seen_at_once(path):
    with path.open("wb", buffering=0) as log:
        log.write(line("one"))
        follower = Follower(path)
        await follower.sees(b"one\n")
        log.write(line("two")[:10])
        log.write(line("two")[10:])
        await follower.sees(b"one\ntwo\n")
    assert await follower.end() == b"one\ntwo\n"


async def test_a_log_that_is_not_there_yet_is_waited_for(path):
    follower = Follower(path)
    await follower.waits.wait()
    path.write_bytes(line("one"))
    await follower.sees(b"one\n")
    await follower.end()


async def test_a_log_that_is_replaced_is_followed_on(path):
    path.write_bytes(line("one"))
    follower = Follower(path, tail=10)
    await follower.sees(b"one\n")
    fresh = path.with_suffix(".tmp")
    fresh.write_bytes(line("two"))
    fresh.rename(path)
    await follower.sees(b"one\ntwo\n")
    await follower.end()


async def test_all_of_a_log_arrives_when_the_container_ends_in_the_same_moment(path):
    path.write_bytes(line("one"))
    follower = Follower(path)
    await follower.sees(b"one\n")
    with path.open("ab") as log:
        log.write(line("x") * 50_000)
    assert await follower.end() == b"one\n" + b"x\n" * 50_000


async def test_a_byte_limit_ends_a_followed_log(path):
    path.write_bytes(line("one"))
    follower = Follower(path, limit_bytes=2)
    async with asyncio.timeout(5):
        await follower._task
    assert follower.seen == b"on"


async def test_a_log_that_is_not_there_is_empty(path):
    written = []

    async def write(text: bytes) -> None:
        written.append(text)

    await send_log(path, LogOptions(), lambda: False, write)
    assert written == []
