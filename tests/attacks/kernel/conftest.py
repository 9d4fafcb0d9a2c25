"""One node for each attack."""

from tests.node.kernel.world import node

__all__ = ["node"]
