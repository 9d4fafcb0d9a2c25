"""Which of the peers in use a pod is among, at the cost of those its namespace comes into question for (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.networkpolicy.pod import Pod
from wherry.networkpolicy.policy import Peers
from wherry.objects.selectors import LabelSelector


class Members:
    """The peers in use, and the namespaces' labels."""

    def __init__(self) -> None:
        self._labels: dict[str, Mapping[str, str]] = {}
        self._used: dict[str | LabelSelector, set[Peers]] = {}
        self._selectors: set[LabelSelector] = set()
        self._known: dict[str, tuple[Peers, ...]] = {}

    def namespace(self, name: str, labels: Mapping[str, str] | None) -> bool:
        """Take note of a namespace's labels (None: it is gone); return whether that changes anything."""
        if self._labels.get(name) == labels:
            return False
        if labels is None:
            del self._labels[name]
        else:
            self._labels[name] = labels
        self._known.pop(name, None)
        return True

    def use(self, peers: Peers) -> None:
        """Have a set of peers from now on."""
        self._used.setdefault(_where(peers), set()).add(peers)
        self._forget(_where(peers))

    def drop(self, peers: Peers) -> None:
        """Have it no longer."""
        where = _where(peers)
        self._used[where].discard(peers)
        if not self._used[where]:
            del self._used[where]
        self._forget(where)

    def of(self, pod: Pod) -> list[Peers]:
        """Return the peers in use that a pod is among."""
        return [peers for peers in self.in_question(pod.namespace) if peers.pods.matches(pod.labels)]

    def in_question(self, namespace: str) -> Iterable[Peers]:
        """Return the peers in use that pods of a namespace may be among."""
        found = self._known.get(namespace)
        if found is None:
            labels = self._labels.get(namespace)
            # One that is not known (yet) is in nobody's choice but by its name.
            chosen = [s for s in self._selectors if labels is not None and s.matches(labels)]
            places: list[str | LabelSelector] = [namespace, *chosen]
            found = tuple(peers for where in places for peers in self._used.get(where, ()))
            self._known[namespace] = found
        return found

    def _forget(self, where: str | LabelSelector) -> None:
        if isinstance(where, str):
            self._known.pop(where, None)
            return
        self._known.clear()
        if where in self._used:
            self._selectors.add(where)
        else:
            self._selectors.discard(where)


def _where(peers: Peers) -> str | LabelSelector:
    return (peers.namespace or "") if peers.namespaces is None else peers.namespaces
