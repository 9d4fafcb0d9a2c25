"""The data directory: is it one, can it be written to, is there room; and the configuration in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator

from wherry.cluster import config as configs
from wherry.cluster import files
from wherry.cluster.config import ClusterConfig, ConfigError
from wherry.cluster.doctor.finding import Finding
from wherry.cluster.paths import Paths

LEAST_BYTES = 16 * 1024 * 1024
"""Less room than this is worth a word: the store's write-ahead log alone may take a quarter of it."""


def examine(paths: Paths) -> Iterator[Finding]:
    """Yield what is found of the directory itself."""
    subject = f"data directory {paths.data}"
    try:
        with tempfile.TemporaryFile(dir=paths.data):
            pass
        free = shutil.disk_usage(paths.data).free
    except OSError as error:
        yield Finding(subject, f"it cannot be written to ({files.told(error)})", "mount it writable, or make room")
        return
    if free < LEAST_BYTES:
        yield Finding(subject, f"its disk has {free // 1024} KiB left", "make room: without it, no object is written")
    else:
        yield Finding(subject, said=f"writable, {free // 2**20} MiB free")


def examine_config(config: ClusterConfig, paths: Paths) -> Finding:
    """Return what is found of the configuration."""
    try:
        configs.check(config)
    except ConfigError as error:
        return Finding("configuration", f"{paths.config}: {error}", "give `wherry up` that option anew")
    return Finding("configuration", said=f"{len(config.nodes)} node(s), {', '.join(config.addons) or 'no addons'}")
