"""ResourceQuotas: each tells in its status how much of it is used.

The API server holds writes to the limits by what there is (`wherry.apiserver.admission.resourcequota`), not by this
status, which is for people and clients. A change of an object changes the sums by its own part: what each object counts
for is remembered.
Source: k8s.io/kubernetes pkg/controller/resourcequota/resource_quota_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wherry.controllers.context import NAMESPACE, Context, namespace_keys
from wherry.controllers.controller import Controller
from wherry.objects import Object, metadata
from wherry.objects.meaning import quotas
from wherry.objects.meaning.quotas import Amounts
from wherry.objects.metadata import Key
from wherry.objects.resource import RESOURCE_QUOTAS, Resource

Place = tuple[Resource, Key]


class Ledger:
    """What the objects of one namespace count for against one quota; made anew when the quota's spec changes."""

    def __init__(self, quota: Object):
        self.quota = quota
        self._limits = quotas.hard(quota)
        self._counted = {quotas.resource_of(name) for name in self._limits}
        self._charges: dict[Place, Amounts] = {}
        self._used = dict.fromkeys(self._limits, 0)

    def put(self, resource: Resource, key: Key, obj: Object | None) -> None:
        """Note an object, or that it is gone."""
        before = self._charges.pop((resource, key), {})
        after: Amounts = {}
        if obj is not None and quotas.concerns(self.quota, resource, obj):
            charge = quotas.charge(resource, obj)
            after = {name: charge[name] for name in self._limits.keys() & charge.keys()}
        if after:
            self._charges[resource, key] = after
        for sign, amounts in ((-1, before), (1, after)):
            for name, amount in amounts.items():
                self._used[name] += sign * amount

    def counts(self, resource: Resource) -> bool:
        """Tell whether the quota limits anything of a resource."""
        return (resource.group, resource.plural) in self._counted

    @property
    def status(self) -> Object:
        """The quota's status."""
        return {"hard": dict(self._limits), "used": quotas.shown(self._used, self._limits)}


class ResourceQuotaController(Controller):
    """Keeps a ledger for each quota, and writes what it says into the quota's status."""

    name = "resourcequota"

    def __init__(self, context: Context):
        super().__init__(context)
        self._quotas = context.informer(RESOURCE_QUOTAS)
        self._by_namespace = context.by_namespace(RESOURCE_QUOTAS)
        self._ledgers: dict[Key, Ledger] = {}
        self._objects = context.everything.index(NAMESPACE, namespace_keys)
        self.watch(RESOURCE_QUOTAS)
        context.everything.subscribe(self._changed, self._served)

    async def run(self) -> None:
        """Work until cancelled; after a crash all is counted anew."""
        self._ledgers.clear()
        await self.context.everything.synced()
        await super().run()

    async def reconcile(self, key: Key) -> None:
        """Write what is used, when it is not what the quota says."""
        quota = self._quotas.get(*key)
        if quota is None:
            self._ledgers.pop(key, None)
            return
        await self.write_status(RESOURCE_QUOTAS, quota, self._ledger(key, quota).status)

    def _ledger(self, key: Key, quota: Object) -> Ledger:
        ledger = self._ledgers.get(key)
        if ledger is None or ledger.quota["spec"] != quota["spec"]:
            ledger = self._ledgers[key] = Ledger(quota)
            for resource, obj in self._objects(key[0]):
                if ledger.counts(resource):
                    ledger.put(resource, metadata.key(obj), obj)
        return ledger

    def _changed(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        one = new or old
        if one is None:
            return
        place = metadata.key(one)
        for quota in self._by_namespace.get(place[0]):
            ledger = self._ledgers.get(metadata.key(quota))
            if ledger is not None and ledger.counts(resource):
                ledger.put(resource, place, new)
                self.enqueue(quota)

    def _served(self, added: Sequence[Resource]) -> None:
        """Count the objects of a resource that is new, or served no more: from the beginning."""
        stale = [key for key, ledger in self._ledgers.items() if self._may_count(ledger, added)]
        for key in stale:
            del self._ledgers[key]
            self.queue.add(key)

    @staticmethod
    def _may_count(ledger: Ledger, added: Iterable[Resource]) -> bool:
        gone = not added
        return gone or any(ledger.counts(resource) for resource in added)
