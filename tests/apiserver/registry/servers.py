"""API servers without their HTTP: what writes, on a store that several of them may share."""

from __future__ import annotations

from ipaddress import IPv4Network

from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.access.nodes import NodeRights
from wherry.apiserver.access.rbac import Rbac
from wherry.apiserver.admission import Admission
from wherry.apiserver.admission.policies.stage import AdmissionPolicies
from wherry.apiserver.admission.webhooks.stage import AdmissionWebhooks
from wherry.apiserver.calls.services import Services
from wherry.apiserver.calls.webhook import Webhooks
from wherry.apiserver.catalog import Catalog
from wherry.apiserver.kind import Context, Kind
from wherry.apiserver.kinds import KINDS
from wherry.apiserver.registry.context import RegistrySettings
from wherry.apiserver.registry.options import DeleteOptions, WriteOptions
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.state.change import Key
from wherry.apiserver.state.state import State
from wherry.apiserver.storage.interface import Storage
from wherry.objects import Object
from wherry.objects.resource import Resource

SETTINGS = RegistrySettings((IPv4Network("10.96.0.0/12"),), range(30000, 32768))


class Waiting(Admission):
    """Admission that asks somebody far away: `wait` is awaited before every decision."""

    async def admit(self, kind: Kind, new: Object, old: Object | None, context: Context) -> None:
        await self.wait(kind, new)
        await super().admit(kind, new, old, context)

    async def wait(self, kind: Kind, new: Object) -> None:
        """Nothing to wait for, unless a test has put something here."""


class Server:
    """A registry over a state of its own, with namespace `demo`; `storage` is the caller's to open and close."""

    def __init__(self, storage: Storage, settings: RegistrySettings = SETTINGS):
        self.catalog = Catalog(KINDS)
        self.state = State(storage, KINDS)
        authorizer = Authorizer(Rbac(self.state), NodeRights(self.state))
        webhooks = AdmissionWebhooks(self.state, self.catalog, Webhooks(Services(self.state)))
        self.admission = Waiting(self.state, authorizer, webhooks, AdmissionPolicies(self.state, self.catalog))
        self.registry = Registry(self.state, self.catalog, self.admission, settings)

    async def start(self) -> Server:
        await self.state.start()
        return self

    async def stop(self) -> None:
        await self.state.stop()

    async def create(self, resource: Resource, obj: Object, namespace: str | None = "demo") -> Object:
        return await self.registry.create(self.catalog.of(resource), obj, namespace, WriteOptions())

    async def patch(self, resource: Resource, key: Key, change: Object) -> Object:
        """Merge `change` into an object's data."""

        def changed(shown: Object) -> Object:
            return {**shown, "data": {**(shown.get("data") or {}), **change}}

        return await self.registry.modify(self.catalog.of(resource), key, changed, WriteOptions())

    async def update(self, resource: Resource, obj: Object) -> Object:
        """Replace an object."""
        key = obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
        return (await self.registry.put(self.catalog.of(resource), key, obj, WriteOptions(), lambda: None)).object

    async def delete(self, resource: Resource, key: Key) -> Object:
        return (await self.registry.delete(self.catalog.of(resource), key, DeleteOptions())).object
