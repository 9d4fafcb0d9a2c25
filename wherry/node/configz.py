"""`/configz`: what this node runs with, in the fields of a KubeletConfiguration (k8s.io/kubelet config/v1beta1)."""

from __future__ import annotations

from aiohttp import web

from wherry.node.config import NodeConfig
from wherry.node.registration import LEASE_DURATION_SECONDS, MAX_PODS, STATUS_REPORTED_SECONDS
from wherry.node.runtime.logrotation import FILES, FULL_BYTES
from wherry.objects import Object


def kubelet_config(config: NodeConfig) -> Object:
    """Return the KubeletConfiguration that stands for `config`. Pure."""
    return {
        "enableServer": True,
        "address": config.address,
        "port": config.port,
        "podCIDR": ",".join(config.pod_cidrs),
        "clusterDomain": config.cluster_domain,
        "clusterDNS": [config.cluster_dns],
        "maxPods": MAX_PODS,
        "podPidsLimit": config.pod_pids_limit,
        "seccompDefault": True,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": config.cgroup_parent,
        "nodeLeaseDurationSeconds": LEASE_DURATION_SECONDS,
        "nodeStatusReportFrequency": f"{STATUS_REPORTED_SECONDS:.0f}s",
        "containerLogMaxSize": f"{FULL_BYTES >> 20}Mi",
        "containerLogMaxFiles": FILES,
        "enableSystemLogHandler": True,
        "enableSystemLogQuery": True,
        "registerWithTaints": list(config.taints),
    }


def routes(config: NodeConfig) -> list[web.RouteDef]:
    """Return the routes."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"kubeletconfig": kubelet_config(config)})

    return [web.get("/configz", answer)]
