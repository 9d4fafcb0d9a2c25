"""How many files the proxy may have open, and what follows for connections."""

from __future__ import annotations

import resource

RESERVED = 256
"""Files that are not connections': the API's, listening sockets, netlink."""
FILES_OF_ONE = 6
"""Of a connection at most: two sockets, a pipe for each direction."""


def raise_files() -> int:
    """Let this process open as many files as it is allowed to; return how many those are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def most_connections(files: int) -> int:
    """Return how many TCP connections there may be at once: two thirds of the files (pure)."""
    return max(16, (files - RESERVED) * 2 // 3 // FILES_OF_ONE)


def most_sessions(files: int) -> int:
    """Return how many UDP sessions there may be at once, a file each: a quarter of the files (pure)."""
    return max(16, (files - RESERVED) // 4)
