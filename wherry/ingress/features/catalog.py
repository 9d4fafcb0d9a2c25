"""The table of all annotations we act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wherry.ingress.features import bodies, protocol, redirects, rewriting, timeouts
from wherry.ingress.features.annotation import Annotation

FEATURES: Final = (rewriting, redirects, bodies, timeouts, protocol)

ANNOTATIONS: Final[Mapping[str, Annotation]] = {a.name: a for feature in FEATURES for a in feature.ANNOTATIONS}
"""The supported annotations by name, without the prefix."""
