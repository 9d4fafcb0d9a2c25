"""The claims of pods, their volumes and classes, as the scheduler sees them; and what is chosen for a pod on a node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from wherry.objects import Object, metadata
from wherry.objects.meaning.volumes import (
    NO_PROVISIONER,
    SELECTED_NODE,
    claims_of_pod,
    class_of,
    is_fully_bound,
    waits_for_consumer,
)
from wherry.objects.metadata import Key
from wherry.objects.volumebinding import allows, best, usable_from


class Choice(NamedTuple):
    """What a claim gets when its pod goes to a node: a volume there is, or (None) one to be made."""

    claim: Object
    volume: Object | None


class Claims:
    """Claims by key, volumes and classes by name, volumes by class."""

    def __init__(self) -> None:
        self.claims: dict[Key, Object] = {}
        self.volumes: dict[str, Object] = {}
        self.classes: dict[str, Object] = {}
        self._by_class: dict[str, dict[str, Object]] = {}

    def set_volume(self, old: Object | None, new: Object | None) -> None:
        """Take a volume's new version; None: it is gone."""
        if old is not None:
            name = old["metadata"]["name"]
            self.volumes.pop(name, None)
            self._by_class.get(class_of(old), {}).pop(name, None)
        if new is not None:
            name = new["metadata"]["name"]
            self.volumes[name] = self._by_class.setdefault(class_of(new), {})[name] = new

    def of_pod(self, pod: Object) -> Iterator[tuple[str, Object | None]]:
        """Yield the name of each claim a pod uses, and the claim, None where there is none."""
        for _, name, ephemeral in claims_of_pod(pod):
            claim = self.claims.get((pod["metadata"]["namespace"], name))
            if ephemeral and claim is not None:
                owner = metadata.controller_of(claim) or {}
                claim = claim if owner.get("uid") == pod["metadata"]["uid"] else None
            yield name, claim

    def obstacle(self, pod: Object) -> str:
        """Return why the pod can go nowhere, whatever the node; "" where it can."""
        for name, claim in self.of_pod(pod):
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            volume = claim["spec"].get("volumeName")
            if (claim.get("status") or {}).get("phase") == "Lost":
                return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
            if metadata.is_being_deleted(claim):
                return f'persistentvolumeclaim "{name}" is being deleted'
            if not is_fully_bound(claim) and not waits_for_consumer(self.classes.get(class_of(claim))):
                return "pod has unbound immediate PersistentVolumeClaims"
        return ""

    def bound(self, pod: Object) -> list[Object | None]:
        """Return the volumes of the pod's bound claims; None for one that is not there."""
        found = (claim for _, claim in self.of_pod(pod) if claim is not None and is_fully_bound(claim))
        return [self.volumes.get(claim["spec"]["volumeName"]) for claim in found]

    def unbound(self, pod: Object) -> list[Object]:
        """Return the pod's claims that have no volume yet."""
        return [claim for _, claim in self.of_pod(pod) if claim is not None and not is_fully_bound(claim)]

    def choices(self, unbound: list[Object], node: Object) -> list[Choice] | None:
        """Return what each claim gets on `node`; None where one of them would get nothing."""
        found, taken = [], set[str]()
        for claim in unbound:
            candidates = self._by_class.get(class_of(claim), {})
            left = (volume for name, volume in candidates.items() if name not in taken)
            volume = best(claim, left, node=node)
            if volume is not None:
                taken.add(volume["metadata"]["name"])
            elif not self._can_be_made(claim, node):
                return None
            found.append(Choice(claim, volume))
        return found

    def _can_be_made(self, claim: Object, node: Object) -> bool:
        storage_class = self.classes.get(class_of(claim))
        if (
            storage_class is None
            or storage_class.get("provisioner") == NO_PROVISIONER
            or claim["spec"].get("volumeName")
        ):
            return False
        selected = metadata.annotations(claim).get(SELECTED_NODE)
        return selected in (None, node["metadata"]["name"]) and allows(storage_class, node)


def all_usable(volumes: list[Object | None], node: Object) -> bool:
    """Return whether pods on `node` can use all of these."""
    return all(volume is not None and usable_from(volume, node) for volume in volumes)
