"""Policies of which something makes no sense: told once, by nodes whose pods they are about (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wherry.networkpolicy import metrics
from wherry.objects import Object
from wherry.objects.metadata import Key


class LeftOut:
    """What is to be told of policies, and what has been."""

    def __init__(self) -> None:
        self._found: dict[Key, tuple[Object, str]] = {}
        self._told: dict[Key, str] = {}

    def policy(self, key: Key, policy: Object | None, lines: tuple[str, ...]) -> None:
        """Take note of what makes no sense of a policy (None: it is gone)."""
        if policy is not None and lines:
            self._found[key] = policy, "; ".join(lines)
        else:
            self._found.pop(key, None)
            self._told.pop(key, None)
        metrics.left_out.set(len(self._found))

    def to_tell(self, matters: Callable[[Key], bool]) -> Iterator[tuple[Object, str]]:
        """Yield the policies that matter, each with what makes no sense, if that has not been told."""
        for key, (policy, text) in self._found.items():
            if self._told.get(key) != text and matters(key):
                self._told[key] = text
                yield policy, text
