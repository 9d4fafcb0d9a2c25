"""An Ingress' annotations become its `Policy`; whatever is not used is reported by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wherry.ingress.features.catalog import ANNOTATIONS, DEFAULTS
from wherry.ingress.features.policy import Policy
from wherry.ingress.fronts.ingress.unsupported import restricts_access
from wherry.ingress.values import BadValue

DEFAULT_PREFIX = "nginx.ingress.kubernetes.io"


def read_policy(
    annotations: Mapping[str, str], prefix: str = DEFAULT_PREFIX, common: Mapping[str, Any] = DEFAULTS
) -> tuple[Policy, list[str]]:
    """Return the policy of an Ingress with these annotations, and a sentence for each kind of those not used.

    A bad value leaves the default (`common`) in force, or closes the paths where the annotation restricts access.
    Annotations outside `prefix` are other controllers' business.
    """
    found: dict[str, Any] = {}
    problems: list[str] = []
    unknown: list[str] = []
    closing: list[str] = []
    for key, text in sorted(annotations.items()):
        owner, _, name = key.partition("/")
        if owner != prefix:
            continue
        annotation = ANNOTATIONS.get(name)
        if annotation is None:
            (closing if restricts_access(name, text) else unknown).append(name)
            continue
        try:
            found[name] = annotation.read(text)
        except BadValue as error:
            problems.append(f"annotation {key} is ignored: {error}{_CLOSED if annotation.restricts else ''}")
            closing += [name] if annotation.restricts else []
    problems += _unsupported([name for name in closing if name not in ANNOTATIONS], unknown)
    denied = f"annotation {closing[0]} cannot be honoured" if closing else ""
    return Policy(found, common, denied), problems


_CLOSED: Final = ": it restricts access, so the paths of this Ingress answer 503"


def _unsupported(closing: Sequence[str], unknown: Sequence[str]) -> list[str]:
    """Return one sentence for all that restrict access, and one for all others: many Events would be throttled."""
    said = []
    if closing:
        said.append(f"not supported: {', '.join(closing)}{_CLOSED}")
    if unknown:
        said.append(f"not supported, and without effect: {', '.join(unknown)}")
    return said
