"""Network namespaces named by a bind mount, as `ip netns` keeps them (ip-netns(8)), but at a path of our choosing.

The mounts live in the sandbox's own mount namespace, so they vanish with it; nothing is named on the host.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

CLONE_NEWNET = 0x40000000  # linux/sched.h
MS_BIND = 0x1000  # linux/mount.h
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def create(path: Path) -> None:
    """Make a new network namespace and keep it at `path` (an empty file is made). Raises OSError, FileExistsError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0o444))

    def unshare_and_bind() -> None:
        unshare(CLONE_NEWNET)
        source = f"/proc/self/task/{threading.get_native_id()}/ns/net"
        _check(_libc.mount(source.encode(), os.fsencode(path), None, MS_BIND, None), f"bind {path}")

    try:
        on_own_thread(unshare_and_bind)
    except OSError:
        path.unlink()
        raise


def exists(path: Path) -> bool:
    """Tell whether a live namespace is bound at `path` (a bare file left by a crash is not)."""
    return os.path.ismount(path) or (path.exists() and path.stat().st_dev != path.parent.stat().st_dev)


def delete(path: Path) -> None:
    """Let go of the namespace at `path`; it dies with its last process or socket. No error if it is not there."""
    _libc.umount2(os.fsencode(path), MNT_DETACH)
    path.unlink(missing_ok=True)


def run(path: Path, function: Callable[..., T], *args: Any) -> T:
    """Return ``function(*args)``, called on a short-lived thread inside the namespace at `path`.

    Sockets the function makes stay in that namespace for good, whoever uses them afterwards.
    """

    def inside() -> T:
        enter(path)
        return function(*args)

    return on_own_thread(inside)


def enter(path: Path, kind: int = CLONE_NEWNET) -> None:
    """Move the calling **thread** into the namespace at `path`, for good: a thread of one's own, or a fresh process.

    `kind`: the flag of what it is a namespace of.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(fd, kind), f"setns {path}")
    finally:
        os.close(fd)


def unshare(flags: int) -> None:
    """Move the calling thread into new namespaces of the kinds `flags` names (unshare(2)); raises OSError."""
    _check(_libc.unshare(flags), f"unshare({flags:#x})")


def on_own_thread(function: Callable[[], T]) -> T:
    """Run `function` on a thread that ends with it, so that no namespace must be left; its errors are raised here."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # noqa: BLE001 - handed to the caller below, whatever it is
            failure.append(error)

    thread = threading.Thread(target=target, name="netns")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
