"""The controller of FlowSchemas and PriorityLevelConfigurations.

What must be there comes again when somebody deletes it, and a schema says whether the level it names is there.
Source: apiserver pkg/util/flowcontrol/apf_controller.go (syncFlowSchemaStatus); kubernetes
pkg/registry/flowcontrol/rest/storage_flowcontrol.go.
"""

from __future__ import annotations

import contextlib
import time

from wherry.apiserver.kinds.flowcontrol import suggested
from wherry.apiserver.kinds.flowcontrol.flowschema import condition, level_of
from wherry.client.interface import Client
from wherry.component.component import Component
from wherry.component.workqueue import WorkQueue
from wherry.objects import Object, timestamps
from wherry.objects.errors import AlreadyExists, Conflict, NotFound
from wherry.objects.resource import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS, Resource

Key = tuple[Resource, str]


def make(client: Client) -> Component:
    """Return the component."""
    component = Component("flowcontrol", client)
    keeper = Keeper(component)
    component.task("FlowSchemas", keeper.run)
    return component


class Keeper:
    """Reconciles objects of both kinds by name."""

    def __init__(self, component: Component):
        self._client = component.client
        self._queue: WorkQueue[Key] = component.queue("flowcontrol")
        self._schemas = component.follow(FLOW_SCHEMAS)
        self._levels = component.follow(PRIORITY_LEVEL_CONFIGURATIONS)
        self._schemas.subscribe(self._schema_changed)
        self._levels.subscribe(self._level_changed)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._schemas.wait_synced()
        await self._levels.wait_synced()
        for name in (obj["metadata"]["name"] for obj in self._schemas.items()):
            self._queue.add((FLOW_SCHEMAS, name))
        await self._queue.run(self._reconcile, 1)

    def _schema_changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add((FLOW_SCHEMAS, (new or old or {})["metadata"]["name"]))

    def _level_changed(self, old: Object | None, new: Object | None) -> None:
        """Look again at a level that is gone, and where one comes or goes at the schemas that name it."""
        name = (new or old or {})["metadata"]["name"]
        if new is None:
            self._queue.add((PRIORITY_LEVEL_CONFIGURATIONS, name))
        if old is None or new is None:
            for schema in self._schemas.items():
                if level_of(schema) == name:
                    self._queue.add((FLOW_SCHEMAS, schema["metadata"]["name"]))

    async def _reconcile(self, key: Key) -> None:
        resource, name = key
        informer = self._schemas if resource == FLOW_SCHEMAS else self._levels
        found = informer.get("", name)
        if found is None:
            if wanted := suggested.MANDATORY.get(key):
                with contextlib.suppress(AlreadyExists):
                    await self._client.create(resource, wanted)
        elif resource == FLOW_SCHEMAS:
            await self._tell(found)

    async def _tell(self, schema: Object) -> None:
        status = schema.get("status") or {}
        before = status.get("conditions") or []
        there = self._levels.get("", level_of(schema)) is not None
        conditions = condition(schema, there, before, timestamps.rfc3339(time.time()))
        if conditions == before:
            return
        with contextlib.suppress(NotFound, Conflict):  # a change is on its way to us
            changed = {**schema, "status": {**status, "conditions": conditions}}
            await self._client.update(FLOW_SCHEMAS, changed, subresource="status")
