"""An Ingress' annotations become its `Policy`; whatever is not used is reported by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from wherry.ingress.features.annotation import Given
from wherry.ingress.features.catalog import ANNOTATIONS, DEFAULTS
from wherry.ingress.features.policy import Policy
from wherry.ingress.fronts.ingress.unsupported import restricts_access
from wherry.ingress.values import BadValue

DEFAULT_PREFIX = "nginx.ingress.kubernetes.io"


def each(annotations: Mapping[str, str], prefix: str = DEFAULT_PREFIX) -> Iterator[Given]:
    """Yield the annotations under `prefix`, by name; those of others are other controllers' business."""
    for key, text in sorted(annotations.items()):
        owner, _, name = key.partition("/")
        if owner != prefix:
            continue
        annotation = ANNOTATIONS.get(name)
        if annotation is None:
            yield Given(name, why="not supported", closes=restricts_access(name, text), known=False)
            continue
        try:
            yield Given(name, annotation.read(text))
        except BadValue as error:
            yield Given(name, why=str(error), closes=annotation.restricts)


def read_policy(
    annotations: Mapping[str, str], prefix: str = DEFAULT_PREFIX, common: Mapping[str, Any] = DEFAULTS
) -> tuple[Policy, list[str]]:
    """Return the policy of an Ingress with these annotations, and a sentence for each kind of those not used.

    A bad value leaves the default (`common`) in force, or closes the paths where the annotation restricts access.
    """
    given = list(each(annotations, prefix))
    wrong = [one for one in given if one.known and one.why]
    unknown = [one for one in given if not one.known]
    problems = [f"annotation {prefix}/{one.name} is ignored: {one.why}{CLOSED if one.closes else ''}" for one in wrong]
    problems += _unsupported([o.name for o in unknown if o.closes], [o.name for o in unknown if not o.closes])
    closing = next((one.name for one in given if one.closes), "")
    denied = f"annotation {closing} cannot be honoured" if closing else ""
    return Policy({one.name: one.value for one in given if not one.why}, common, denied), problems


CLOSED: Final = ": it restricts access, so the paths of this Ingress answer 503"
WITHOUT_EFFECT: Final = "not supported, and without effect: "


def _unsupported(closing: Sequence[str], unknown: Sequence[str]) -> list[str]:
    """Return one sentence for all that restrict access, and one for all others: many Events would be throttled."""
    said = []
    if closing:
        said.append(f"not supported: {', '.join(closing)}{CLOSED}")
    if unknown:
        said.append(f"{WITHOUT_EFFECT}{', '.join(unknown)}")
    return said
