"""Creating and deleting pods for an owner, with the events that tell of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from wherry.client.interface import Client
from wherry.component.events import EventRecorder
from wherry.controllers.expectations import Expectations
from wherry.controllers.pace import AGAIN_SECONDS, Pace
from wherry.objects import Object
from wherry.objects.errors import ApiError, NotFound
from wherry.objects.meaning import workloads
from wherry.objects.metadata import Key, labels
from wherry.objects.resource import PODS, Resource

SLOW_START = 1
"""Pods created in the first batch; each batch that works doubles the next."""

NAMESPACE_TERMINATING = "NamespaceTerminating"


def is_namespace_terminating(error: ApiError) -> bool:
    """Return whether a creation failed only because its namespace is going away: nothing to retry or tell."""
    causes = (error.details or {}).get("causes") or ()
    return any(c.get("reason") == NAMESPACE_TERMINATING for c in causes)


class PodControl:
    """Pods of owners of one resource. What it asks for is expected in `expectations` under the owner's key.

    `look_again` queues a key after so many seconds: who asks for very many pods gets them little by little.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        recorder: EventRecorder,
        expectations: Expectations,
        look_again: Callable[[Key, float], object],
    ):
        self._client = client
        self._resource = resource
        self._recorder = recorder
        self._expectations = expectations
        self._look_again = look_again
        self._pace = Pace()

    async def apply(
        self, key: Key, owner: Object, *, create: Sequence[Object] = (), delete: Sequence[Object] = ()
    ) -> None:
        """Delete, then create. Whatever fails, only what was really asked for is expected afterwards."""
        create = self._affordable(key, self._own(owner, create))
        self._expectations.expect(key, len(create), [pod["metadata"]["uid"] for pod in delete])
        try:
            await self._delete_all(key, owner, delete)
        except BaseException:
            self._expectations.created(key, len(create))
            raise
        await self._create_all(key, owner, create)

    def forget(self, key: Key) -> None:
        """Forget an owner that is gone."""
        self._pace.forget(key)

    def _own(self, owner: Object, pods: Sequence[Object]) -> Sequence[Object]:
        selector = workloads.selector(owner)
        own = [pod for pod in pods if selector.matches(labels(pod))]
        if len(own) < len(pods):
            text = f"Error creating: {workloads.NOT_ITS_OWN}"
            self._recorder.event(self._resource, owner, "Warning", "FailedCreate", text)
        return own

    def _affordable(self, key: Key, pods: Sequence[Object]) -> Sequence[Object]:
        count = self._pace.take(key, len(pods), asyncio.get_running_loop().time())
        if count < len(pods):
            self._look_again(key, AGAIN_SECONDS)
        return pods[:count]

    async def _create_all(self, key: Key, owner: Object, pods: Sequence[Object]) -> None:
        """Create `pods` in batches of 1, 2, 4 …; the first batch with a failure is the last one, and raises it.

        A mistake all pods share (a quota, a broken template) costs one refused request this way, not hundreds.
        """

        done = 0

        async def create(pod: Object) -> None:
            nonlocal done
            await self._create(owner, pod)
            done += 1

        try:
            await in_batches(create, pods)
        except ApiError as error:
            if not is_namespace_terminating(error):
                raise
        finally:
            self._expectations.created(key, len(pods) - done)

    async def _delete_all(self, key: Key, owner: Object, pods: Sequence[Object]) -> None:
        """Delete `pods`, all at once; the first failure is raised when all have been tried."""
        results = await asyncio.gather(*(self._delete(key, owner, p) for p in pods), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _create(self, owner: Object, pod: Object) -> None:
        try:
            made = await self._client.create(PODS, pod, pod["metadata"]["namespace"])
        except ApiError as error:
            if not is_namespace_terminating(error):
                self._recorder.event(self._resource, owner, "Warning", "FailedCreate", f"Error creating: {error}")
            raise
        name = made["metadata"]["name"]
        self._recorder.event(self._resource, owner, "Normal", "SuccessfulCreate", f"Created pod: {name}")

    async def _delete(self, key: Key, owner: Object, pod: Object) -> None:
        metadata = pod["metadata"]
        try:
            await self._client.delete(PODS, metadata["name"], metadata["namespace"], uid=metadata["uid"])
        except NotFound:
            self._expectations.deleted(key, metadata["uid"])
            return
        except ApiError as error:
            self._recorder.event(self._resource, owner, "Warning", "FailedDelete", f"Error deleting: {error}")
            self._expectations.deleted(key, metadata["uid"])
            raise
        except BaseException:
            self._expectations.deleted(key, metadata["uid"])
            raise
        self._recorder.event(self._resource, owner, "Normal", "SuccessfulDelete", f"Deleted pod: {metadata['name']}")


async def in_batches(work: Callable[[Object], Awaitable[None]], items: Sequence[Object]) -> None:
    """Call `work` on batches of growing size, the items of a batch at once; stop after a batch that had a failure."""
    done, size = 0, SLOW_START
    while done < len(items):
        batch = items[done : done + size]
        results = await asyncio.gather(*map(work, batch), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        done += len(batch)
        size *= 2
