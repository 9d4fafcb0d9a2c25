"""Writes the PersistentVolumeClaims of a StatefulSet's pods."""

from __future__ import annotations

import contextlib

from wherry.client.interface import Client
from wherry.component.events import EventRecorder
from wherry.controllers.statefulset.decide import Step
from wherry.objects import Object
from wherry.objects.errors import AlreadyExists, ApiError, NotFound
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, STATEFUL_SETS


class Volumes:
    """Claims come before the pods that need them; what was told of one is in the events of the StatefulSet."""

    def __init__(self, client: Client, recorder: EventRecorder):
        self._client = client
        self._recorder = recorder

    async def apply(self, stateful_set: Object, step: Step) -> None:
        """Create and change the claims of a step."""
        for claim in step.create_claims:
            await self._create(stateful_set, claim)
        for claim in step.update_claims:
            with contextlib.suppress(NotFound):
                await self._client.update(PERSISTENT_VOLUME_CLAIMS, claim)

    async def _create(self, stateful_set: Object, claim: Object) -> None:
        meta = claim["metadata"]
        try:
            await self._client.create(PERSISTENT_VOLUME_CLAIMS, claim, meta["namespace"])
        except AlreadyExists:
            return  # its event is on the way
        except ApiError as error:
            text = (
                f"create Claim {meta['name']} in StatefulSet {stateful_set['metadata']['name']} failed error: {error}"
            )
            self._recorder.event(STATEFUL_SETS, stateful_set, "Warning", "FailedCreate", text)
            raise
        text = f"create Claim {meta['name']} in StatefulSet {stateful_set['metadata']['name']} success"
        self._recorder.event(STATEFUL_SETS, stateful_set, "Normal", "SuccessfulCreate", text)
