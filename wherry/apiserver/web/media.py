"""`Accept`: which media type an answer has, and which shape.

Source: apiserver pkg/endpoints/handlers/negotiation, pkg/endpoints/discovery/aggregated/negotiation.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from wherry.objects.errors import NotAcceptable

JSON, YAML = "application/json", "application/yaml"
Shape = Literal["object", "table", "metadata"]
_META_VERSIONS = ("v1", "v1beta1")
_SHAPES: dict[str, Shape] = {
    "": "object",
    "Table": "table",
    "PartialObjectMetadata": "metadata",
    "PartialObjectMetadataList": "metadata",
}


@dataclass(frozen=True, slots=True)
class Form:
    """How objects are written: `version` is that of the meta.k8s.io shape, `include` what a table row carries along."""

    type: str = JSON
    shape: Shape = "object"
    version: str = "v1"
    include: str = "Metadata"


@dataclass(frozen=True, slots=True)
class Clause:
    """One alternative of an `Accept` header."""

    type: str
    parameters: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """Return a parameter, "" where it is not given."""
        return next((value for key, value in self.parameters if key == name), "")


@lru_cache(maxsize=256)
def clauses(accept: str) -> tuple[Clause, ...]:
    """Return the alternatives of an `Accept` header in order of preference; none given means anything."""
    found = []
    for position, part in enumerate(accept.split(",") if accept.strip() else ["*/*"]):
        type_, *parameters = (p.strip() for p in part.split(";"))
        pairs = tuple((k.strip(), v.strip()) for k, _, v in (p.partition("=") for p in parameters))
        clause = Clause(type_.lower(), pairs)
        found.append((-_quality(clause), position, clause))
    return tuple(clause for _, _, clause in sorted(found, key=lambda f: f[:2]))


def _quality(clause: Clause) -> float:
    try:
        return float(clause.get("q") or 1)
    except ValueError:
        return 1.0


@lru_cache(maxsize=256)
def form(accept: str, include: str, shaped: bool = True) -> Form:
    """Return the form of answers with objects; raises `NotAcceptable`.

    `shaped` tells whether they can be had as a table's rows, or as their metadata alone.
    """
    for clause in clauses(accept):
        type_ = _writable(clause.type)
        shape = _SHAPES.get(clause.get("as"))
        if type_ is None or shape is None:
            continue
        version = clause.get("v")
        if shape == "object":
            return Form(type_)
        if shaped and clause.get("g") == "meta.k8s.io" and version in _META_VERSIONS:
            return Form(type_, shape, version, include if shape == "table" else "Metadata")
    raise NotAcceptable("only the following media types are accepted: application/json, application/yaml")


def _writable(type_: str) -> str | None:
    if type_ in (JSON, "*/*", "application/*"):
        return JSON
    return YAML if type_ == YAML else None
