"""The loop of the CronJob controller."""

from __future__ import annotations

import contextlib

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.controllers.cronjob.decide import Step, decide, reference
from wherry.controllers.ownership import managing_keys
from wherry.controllers.podcontrol import is_namespace_terminating
from wherry.objects import Object
from wherry.objects.errors import AlreadyExists, ApiError, NotFound
from wherry.objects.metadata import Key, controller_of
from wherry.objects.resource import CRON_JOBS, JOBS
from wherry.objects.timestamps import rfc3339


class CronJobController(Controller):
    """Makes a Job of each CronJob when it is due."""

    name = "cronjob"

    def __init__(self, context: Context):
        super().__init__(context)
        self._cron_jobs = context.informer(CRON_JOBS)
        self._jobs_by_owner = context.by_owner(JOBS)
        self._recorder = context.recorder("cronjob-controller")
        self.watch(CRON_JOBS)
        context.informer(JOBS).subscribe(self._job_changed)

    async def reconcile(self, key: Key) -> None:
        """Delete what is too old, start what is due, write the status."""
        cron_job = self._cron_jobs.get(*key)
        if cron_job is None:
            return
        step = decide(cron_job, self._jobs_by_owner.get(cron_job["metadata"]["uid"]), self.context.clock())
        for notice in step.notices:
            self._recorder.event(CRON_JOBS, cron_job, notice.type, notice.reason, notice.text)
        for job in step.delete:
            await self._delete(cron_job, job)
        await self.write_status(CRON_JOBS, cron_job, await self._started(cron_job, step))
        if step.look_again is not None:
            self.queue.add_after(key, step.look_again)

    async def _started(self, cron_job: Object, step: Step) -> Object:
        """Create the Job that is due; return the status with it."""
        if step.create is None:
            return step.status
        made = await self._create(cron_job, step.create)
        if made is None:
            return step.status
        gone = {job["metadata"]["uid"] for job in step.delete}
        active = [a for a in step.status.get("active") or () if a.get("uid") not in gone]
        return step.status | {"active": [*active, reference(made)], "lastScheduleTime": rfc3339(step.scheduled)}

    async def _create(self, cron_job: Object, job: Object) -> Object | None:
        meta = job["metadata"]
        try:
            made = await self.client.create(JOBS, job, meta["namespace"])
        except AlreadyExists:
            there = await self.client.get(JOBS, meta["name"], meta["namespace"])
            ours = (controller_of(there) or {}).get("uid") == cron_job["metadata"]["uid"]
            return there if ours else None
        except ApiError as error:
            if is_namespace_terminating(error):
                return None
            self._recorder.event(CRON_JOBS, cron_job, "Warning", "FailedCreate", f"Error creating job: {error}")
            raise
        self._recorder.event(CRON_JOBS, cron_job, "Normal", "SuccessfulCreate", f"Created job {meta['name']}")
        return made

    async def _delete(self, cron_job: Object, job: Object) -> None:
        meta = job["metadata"]
        with contextlib.suppress(NotFound):
            await self.client.delete(
                JOBS, meta["name"], meta["namespace"], uid=meta["uid"], propagation_policy="Background"
            )
            self._recorder.event(CRON_JOBS, cron_job, "Normal", "SuccessfulDelete", f"Deleted job {meta['name']}")

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        for key in managing_keys(CRON_JOBS, old, new):
            self.queue.add(key)
