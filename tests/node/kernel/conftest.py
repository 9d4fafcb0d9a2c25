"""One node for each test."""

from tests.node.kernel.world import node

__all__ = ["node"]
