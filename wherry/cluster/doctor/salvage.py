"""A new store of what can be read of a damaged one: the one thing the doctor changes, when told to."""

from __future__ import annotations

import datetime

from wherry.apiserver.storage.interface import StorageError
from wherry.apiserver.storage.sqlite import salvage
from wherry.apiserver.storage.sqlite.salvage import Salvaged
from wherry.cluster import datadir, files, sandbox
from wherry.cluster.errors import ClusterError
from wherry.cluster.lifecycle import Progress
from wherry.cluster.paths import Paths


def run(name: str, paths: Paths, now: datetime.datetime, progress: Progress) -> Salvaged:
    """Salvage the store of a cluster that is down, at the time `now`; raises ClusterError."""
    try:
        with datadir.lock(paths, progress):
            if sandbox.running(paths) is not None:
                raise ClusterError(f"cluster {name} is running: `wherry down --name {name}` first")
            progress("reading what can be read")
            if not salvage.promises(paths.state):
                raise ClusterError(f"no object can be read from {paths.state}: there is nothing to salvage")
            return salvage.salvage(paths.state, paths.data / f"salvaged-{now:%Y%m%dT%H%M%S}")
    except StorageError as error:
        raise ClusterError(str(error)) from error
    except OSError as error:
        raise ClusterError(files.told(error)) from error
