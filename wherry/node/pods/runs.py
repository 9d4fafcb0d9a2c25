"""The runs of one pod's containers: in memory, and as records on disk. The last two of each container are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wherry.node.runtime.containers import Containers
from wherry.node.runtime.instance import Instance

KEPT = 2


class Runs:
    """What `Observed.instances` is made of. Every change goes to disk at once, so a new agent finds it."""

    def __init__(self, containers: Containers, found: Iterable[Instance] = ()):
        self._containers = containers
        self._runs: dict[str, tuple[Instance, ...]] = {}
        for run in found:
            self._runs[run.container] = (*self._runs.get(run.container, ()), run)

    def snapshot(self) -> dict[str, tuple[Instance, ...]]:
        """Return the runs by container, the latest last."""
        return dict(self._runs)

    def __iter__(self) -> Iterator[Instance]:
        return (run for runs in list(self._runs.values()) for run in runs)

    def latest(self, container: str) -> Instance | None:
        """Return a container's last run."""
        runs = self._runs.get(container)
        return runs[-1] if runs else None

    def before(self, run: Instance) -> Instance | None:
        """Return the run before `run`."""
        earlier = [other for other in self._runs.get(run.container, ()) if other.attempt < run.attempt]
        return earlier[-1] if earlier else None

    def inherit(self, runs: Iterable[Instance]) -> None:
        """Remember runs only the API knows of; for containers that have none of their own."""
        for run in runs:
            self._runs.setdefault(run.container, (run,))

    def add(self, run: Instance) -> list[Instance]:
        """Add a container's newest run; returns those that are not kept any more."""
        runs = (*self._runs.get(run.container, ()), run)
        self._runs[run.container] = runs[-KEPT:]
        return [old for old in runs[:-KEPT] if not old.inherited]

    def change(self, run: Instance, **changes: object) -> Instance:
        """Change a run and its record; returns the new one. One that is not kept any more is left alone."""
        runs = self._runs.get(run.container, ())
        for i, known in enumerate(runs):
            if known.id == run.id:
                new = known.but(**changes)
                self._runs[run.container] = (*runs[:i], new, *runs[i + 1 :])
                self._containers.save(new)
                return new
        return run

    def get(self, run: Instance) -> Instance:
        """Return a run as it is now."""
        return next((known for known in self._runs.get(run.container, ()) if known.id == run.id), run)
