"""Sets of addresses that rules of iptables ask (ipset(8)), changed by its tool."""

from __future__ import annotations

import asyncio


class IpsetError(Exception):
    """The tool refused; what came before the line it names took effect."""


class IpsetMissing(IpsetError):
    """The tool is not here."""


async def restore(script: str) -> None:
    """Apply commands in turn; what is to be added and there, or deleted and gone, is no error."""
    await _run("-exist", "restore", script=script)


async def save() -> str:
    """Return all sets with their members, as commands that make them."""
    return await _run("save")


async def _run(*args: str, script: str = "") -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            "ipset",
            *args,
            stdin=asyncio.subprocess.PIPE if script else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise IpsetMissing("ipset is not installed (Debian package ipset)") from error
    output, problem = await process.communicate(script.encode() or None)
    if process.returncode:
        raise IpsetError(" ".join(problem.decode(errors="replace").split())[:600] or f"status {process.returncode}")
    return output.decode()
