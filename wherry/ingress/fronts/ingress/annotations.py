"""An Ingress' annotations become its `Policy`; whatever is not used is reported by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.ingress.features.catalog import ANNOTATIONS
from wherry.ingress.features.policy import Policy
from wherry.ingress.fronts.ingress.unsupported import restricts_access
from wherry.ingress.values import BadValue

DEFAULT_PREFIX = "nginx.ingress.kubernetes.io"


def read_policy(annotations: Mapping[str, str], prefix: str = DEFAULT_PREFIX) -> tuple[Policy, list[str]]:
    """Return the policy of an Ingress with these annotations, and a sentence for each that was not used.

    A bad value leaves the default in force; annotations outside `prefix` are other controllers' business.
    """
    found: dict[str, Any] = {}
    problems: list[str] = []
    denied = ""
    for key, text in sorted(annotations.items()):
        owner, _, name = key.partition("/")
        if owner != prefix:
            continue
        annotation = ANNOTATIONS.get(name)
        if annotation is None:
            problems.append(f"annotation {key} is not supported{_consequence(name)}")
            if restricts_access(name):
                denied = f"annotation {name} is not supported"
            continue
        try:
            found[name] = annotation.read(text)
        except BadValue as error:
            problems.append(f"annotation {key} is ignored: {error}")
    return Policy(found, denied), problems


def _consequence(name: str) -> str:
    if restricts_access(name):
        return ": it restricts access, so the paths of this Ingress answer 503"
    if name == "canary":
        return ": the rules of a canary are left out"
    return " and has no effect"
