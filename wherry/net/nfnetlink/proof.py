"""Whether a table still is what was made of it: read back from the kernel, compared with what should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from wherry.net.nfnetlink.readback import Structure
from wherry.net.nfnetlink.values import SetType, data, keys

Strange = tuple[str, bytes]
"""(set, key) of an element that is missing, too much or another."""


def strange(name: str, of: SetType, wanted: Mapping[str, str | None], there: Mapping[bytes, bytes]) -> set[Strange]:
    """Return what differs in a set between what it should hold and what it does."""
    should = {packed(of, key): data(of, value) if value is not None else b"" for key, value in wanted.items()}
    return {(name, key) for key, _ in should.items() ^ there.items()}


def packed(of: SetType, key: str) -> bytes:
    """Return an element's key as it is read back."""
    return b"".join(keys(of, key))


def damaged(shape: Mapping[str, int], made: Structure, there: Structure) -> list[str]:
    """Return what differs in a table's structure from how it was `made`; `shape`: what there must be in any case."""
    names = {name for name in made.keys() | there.keys() if made.get(name) != there.get(name)}
    names |= {f"chain {name}" for name, rules in shape.items() if not has_rules(there, name, rules)}
    return sorted(names)


def has_rules(there: Structure, chain: str, rules: int) -> bool:
    """Return whether there is a chain with so many rules."""
    found = there.get(f"chain {chain}")
    return found is not None and len(found) == 3 + rules  # hook, policy and type come first


def told(differing: Iterable[Strange]) -> list[str]:
    """Return what differs, for people."""
    counted = Counter(name for name, _ in differing)
    return [f"{count} element{'s' * (count > 1)} of {name}" for name, count in sorted(counted.items())]
