"""A node is added to a cluster, or removed from it: what the verbs do. Everything blocks."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import signal
import time

from wherry.cluster import certificates, datadir, files, membership, memory, power, sandbox
from wherry.cluster.config import ClusterConfig
from wherry.cluster.errors import ClusterError
from wherry.cluster.lifecycle import Progress
from wherry.cluster.paths import Paths
from wherry.images import trees

SECONDS = 30.0
PAUSE_SECONDS = 0.02


def add(name: str, paths: Paths, progress: Progress) -> ClusterConfig:
    """Add a node, NAME or NAME=IP, to a cluster that runs or does not; returns it. Raises ClusterError, ConfigError."""
    with datadir.lock(paths, progress):
        config = membership.with_node(ClusterConfig.load(paths.config), name)
        fresh, init = config.nodes[-1], sandbox.running(paths)
        if init is not None and fresh.name in power.off(init):
            raise ClusterError(
                f"a node {fresh.name} was removed while the cluster ran: it can be back after `wherry down` and `up`"
            )
        try:
            certificates.issue_all(paths.pki, config, datetime.datetime.now(datetime.UTC))
            config.save(paths.config)
        except OSError as error:
            raise ClusterError(files.told(error)) from error
        if init is not None:
            progress(f"starting {fresh.name}")
            os.kill(init, signal.SIGHUP)
            _until_runs(f"wherry: node-{fresh.name}", init, paths)
            _renew_forwards(init)
    return config


def remove(name: str, paths: Paths, progress: Progress) -> ClusterConfig:
    """Remove a node of a running cluster, with its files; returns the cluster. Raises ClusterError, ConfigError."""
    with datadir.lock(paths, progress):
        before = ClusterConfig.load(paths.config)
        config = membership.without_node(before, name)
        init = sandbox.running(paths)
        if init is None:
            raise ClusterError(
                f"cluster {before.name} is stopped, and its API is to forget the node: `wherry up` first"
            )
        progress(f"stopping {name}")
        power.stop(name, before, paths, init)
        try:
            config.save(paths.config)
        except OSError as error:
            raise ClusterError(files.told(error)) from error
        os.kill(init, signal.SIGHUP)
        _renew_forwards(init)
        asyncio.run(_forget(name, paths))
        trees.discard(paths.node(name))
    return config


def _until_runs(command: str, init: int, paths: Paths) -> None:
    end = time.monotonic() + SECONDS
    while not memory.called(init, command):
        if time.monotonic() > end:
            raise ClusterError(f"it does not start; see {paths.logs / 'init.log'}")
        time.sleep(PAUSE_SECONDS)


def _renew_forwards(init: int) -> None:
    """End what forwards from the machine: it starts again at once, behind the same sockets, and knows the nodes."""
    for pid in memory.called(init, "wherry: host-forward"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def _forget(name: str, paths: Paths) -> None:
    """Delete the Node; its pods are collected, as those of any node that is no more."""
    from wherry.client.http import connect
    from wherry.objects.errors import ApiError, NotFound
    from wherry.objects.resource import NODES

    client = connect(str(paths.kubeconfig))
    try:
        async with asyncio.timeout(SECONDS):
            with contextlib.suppress(NotFound):
                await client.delete(NODES, name)
    except (ApiError, TimeoutError) as error:
        raise ClusterError(
            f"the API does not forget node {name}: {error or 'timed out'}; `kubectl delete node {name}`"
        ) from error
    finally:
        await client.close()
