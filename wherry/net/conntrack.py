"""Connection tracking: the kernel's list of flows, read and cut with the tool conntrack(8).

The tool and not netlink from Python: a busy node's list is long to decode there, and a proxy that reads it rarely would
carry a netlink library's 9 MB all the time.
"""

from __future__ import annotations

import asyncio
import logging
import pathlib
import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from wherry.objects.family import Family

Address = tuple[str, int]

log = logging.getLogger(__name__)

SETTINGS = pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_")
_FLOW = re.compile(r"src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)")


class ConntrackError(Exception):
    """The flows could not be listed or deleted."""


class Path(NamedTuple):
    """What some UDP flows have in common: whom the client addressed, and who answers."""

    destination: Address
    answerer: Address


def tune(name: str, value: int) -> None:
    """Write one setting of connection tracking, in the namespace of the calling thread.

    `name` is the end of its sysctl's, net.netfilter.nf_conntrack_…. Nothing is written that is so already; a kernel
    that refuses is told of in the log.
    """
    file = SETTINGS.with_name(f"{SETTINGS.name}{name}")
    try:
        if file.read_text().strip() != str(value):
            file.write_text(str(value))
    except OSError as error:
        log.error("%s: %s", file, error.strerror)


async def delete_udp_flows(stale: Callable[[Path], bool], family: Family) -> int:
    """Delete a family's UDP flows on the paths that `stale` tells to; return their number. Raises `ConntrackError`.

    Acts on the network namespace of the calling thread.
    """
    paths = udp_paths(await _conntrack("-L", "-f", family.conntrack, "-p", "udp"))
    found = {path: count for path, count in paths.items() if stale(path)}
    for (address, port), (answerer, answerer_port) in found:
        to = ("--orig-dst", address, "--orig-port-dst", str(port))
        by = ("--reply-src", answerer, "--reply-port-src", str(answerer_port))
        await _conntrack("-D", "-f", family.conntrack, "-p", "udp", *to, *by)
    return sum(found.values())


def udp_paths(listing: str) -> Counter[Path]:
    """Return the paths in what ``conntrack -L -p udp`` prints, with the number of flows on each."""
    found: Counter[Path] = Counter()
    for line in listing.splitlines():
        directions = _FLOW.findall(line)
        if len(directions) == 2:
            (_, destination, _, port), (answerer, _, answerer_port, _) = directions
            found[Path((destination, int(port)), (answerer, int(answerer_port)))] += 1
    return found


async def _conntrack(*args: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            "conntrack", *args, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except FileNotFoundError as error:
        raise ConntrackError("conntrack is not installed (Debian package conntrack)") from error
    output, problem = await process.communicate()
    # Deleting a flow that ended meanwhile is status 1 as well.
    if process.returncode and b"0 flow entries" not in problem:
        raise ConntrackError(problem.decode(errors="replace").strip() or f"status {process.returncode}")
    return output.decode()
