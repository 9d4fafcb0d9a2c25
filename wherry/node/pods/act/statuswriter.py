"""Writes one pod's status: the newest only, when it differs from what the API has, again until it is through.

Others write to it too (`status/shared.py`): what they write of their own is kept, and what they write over the node's
is put right.
"""

from __future__ import annotations

import asyncio
import logging

from wherry.client.interface import Client
from wherry.node.pods.status import shared
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, Conflict, NotFound
from wherry.objects.meaning.pods import is_static
from wherry.objects.resource import PODS

log = logging.getLogger(__name__)

RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)


class StatusWriter:
    """The status of one pod. `offer` and `seen` never wait; `run` writes until cancelled.

    A static pod's is written to its mirror, once one has been seen.
    """

    def __init__(self, client: Client, pod: Object):
        self._client = client
        self._pod = pod
        self._uid = "" if is_static(pod) else str(pod["metadata"]["uid"])  # of what is written to
        self._known: Object = pod.get("status") or {}
        self._version = _version(pod)
        self._wanted: Object = self._known
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def offer(self, status: Object) -> None:
        """Have the node's part of `status` written, in place of any that still waits."""
        if shared.ours(status) != shared.ours(self._wanted):
            self._wanted = status
            self._due()

    def seen(self, pod: Object) -> None:
        """Take note of a version of the pod; what somebody else has written over ours since is written again."""
        if _version(pod) <= self._version:
            return
        before, self._known, self._version = self._known, pod.get("status") or {}, _version(pod)
        if pod["metadata"]["uid"] != self._uid:
            self._uid = pod["metadata"]["uid"]
            self._due()  # another mirror, which knows nothing
        elif shared.ours(before) != shared.ours(self._known):
            self._due()

    def _due(self) -> None:
        self._idle.clear()
        self._wake.set()

    def basis(self, pod: Object) -> Object:
        """Return `pod` with the newest status of ours, and from its own what others have written since."""
        return {**pod, "status": shared.combined(self._wanted, pod.get("status") or {})}

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
        change = shared.patch(wanted, self._known)
        meta, uid = self._pod["metadata"], self._uid
        if change and uid:
            # The uid keeps us from writing to another pod that has taken the name.
            patch = {"metadata": {"uid": uid}, "status": change}
            try:
                written = await self._client.patch(
                    PODS, meta["name"], patch, meta["namespace"], type="strategic", subresource="status"
                )
            except (NotFound, Conflict):
                log.debug("pod is gone, status dropped: pod=%s", metadata.key(self._pod))
            else:
                if uid != self._uid:
                    return  # another mirror has been seen meanwhile
                self._known, self._version = written.get("status") or {}, _version(written)
                if shared.patch(wanted, self._known) not in ({}, change):
                    self._wake.set()  # somebody has written over more of ours since we last looked
        if self._wanted is wanted and not self._wake.is_set():
            self._idle.set()
        else:
            self._wake.set()


def _version(pod: Object) -> int:
    """Return a number that grows with every version of the pod (KEP-5504: resourceVersions can be compared)."""
    return int(pod["metadata"].get("resourceVersion") or 0)
