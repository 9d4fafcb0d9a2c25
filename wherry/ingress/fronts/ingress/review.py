"""What admission says about an Ingress before it is stored.

Pure, and no nginx is asked: testing a stranger's configuration is how CVE-2025-1974 became remote code execution.

Denied is what would be left out if it were stored: annotations of the wrong form, hosts and paths that cannot be
served, paths another Ingress has. What may yet become right, such as a Secret still to come, is warned of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from wherry.ingress.fronts.ingress.annotations import each
from wherry.ingress.fronts.ingress.build import build
from wherry.ingress.fronts.ingress.classes import is_ours
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot, hosts
from wherry.ingress.route import problem
from wherry.ingress.route.problem import Subject
from wherry.objects import Object, metadata

DENIED: Final = frozenset((problem.BAD_HOST, problem.BAD_PATH, problem.PATH_TAKEN, problem.BAD_BACKEND))
YOUNGEST: Final = "9999-12-31T23:59:59Z"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Sentences: `denials` (none: it may be stored) and `warnings`."""

    denials: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def review(ingress: Object, snapshot: Snapshot, choices: Choices) -> Verdict:
    """Return what is to be said of `ingress`, which may be in the snapshot in another form; of others' nothing."""
    if not is_ours(ingress, snapshot.classes, choices.classes):
        return Verdict()
    dated = _dated(ingress)
    subject, key = Subject.of_ingress(dated), metadata.key(dated)
    neighbours = [o for o in snapshot.ingresses if metadata.key(o) != key and set(hosts(o)) & set(hosts(dated))]
    model = build(replace(snapshot, ingresses=[*neighbours, dated]), choices)
    found = [one for one in model.problems if one.subject == subject]
    wrong = _wrong_values(metadata.annotations(dated), choices.annotations_prefix)
    denials = (*wrong, *(one.message for one in found if one.reason in DENIED))
    return Verdict(denials, tuple(one.message for one in found if one.reason not in DENIED))


def _dated(ingress: Object) -> Object:
    """Return an Ingress with a date and name: one that is only about to be stored is younger than all."""
    meta = ingress["metadata"]
    named = {"name": meta.get("name") or meta.get("generateName", ""), "creationTimestamp": YOUNGEST}
    return {**ingress, "metadata": {**named, **{key: value for key, value in meta.items() if value}}}


def _wrong_values(annotations: Mapping[str, str], prefix: str) -> tuple[str, ...]:
    return tuple(f"annotation {prefix}/{o.name}: {o.why}" for o in each(annotations, prefix) if o.known and o.why)
