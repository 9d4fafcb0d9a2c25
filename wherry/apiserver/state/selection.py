"""Which objects of a collection a request is about: namespace, label selector and field selector in one test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wherry.apiserver.kind import Kind
from wherry.objects import Object, selectors
from wherry.objects.errors import BadRequest
from wherry.objects.selectors import FieldSelector, LabelSelector

Reader = Callable[[Object], str]

METADATA_FIELDS: Mapping[str, Reader] = {
    "metadata.name": lambda obj: obj["metadata"]["name"],
    "metadata.namespace": lambda obj: obj["metadata"].get("namespace", ""),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """A test of objects; `readers` reads the fields that `fields` names."""

    namespace: str | None = None
    labels: LabelSelector = selectors.EVERYTHING
    fields: FieldSelector = field(default_factory=FieldSelector)
    readers: Mapping[str, Reader] = field(default_factory=dict)

    def matches(self, obj: Object) -> bool:
        """Return whether `obj` (in its storage version) is selected."""
        metadata = obj["metadata"]
        if self.namespace is not None and metadata.get("namespace", "") != self.namespace:
            return False
        if not self.labels.matches(metadata.get("labels")):
            return False
        return not self.fields.terms or self.fields.matches(lambda path: self.readers[path](obj))

    @property
    def name(self) -> str | None:
        """The one object it is about, if it names one."""
        return self.fields.required("metadata.name")

    def pinned(self) -> tuple[str, Reader, str] | None:
        """Return (path, reader, value) of a field that must have one value, if there is such a field."""
        for path, equal, value in self.fields.terms:
            if equal:
                return path, self.readers[path], value
        if self.namespace is not None:
            return "metadata.namespace", METADATA_FIELDS["metadata.namespace"], self.namespace
        return None


def select(kind: Kind, namespace: str | None, labels: str = "", fields: str = "") -> Selection:
    """Return the selection a request's query asks for; raises `BadRequest` for a bad selector or an unknown field."""
    chosen = selectors.parse_fields(fields)
    readers = {**METADATA_FIELDS, **kind.fields}
    for path in chosen.paths:
        if path not in readers:
            raise BadRequest(f"field label not supported: {path}")  # kubectl puts the selector in front
    return Selection(namespace, selectors.parse_labels(labels), chosen, readers)
