"""The control plane: API server, controllers, scheduler and addons in one process, joined by the in-process client."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

from wherry.apiserver.auditlog.file import DAY_SECONDS, MEGABYTE, Limits
from wherry.apiserver.auditlog.policy import PolicyError
from wherry.apiserver.calls.remotes import Pair
from wherry.apiserver.server import ApiServer, ApiServerConfig
from wherry.apiserver.state import aside
from wherry.apiserver.storage.encryption.configuration import EncryptionError
from wherry.apiserver.storage.interface import StorageError
from wherry.cluster import addons, store
from wherry.cluster.certificates import FRONT_PROXY, FRONT_PROXY_CA
from wherry.cluster.config import ClusterConfig
from wherry.cluster.paths import Paths
from wherry.cluster.supervisor import CannotStart
from wherry.component.component import Component
from wherry.component.election import Election
from wherry.component.health import HealthServer
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.objects.errors import ApiError
from wherry.scheduler import run as scheduler
from wherry.scheduler.config import SchedulerConfig

LOOPBACK = "127.0.0.1"
CONTROLLERS_PORT, SCHEDULER_PORT = 10257, 10259
"""Where health and metrics are, as Kubernetes' own components have theirs (over http, and for the node alone)."""
PORTS_APART = 10
"""So far above them are those of control-plane-2, and so on: one that hangs keeps its own."""
NODE_PORTS = range(30000, 32768)
LEASES = {"controllers": "kube-controller-manager", "scheduler": "kube-scheduler"}
"""Who leads, under the names that Kubernetes' own components have."""


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None


def _audit_log(config: ClusterConfig, number: int) -> Path | None:
    """Return the file of API server `number`: each has its own, since each puts its own aside."""
    path = _path(config.audit_log_path)
    return path.with_name(f"{path.stem}-{number}{path.suffix}") if path and number > 1 else path


def api_config(config: ClusterConfig, paths: Paths, sockets: list[socket.socket], number: int = 1) -> ApiServerConfig:
    """Return what API server `number` needs to know."""
    return ApiServerConfig(
        sockets=sockets,
        storage=store.place(config, paths),
        aside=aside.beside(paths.state),
        encryption=store.encryption(config, paths),
        audit_policy=_path(config.audit_policy_file),
        audit_log=_audit_log(config, number),
        audit_limits=Limits(
            size=config.audit_log_maxsize * MEGABYTE,
            backups=config.audit_log_maxbackup,
            age=config.audit_log_maxage * DAY_SECONDS,
        ),
        service_cidrs=tuple(config.service_networks.values()),
        node_port_range=NODE_PORTS,
        advertise_address=config.control_plane.address,
        advertise_port=6443,
        tls_certificate=paths.pki / "apiserver.crt",
        tls_key=paths.pki / "apiserver.key",
        client_ca=paths.pki / "ca.crt",
        service_account_key=paths.pki / "sa.key",
        kubelet_client_certificate=paths.pki / "apiserver-kubelet-client.crt",
        kubelet_client_key=paths.pki / "apiserver-kubelet-client.key",
        kubelet_ca=paths.pki / "ca.crt",
        proxy_client=Pair(paths.pki / f"{FRONT_PROXY}.crt", paths.pki / f"{FRONT_PROXY}.key"),
        requestheader_ca=paths.pki / f"{FRONT_PROXY_CA}.crt",
        components={
            "controller-manager": _health(config, CONTROLLERS_PORT),
            "scheduler": _health(config, SCHEDULER_PORT),
        },
        issuer=f"https://kubernetes.default.svc.{config.cluster_domain}",
    )


def _port(first: int, number: int) -> int:
    return first + PORTS_APART * (number - 1)


def _health(config: ClusterConfig, first: int) -> list[str]:
    ports = (_port(first, number) for number in range(1, config.api_servers + 1))
    return [f"http://{LOOPBACK}:{port}/healthz" for port in ports]


def names(config: ClusterConfig) -> list[str]:
    """Return what the processes of the control plane are called."""
    return ["control-plane", *(f"control-plane-{n}" for n in range(2, config.api_servers + 1))]


async def run(config: ClusterConfig, paths: Paths, sockets: list[socket.socket], number: int) -> None:
    """Run until cancelled; raises `CannotStart` when what is stored cannot be used.

    Of several on one store this is number `number`, from 1, the same after a restart: all serve, one has the
    controllers, one the scheduler.
    """
    try:
        server = ApiServer(api_config(config, paths, sockets, number))
        await server.start()
    except (StorageError, EncryptionError, PolicyError, ApiError) as error:
        raise CannotStart(str(error)) from error
    try:
        await _beside(server, config, paths, number).run()
    finally:
        await server.stop()


def _beside(server: ApiServer, config: ClusterConfig, paths: Paths, number: int) -> Component:
    """Return what runs beside the API server, which does not notice when something of it falls over."""
    plane = Component("control-plane", server.client("system:wherry:addons"))

    async def apply() -> None:
        await addons.apply(plane.client, addons.manifests(config))

    plane.task("addons", apply, forever=False)
    ca, ca_key = ((paths.pki / f"ca.{end}").read_text() for end in ("crt", "key"))
    settings = ControllersConfig(ca, ca_key, balancer_addresses=config.balancer_addresses)

    def controllers() -> Component:
        return manager.make(server.client("system:kube-controller-manager"), settings)

    def planner() -> Component:
        return scheduler.make(server.client("system:kube-scheduler"), SchedulerConfig())

    for name, make, port in (("controllers", controllers, CONTROLLERS_PORT), ("scheduler", planner, SCHEDULER_PORT)):
        work = partial(_serve, make, _port(port, number))
        if config.api_servers > 1:
            work = partial(Election(plane.client, LEASES[name], names(config)[number - 1]).lead, work)
        plane.task(name, work)
    return plane


async def _serve(make: Callable[[], Component], port: int) -> None:
    component = make()
    await component.run(HealthServer(LOOPBACK, port, health=component.health))
