"""One request as those see it who admit it.

Source: apiserver pkg/admission/interfaces.go (Attributes); pkg/endpoints/handlers (create.go, update.go, delete.go).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from wherry.apiserver.user import User
from wherry.cel.asker import Decide
from wherry.objects import Object
from wherry.objects.resource import NAMESPACES, Resource

CREATE, UPDATE, DELETE, CONNECT = "CREATE", "UPDATE", "DELETE", "CONNECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for: `operation` on `resource` as the URL names it, with the options of the verb.

    `namespace` of a namespace is its name, as upstream's request attributes have it. `decide` says what a user may do;
    `warn` is called with each text for a `Warning` header.
    """

    operation: str
    resource: Resource
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    user: User
    decide: Decide
    dry_run: bool = False
    options: Object | None = None
    warn: Callable[[str], None]

    @property
    def about_namespace(self) -> bool:
        """Whether it is about a namespace."""
        return (self.resource.group, self.resource.plural) == ("", NAMESPACES.plural)


class Subject(Protocol):
    """What a request brings and what there is, in any version it is served in; None for what there is not.

    `kind` is what is seen: of a subresource that speaks a kind of its own, that one.
    """

    def kind(self, resource: Resource) -> Resource:
        """Return the kind of `new` and `old` as they are in a version."""
        ...

    def new(self, resource: Resource) -> Object | None:
        """Return what is to be, as it looks in a version of the resource."""
        ...

    def old(self, resource: Resource) -> Object | None:
        """Return what is, as it looks in a version of the resource."""
        ...

    def take(self, resource: Resource, changed: Object) -> bool:
        """Let `changed`, in a version of the resource, be what is to be; return whether that is anything else."""
        ...


class Posted:
    """A subject that is not stored: what is posted to an object, or the options of a connection."""

    def __init__(self, kind: Resource, obj: Object):
        self._kind = kind
        self.object = obj

    def kind(self, resource: Resource) -> Resource:
        """See `Subject.kind`."""
        return self._kind

    def new(self, resource: Resource) -> Object | None:
        """See `Subject.new`."""
        return self.object

    def old(self, resource: Resource) -> Object | None:
        """There is none."""
        return None

    def take(self, resource: Resource, changed: Object) -> bool:
        """See `Subject.take`."""
        is_other = changed != self.object
        self.object = changed
        return is_other
