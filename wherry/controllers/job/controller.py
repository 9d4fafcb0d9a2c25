"""The loop of the Job controller."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

from wherry.controllers.context import Context
from wherry.controllers.job.decide import Step, decide
from wherry.controllers.job.podofjob import is_tracked, untracked
from wherry.controllers.podowner import PodOwner
from wherry.objects import Object
from wherry.objects.errors import ApiError, NotFound
from wherry.objects.meaning.jobs import end_of
from wherry.objects.metadata import Key, controller_of
from wherry.objects.resource import JOBS, PODS

OURS = "kubernetes.io/job-controller"
"""The value of `spec.managedBy` that is ours; another's Jobs are left alone (KEP-4368)."""
NOBODY = ""
"""In place of a Job's name: tracked pods that have no Job."""


class JobController(PodOwner):
    """Runs each Job's pods until enough have succeeded, or too many have failed."""

    name = "job"
    resource = JOBS

    def __init__(self, context: Context):
        super().__init__(context)
        self._tracked = context.index(PODS, "tracked by a job", _tracked_keys)

    async def reconcile(self, key: Key) -> None:
        """Take the next step of a Job, and let go the pods of those that are not there any more."""
        job = self.owners.get(*key)
        await self._release(self._strays(key, job))
        if job is None:
            self.forget(key)
            return
        if job["spec"].get("managedBy") not in (None, OURS):
            return
        pods = await self.own_pods(job)
        if pods is None:
            return
        if end_of(job):
            await self._release(p for p in pods if is_tracked(p))
            return
        patience = self.expectations.patience(key)
        step = decide(job, pods, self.context.clock(), settled=not patience)
        failure = await self._apply(key, job, step)
        await self._write_status(job, step)
        await self._release(step.free)
        if failure is not None:
            raise failure
        if (wait := patience or step.look_again) is not None:
            self.queue.add_after(key, wait)

    def _strays(self, key: Key, job: Object | None) -> list[Object]:
        """Return tracked pods of a Job of that name that is gone."""
        tracked = self._tracked.get(key)
        if job is None:
            return tracked
        return [p for p in tracked if (controller_of(p) or {}).get("uid") != job["metadata"]["uid"]]

    async def _apply(self, key: Key, job: Object, step: Step) -> ApiError | None:
        """Create and delete pods; return what went wrong."""
        delete = [*step.dismiss, *step.delete]
        if not step.create and not delete:
            return None
        try:
            await self._release(step.dismiss)
            await self.control.apply(key, job, create=step.create, delete=delete)
        except ApiError as error:
            return error
        return None

    async def _write_status(self, job: Object, step: Step) -> None:
        if await self.write_status(JOBS, job, step.status):
            for notice in step.notices:
                self.recorder.event(JOBS, job, notice.type, notice.reason, notice.text)

    async def _release(self, pods: Iterable[Object]) -> None:
        for pod in pods:
            if is_tracked(pod):
                meta = pod["metadata"]
                with contextlib.suppress(NotFound):
                    await self.client.patch(PODS, meta["name"], untracked(pod), meta["namespace"])

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        super()._pod_changed(old, new)
        for pod in (old, new):
            for key in _tracked_keys(pod) if pod is not None else ():
                self.queue.add(key)


def _tracked_keys(pod: Object) -> Sequence[Key]:
    """Return the key of the Job that tracks a pod."""
    if not is_tracked(pod):
        return []
    owner = controller_of(pod) or {}
    named = owner["name"] if owner.get("kind") == JOBS.kind else NOBODY
    return [(pod["metadata"]["namespace"], named)]
