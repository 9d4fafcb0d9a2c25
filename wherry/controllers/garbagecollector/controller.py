"""The garbage collector's graph and loop."""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from wherry.component.workqueue import WorkQueue
from wherry.controllers.context import Context
from wherry.controllers.controller import Runner
from wherry.controllers.garbagecollector.decide import (
    FOREGROUND,
    ORPHAN,
    Fate,
    blocking,
    circle,
    finalizers,
    is_deleting_dependents,
    is_orphaning,
    references,
    unblocked,
    verdict,
    without_owner,
)
from wherry.objects import Object, metadata
from wherry.objects.errors import Conflict, NotFound
from wherry.objects.resource import Resource

log = logging.getLogger(__name__)

OWNERS = "owners"
REMEMBERED = 500


GroupKind = tuple[str, str]


class Node(NamedTuple):
    """An object of the graph."""

    resource: Resource
    namespace: str
    name: str


class GarbageCollector(Runner):
    """Follows everything that is served, and deletes or frees what its owners leave behind."""

    name = "garbagecollector"

    def __init__(self, context: Context):
        super().__init__(context)
        self._queue: WorkQueue[Node] = context.component.queue(self.name)
        self._all = context.everything
        self._dependents_of = self._all.index(OWNERS, lambda o: [ref["uid"] for ref in references(o)])
        self._all.subscribe(self._changed, self._set_changed)
        self._absent: OrderedDict[tuple[Node, str], None] = OrderedDict()
        self._guessed: dict[GroupKind, set[Node]] = {}

    async def run(self) -> None:
        """Work until cancelled; after a crash everything is looked at anew."""
        await self._all.synced()
        for resource, obj in self._all.items():
            self._consider(resource, obj)
        await self._queue.run(self._reconcile, self.context.config.concurrency)

    async def _reconcile(self, node: Node) -> None:
        await self._all.synced()  # dependents of a kind that has just been added count too
        obj = self._all.get(*node)
        if obj is None:
            return
        if is_orphaning(obj):
            await self._orphan(node, obj)
        elif is_deleting_dependents(obj):
            await self._delete_dependents(node, obj)
        else:
            await self._follow_owners(node, obj)

    async def _follow_owners(self, node: Node, obj: Object) -> None:
        fates = {r["uid"]: await self._fate(node, r) for r in references(obj)}
        has_dependents = any(True for _ in self._dependents_of(obj["metadata"]["uid"]))
        decided = verdict(obj, lambda r: fates[r["uid"]], has_dependents)
        if decided.policy:
            log.info("deleting %s %s/%s: its owners are gone", node.resource.plural, node.namespace, node.name)
            with contextlib.suppress(NotFound, Conflict):
                await self.client.delete(
                    node.resource,
                    node.name,
                    node.namespace or None,
                    propagation_policy=decided.policy,
                    uid=obj["metadata"]["uid"],
                )
        elif decided.references is not None:
            await self._patch(node.resource, obj, {"ownerReferences": decided.references})

    async def _delete_dependents(self, node: Node, obj: Object) -> None:
        """Foreground: the owner goes when no dependent that blocks it is left; who waits in a circle is let go."""
        dependents = list(self._dependents_of(obj["metadata"]["uid"]))
        for resource, dependent in dependents:
            if not is_deleting_dependents(dependent):  # one that is comes by itself, whenever it changes
                self._queue.add(_node(resource, dependent))
        waited_for = blocking(obj, [d for _, d in dependents])
        if not waited_for:
            await self._finish(node.resource, obj, FOREGROUND)
        elif owners := circle(obj, lambda uid: (d for _, d in self._dependents_of(uid))):
            log.info("%s %s/%s and its owners wait for each other", node.resource.plural, node.namespace, node.name)
            await self._patch(node.resource, obj, {"ownerReferences": unblocked(obj, owners)})

    async def _orphan(self, node: Node, obj: Object) -> None:
        """Free all dependents, then let the owner go."""
        uid = obj["metadata"]["uid"]
        for resource, dependent in list(self._dependents_of(uid)):
            await self._patch(resource, dependent, {"ownerReferences": without_owner(dependent, uid) or None})
        await self._finish(node.resource, obj, ORPHAN)

    async def _finish(self, resource: Resource, obj: Object, finalizer: str) -> None:
        await self._patch(resource, obj, {"finalizers": [f for f in finalizers(obj) if f != finalizer] or None})

    async def _patch(self, resource: Resource, obj: Object, change: Object) -> None:
        """Change metadata of an object that is still as we saw it; else `Conflict`, and another look."""
        meta = obj["metadata"]
        precondition = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        with contextlib.suppress(NotFound):
            await self.client.patch(resource, meta["name"], {"metadata": change | precondition}, meta.get("namespace"))

    async def _fate(self, node: Node, reference: Object) -> Fate:
        """Return what is known of an owner; that one is gone is believed only from the server, not from a cache."""
        kind = _kind_of(reference)
        resource = self._all.of_kind(*kind)
        if resource is None:
            self._guessed.setdefault(kind, set()).add(node)
            return Fate.ALIVE  # a kind we do not follow: never delete on a guess
        namespace = node.namespace if resource.namespaced else ""
        if (Node(resource, namespace, reference["name"]), reference["uid"]) in self._absent:
            return Fate.GONE
        owner = self._all.get(resource, namespace, reference["name"])
        if owner is None or owner["metadata"]["uid"] != reference["uid"]:
            try:
                owner = await self._fetch(resource, reference, namespace)
            except NotFound:
                return Fate.ALIVE  # stored, and damaged: whoever mends it finds its dependents
        if owner is None:
            return Fate.GONE
        return Fate.WAITING if is_deleting_dependents(owner) else Fate.ALIVE

    async def _fetch(self, resource: Resource, reference: Object, namespace: str) -> Object | None:
        """Return the owner as the server has it, None when it is gone; raises `NotFound` when it cannot be read."""
        owner: Object | None = None
        try:
            owner = await self.client.get(resource, reference["name"], namespace or None)
        except NotFound as error:
            if not error.gone:
                raise
        if owner is not None and owner["metadata"]["uid"] == reference["uid"]:
            return owner
        # A uid never comes back. But it may be alive elsewhere, when a reference is wrong: so what is absent is an
        # owner at its place, or one wrong reference would cost the dependents that name the same owner rightly.
        self._absent[Node(resource, namespace, reference["name"]), reference["uid"]] = None
        while len(self._absent) > REMEMBERED:
            self._absent.popitem(last=False)
        return None

    def _changed(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._consider(resource, new)
        if new is None and old is not None:
            self._forget(_node(resource, old), old)
            for other, dependent in self._dependents_of(old["metadata"]["uid"]):
                self._queue.add(_node(other, dependent))
        if old is not None and (new is None or references(new) != references(old)):
            self._consider_owners(old)

    def _set_changed(self, added: Sequence[Resource]) -> None:
        """Look again at what was kept only because nobody could know whether its owner is there."""
        for resource in added:
            for node in self._guessed.pop((resource.group, resource.kind), ()):
                self._queue.add(node)

    def _forget(self, node: Node, obj: Object) -> None:
        for kind in map(_kind_of, references(obj)):
            if nodes := self._guessed.get(kind):
                nodes.discard(node)
                if not nodes:
                    del self._guessed[kind]

    def _consider(self, resource: Resource, obj: Object) -> None:
        if references(obj) or is_deleting_dependents(obj) or is_orphaning(obj):
            self._queue.add(_node(resource, obj))

    def _consider_owners(self, obj: Object) -> None:
        """A foreground deletion may have waited for this one."""
        for reference in references(obj):
            resource = self._all.of_kind(*_kind_of(reference))
            if resource is not None:
                namespace = obj["metadata"].get("namespace", "") if resource.namespaced else ""
                self._queue.add(Node(resource, namespace, reference["name"]))


def _node(resource: Resource, obj: Object) -> Node:
    return Node(resource, *metadata.key(obj))


def _kind_of(reference: Object) -> GroupKind:
    return reference["apiVersion"].rpartition("/")[0], reference["kind"]
