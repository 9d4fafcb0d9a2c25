"""Sets a pod's volumes up, keeps the files of ConfigMaps, Secrets and tokens current, takes everything down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wherry.images import trees
from wherry.node import mounts
from wherry.node.filesystem import NodeFileSystem
from wherry.node.volumes import atomic, emptydir, hostpath, payload, persistent
from wherry.node.volumes.claims import ClaimSource
from wherry.node.volumes.errors import VolumeError
from wherry.node.volumes.kinds import kind_of, propagating
from wherry.node.volumes.payload import Facts, Lookup
from wherry.node.volumes.tokens import TokenSource
from wherry.objects import Object
from wherry.objects.meaning.volumes import claims_of_pod


@dataclass(frozen=True, slots=True)
class Volumes:
    """A pod's volumes: where each is, and when to come again because a token must be renewed (epoch seconds)."""

    places: dict[str, Path]
    renew_at: float | None


class VolumeManager:
    """Volumes on disk are below `state_dir/pods/UID/volumes`, those that hold secrets below `run_dir`, a tmpfs.

    What a hostPath is, or a PersistentVolume, is bound there as well.
    """

    def __init__(
        self,
        run_dir: Path,
        state_dir: Path,
        files: NodeFileSystem,
        tokens: TokenSource,
        claims: ClaimSource,
        host_ips: Sequence[str],
    ):
        self._run = run_dir / "pods"
        self._state = state_dir / "pods"
        self._files = files
        self._tokens = tokens
        self._claims = claims
        self._host_ips = host_ips

    async def sync(
        self,
        pod: Object,
        lookup: Lookup,
        pod_ips: Sequence[str],
        allocatable: dict[str, int],
        clock: Callable[[], float],
    ) -> Volumes:
        """Make all volumes as they should be now. Done again after every change of what they are made of.

        Raises VolumeError naming the volume.
        """
        volumes = pod["spec"].get("volumes") or []
        renewals = [r for v in volumes for r in await self._fetch_tokens(pod, v, clock())]
        claimed = {name: volume async for name, volume in self._claimed(pod)}

        def token(projection: Object) -> str:
            known = self._tokens.known(pod, projection)
            if known is None:
                raise VolumeError("the service account token has not been fetched")
            return known.text

        facts = Facts(pod, pod_ips, self._host_ips, allocatable, lookup, token)
        places = await asyncio.to_thread(lambda: {v["name"]: self._set_up(pod, v, facts, claimed) for v in volumes})
        return Volumes(places, min(renewals, default=None))

    async def _fetch_tokens(self, pod: Object, volume: Object, now: float) -> list[float]:
        sources = (volume.get("projected") or {}).get("sources") or ()
        wanted = [s["serviceAccountToken"] for s in sources if "serviceAccountToken" in s]
        try:
            return [(await self._tokens.get(pod, one, now)).renew_at for one in wanted]
        except VolumeError as error:
            raise VolumeError(error.message, volume["name"]) from error

    async def _claimed(self, pod: Object) -> AsyncIterator[tuple[str, Object]]:
        for name, claim, ephemeral in claims_of_pod(pod):
            try:
                yield name, await self._claims.get(pod, claim, ephemeral=ephemeral)
            except VolumeError as error:
                raise VolumeError(error.message, name) from error

    def _set_up(self, pod: Object, volume: Object, facts: Facts, claimed: Mapping[str, Object]) -> Path:
        name, uid = str(volume["name"]), str(pod["metadata"]["uid"])
        kind, source = kind_of(volume)
        security = pod["spec"].get("securityContext") or {}
        group = security.get("fsGroup")
        in_memory, shared = self._run / uid / "volumes" / name, name in propagating(pod)
        try:
            if kind == "emptyDir":
                folder = emptydir.set_up(source, self._state / uid / "volumes" / name, in_memory, group)
                return emptydir.share(folder, in_memory) if shared else folder
            if kind == "hostPath":
                return hostpath.set_up(source, self._files, in_memory, shared=shared)
            if name in claimed:
                return persistent.set_up(claimed[name], self._files, in_memory, security, shared=shared)
            atomic.write(in_memory, payload.build(kind, source, facts), group=group)
        except VolumeError as error:
            raise VolumeError(error.message, name) from error
        except OSError as error:
            raise VolumeError(str(error), name) from error
        return in_memory

    def hold(self, uid: str) -> bool:
        """Tell whether there is anything of a pod's volumes on disk."""
        return (self._state / uid).exists()

    async def tear_down(self, uid: str) -> None:
        """Remove a pod's volumes and what is in them; what a hostPath or a PersistentVolume holds stays."""
        self._tokens.forget(uid)
        self._claims.forget(uid)
        await asyncio.to_thread(self._remove, uid)

    def _remove(self, uid: str) -> None:
        mounts.remove_tree(self._run / uid / "volumes")
        trees.discard(self._state / uid)
