"""How the parts of the control plane are, for ComponentStatuses: the store by itself, others by their `/healthz`.

Source: kubernetes pkg/registry/core/componentstatus/rest.go, validator.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import aiohttp

from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.core.componentstatus import COMPONENT_STATUS
from wherry.apiserver.state.selection import Selection
from wherry.apiserver.storage.interface import Storage
from wherry.objects import Object

PATIENCE_SECONDS = 2.0
LONGEST_MESSAGE = 1024
UNREACHED = "Get "
STORE = "etcd-0"
"""What clients look for; it says how the store is, whichever that is."""


class ComponentStatuses:
    """Asks. `places` are the URLs of the components' `/healthz` by their names; of several one has to be well."""

    kinds: Sequence[Kind] = (COMPONENT_STATUS,)

    def __init__(self, storage: Storage, places: Mapping[str, Sequence[str]]):
        self._storage = storage
        self._places = places

    async def objects(self, kind: Kind, selection: Selection) -> list[Object]:
        """Return the selected ones, as they are now."""
        names = [name for name in sorted((*self._places, STORE)) if selection.matches(_status(name, "", ""))]
        return [_status(name, *told) for name, told in zip(names, await self._ask(names), strict=True)]

    async def _ask(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """Return what each says and what is wrong with it, "" where nothing is."""
        patience = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with aiohttp.ClientSession(timeout=patience) as session:
            return list(await asyncio.gather(*(self._one(name, session) for name in names)))

    async def _one(self, name: str, session: aiohttp.ClientSession) -> tuple[str, str]:
        if name == STORE:
            problem = self._storage.problem
            return ("", problem) if problem else ("ok", "")
        told = [await _told(url, session) for url in self._places[name]]
        return min(told, key=lambda one: (bool(one[1]), one[1].startswith(UNREACHED)))


async def _told(url: str, session: aiohttp.ClientSession) -> tuple[str, str]:
    try:
        async with session.get(url) as answer:
            text = (await answer.content.read(LONGEST_MESSAGE)).decode("utf-8", "replace").strip()
            return (text, "") if answer.status == 200 else ("", text or f"status {answer.status}")
    except (aiohttp.ClientError, TimeoutError) as error:
        return "", f'{UNREACHED}"{url}": {str(error) or "no answer in time"}'


def _status(name: str, message: str, error: str) -> Object:
    condition = {"type": "Healthy", "status": "False" if error else "True", "message": message, "error": error}
    return {
        "kind": COMPONENT_STATUS.kind,
        "apiVersion": "v1",
        "metadata": {"name": name},
        "conditions": [{key: value for key, value in condition.items() if value}],
    }
