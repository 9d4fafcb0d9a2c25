"""The claims that pods bring along: each ephemeral volume has one, which goes with its pod (KEP-1698)."""

from __future__ import annotations

import contextlib

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, metadata
from wherry.objects.errors import AlreadyExists
from wherry.objects.metadata import Key, copy
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, PODS


def wanted(pod: Object) -> list[Object]:
    """Return the claims of a pod's ephemeral volumes. Pure."""
    made = []
    for volume in pod["spec"].get("volumes") or ():
        template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        if template is None:
            continue
        given = template.get("metadata") or {}
        meta = {key: copy(given[key]) for key in ("labels", "annotations") if given.get(key)}
        meta |= {
            "name": f"{pod['metadata']['name']}-{volume['name']}",
            "namespace": pod["metadata"]["namespace"],
            "ownerReferences": [metadata.owner_reference({**pod, "apiVersion": "v1", "kind": "Pod"})],
        }
        made.append(
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": copy(template["spec"])}
        )
    return made


class EphemeralVolumes(Controller):
    """Creates the claims of pods' ephemeral volumes; a pod's deletion collects them."""

    name = "ephemeral-volume"

    def __init__(self, context: Context):
        super().__init__(context)
        self._pods = context.informer(PODS)
        self._claims = context.informer(PERSISTENT_VOLUME_CLAIMS)
        self._recorder = context.recorder("ephemeral_volume")
        self.watch(PODS)

    def enqueue(self, obj: Object | None) -> None:
        """Queue a pod that brings claims along."""
        if obj is not None and any("ephemeral" in v for v in obj["spec"].get("volumes") or ()):
            super().enqueue(obj)

    async def reconcile(self, key: Key) -> None:
        """Create the claims that are missing; one of that name that is not the pod's is complained of."""
        pod = self._pods.get(*key)
        if pod is None or metadata.is_being_deleted(pod):
            return
        for claim in wanted(pod):
            there = self._claims.get(*metadata.key(claim))
            if there is None:
                with contextlib.suppress(AlreadyExists):
                    await self.client.create(PERSISTENT_VOLUME_CLAIMS, claim, key[0])
            elif (metadata.controller_of(there) or {}).get("uid") != pod["metadata"]["uid"]:
                text = f"PVC {'/'.join(metadata.key(claim))} was not created for pod {'/'.join(key)} (pod is not owner)"
                self._recorder.event(PODS, pod, "Warning", "FailedBinding", text)
