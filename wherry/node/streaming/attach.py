"""Joining a session to a container's own first process, through the conmon that holds its pipes or terminal.

conmon's side (its conn_sock.c and ctrl.c): packets from the socket start with the pipe's number, packets to it are
stdin; lines in the bundle's fifo `ctl` set the terminal's size.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path

from wherry.node.runtime.interface import ContainerHandle
from wherry.node.streaming.session import SUCCESS, Output, Session, TerminalSize, failure
from wherry.objects import Object

log = logging.getLogger(__name__)

LONGEST_PACKET = 1 << 15
STDIN_PACKET = 1 << 13
PIPES: dict[int, Output] = {2: "stdout", 3: "stderr"}
RESIZE = 1


async def attach(handle: ContainerHandle, session: Session) -> None:
    """Carry the container's output and the client's input until either ends; the container does not notice."""
    status = failure("the session was broken off")
    try:
        status = await _attach(handle, session) or status
    finally:
        await session.finish(status)


async def _attach(handle: ContainerHandle, session: Session) -> Object | None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as conmon:
        conmon.setblocking(False)
        try:
            await loop.sock_connect(conmon, str(handle.attach_socket))
        except OSError as error:
            return failure(f"error attaching to container: {error.strerror or error}")
        if _has_ended(handle.pid):
            # conmon listens a moment longer. Of an error `kubectl run --attach` shows the log, of success nothing.
            return failure("error attaching to container: it has ended")
        outputs = asyncio.create_task(_carry_outputs(conmon, session))
        others = [
            asyncio.create_task(_carry_input(conmon, session)),
            asyncio.create_task(_carry_sizes(handle, session)),
            asyncio.create_task(session.gone.wait()),
        ]
        try:
            await asyncio.wait([outputs, others[-1]], return_when=asyncio.FIRST_COMPLETED)
            return SUCCESS if outputs.done() else None
        finally:
            for task in (outputs, *others):
                task.cancel()
            await asyncio.gather(outputs, *others, return_exceptions=True)


def _has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits to be reaped (proc_pid_stat(5): its state follows its name)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1] in ("Z", "X")
    except OSError:
        return True


async def _carry_outputs(conmon: socket.socket, session: Session) -> None:
    loop = asyncio.get_running_loop()
    try:
        while packet := await loop.sock_recv(conmon, LONGEST_PACKET):
            if output := PIPES.get(packet[0]):
                await session.write(output, packet[1:])
    except ConnectionError:
        pass  # conmon has ended, or the client


async def _carry_input(conmon: socket.socket, session: Session) -> None:
    loop = asyncio.get_running_loop()
    try:
        while data := await session.stdin.read():
            for start in range(0, len(data), STDIN_PACKET):
                await loop.sock_sendall(conmon, data[start : start + STDIN_PACKET])
        if not session.gone.is_set():
            conmon.shutdown(socket.SHUT_WR)  # the client closed its stdin: conmon decides what that means
    except OSError as error:
        log.debug("input for an attached container is dropped: %s", error)
        session.stdin.abandon()


async def _carry_sizes(handle: ContainerHandle, session: Session) -> None:
    while True:
        size = await session.sizes.next()
        if handle.tty:
            _resize(handle, size)


def _resize(handle: ContainerHandle, size: TerminalSize) -> None:
    try:
        fd = os.open(handle.bundle / "ctl", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        log.info("cannot resize the terminal of %s/%s: %s", handle.namespace, handle.pod, error)
        return
    try:
        os.write(fd, f"{RESIZE} {size.height} {size.width}\n".encode())
    except BlockingIOError:
        log.debug("conmon is busy: a terminal size is dropped")
    finally:
        os.close(fd)
