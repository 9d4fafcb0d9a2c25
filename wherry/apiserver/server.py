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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wherry.apiserver.access.accounts import Accounts
from wherry.apiserver.access.authenticator import Authenticator
from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.access.jwt import Signer
from wherry.apiserver.access.nodes import NodeRights
from wherry.apiserver.access.rbac import Rbac
from wherry.apiserver.admission import Admission
from wherry.apiserver.admission.policies.stage import AdmissionPolicies
from wherry.apiserver.admission.webhooks.stage import AdmissionWebhooks
from wherry.apiserver.aggregation import keeper
from wherry.apiserver.api.api import Api
from wherry.apiserver.api.computed import Computed
from wherry.apiserver.auditlog import policy
from wherry.apiserver.auditlog.file import Limits, LogFile
from wherry.apiserver.auditlog.log import AuditLog
from wherry.apiserver.bootstrap import authentication, flowkeeper
from wherry.apiserver.bootstrap.bootstrap import bootstrap
from wherry.apiserver.calls.agents import node_tls
from wherry.apiserver.calls.remotes import Pair, Remotes
from wherry.apiserver.calls.services import Services
from wherry.apiserver.calls.webhook import Webhooks
from wherry.apiserver.catalog import Catalog
from wherry.apiserver.customresources.definitions import Definitions
from wherry.apiserver.flowcontrol.control import FlowControl
from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds import KINDS
from wherry.apiserver.local import LocalClient
from wherry.apiserver.parts import ComponentStatuses
from wherry.apiserver.registry.audit import audit
from wherry.apiserver.registry.context import RegistrySettings
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.state import aside, rooms
from wherry.apiserver.state.aside import Aside
from wherry.apiserver.state.state import State
from wherry.apiserver.storage.encryption import configuration as encryption
from wherry.apiserver.storage.encryption.rules import Rules
from wherry.apiserver.storage.encryption.store import EncryptedStorage
from wherry.apiserver.storage.etcd.address import Address
from wherry.apiserver.storage.interface import Storage
from wherry.apiserver.storage.memory import MemoryStorage
from wherry.apiserver.storage.sqlite.store import SqliteStorage
from wherry.apiserver.usage.metrics import UsageMetrics
from wherry.apiserver.user import AUTHENTICATED, MASTERS, User
from wherry.apiserver.web import listener
from wherry.apiserver.web.aggregated import Aggregated
from wherry.apiserver.web.connect.connect import Connect
from wherry.apiserver.web.discovery import Discovery
from wherry.apiserver.web.handler import Handler
from wherry.apiserver.web.listener import Listener
from wherry.apiserver.web.openapi import OpenApi
from wherry.apiserver.web.pages import VERSION, pages
from wherry.apiserver.web.patience import Patience
from wherry.client.interface import Client
from wherry.component.events import EventWriter
from wherry.component.health import Health
from wherry.objects import Object
from wherry.objects.family import Network, bracketed
from wherry.objects.resource import API_SERVICES

log = logging.getLogger(__name__)

INVALID_OBJECT = "InvalidObject"
"""The reason of the events that tell of what is stored and not valid."""


@dataclass(frozen=True, kw_only=True)
class ApiServerConfig:
    """What one API server needs to know.

    `service_cidrs` are one of each of the cluster's families, the first one first.
    `sockets` are listening already and stay the caller's; `storage` is a database file or an etcd (None: keep nothing);
    `aside` is the folder for stored objects that cannot be read (beside a database file, unless given);
    `encryption` is an EncryptionConfiguration (None: nothing is encrypted at rest);
    `advertise_address`:`advertise_port` is where pods reach this server; certificates, keys and CAs are PEM files;
    `service_account_key` (RSA or P-256) signs tokens of `issuer`; the `kubelet_…` files are for calls to nodes.
    `audit_policy` (a Policy) says what is told in the file `audit_log`, which is kept within `audit_limits`.
    `proxy_client` and `requestheader_ca`: with what this server proves to servers of other APIs that it speaks for
    users, and the CA by which they check it (None: it proves nothing).
    `components` are the URLs of the other parts' `/healthz` by their names in ComponentStatuses; one of several has to
    be well.
    """

    sockets: Sequence[socket.socket]
    storage: Path | Address | None
    service_cidrs: Sequence[Network]
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
    aside: Path | None = None
    encryption: Path | None = None
    audit_policy: Path | None = None
    audit_log: Path | None = None
    audit_limits: Limits = field(default_factory=Limits)
    proxy_client: Pair | None = None
    requestheader_ca: Path | None = None
    components: Mapping[str, Sequence[str]] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)


class ApiServer:
    """One API server: `start`, then serve until `stop`. Making one raises `EncryptionError`, `PolicyError`."""

    def __init__(self, config: ApiServerConfig):
        self._config = config
        self.catalog = Catalog(config.kinds)
        rules = encryption.load(config.encryption) if config.encryption else Rules()
        self._storage = EncryptedStorage(_storage(config.storage), rules, rooms.of)
        self._state = State(
            self._storage, config.kinds, Aside(config.aside or _beside(config.storage), self._storage.seal)
        )
        self.catalog.subscribe(self._state)
        authorizer = Authorizer(Rbac(self._state), NodeRights(self._state))
        services = Services(self._state)
        self._calls = Webhooks(services)
        self.remotes = Remotes(self._state, services, config.proxy_client)
        self._webhooks = AdmissionWebhooks(self._state, self.catalog, self._calls)
        admission = Admission(self._state, authorizer, self._webhooks, AdmissionPolicies(self._state, self.catalog))
        settings = RegistrySettings(config.service_cidrs, config.node_port_range)
        self._registry = Registry(self._state, self.catalog, admission, settings)
        self._definitions = Definitions(self.catalog, self._registry, self._calls)
        accounts = Accounts(Signer(config.service_account_key), config.issuer, self._state)
        to_nodes = node_tls(config.kubelet_client_certificate, config.kubelet_client_key, config.kubelet_ca)
        self._usage = UsageMetrics(self._state, to_nodes)
        parts = ComponentStatuses(self._storage, config.components)
        self.api = Api(self._registry, self.catalog, authorizer, accounts, Computed(self._usage, parts))
        self.health = Health()
        self.health.live("ping", lambda: None)
        self.health.ready("storage-writes", lambda: self._storage.problem)
        self.health.live("storage", lambda: None if self._state.following else "changes in the store are not seen")
        self._connect = Connect(self.api, to_nodes)
        self._aggregated = Aggregated(self.remotes, authorizer)
        self._audit_log = _audit_log(config)
        handler = Handler(
            self.api,
            Authenticator(accounts),
            discovery=Discovery(
                self.api, self.remotes, f"{bracketed(config.advertise_address)}:{config.advertise_port}"
            ),
            openapi=OpenApi(self.api, self.remotes, VERSION["gitVersion"]),
            connect=self._connect,
            aggregated=self._aggregated,
            pages=pages(self.health, accounts),
            flows=FlowControl(self._state),
            audit=self._audit_log,
        )
        self._beside: list[asyncio.Task[None]] = []
        context = listener.tls(config.tls_certificate, config.tls_key, config.client_ca)
        self._listener = Listener(handler, config.sockets, context, config.patience)

    async def start(self) -> None:
        """Load the state, put in place what every cluster has, and serve; raises `StorageError`, `OSError`."""
        started = time.monotonic()
        await self._storage.open()
        await self._state.start()
        await self._registry.start()
        await self._definitions.start()
        config = self._config
        await bootstrap(
            self.client(), config.service_cidrs, config.advertise_address, config.advertise_port, _trusted(config)
        )
        current = await self.client().list(API_SERVICES)
        await keeper.settle(self.client(), keeper.versions(self.api, config.kinds), current.items)
        self._webhooks.open()
        await self._listener.start()
        seconds = time.monotonic() - started
        aggregator = keeper.make(self.client(), self.remotes, self.api, config.kinds)
        controllers = (aggregator, flowkeeper.make(self.client()))
        self._beside = [asyncio.create_task(work) for work in (self._audit(), *(c.run() for c in controllers))]
        log.info("serving revision=%d kinds=%d seconds=%.3f", self._state.revision, len(self.catalog.kinds), seconds)

    async def _audit(self) -> None:
        """Tell of what is stored and not valid, where who looks at such an object sees it."""
        events = EventWriter(self.client())
        recorder = events.recorder("kube-apiserver")
        async for kind, obj, why in audit(self._state, self.catalog.kinds):
            recorder.event(kind.resource, obj, "Warning", INVALID_OBJECT, f"It is stored, and not valid: {why}")
            await events.drain()

    async def stop(self) -> None:
        """End watches, finish writes under way, and close everything but the sockets."""
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        await self._definitions.stop()
        await self._state.stop()
        await self._listener.stop()
        await self._connect.close()
        await self._aggregated.close()
        await self._usage.close()
        await self._calls.close()
        await self._storage.close()
        if self._audit_log is not None:
            self._audit_log.close()

    def client(self, user: str = "system:apiserver", groups: Sequence[str] = (MASTERS,)) -> Client:
        """Return an in-process client for `user`, by default one that may do everything."""
        return LocalClient(self.api, User(user, (*groups, AUTHENTICATED)))


def _audit_log(config: ApiServerConfig) -> AuditLog | None:
    if config.audit_policy is None or config.audit_log is None:
        return None
    try:
        return AuditLog(policy.load(config.audit_policy), LogFile(config.audit_log, config.audit_limits))
    except OSError as error:
        raise policy.PolicyError(f"{config.audit_log}: {error.strerror}") from error


def _trusted(config: ApiServerConfig) -> Object:
    """Return the ConfigMap that tells servers of other APIs whom this one trusts."""
    authority = config.requestheader_ca
    return authentication.trusted(config.client_ca.read_text(), authority.read_text() if authority else "")


def _beside(place: Path | Address | None) -> Path | None:
    return aside.beside(place) if isinstance(place, Path) else None


def _storage(place: Path | Address | None) -> Storage:
    match place:
        case Path():
            return SqliteStorage(place)
        case Address():
            from wherry.apiserver.storage.etcd.store import EtcdStorage  # here: most clusters have a file

            return EtcdStorage(place)
    return MemoryStorage()
