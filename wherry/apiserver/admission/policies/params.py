"""The parameters of a policy: objects of its `paramKind` that a binding refers to by name, or selects."""

from __future__ import annotations

from wherry.apiserver.catalog import Catalog, Served
from wherry.apiserver.state.state import State
from wherry.objects import Object, metadata, selectors

NONE: tuple[Object | None, ...] = (None,)
"""What a policy without parameters is evaluated with: once, and nothing."""


class Unavailable(Exception):
    """There are no parameters, and there should be; the message says which."""


class Params:
    """Finds them in `state`, in the version the policy reads."""

    def __init__(self, catalog: Catalog, state: State):
        self._catalog = catalog
        self._state = state

    def of(self, kind: Object | None, reference: Object | None, namespace: str) -> tuple[Object | None, ...]:
        """Return what a policy is evaluated with, once with each; raises `Unavailable`.

        None at all where a binding lets a request pass for which there is none (`parameterNotFoundAction: Allow`).
        """
        if kind is None or reference is None:
            return NONE
        served = self._served(kind)
        where = ""
        if served.kind.namespaced:
            where = reference.get("namespace") or namespace
            if not where:
                raise Unavailable("can't use namespaced paramRef to match cluster-scoped resources")
        elif reference.get("namespace"):
            raise Unavailable("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        found = self._found(served, reference, where)
        if not found and reference.get("parameterNotFoundAction") != "Allow":
            raise Unavailable("no params found for policy binding with `Deny` parameterNotFoundAction")
        return found

    def _served(self, kind: Object) -> Served:
        wanted = kind.get("apiVersion", ""), kind.get("kind", "")
        for served in self._catalog:
            if (served.resource.api_version, served.resource.kind) == wanted:
                return served
        group, _, version = wanted[0].rpartition("/")
        raise Unavailable(f"paramKind kind `{group}/{version}, Kind={wanted[1]}` not known")

    def _found(self, served: Served, reference: Object, namespace: str) -> tuple[Object, ...]:
        collection = self._state.collection(served.kind)
        if name := reference.get("name"):
            one = collection.latest((namespace, name))
            return (served.from_storage(one),) if one is not None else ()
        selector = selectors.stored(reference.get("selector") or {})
        every = collection.latest_items(namespace or None)
        return tuple(served.from_storage(o) for o in every if selector.matches(metadata.labels(o)))
