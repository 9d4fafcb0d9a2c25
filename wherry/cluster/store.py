"""Where a cluster keeps its API objects, and how encrypted: in a file of its own, or in an etcd for many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.apiserver.storage.etcd import address
from wherry.apiserver.storage.etcd.address import Address
from wherry.apiserver.storage.interface import StorageError
from wherry.cluster import files
from wherry.cluster.config import SQLITE, ClusterConfig, ConfigError
from wherry.cluster.errors import ClusterError
from wherry.cluster.paths import MACHINE_NAMESPACE, Paths

if TYPE_CHECKING:
    from wherry.apiserver.storage.etcd.store import EtcdStorage

PREFIX = "/wherry/{name}"
"""Where in etcd a cluster's keys are, unless `--store` says it."""
PATIENCE_SECONDS = 2.0


def normal(text: str, name: str) -> str:
    """Return what `--store` was given in full words: with the prefix, and files by their whole path."""
    if text == SQLITE:
        return text
    found = _etcd(text, name)
    return f"etcd={found}"


def place(config: ClusterConfig, paths: Paths) -> Path | Address:
    """Return what the API server is to open, from inside the sandbox."""
    if config.store == SQLITE:
        return paths.state
    return replace(_etcd(config.store, config.name), network=MACHINE_NAMESPACE)


def encryption(config: ClusterConfig, paths: Paths) -> Path | None:
    """Return the EncryptionConfiguration that says what is encrypted there; None: nothing is."""
    if config.encryption_provider_config:
        return Path(config.encryption_provider_config)
    return paths.encryption if config.secrets_encryption else None


def make_key(config: ClusterConfig, paths: Paths) -> None:
    """Make the cluster's own EncryptionConfiguration, unless there is one or none is wanted; raises OSError."""
    if config.secrets_encryption and not paths.encryption.exists():
        from wherry.apiserver.storage.encryption import configuration  # here, as most clusters need none

        files.replace(paths.encryption, configuration.generated(), 0o600)


def check(config: ClusterConfig) -> None:
    """Raise `ClusterError` when the etcd that the cluster is to be kept in cannot be reached from this machine."""
    if config.store != SQLITE:
        try:
            _visit(config, lambda storage: storage.revision())
        except StorageError as error:
            raise ClusterError(f"--store {config.store}: {error}") from error


def purge(config: ClusterConfig) -> None:
    """Remove what is kept of the cluster outside its data directory; raises `StorageError`."""
    if config.store != SQLITE:
        _visit(config, lambda storage: storage.purge())


def _visit(config: ClusterConfig, ask: Callable[[EtcdStorage], Awaitable[object]]) -> None:
    from wherry.apiserver.storage.etcd.gateway import Gateway  # here: a client of HTTP takes long to import
    from wherry.apiserver.storage.etcd.store import EtcdStorage

    found = _etcd(config.store, config.name)

    async def visit() -> None:
        storage = EtcdStorage(found, Gateway(found, PATIENCE_SECONDS))
        await storage.open()
        try:
            await ask(storage)
        finally:
            await storage.close()

    asyncio.run(visit())


def _etcd(text: str, name: str) -> Address:
    kind, equals, where = text.partition("=")
    if kind != "etcd" or not equals:
        raise ConfigError(f"--store {text}: choose sqlite, or etcd=URL such as etcd=http://127.0.0.1:2379")
    try:
        return address.parse(where, PREFIX.format(name=name))
    except ValueError as error:
        raise ConfigError(f"--store {text}: {error}") from error
