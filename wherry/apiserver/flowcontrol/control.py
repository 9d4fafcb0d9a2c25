"""`FlowControl`: the FlowSchemas and PriorityLevelConfigurations there are just now, put in force.

They are read anew when one changes, and counts from the moment its write is answered. What a request was found to be is
kept until then: the same are asked again and again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from wherry.apiserver.flowcontrol import levels, schemas
from wherry.apiserver.flowcontrol.gate import LONGEST_WAIT, Gate, Seat
from wherry.apiserver.flowcontrol.schemas import Asking, Flow, Schema
from wherry.apiserver.kinds.flowcontrol import suggested
from wherry.apiserver.state.state import State
from wherry.objects import Object
from wherry.objects.resource import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS, Resource

LONGEST_MEMORY = 4096


class FlowControl:
    """Places requests, and lets them in by `gate`."""

    def __init__(self, state: State, wait: float = LONGEST_WAIT):
        self.gate = Gate(wait)
        self._state = state
        self._version: tuple[int, ...] = ()
        self._schemas: Sequence[Schema] = ()
        self._uids: dict[str, str] = {}
        self._flows: dict[Hashable, Flow] = {}

    def flow(self, asking: Asking) -> Flow:
        """Return the flow of a request."""
        self._refresh()
        user, asked = asking.user, asking.attributes
        what = asked.verb, asked.group, asked.plural, asked.subresource, asked.namespace, asked.path
        key = user.name, user.groups, asking.address, what
        found = self._flows.get(key)
        if found is None:
            if len(self._flows) >= LONGEST_MEMORY:
                self._flows.clear()
            found = self._flows[key] = self._placed(asking)
        return found

    async def enter(self, flow: Flow, width: int = 1) -> Seat | None:
        """See `Gate.enter`."""
        return await self.gate.enter(flow, width)

    def level_uid(self, flow: Flow) -> str:
        """Return the uid of a flow's PriorityLevelConfiguration."""
        name = suggested.EXEMPT if flow.level == schemas.ADMINISTRATORS else flow.level
        return self._uids.get(name, "")

    def _placed(self, asking: Asking) -> Flow:
        for schema in self._schemas:
            if (flow := schema.flow(asking)) is not None:
                return flow
        return Flow(suggested.CATCH_ALL, suggested.CATCH_ALL, asking.user.name)

    def _refresh(self) -> None:
        kinds = FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS
        found = [self._state.find(resource) for resource in kinds]
        version = tuple(c.revision if c is not None else -1 for c in found)
        if version == self._version:
            return
        self._version = version
        of_schemas, of_levels = (
            _with_mandatory(resource, c.items() if c is not None else ())
            for resource, c in zip(kinds, found, strict=True)
        )
        self._uids = {level["metadata"]["name"]: level["metadata"].get("uid", "") for level in of_levels}
        self._schemas = schemas.read(of_schemas, self._uids)
        self._flows = {}
        self.gate.configure(levels.read(of_levels))


def _with_mandatory(resource: Resource, objects: Iterable[Object]) -> list[Object]:
    """Return `objects`, and of what must be there what is not (yet, or just now)."""
    found = {obj["metadata"]["name"]: obj for obj in objects}
    missing = [obj for (of, name), obj in suggested.MANDATORY.items() if of == resource and name not in found]
    return [*found.values(), *missing]
