"""What is served, as the documents need to know it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wherry.objects.definitions import GroupVersionKind, Type, load
from wherry.objects.structural.shape import Shape


class Subresource(NamedTuple):
    """One subresource: `gvk` is what it reads and writes.

    None is for what is no object but a text or a stream (log, exec): `options` then names the type whose fields are the
    parameters of a request.
    """

    name: str
    gvk: GroupVersionKind | None
    verbs: Sequence[str]
    options: GroupVersionKind | None = None


class ServedKind(NamedTuple):
    """One kind under one group and version; `verbs` are those of discovery: get, list, create, update, patch ...

    `type` is what its objects look like where Kubernetes' own schema does not say; `list_kind` is `KindList` if empty.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: Sequence[str]
    subresources: Sequence[Subresource] = ()
    type: Type | Shape | None = None
    list_kind: str = ""

    @property
    def gvk(self) -> GroupVersionKind:
        """(group, version, kind)."""
        return self.group, self.version, self.kind

    @property
    def list_gvk(self) -> GroupVersionKind:
        """(group, version, kind) of a list of them."""
        return self.group, self.version, self.list_kind or f"{self.kind}List"

    @property
    def prefix(self) -> str:
        """`/api/v1` or `/apis/apps/v1`."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


class Version(NamedTuple):
    """All that goes into the document of one group and version: its kinds, and what other versions are served."""

    kinds: tuple[ServedKind, ...]
    versions: frozenset[tuple[str, str]]


def by_version(kinds: Iterable[ServedKind]) -> dict[str, Version]:
    """Return what goes into each document, by its path (`api/v1`, `apis/apps/v1`) below `/openapi/v3`."""
    by_prefix: dict[str, list[ServedKind]] = {}
    for kind in kinds:
        by_prefix.setdefault(kind.prefix.removeprefix("/"), []).append(kind)
    known = {gvk[:2] for gvk, _ in load().kinds()}
    versions = frozenset((served[0].group, served[0].version) for served in by_prefix.values())
    return {prefix: Version(tuple(served), versions & known) for prefix, served in sorted(by_prefix.items())}
