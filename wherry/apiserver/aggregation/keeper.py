"""The controller of APIServices: those of this server are there, and every one says whether it is available.

Source: kube-aggregator pkg/controllers/status (local and remote), pkg/controllers/autoregister.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from functools import partial

from wherry.apiserver.aggregation import local, verdict
from wherry.apiserver.aggregation.asking import Asking, NoAnswer
from wherry.apiserver.aggregation.local import GroupVersion
from wherry.apiserver.aggregation.verdict import Verdict
from wherry.apiserver.api.api import Api
from wherry.apiserver.calls.remotes import Remotes
from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.apiregistration.apiservice import AVAILABLE
from wherry.client.interface import Client
from wherry.component.component import Component
from wherry.component.informer import Informer
from wherry.component.workqueue import WorkQueue
from wherry.objects import Object, metadata
from wherry.objects.errors import AlreadyExists, Conflict, Invalid, NotFound, ServiceUnavailable
from wherry.objects.family import bracketed
from wherry.objects.meaning.wellknown import SERVICE_NAME
from wherry.objects.names import service_name
from wherry.objects.resource import API_SERVICES, ENDPOINT_SLICES, SERVICES
from wherry.objects.timestamps import rfc3339

log = logging.getLogger(__name__)

AGAIN_SECONDS, RETRY_SECONDS = 30.0, 2.0
"""After which a server is asked anew that answered well, or did not. What its objects tell is acted upon at once."""
WORKERS = 8
_ALL = ""
"""The key of the set of our own."""


def versions(api: Api, kinds: Iterable[Kind]) -> list[GroupVersion]:
    """Return what is served just now; `kinds` are those that every cluster has."""
    unstored = {(r.group, r.version) for r in (*api.posted, *api.computed.served)}
    built_in = {(r.group, r.version) for kind in kinds for r in kind.resources} | unstored
    served = {(s.resource.group, s.resource.version) for s in api.catalog} | unstored
    return [GroupVersion(*one, one in built_in) for one in sorted(served)]


async def settle(client: Client, served: Iterable[GroupVersion], current: Iterable[Object]) -> None:
    """Make and remove APIServices, of which `current` are there, so that there is one for everything that is served."""
    create, delete = local.difference(local.wanted(served), current)
    await asyncio.gather(*(_create(client, obj) for obj in create), *(_delete(client, obj) for obj in delete))


async def _create(client: Client, api_service: Object) -> None:
    try:
        await client.create(API_SERVICES, api_service)
    except AlreadyExists:
        pass
    except Invalid as error:  # of a definition that somebody wrote past every check
        log.warning("what is served has no APIService: %s", error)


async def _delete(client: Client, api_service: Object) -> None:
    meta = api_service["metadata"]
    with contextlib.suppress(NotFound, Conflict):
        await client.delete(API_SERVICES, meta["name"], uid=meta["uid"])


def make(client: Client, remotes: Remotes, api: Api, kinds: Iterable[Kind]) -> Component:
    """Return the component; `kinds` are those that every cluster has."""
    component = Component("aggregator", client)
    keeper = Keeper(component, remotes, api, kinds)
    component.task("APIServices", keeper.run)
    component.task("served groups", keeper.follow_catalog)
    return component


class Keeper:
    """Reconciles APIServices by name, and the set of our own."""

    def __init__(self, component: Component, remotes: Remotes, api: Api, kinds: Iterable[Kind]):
        self._component = component
        self._client = component.client
        self._remotes = remotes
        self._api = api
        self._versions = partial(versions, api, kinds)
        self._asking = Asking()
        self._queue: WorkQueue[str] = component.queue("apiservices")
        self._services = component.follow(API_SERVICES)
        self._services.subscribe(self._changed)
        self._followed: dict[str, tuple[Informer, Informer]] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        await self._services.wait_synced()
        for obj in self._services.items():
            self._queue.add(obj["metadata"]["name"])
        try:
            await self._queue.run(self._reconcile, WORKERS)
        finally:
            await self._asking.close()

    async def follow_catalog(self) -> None:
        """Look at our own again whenever the set of kinds changes."""
        catalog = self._api.catalog
        while True:
            generation = catalog.generation
            self._queue.add(_ALL)
            await catalog.changed(generation)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add((new or old or {})["metadata"]["name"])
        if new is None:
            self._queue.add(_ALL)

    async def _reconcile(self, name: str) -> None:
        if name == _ALL:
            await settle(self._client, self._versions(), self._services.items())
            return
        found = self._services.get("", name)
        if found is None or not found["spec"].get("service"):
            self._forget(name)
        if found is not None:
            await self._write(found, await self._verdict(found) if found["spec"].get("service") else verdict.LOCAL)

    async def _verdict(self, api_service: Object) -> Verdict:
        """Return how a server behind a Service is, and have it looked at again."""
        name = api_service["metadata"]["name"]
        if service_name(api_service["spec"]["service"]["name"]):  # nothing could be followed by it
            return verdict.by_objects(api_service, None, ()) or verdict.LOCAL
        services, slices = await self._follow(api_service)
        service = next(iter(services.items()), None)
        found = verdict.by_objects(api_service, service, slices.items()) or await self._asked(api_service)
        self._queue.add_after(name, AGAIN_SECONDS if found.available else RETRY_SECONDS)
        return found

    async def _asked(self, api_service: Object) -> Verdict:
        spec, name = api_service["spec"], api_service["metadata"]["name"]
        path = f"/apis/{spec['group']}/{spec['version']}"
        try:
            place = self._remotes.place(api_service)
        except ServiceUnavailable as error:
            return verdict.failed(path, error.message)
        try:
            resources = await self._asking.resources(place, path)
        except NoAnswer as error:
            return verdict.failed(f"https://{bracketed(place.host)}:{place.port}{path}", str(error))
        self._remotes.learn(name, await self._asking.known(place, path, resources, self._remotes.known(name)))
        return verdict.PASSED

    async def _follow(self, api_service: Object) -> tuple[Informer, Informer]:
        """Return informers of its Service and of that one's EndpointSlices, which have read what there is."""
        name, service = api_service["metadata"]["name"], api_service["spec"]["service"]
        namespace = service["namespace"]
        wanted = (
            self._component.follow(SERVICES, namespace, fields=f"metadata.name={service['name']}"),
            self._component.follow(ENDPOINT_SLICES, namespace, labels=f"{SERVICE_NAME}={service['name']}"),
        )
        if self._followed.get(name) != wanted:
            self._forget(name)
            self._followed[name] = wanted
            for informer in wanted:
                informer.subscribe(lambda old, new: self._queue.add(name))
        await self._component.synced(wanted)
        return wanted

    def _forget(self, name: str) -> None:
        """Let go of what was followed for an APIService, unless another needs it."""
        self._remotes.learn(name, None)
        for informer in self._followed.pop(name, ()):
            if not any(informer in others for others in self._followed.values()):
                self._component.unfollow(informer)

    async def _write(self, api_service: Object, said: Verdict) -> None:
        status = api_service.get("status") or {}
        text = "True" if said.available else "False"
        now = rfc3339(self._component.clock())
        conditions = metadata.set_condition(status.get("conditions"), AVAILABLE, text, said.reason, said.message, now)
        if conditions == status.get("conditions"):
            return
        with contextlib.suppress(NotFound, Conflict):  # whoever changed it has had it queued again
            await self._client.update(
                API_SERVICES, api_service | {"status": {**status, "conditions": conditions}}, subresource="status"
            )
