"""Which kubeconfigs a cluster's context was put into, and which context was current there before.

Kept in the data directory: `down` takes the context out of all of them, whatever KUBECONFIG says by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from wherry.cluster import files, kubeconfig
from wherry.cluster.kubeconfig import KubeconfigError
from wherry.cluster.paths import Paths


def add(paths: Paths, path: Path, before: str) -> None:
    """Take note that the context was put into `path`, where `before` was current ("" for none)."""
    place, known = str(path.absolute()), read(paths)
    ours = kubeconfig.entry_name(paths.data.name)
    if place not in known or before != ours:  # the second `up` in a row finds ours
        files.replace(paths.merged, msgspec.json.encode({**known, place: before}))


def read(paths: Paths) -> Mapping[str, str]:
    """Return the context that was current before, by file; nothing for a cluster that was put nowhere."""
    try:
        return msgspec.json.decode(paths.merged.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


def take_out(cluster: str, merged: Mapping[str, str]) -> None:
    """Take a cluster's context out of every file; raises the first KubeconfigError when all have been tried."""
    first: KubeconfigError | None = None
    for place, before in merged.items():
        try:
            kubeconfig.remove(Path(place), cluster, before)
        except KubeconfigError as error:
            first = first or error
    if first:
        raise first
