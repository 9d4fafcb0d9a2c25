"""What a cluster takes, sampled: memory and descriptors of each of its programs, sizes of its files, and slopes.

Beside them, how many objects it keeps of each kind: what memory and files may follow. Events stay for an hour.
"""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from wherry.cluster import memory

_STORED = re.compile(r'^apiserver_storage_objects{resource="([^"]+)"} (\S+)$', re.MULTILINE)


class Growth:
    """Samples of one cluster: `init` its first process on this machine, `data` its data directory.

    `metrics` returns the text of its API server's metrics; raises OSError where it does not answer.
    """

    def __init__(self, init: int, data: Path, metrics: Callable[[], str]):
        self._init = init
        self._metrics = metrics
        self._data = data
        self._samples: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def sample(self) -> None:
        """Take one of everything."""
        now, found = time.monotonic(), defaultdict(float)
        for process in memory.processes(self._init):
            name = program(process.command)
            found[f"memory    {name} (MB)"] += process.pss / 2**20
            with contextlib.suppress(OSError):
                found[f"files open {name}"] += len(os.listdir(f"/proc/{process.pid}/fd"))
            found[f"processes {name}"] += 1
        for name, size in self._files():
            found[f"disk      {name} (MB)"] += size / 2**20
        with contextlib.suppress(OSError):
            for resource, count in _STORED.findall(self._metrics()):
                found[f"objects   {resource}"] += float(count)
        for name, value in found.items():
            self._samples[name].append((now, value))

    def _files(self) -> Iterator[tuple[str, int]]:
        for folder, _, names in os.walk(self._data):
            where = Path(folder).relative_to(self._data).parts[:1]
            for name in names:
                with contextlib.suppress(OSError):
                    yield (where[0] if where else name), (Path(folder) / name).stat(follow_symlinks=False).st_size

    def lines(self) -> Iterator[str]:
        """Yield a line for everything sampled: first, highest, last value; the slopes per hour of the run's halves.

        In the first half caches fill and logs have not rotated yet; what still grows in the second does not end.
        """
        yield f"{'':46} {'first':>9} {'highest':>9} {'last':>9} {'1st half/h':>10} {'2nd half/h':>10}"
        times = [at for samples in self._samples.values() for at, _ in (samples[0], samples[-1])]
        middle = (min(times) + max(times)) / 2 if times else 0.0
        for name, samples in sorted(self._samples.items()):
            values = [value for _, value in samples]
            slopes = [_slope([s for s in samples if (s[0] >= middle) is half]) for half in (False, True)]
            told = " ".join("         -" if slope is None else f"{slope:+10.1f}" for slope in slopes)
            yield f"{name:46} {values[0]:9.1f} {max(values):9.1f} {values[-1]:9.1f} {told}"


def _slope(samples: list[tuple[float, float]]) -> float | None:
    """Return the change per hour, None of too few samples."""
    if len(samples) < 3:
        return None
    return statistics.linear_regression(*zip(*samples, strict=True)).slope * 3600


def program(command: str) -> str:
    """Return what a command line is called in the report: one name for all of its kind."""
    if command.startswith("wherry: "):
        return command.removeprefix("wherry: ").split()[0]
    words = command.split()
    if not words:
        return "(kernel or gone)"
    if found := re.search(r"-m wherry (\w+)|bin/wherry (\w+)", command):
        return f"wherry {found[1] or found[2]}"
    script = next((word for word in words[1:] if word.endswith(".py")), "")
    return Path(script or words[0].rstrip(":")).name
