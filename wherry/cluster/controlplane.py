"""The control plane: API server, controllers, scheduler and addons in one process, joined by the in-process client."""

from __future__ import annotations

import socket
from functools import partial

from wherry.apiserver.server import ApiServer, ApiServerConfig
from wherry.apiserver.storage.interface import StorageError
from wherry.cluster import addons
from wherry.cluster.config import ClusterConfig
from wherry.cluster.paths import Paths
from wherry.cluster.supervisor import CannotStart
from wherry.component.component import Component
from wherry.component.health import HealthServer
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.objects.errors import ApiError
from wherry.scheduler import run as scheduler
from wherry.scheduler.config import SchedulerConfig

LOOPBACK = "127.0.0.1"
CONTROLLERS_PORT, SCHEDULER_PORT = 10257, 10259
"""Where health and metrics are, as Kubernetes' own components have theirs (over http, and for the node alone)."""
NODE_PORTS = range(30000, 32768)


def api_config(config: ClusterConfig, paths: Paths, sockets: list[socket.socket]) -> ApiServerConfig:
    """Return what the API server needs to know."""
    return ApiServerConfig(
        sockets=sockets,
        storage=paths.state,
        service_cidr=config.service_network,
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
        issuer=f"https://kubernetes.default.svc.{config.cluster_domain}",
    )


async def run(config: ClusterConfig, paths: Paths, sockets: list[socket.socket]) -> None:
    """Run until cancelled; raises `CannotStart` when what is stored cannot be used."""
    server = ApiServer(api_config(config, paths, sockets))
    try:
        await server.start()
    except (StorageError, ApiError) as error:
        raise CannotStart(str(error)) from error
    try:
        await _beside(server, config, paths).run()
    finally:
        await server.stop()


def _beside(server: ApiServer, config: ClusterConfig, paths: Paths) -> Component:
    """Return what runs beside the API server, which does not notice when something of it falls over."""
    plane = Component("control-plane", server.client("system:wherry:addons"))

    async def apply() -> None:
        await addons.apply(plane.client, addons.manifests(config))

    plane.task("addons", apply, forever=False)
    ca = (paths.pki / "ca.crt").read_text()
    controllers = manager.make(
        server.client("system:kube-controller-manager"),
        ControllersConfig(ca, balancer_addresses=config.balancer_addresses),
    )
    planner = scheduler.make(server.client("system:kube-scheduler"), SchedulerConfig())
    for component, port in ((controllers, CONTROLLERS_PORT), (planner, SCHEDULER_PORT)):
        health = HealthServer(LOOPBACK, port, health=component.health)
        plane.task(component.name, partial(component.run, health))
    return plane
