"""Static pods: what the files in a node's folders say.

A file is one pod, in YAML or JSON; its name does not matter, unless it begins with a dot. Whatever is wrong with a
file, the pod it was before stays. Source: kubernetes pkg/kubelet/config/file.go and common.go (names, annotations,
the toleration), which lets such a pod go.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from wherry.objects import Object, metadata
from wherry.objects.meaning.wellknown import CONFIG_HASH, CONFIG_SOURCE, MIRROR_POD
from wherry.objects.metadata import Key

LARGEST = 10 << 20
FROM_FILE = "file"
TOLERATION: Object = {"operator": "Exists", "effect": "NoExecute"}


class PodForm(Protocol):
    """What a pod has to look like: what the API server would say of one, without asking it."""

    def read(self, data: bytes) -> Object:
        """Return the pod that a file has; raises ValueError for one that has none."""
        ...

    def complete(self, pod: Object) -> None:
        """Fill in what a pod leaves open, in place; raises ValueError for one that may not be."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """The pods there are, by file, and why files have none."""

    pods: Mapping[Path, Object] = field(default_factory=dict)
    faults: Mapping[Path, str] = field(default_factory=dict)

    @property
    def by_name(self) -> dict[Key, Object]:
        """The pods by namespace and name."""
        return {metadata.key(pod): pod for pod in self.pods.values()}


@dataclass(frozen=True, slots=True)
class Manifests:
    """The files in `folders`, for the node called `node`."""

    folders: Sequence[Path]
    node: str
    form: PodForm

    def look(self, before: Found) -> Found:
        """Read the files again; what one that is wrong now was `before` stays. Blocks."""
        pods: dict[Path, Object] = {}
        faults: dict[Path, str] = {}
        files: dict[Key, Path] = {}
        for path in self._files():
            try:
                pod = self._pod(path)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                faults[path] = f"static pod {path}: {error}"
                if path not in before.pods:
                    continue
                pod = before.pods[path]
            key = metadata.key(pod)
            if key in files:
                faults[path] = f"static pod {path}: {files[key]} has a pod {'/'.join(key)} already"
                continue
            files[key], pods[path] = path, pod
        return Found(pods, faults)

    def _files(self) -> list[Path]:
        found: list[Path] = []
        for folder in self.folders:
            if folder.is_dir():
                found += sorted(
                    path for path in folder.iterdir() if not path.name.startswith(".") and not path.is_dir()
                )
        return found

    def _pod(self, path: Path) -> Object:
        pod = named(self.form.read(_read(path)), self.node, str(path))
        self.form.complete(pod)
        return pod


def _read(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would be waited for
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("it is no file")
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it has more than {LARGEST} bytes")
    return data


def named(pod: Object, node: str, path: str) -> Object:
    """Return what a file's pod is on a node: it is told apart from others by the file's content. Pure."""
    meta, spec = pod.get("metadata") or {}, pod.get("spec") or {}
    if not meta.get("name"):
        raise ValueError("the pod has no name")
    told = msgspec.json.encode([pod, node, path], order="deterministic")
    uid = hashlib.sha256(told).hexdigest()[:32]
    annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k != MIRROR_POD}
    kept = {
        "name": f"{meta['name']}-{node}",
        "namespace": meta.get("namespace") or "default",
        "uid": uid,
        "annotations": {**annotations, CONFIG_HASH: uid, CONFIG_SOURCE: FROM_FILE},
    }
    if meta.get("labels"):
        kept["labels"] = meta["labels"]
    tolerations = [one for one in spec.get("tolerations") or () if one != TOLERATION]
    placed = {**spec, "nodeName": node, "tolerations": [*tolerations, TOLERATION]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": kept, "spec": placed, "status": {"phase": "Pending"}}
