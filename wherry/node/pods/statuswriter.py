"""Writes one pod's status: the newest only, when it differs from what the API has, again until it is through."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from wherry.client.interface import Client
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, Conflict, NotFound
from wherry.objects.resource import PODS

log = logging.getLogger(__name__)

RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)


class StatusWriter:
    """The status of one pod. `offer` never waits; `run` writes until cancelled."""

    def __init__(self, client: Client, pod: Object):
        self._client = client
        self._pod = pod
        self._written: Object = pod.get("status") or {}
        self._wanted: Object = self._written
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def offer(self, status: Object) -> None:
        """Have `status` written, in place of any that still waits."""
        if status != self._wanted:
            self._wanted = status
            self._idle.clear()
            self._wake.set()

    @property
    def wanted(self) -> Object:
        """The newest status, written or not."""
        return self._wanted

    def basis(self, pod: Object) -> Object:
        """Return `pod` with the newest status of ours, and from its own what others have written since."""
        known = pod.get("status") or {}
        ours = self._wanted.get("conditions") or []
        types = {c["type"] for c in ours}
        foreign = [c for c in known.get("conditions") or [] if c["type"] not in types]
        return {**pod, "status": {**known, **self._wanted, "conditions": [*ours, *foreign]}}

    async def flush(self) -> None:
        """Return once the newest status is written, or can never be."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        failures = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._write()
                failures = 0
            except ApiError as error:
                pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
                log.info("pod status not written: pod=%s error=%s again_in=%.1f", metadata.key(self._pod), error, pause)
                await asyncio.sleep(pause)
                self._wake.set()

    async def _write(self) -> None:
        wanted = self._wanted
        change: dict[str, Any] = {k: v for k, v in wanted.items() if self._written.get(k) != v}
        change |= {k: None for k in self._written if k not in wanted}
        meta = self._pod["metadata"]
        if change:
            # The uid keeps us from writing to another pod that has taken the name.
            patch = {"metadata": {"uid": meta["uid"]}, "status": change}
            try:
                await self._client.patch(PODS, meta["name"], patch, meta["namespace"], subresource="status")
            except (NotFound, Conflict):
                log.debug("pod is gone, status dropped: pod=%s", metadata.key(self._pod))
        self._written = wanted
        if self._wanted is wanted:
            self._idle.set()
        else:
            self._wake.set()
