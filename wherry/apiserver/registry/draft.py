"""An object on its way into the store."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wherry.apiserver.catalog import Served
from wherry.apiserver.registry import identity, managedfields, parts, serverfields
from wherry.apiserver.registry.options import WriteOptions
from wherry.objects import Object, metadata


@dataclass(frozen=True, slots=True)
class Draft:
    """A private object on its way in, in the version hooks work on; `old` is what it replaces.

    `managers` are its managed fields; `part` names what it may change. `current` is `old` as it is stored.
    """

    served: Served
    obj: Object
    old: Object | None
    options: WriteOptions
    managers: managedfields.Entries
    part: str = ""
    current: Object | None = None

    def take(self, served: Served, changed: Object) -> bool:
        """Let what somebody else made of it, in a served version, be the draft; return whether that is another.

        Its identity and all that only the server says of it stay. Raises `BadRequest`.
        """
        new = typed(served, changed, replace(self.options, validation="Ignore"))
        new["metadata"].pop("managedFields", None)
        identity.check_name(new, metadata.key(self.obj))
        obj = served.to_hub(new)
        if self.old is None:
            obj["metadata"] = serverfields.kept(obj["metadata"], self.obj["metadata"])
        else:
            obj = parts.merged(served.kind, obj, self.old, self.part)
        defaulted(served, obj)
        is_other = obj != self.obj
        self.obj.clear()
        self.obj.update(obj)
        return is_other


def defaulted(served: Served, obj: Object) -> None:
    """Fill in the defaults of a private object in storage version, in place."""
    if served.kind.default is not None:
        served.kind.default(obj)


def typed(served: Served, obj: Object, options: WriteOptions) -> Object:
    """Return a private copy of `obj` in canonical form; what is unknown is dropped, refused or warned about."""
    resource = served.resource
    identity.check_type(served, obj)
    new = options.typed(obj, (resource.group, resource.version, resource.kind), served.type)
    new |= {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": new.get("metadata") or {}}
    managers = (obj.get("metadata") or {}).get("managedFields")
    if managers == []:  # an empty list is left out of an object, but here it says something
        new["metadata"]["managedFields"] = managers
    return new
