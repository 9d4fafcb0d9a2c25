"""The typed values of one Ingress' annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Policy:
    """What an Ingress' annotations ask for: by name without prefix, what their readers made of them.

    `denied` says why no request must be let through: an annotation that restricts access could not be honoured.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    denied: str = ""

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of an annotation, or `default` where the Ingress does not say or says it badly."""
        return self.values.get(name, default)
