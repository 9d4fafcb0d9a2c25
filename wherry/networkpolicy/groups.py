"""The policies that pods have in common, a direction at a time: their pods share one chain (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from wherry.networkpolicy.policy import Direction
from wherry.objects.metadata import Key

LONGEST = 200
"""Characters of a chain's name; the kernel takes 255 (NFT_NAME_MAXLEN)."""


class Group(NamedTuple):
    """One direction of the policies that select a pod: what none of them allows is denied."""

    direction: Direction
    policies: tuple[Key, ...]

    @property
    def chain(self) -> str:
        """The name of its chain."""
        if len(self.policies) == 1:
            return _named(f"pods/{of_policy(self.direction, self.policies[0])}")
        return f"pods/{self.direction}/{_digest(repr(self.policies))}"

    @property
    def chains(self) -> Iterable[str]:
        """The names of its policies' chains."""
        return [of_policy(self.direction, key) for key in self.policies]


def of_policy(direction: Direction, key: Key) -> str:
    """Return the name of a policy's chain."""
    return _named(f"{direction}/{'/'.join(key)}")


def _named(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 13]}-{_digest(name)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]
