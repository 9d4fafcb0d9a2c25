"""Where a container's volumeMounts lead: whole volumes, and subPaths of them. Blocks: call it in a thread.

A volume's own folder is out of every pod's reach. What is below it is not: another container may swap a folder for a
link at any moment, so a subPath is opened once, beneath its volume, and bound by its descriptor to a place that only
the agent reaches. That place is what the OCI runtime is told.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from wherry.node import beneath, mounts
from wherry.node.runtime.spec import Mount, Users
from wherry.node.volumes import kinds
from wherry.node.volumes.errors import VolumeError
from wherry.node.volumes.kinds import kind_of, propagation, sub_path
from wherry.node.volumes.payload import PAYLOADS
from wherry.objects import Object


def of_container(
    pod: Object,
    container: Object,
    volumes: Mapping[str, Path],
    env: Mapping[str, str],
    private: Path,
    *,
    recursive: bool = True,
) -> list[Mount]:
    """Return the container's volumeMounts. Raises VolumeError.

    `volumes` says where each volume is; subPaths are bound below `private`, a folder of the container's own.
    `recursive`: whether its runtime can make what is mounted in a volume read-only.
    """
    read_only_volumes = {v["name"] for v in pod["spec"].get("volumes") or () if _is_read_only(v)}
    found = []
    for number, entry in enumerate(container.get("volumeMounts") or ()):
        source, name, how = volumes[entry["name"]], entry["name"], propagation(entry)
        if inside := sub_path(entry, env):
            try:
                source = _bind(source, inside, private / str(number), shared=bool(how))
            except OSError as error:
                raise VolumeError(_refusal(error, inside, name, container["name"])) from error
        read_only = bool(entry.get("readOnly")) or name in read_only_volumes
        deep = kinds.recursive(entry, supported=recursive)
        found.append(Mount(source, entry["mountPath"], read_only, deep, how))
    return found


def of_users(container: Object, found: Sequence[Mount], users: Users, private: Path) -> list[Mount]:
    """Return the same mounts as the pod's own users see them: what is root's on disk is their root's.

    They are read-only from here: the root of those users may not make them so without what else they are (nosuid, say).
    Raises VolumeError.
    """
    mapped = []
    for number, (entry, mount) in enumerate(zip(container.get("volumeMounts") or (), found, strict=True)):
        place = private / f"users-{number}"
        try:
            mounts.show(mount.source, place, users.path, read_only=mount.read_only, recursive=mount.recursive)
        except OSError as error:
            why = str(error.strerror)
            if error.errno == errno.EINVAL:
                why = "its file system has no idmapped mounts (the node's own has not, for hostPath and claims)"
            name = entry["name"]
            raise VolumeError(f'volume "{name}" cannot be had in a pod of hostUsers: false: {why}') from error
        mapped.append(replace(mount, source=place, read_only=False, recursive=False))
    return mapped


def _is_read_only(volume: Object) -> bool:
    kind, source = kind_of(volume)
    return kind in PAYLOADS or (kind == "persistentVolumeClaim" and bool(source.get("readOnly")))


def _bind(volume: Path, inside: str, target: Path, *, shared: bool) -> Path:
    folder = os.open(volume, os.O_PATH)
    try:
        fd = _open(folder, inside)
    finally:
        os.close(folder)
    try:
        mounts.bind_open(fd, target, shared=shared)
    finally:
        os.close(fd)
    return target


def _open(volume: int, inside: str) -> int:
    """Open a subPath, made if it is missing: a folder with the volume's mode, as the kubelet's SafeMakeDir."""
    try:
        return beneath.beneath(volume, inside)
    except FileNotFoundError:
        mode = stat.S_IMODE(os.fstat(volume).st_mode)
        return beneath.make_folders(volume, inside, mode, beneath.beneath)


def _refusal(error: OSError, inside: str, volume: str, container: str) -> str:
    why = "a link leads out of the volume" if error.errno == errno.EXDEV else str(error.strerror)
    return f'failed to prepare subPath `{inside}` for volumeMount "{volume}" of container "{container}": {why}'
