"""The API server: its parts put together, started and stopped.

sockets ─▶ web.listener ─▶ web.handler ─▶ api ─▶ registry ─▶ state ─▶ storage
                               local ─────┘        │
                                              kinds, admission
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wherry.apiserver.access.accounts import Accounts
from wherry.apiserver.access.authenticator import Authenticator
from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.access.jwt import Signer
from wherry.apiserver.access.nodes import NodeRights
from wherry.apiserver.access.rbac import Rbac
from wherry.apiserver.admission import Admission
from wherry.apiserver.api.api import Api
from wherry.apiserver.bootstrap.bootstrap import bootstrap
from wherry.apiserver.catalog import Catalog
from wherry.apiserver.flowcontrol.gate import Gate
from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds import KINDS
from wherry.apiserver.local import LocalClient
from wherry.apiserver.registry.audit import audit
from wherry.apiserver.registry.context import RegistrySettings
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.state import aside
from wherry.apiserver.state.state import State
from wherry.apiserver.storage.interface import Storage
from wherry.apiserver.storage.memory import MemoryStorage
from wherry.apiserver.storage.sqlite.store import SqliteStorage
from wherry.apiserver.user import AUTHENTICATED, MASTERS, User
from wherry.apiserver.web import listener
from wherry.apiserver.web.connect import location
from wherry.apiserver.web.connect.connect import Connect
from wherry.apiserver.web.discovery import Discovery
from wherry.apiserver.web.handler import Handler
from wherry.apiserver.web.listener import Listener
from wherry.apiserver.web.openapi import OpenApi
from wherry.apiserver.web.pages import VERSION, pages
from wherry.apiserver.web.patience import Patience
from wherry.client.interface import Client
from wherry.component.health import Health
from wherry.objects.family import Network, bracketed

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ApiServerConfig:
    """What one API server needs to know.

    `sockets` are listening already and stay the caller's; `storage` is the database file (None: keep nothing);
    `advertise_address`:`advertise_port` is where pods reach this server; certificates, keys and CAs are PEM files;
    `service_account_key` (RSA or P-256) signs tokens of `issuer`; the `kubelet_…` files are for calls to nodes.
    """

    sockets: Sequence[socket.socket]
    storage: Path | None
    service_cidr: Network
    advertise_address: str
    advertise_port: int
    tls_certificate: Path
    tls_key: Path
    client_ca: Path
    service_account_key: Path
    kubelet_client_certificate: Path
    kubelet_client_key: Path
    kubelet_ca: Path
    issuer: str = "https://kubernetes.default.svc.cluster.local"
    node_port_range: range = range(30000, 32768)
    kinds: Sequence[Kind] = KINDS
    patience: Patience = field(default_factory=Patience)


class ApiServer:
    """One API server: `start`, then serve until `stop`."""

    def __init__(self, config: ApiServerConfig):
        self._config = config
        self.catalog = Catalog(config.kinds)
        self._storage: Storage = SqliteStorage(config.storage) if config.storage else MemoryStorage()
        self._state = State(self._storage, config.kinds, aside.beside(config.storage) if config.storage else None)
        self.catalog.subscribe(self._state)
        authorizer = Authorizer(Rbac(self._state), NodeRights(self._state))
        admission = Admission(self._state, authorizer)
        settings = RegistrySettings(config.service_cidr, config.node_port_range)
        self._registry = Registry(self._state, self.catalog, admission, settings)
        accounts = Accounts(Signer(config.service_account_key), config.issuer, self._state)
        self.api = Api(self._registry, self.catalog, authorizer, accounts)
        self.health = Health()
        self.health.live("ping", lambda: None)
        self.health.ready("storage-writes", lambda: self._storage.problem)
        self.health.live("storage", lambda: None if self._state.following else "changes in the store are not seen")
        to_nodes = location.node_tls(config.kubelet_client_certificate, config.kubelet_client_key, config.kubelet_ca)
        self._connect = Connect(authorizer, self._registry, to_nodes)
        handler = Handler(
            self.api,
            Authenticator(accounts),
            discovery=Discovery(self.api, f"{bracketed(config.advertise_address)}:{config.advertise_port}"),
            openapi=OpenApi(self.api, VERSION["gitVersion"]),
            connect=self._connect,
            pages=pages(self.health, accounts),
            gate=Gate(),
        )
        self._auditing: asyncio.Task[None] | None = None
        context = listener.tls(config.tls_certificate, config.tls_key, config.client_ca)
        self._listener = Listener(handler, config.sockets, context, config.patience)

    async def start(self) -> None:
        """Load the state, put in place what every cluster has, and serve; raises `StorageError`, `OSError`."""
        started = time.monotonic()
        await self._storage.open()
        await self._state.start()
        await self._registry.start()
        config = self._config
        await bootstrap(self.client(), config.service_cidr, config.advertise_address, config.advertise_port)
        await self._listener.start()
        seconds = time.monotonic() - started
        self._auditing = asyncio.create_task(audit(self._state, self.catalog.kinds))
        log.info("serving revision=%d kinds=%d seconds=%.3f", self._state.revision, len(self.catalog.kinds), seconds)

    async def stop(self) -> None:
        """End watches, finish writes under way, and close everything but the sockets."""
        if self._auditing is not None:
            self._auditing.cancel()
            await asyncio.gather(self._auditing, return_exceptions=True)
        await self._state.stop()
        await self._listener.stop()
        await self._connect.close()
        await self._storage.close()

    def client(self, user: str = "system:apiserver", groups: Sequence[str] = (MASTERS,)) -> Client:
        """Return an in-process client for `user`, by default one that may do everything."""
        return LocalClient(self.api, User(user, (*groups, AUTHENTICATED)))
