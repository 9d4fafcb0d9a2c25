"""What is served: every kind under every group and version, and how objects are translated between versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wherry.apiserver.kind import Kind
from wherry.objects import Object
from wherry.objects.errors import FieldError, Invalid, NotFound
from wherry.objects.resource import Resource


def unknown_path() -> NotFound:
    """Return the error for a URL that names nothing here."""
    return NotFound("the server could not find the requested resource", details={})


@dataclass(frozen=True, eq=False)
class Served:
    """One kind in one of its versions: what a URL names."""

    kind: Kind
    resource: Resource

    @property
    def is_storage(self) -> bool:
        """Whether this is the version objects are kept in."""
        return (self.resource.group, self.resource.version) == tuple(self.kind.versions[0])

    def from_storage(self, obj: Object) -> Object:
        """Return a stored object in this version (the very object where that is the stored one)."""
        if self.is_storage:
            return obj
        conversion = self.kind.conversions.get((self.resource.group, self.resource.version))
        return {**(conversion.from_storage(obj) if conversion else obj), "apiVersion": self.resource.api_version}

    def to_storage(self, obj: Object) -> Object:
        """Return an object of this version as it is stored (the very object where that is the stored version)."""
        if self.is_storage:
            return obj
        conversion = self.kind.conversions.get((self.resource.group, self.resource.version))
        return {**(conversion.to_storage(obj) if conversion else obj), "apiVersion": self.kind.resource.api_version}

    def invalid(self, name: str, errors: Sequence[FieldError]) -> Invalid:
        """Return the error for object `name`, of which `errors` (in storage version) are true."""
        conversion = self.kind.conversions.get((self.resource.group, self.resource.version))
        if conversion is not None:
            errors = [conversion.error(error) for error in errors]
        return Invalid.of(self.kind.kind, name, errors, self.kind.resource.group)


class Catalog:
    """The served kinds by URL path, by kind, and by group."""

    def __init__(self, kinds: Iterable[Kind]):
        self.kinds = tuple(kinds)
        self._served: dict[tuple[str, str, str], Served] = {}
        self._by_plural: dict[tuple[str, str], Kind] = {}
        for kind in self.kinds:
            for group, version in kind.versions:
                resource = Resource(group, version, kind.plural, kind.kind, kind.namespaced)
                self._served[group, version, kind.plural] = Served(kind, resource)
                self._by_plural[group, kind.plural] = kind

    def __iter__(self) -> Iterator[Served]:
        return iter(self._served.values())

    def served(self, group: str, version: str, plural: str) -> Served:
        """Return what `/apis/GROUP/VERSION/PLURAL` names; raises `NotFound`."""
        found = self._served.get((group, version, plural))
        if found is None:
            raise unknown_path()
        return found

    def of(self, resource: Resource) -> Served:
        """Return what serves `resource`; raises `NotFound`."""
        return self.served(resource.group, resource.version, resource.plural)

    def kind(self, group: str, plural: str) -> Kind | None:
        """Return the kind of a group and plural, whatever the version."""
        return self._by_plural.get((group, plural))
