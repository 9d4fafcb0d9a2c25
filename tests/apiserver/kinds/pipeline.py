"""A write as the API server's core does it, without the server: typed, converted, defaulted, admitted, checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds import KINDS
from wherry.apiserver.kinds.common import objectmeta, required
from wherry.apiserver.registry import serverfields
from wherry.apiserver.user import SYSTEM, User
from wherry.objects import Object, metadata, schema
from wherry.objects.errors import FieldError
from wherry.objects.family import Network
from wherry.objects.resource import Resource

SERVICE_CIDR = IPv4Network("10.96.0.0/12")
NODE_PORTS = range(30000, 32768)


@dataclass
class World:
    """A `Context` over a list of objects."""

    objects: list[Object] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    service_cidrs: Sequence[Network] = (SERVICE_CIDR,)
    node_port_range: range = NODE_PORTS
    user: User = SYSTEM
    dry_run: bool = False
    subresource: str = ""

    def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        wanted = (namespace or "", name)
        return next((o for o in self.list(resource) if metadata.key(o) == wanted), None)

    def list(self, resource: Resource, namespace: str | None = None) -> Iterable[Object]:
        for obj in self.objects:
            if obj["kind"] == resource.kind and namespace in (None, obj["metadata"].get("namespace")):
                yield obj

    def claimed(self, kind: Kind, name: str) -> bool:
        claims = (claim for o in self.objects for claim in (kind_of(o).claims or (lambda _: ()))(o))
        return any(claim.kind is kind and claim.object["metadata"]["name"] == name for claim in claims)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def kind_of(obj: Object) -> Kind:
    """Return the kind that serves `obj`."""
    group, _, version = obj["apiVersion"].rpartition("/")
    return next(k for k in KINDS if k.kind == obj["kind"] and (group, version) in k.versions)


def stored(obj: Object) -> Object:
    """Return `obj` typed and in its kind's storage version."""
    kind = kind_of(obj)
    group, _, version = obj["apiVersion"].rpartition("/")
    typed, _ = schema.typed(obj, (group, version, obj["kind"]))
    conversion = kind.conversions.get((group, version))
    if conversion is not None:
        typed = conversion.to_storage(typed)
    return metadata.copy({**typed, "apiVersion": kind.resource.api_version})


def write(obj: Object, old: Object | None = None, world: World | None = None) -> tuple[Object, list[FieldError]]:
    """Return the object as it would be stored, and what is wrong with it; raises what admission raises."""
    kind = kind_of(obj)
    world = world or World()
    new = stored(obj)
    if kind.namespaced:
        new["metadata"].setdefault("namespace", "demo")
    if kind.default is not None:
        kind.default(new)
    for hook in (kind.prepare, kind.allocate):
        if hook is not None:
            hook(new, old, world)
    if old is not None:
        serverfields.count(kind, new, old)
    elif kind.generation:
        new["metadata"]["generation"] = 1
    errors = objectmeta.validate(new, kind) if old is None else objectmeta.validate_update(new, old, kind)
    if kind.validate is not None:
        errors += kind.validate(new)
    if old is not None and kind.validate_update is not None:
        errors += kind.validate_update(new, old)
    if kind.check is not None:
        errors += kind.check(new, old, "")
    if (type_ := kind.type_of(kind.resource)) is not None:
        errors += required.missing(new, old, type_, errors)
    group, _, version = obj["apiVersion"].rpartition("/")
    conversion = kind.conversions.get((group, version))
    return new, [conversion.error(e) for e in errors] if conversion else errors


def accepted(obj: Object, old: Object | None = None, world: World | None = None) -> Object:
    """Return the object as it would be stored; fail where anything is wrong with it."""
    new, errors = write(obj, old, world)
    assert [str(e) for e in errors] == []
    return new


def row(obj: Object) -> dict[str, object]:
    """Return the cells of a stored object by column."""
    return {column.name: column.cell(obj) for column in kind_of(obj).columns}
