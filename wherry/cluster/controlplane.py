"""The control plane: API server, controllers, scheduler and addons in one process, joined by the in-process client."""

from __future__ import annotations

import asyncio
import socket

from wherry.apiserver.kinds import KINDS
from wherry.apiserver.server import ApiServer, ApiServerConfig
from wherry.apiserver.storage.interface import StorageError
from wherry.cluster import addons
from wherry.cluster.config import ClusterConfig
from wherry.cluster.paths import Paths
from wherry.cluster.supervisor import CannotStart
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.objects.errors import ApiError
from wherry.scheduler import run as scheduler
from wherry.scheduler.config import SchedulerConfig

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
        async with asyncio.TaskGroup() as group:
            group.create_task(addons.apply(server.client("system:wherry:addons"), addons.manifests(config)))
            ca = (paths.pki / "ca.crt").read_text()
            controllers = ControllersConfig(ca, [kind.resource for kind in KINDS if kind.kind != "Event"])
            group.create_task(manager.make(server.client("system:kube-controller-manager"), controllers).run())
            group.create_task(scheduler.make(server.client("system:kube-scheduler"), SchedulerConfig()).run())
    finally:
        await server.stop()
