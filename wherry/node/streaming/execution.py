"""Joining a session to a command: bytes one way and the other until either side has ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from wherry.node.runtime.interface import ContainerHandle
from wherry.node.streaming.command import NO_SIZE, Command, ExecError
from wherry.node.streaming.descriptors import Source
from wherry.node.streaming.session import Output, Session, Streams, TerminalSize, exit_status, failure
from wherry.objects import Object

log = logging.getLogger(__name__)

FIRST_SIZE_SECONDS = 0.1
"""How long to wait for the client to tell its terminal's size, so that the command starts with it."""

SILENCE_SECONDS = 0.3
"""How long after a command's end its output may be silent: children it left behind can hold the pipes open for ever."""

OUTPUTS: tuple[Output, Output] = ("stdout", "stderr")


async def execute(handle: ContainerHandle, words: Sequence[str], streams: Streams, session: Session) -> None:
    """Run a command for a session and tell it how that ended; when the client leaves, the command is ended."""
    status = failure("the session was broken off")
    try:
        size = await _first_size(session) if streams.tty else NO_SIZE
        command = await Command.start(handle, words, stdin=streams.stdin, tty=streams.tty, size=size)
        try:
            status = await _run(command, session) or status
        finally:
            try:
                await command.kill()
            finally:
                await command.release()
    except ExecError as error:
        status = await _refused(error, streams, session)
    finally:
        await session.finish(status)


async def _run(command: Command, session: Session) -> Object | None:
    """Return the command's status, None when the client left first."""
    pumps = [Pump(source, output, session) for source, output in zip(command.outputs, OUTPUTS, strict=False)]
    others = [asyncio.create_task(_feed(command, session)), asyncio.create_task(_resize(command, session))]
    ended, gone = asyncio.create_task(command.wait()), asyncio.create_task(session.gone.wait())
    try:
        await asyncio.wait([ended, gone], return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            return None
        await drain(pumps)
        return exit_status(ended.result())
    finally:
        await _stop([ended, gone, *others, *(pump.task for pump in pumps)])


async def _refused(error: ExecError, streams: Streams, session: Session) -> Object:
    """Return the status for a command that never ran; a terminal is shown why, as stderr was by the runtime itself."""
    if not error.code:
        return failure(f"error executing command in container: {error}")
    if streams.tty:
        try:
            await session.write("stdout", f"{error}\r\n".encode())
        except ConnectionError:
            log.info("client left before it heard: %s", error)
    return exit_status(error.code)


class Pump:
    """Carries one output to the session; `task` ends with the output, or with the client."""

    def __init__(self, source: Source, output: Output, session: Session):
        self.moved = 0
        self.writing = False
        self.task = asyncio.create_task(self._run(source, output, session))

    async def _run(self, source: Source, output: Output, session: Session) -> None:
        try:
            while data := await source.read():
                self.writing = True
                await session.write(output, data)
                self.writing = False
                self.moved += len(data)
        except ConnectionError:
            session.gone.set()


async def drain(pumps: Sequence[Pump]) -> None:
    """Return once all output has been carried, or none has come for a while."""
    left = {pump.task for pump in pumps}
    moved = -1
    while left and (any(pump.writing for pump in pumps) or moved != sum(pump.moved for pump in pumps)):
        moved = sum(pump.moved for pump in pumps)
        _, left = await asyncio.wait(left, timeout=SILENCE_SECONDS)


async def _first_size(session: Session) -> TerminalSize:
    try:
        async with asyncio.timeout(FIRST_SIZE_SECONDS):
            return await session.sizes.next()
    except TimeoutError:
        return NO_SIZE  # a client without a terminal of its own


async def _resize(command: Command, session: Session) -> None:
    while True:
        await command.resize(await session.sizes.next())


async def _feed(command: Command, session: Session) -> None:
    try:
        while data := await session.stdin.read():
            await command.feed(data)
    except ConnectionError:
        session.stdin.abandon()  # the command has closed its stdin: nobody wants the rest
    else:
        command.feed_end()


async def _stop(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
