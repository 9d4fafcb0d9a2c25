"""What is wrong with a cluster, and what to do about each thing: `wherry doctor`.

finding.py       `Finding`: one thing looked at
directory.py     the data directory: room, rights, the configuration
store.py         the file of the API objects, and those set aside
certificates.py  the authority, what it signed, the signing key
kubeconfigs.py   the cluster's own, and the user's
running.py       the components, and what the API server says of itself
salvage.py       a new store of what can be read of a damaged one
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from wherry.cluster import sandbox
from wherry.cluster.config import ClusterConfig, ConfigError
from wherry.cluster.doctor import certificates, directory, kubeconfigs, running, store
from wherry.cluster.doctor.finding import Finding
from wherry.cluster.paths import Paths


def examine(name: str, paths: Paths, now: datetime.datetime) -> Iterator[Finding]:
    """Yield what is found of the cluster `name`, good and bad, at the time `now`."""
    yield from directory.examine(paths)
    config: ClusterConfig | None = None
    try:
        config = ClusterConfig.load(paths.config)
    except ConfigError as error:
        yield Finding("configuration", str(error))
    else:
        yield directory.examine_config(config, paths)
    init = sandbox.running(paths)
    yield from store.examine(name, paths, config, is_running=init is not None)
    yield from certificates.examine(paths, now)
    yield from kubeconfigs.examine(name, paths, config)
    if init is not None and config is not None:
        yield from running.examine(name, init, paths)
