"""The search for what nginx refuses: which parts of a whole are at fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

P = TypeVar("P", bound=Hashable)

MOST_TESTS = 64
"""Tests one search may make. One culprit among n costs 2 log2 n; of very many, the last are left out untested."""


async def culprits(
    parts: Sequence[P], refusal: Callable[[Sequence[P]], Awaitable[str]], most_tests: int = MOST_TESTS
) -> dict[P, str]:
    """Return the parts without which the rest is not refused, and why each was.

    `refusal` tells why the whole made of some parts is refused, "" when it is not; it is not when there are none. The
    parts are admitted half by half, the first half first: of two that are refused only together, the later is at fault.
    """
    good: list[P] = []
    found: dict[P, str] = {}
    tests = 0

    async def admit(group: Sequence[P]) -> None:
        nonlocal tests
        tests += 1
        why = await refusal([*good, *group])
        if not why:
            good.extend(group)
        elif len(group) == 1 or tests >= most_tests:
            found.update(dict.fromkeys(group, why))
        else:
            half = len(group) // 2
            await admit(group[:half])
            await admit(group[half:])

    if parts:
        await admit(parts)
    return found
