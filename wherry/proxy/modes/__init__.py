"""Modes: each turns the plan into kernel state, in a package of its own; `make` finds one by name.

    nftables/   maps in one nftables table

userspace, iptables, ipvs and ebpf will each be a package beside it with a function `make`, and a line in `_MODES`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from wherry.proxy.plan import Change, Plan

_MODES = {"nftables": "wherry.proxy.modes.nftables"}
_LATER = ("userspace", "iptables", "ipvs", "ebpf", "kernelspace")


class ModeError(Exception):
    """The kernel could not be brought to the plan. What it does now is unknown: `load` the whole plan again."""


class UnsupportedMode(ValueError):
    """No such --proxy-mode."""


@dataclass(frozen=True, slots=True)
class ModeConfig:
    """What a mode must know of the cluster.

    `cluster_cidrs`: where pods are, so that other sources are masqueraded to a cluster IP; `service_cidrs`: traffic to
    an address in there that is no Service's is dropped. Empty: not done.
    """

    cluster_cidrs: tuple[str, ...] = ()
    service_cidrs: tuple[str, ...] = ()


class Mode(Protocol):
    """A way to put the plan into effect. One caller at a time; every method raises `ModeError`.

    Whatever another process or an earlier life of this one left, `load` replaces, without a moment in which new
    connections fail; established ones go on. `apply` may rely on its changes following one another from the plan last
    loaded.
    """

    async def load(self, plan: Plan) -> None:
        """Bring the kernel to `plan`, whatever it holds now."""
        ...

    async def apply(self, change: Change) -> None:
        """Bring the kernel from the plan before `change` to the one after; the cost follows the change."""
        ...

    async def cleanup(self) -> None:
        """Take everything of this mode out of the kernel; no error if nothing is there."""
        ...

    async def intact(self) -> bool:
        """Whether what `load` made is still there: somebody may have flushed the kernel's rules."""
        ...

    def at_work(self, suspect: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """The mode's life, entered before `load` and left when the proxy ends; entered again after a crash.

        What a mode needs beside the kernel, its tasks and sockets, it has inside, and ends when it is left; what is in
        the kernel stays. Inside, it calls `suspect` when it may not be `intact` any more, rarely for nothing.
        """
        ...

    def render(self, plan: Plan) -> str:
        """Return what `load` would tell an empty kernel, as text for people. Touches nothing."""
        ...


class _Package(Protocol):
    def make(self, config: ModeConfig) -> Mode: ...


def check(name: str) -> str:
    """Return the mode's whole name ("" is the default, nftables); raises `UnsupportedMode` for one we do not have."""
    name = name or "nftables"
    if name not in _MODES:
        why = "is not built yet" if name in _LATER else "is unknown"
        raise UnsupportedMode(f"proxy mode {name!r} {why}: use {' or '.join(_MODES)}")
    return name


def make(name: str, config: ModeConfig) -> Mode:
    """Return the mode called `name`; raises `UnsupportedMode` as `check` does."""
    package: _Package = import_module(_MODES[check(name)])
    return package.make(config)
