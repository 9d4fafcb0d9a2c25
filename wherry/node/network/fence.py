"""Who is to know of a pod's addresses before the pod has them: what restricts its traffic is to be there first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wherry.objects import Object


class Fence(Protocol):
    """Keeps a pod's network as it should be from its first packet on."""

    async def fence(self, of: Object, addresses: Sequence[str]) -> None:
        """Return when the pod may have its network at these addresses; raises OSError where it may not yet."""
        ...

    def unfence(self, of: Object) -> None:
        """Take note that the pod has left its addresses."""
        ...


class Unfenced:
    """No fence: every pod gets its network at once."""

    async def fence(self, of: Object, addresses: Sequence[str]) -> None:
        """Return at once."""

    def unfence(self, of: Object) -> None:
        """Nothing is kept."""
