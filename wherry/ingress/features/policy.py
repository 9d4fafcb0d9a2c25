"""The typed values that hold for one Ingress, or for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Policy:
    """What annotations and the ConfigMap ask for: by name without prefix, what their readers made of them.

    `values` are the Ingress' own, `common` those of the ConfigMap and the defaults. `denied` says why no request must
    be let through: what restricts access could not be honoured.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    common: Mapping[str, Any] = field(default_factory=dict)
    denied: str = ""

    def __getitem__(self, name: str) -> Any:
        """Return the value that holds: the Ingress', the ConfigMap's, or the default."""
        return self.values[name] if name in self.values else self.common.get(name)

    def says(self, *names: str) -> bool:
        """Whether the Ingress itself says one of these."""
        return any(name in self.values for name in names)
