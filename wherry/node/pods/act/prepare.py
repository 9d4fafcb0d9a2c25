"""From a container in a pod's spec to a running one: image, environment, mounts, OCI spec, start."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wherry.node.downward import env, fields
from wherry.node.images.accounts import OfThisMachine, of_layers
from wherry.node.images.source import Image
from wherry.node.mounts import show
from wherry.node.pods.act import program
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.plan.state import Sandbox
from wherry.node.runtime import seccomp, seccompfiles, security, spec
from wherry.node.runtime.instance import Instance
from wherry.node.runtime.spec import Mount, Overlay
from wherry.node.volumes import places as volume_places
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object

TERMINATION_LOG = "termination-log"
DEFAULT_TERMINATION_PATH = "/dev/termination-log"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A container whose configuration is complete: nothing it refers to is missing."""

    run: Instance
    image: Image
    request: spec.Request
    arguments: list[str]
    volumes: list[str]
    overlays: list[Overlay]

    def joining(self, pid: Path) -> Prepared:
        """Return the same in the PID namespace `pid`."""
        return replace(self, request=replace(self.request, namespaces=replace(self.request.namespaces, pid=pid)))


def prepare(
    node: NodeServices,
    pod: Object,
    container: Object,
    attempt: int,
    image: Image,
    sandbox: Sandbox,
    places: Mapping[str, Path],
) -> Prepared:
    """Configure a run. Raises ConfigError, ProfileError, UserError, VolumeError.

    The container then waits for what is missing. Looks at files: call it in a thread.
    """
    meta = pod["metadata"]
    try:
        node.sandboxes.share_processes(pod)
    except OSError as error:
        raise env.ConfigError(str(error)) from error
    around = env.Sources(
        pod_ips=sandbox.ips,
        host_ips=node.addresses,
        services=node.services.items(),
        allocatable=node.allocatable,
        lookup=lambda kind, name: node.objects.get(meta["namespace"], kind, name),
    )
    variables = env.environment(pod, container, image.env, around)
    arguments = spec.arguments(container, image, variables)
    if not arguments:
        raise env.ConfigError("no command specified")
    hooked = bool((container.get("lifecycle") or {}).get("postStart"))
    run = Instance(
        id=os.urandom(32).hex(),
        pod_uid=meta["uid"],
        container=container["name"],
        attempt=attempt,
        image=container["image"],
        image_id=image.id,
        handler=sandbox.handler,
        stop_signal=image.stop_signal,
        created_at=time.time(),
        hook="pending" if hooked else "none",
        resources=container.get("resources") or {},
    )
    settings = security.effective(pod, container)
    filtered = seccomp.localhost_profile(settings)
    profile = seccompfiles.load(node.files, filtered) if filtered else None
    known = OfThisMachine() if image.of_this_machine else of_layers(image.layers)
    user = security.resolve_user(image.user, pod, container, known)
    try:
        mounts = _mounts(node, pod, container, image, run, places, variables)
        volumes = _volumes(pod, container, image, mounts)
        mounts += [Mount(node.containers.volume(run.id, i), target) for i, target in enumerate(volumes)]
        if image.of_this_machine and (why := program.hidden(arguments[0], variables.get("PATH"), mounts)):
            raise env.ConfigError(why)
    except (VolumeError, env.ConfigError):
        node.containers.discard(run.id)  # the subPaths that could be bound
        raise
    overlays, namespaces = node.containers.overlays(run.id, image.folders), node.sandboxes.namespaces(pod)
    if namespaces.users:
        sealed = bool(settings.get("readOnlyRootFilesystem"))
        shown = (Mount(node.containers.shown(run.id, i), one.target, sealed) for i, one in enumerate(overlays))
        mounts = [*shown, *mounts]
    request = spec.Request(
        pod=pod,
        container=container,
        image=image,
        user=user,
        env=variables,
        mounts=mounts,
        overlays=[] if namespaces.users else overlays,
        namespaces=namespaces,
        shared_memory=node.sandboxes.shared_memory(pod),
        rootfs=node.containers.bundle(run.id) / "rootfs",
        cgroup=f"{node.sandboxes.cgroup(meta['uid'])}/{run.id}",
        hostname=fields.hostname(pod),
        seccomp=profile,
    )
    return Prepared(run, image, request, arguments, volumes, overlays)


def _volumes(pod: Object, container: Object, image: Image, taken: Iterable[Mount]) -> list[str]:
    """Return the image's volumes that need a place of their own: a container writes elsewhere to its root."""
    if not security.effective(pod, container).get("readOnlyRootFilesystem"):
        return []
    targets = {mount.target.rstrip("/") for mount in taken}
    return [volume for volume in image.volumes if volume.rstrip("/") not in targets]


def _mounts(
    node: NodeServices,
    pod: Object,
    container: Object,
    image: Image,
    run: Instance,
    places: Mapping[str, Path],
    variables: Mapping[str, str],
) -> list[Mount]:
    """Return all mounts but the special ones; a volumeMount takes the place of a provided file."""
    deep, private = node.machine(run.handler).recursive_read_only, node.containers.private(run.id)
    own = volume_places.of_container(pod, container, places, variables, private, recursive=deep)
    brought = [Mount(m.source, m.target, m.read_only) for m in image.mounts]
    if users := node.sandboxes.namespaces(pod).users:
        own = volume_places.of_users(container, own, users, private)
        brought = [_sealed(mount, private / f"image-{number}") for number, mount in enumerate(brought)]
    taken = {mount.target for mount in own}
    ending = container.get("terminationMessagePath") or DEFAULT_TERMINATION_PATH
    provided = [*node.sandboxes.provided_files(pod), Mount(node.containers.bundle(run.id) / TERMINATION_LOG, ending)]
    return [*brought, *(m for m in provided if m.target not in taken), *own]


def _sealed(mount: Mount, place: Path) -> Mount:
    """Return a mount that is read-only already, if it is to be: see `volume_places.of_users`."""
    if not mount.read_only:
        return mount
    show(mount.source, place, None, read_only=True)
    return replace(mount, source=place, read_only=False)


async def start(node: NodeServices, pod: Object, prepared: Prepared) -> Instance:
    """Create and start what is prepared; returns its record. Raises CreateError, OSError."""
    run, request = prepared.run, prepared.request

    def lay_out() -> None:
        users = request.namespaces.users
        node.containers.lay_out(run, prepared.image, prepared.overlays, prepared.volumes, users)
        ending = node.containers.bundle(run.id) / TERMINATION_LOG
        ending.touch()
        ending.chmod(0o666)

    await asyncio.to_thread(lay_out)
    config = spec.build(request, prepared.arguments, node.machine(run.handler))
    owner = request.namespaces.users.first + request.user.uid if request.namespaces.users else None
    return await node.containers.start(run, config, node.containers.log_path(pod, run), request.container, owner)
