"""How much memory a cluster takes: the proportional set size of each of its processes (proc_pid_smaps(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the sandbox, seen from the host. `pss` is in bytes: shared pages count by their share."""

    pid: int
    command: str
    pss: int


def processes(init: int) -> list[Process]:
    """Return the processes in the PID namespace of `init` and in those below it, largest first."""
    return sorted((Process(pid, _command(pid), pss(pid)) for pid in below(init)), key=lambda p: -p.pss)


def below(init: int) -> list[int]:
    """Return `init` and its descendants, which are the processes of its PID namespace, parents before children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found = [init]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def called(init: int, command: str) -> list[int]:
    """Return those of `below` that run a command, which is all of its line."""
    return [pid for pid in below(init) if _command(pid) == command]


def _parent(entry: Path) -> int | None:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def pss(pid: int) -> int:
    """Return the proportional set size of a process in bytes, 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def _command(pid: int) -> str:
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return os.fsdecode(raw.replace(b"\0", b" ")).strip()
