"""iptables of one family and variant: scripts in by `iptables-restore`, rules out by `iptables-save`.

There are two variants: legacy has tables of its own in the kernel, nft has rules of nftables. A rule in one is not seen
by the other, so all programs of a machine have to use the same.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import deque

from wherry.objects.family import Family

LOCK_SECONDS = 5
"""How long to wait for others that change rules (xtables lock)."""
HINTS = ("KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY")
"""Chains of table mangle by which kubelet shows which variant this machine uses (KEP-3178)."""
VARIANTS = ("nft", "legacy")


class IptablesError(Exception):
    """iptables refused: of a table nothing was applied. Its text says what and where."""


class Iptables:
    """The network namespace of the thread that calls. `variant` is nft, legacy or "" for what `iptables` is here.

    `pids` has the last processes that changed something: the kernel names the netlink sockets of variant nft so.
    """

    def __init__(self, family: Family, variant: str = ""):
        name = "iptables" if family is Family.V4 else "ip6tables"
        self._prefix = f"{name}-{variant}" if variant else name
        self.pids: deque[int] = deque(maxlen=16)

    @property
    def is_installed(self) -> bool:
        """Whether this machine has it."""
        return shutil.which(f"{self._prefix}-save") is not None

    async def restore(self, script: str) -> None:
        """Apply a script: what its tables hold beside stays, each table changes at one instant."""
        await self._run("restore", "--noflush", "-w", str(LOCK_SECONDS), script=script)

    async def save(self) -> str:
        """Return the rules of all tables as `iptables-save` prints them."""
        return await self._run("save")

    async def _run(self, verb: str, *args: str, script: str | None = None) -> str:
        program = f"{self._prefix}-{verb}"
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *args,
                # Who reads nothing may have ended before it is written to, which uvloop takes for a fault.
                stdin=asyncio.subprocess.DEVNULL if script is None else asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except FileNotFoundError as error:
            raise IptablesError(f"{program} is not installed (Debian package iptables)") from error
        self.pids.append(process.pid)
        output, problem = await process.communicate(None if script is None else script.encode())
        if process.returncode:
            lines = [line for line in problem.decode(errors="replace").splitlines() if not line.startswith("#")]
            raise IptablesError("; ".join(lines[:4])[:600] or f"{program} ended with status {process.returncode}")
        return output.decode()


async def variant_here() -> str:
    """Return the variant that kubelet uses on this machine, "" where it does not say."""
    for variant in VARIANTS:
        try:
            saved = await Iptables(Family.V4, variant).save()
        except IptablesError:
            continue
        if any(f":{hint} " in saved for hint in HINTS):
            return variant
    return ""
