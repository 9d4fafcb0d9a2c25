"""Deletes Jobs a while after they have ended, where `ttlSecondsAfterFinished` says so (KEP-592)."""

from __future__ import annotations

import contextlib

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.meaning.jobs import end_of
from wherry.objects.metadata import Key
from wherry.objects.resource import JOBS
from wherry.objects.timestamps import parse


def expires_at(job: Object) -> float | None:
    """Return when a Job is to go, in seconds since the epoch; None while it runs, or where it may stay."""
    ttl, ended = job["spec"].get("ttlSecondsAfterFinished"), end_of(job)
    if ttl is None or ended is None or metadata.is_being_deleted(job):
        return None
    return parse(ended["lastTransitionTime"]) + float(ttl)


class FinishedJobController(Controller):
    """Deletes each Job when its time is up, and its pods before it."""

    name = "ttl-after-finished"

    def __init__(self, context: Context):
        super().__init__(context)
        self._jobs = context.informer(JOBS)
        self.watch(JOBS)

    async def reconcile(self, key: Key) -> None:
        """Delete the Job if its time is up; look again when it will be."""
        job = self._jobs.get(*key)
        at = expires_at(job) if job is not None else None
        if job is None or at is None:
            return
        if (left := at - self.context.clock()) > 0:
            self.queue.add_after(key, left)
            return
        meta = job["metadata"]
        with contextlib.suppress(NotFound):
            await self.client.delete(
                JOBS, meta["name"], meta["namespace"], uid=meta["uid"], propagation_policy="Foreground"
            )
