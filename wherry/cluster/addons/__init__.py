"""What the cluster runs as pods: kube-proxy always, coredns and the ingress controller as addons; the default class.

The manifests are ordinary Kubernetes YAML with the cluster's addresses filled in. What is missing is created whenever
the control plane starts, and by each `wherry up`; what is there already is left as it is, since it may have been edited
(a Corefile, a replica count).

What gives a component its rights is in a file of its own, NAME-rights.yaml, ordinary YAML to the last line: for whoever
runs the component on the nodes of another cluster. networkpolicy-rights.yaml is for them alone.
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from importlib.resources import files
from string import Template

import yaml

from wherry import __version__
from wherry.client.interface import Client
from wherry.cluster.config import ClusterConfig
from wherry.objects import Object
from wherry.objects.errors import AlreadyExists
from wherry.objects.family import bracketed

log = logging.getLogger(__name__)


class _Manifest(Template):
    """A manifest with `@{name}` where a value of the cluster goes; `$` is Kubernetes' own, in arguments."""

    delimiter = "@"


def manifests(config: ClusterConfig) -> list[Object]:
    """Return the objects of kube-proxy and of the addons `config` asks for."""
    names = ["kube-proxy-rights", "kube-proxy", "local-path"]
    if "dns" in config.addons:
        names += ["coredns-rights", "coredns"]
    texts = [files(__name__).joinpath(f"{name}.yaml").read_text() for name in names]
    if "ingress" in config.addons:
        texts.append(files("wherry.ingress").joinpath("manifest.yaml").read_text())
    values = _values(config)
    # Every start waits for this: the C loader takes an eighth of the time.
    return [o for text in texts for o in yaml.load_all(_Manifest(text).substitute(values), yaml.CSafeLoader) if o]


def _values(config: ClusterConfig) -> dict[str, str]:
    return {
        "api_server": f"https://{bracketed(config.control_plane.address)}:6443",
        "cluster_domain": config.cluster_domain,
        "dns_address": config.dns_address,
        "pod_cidr": config.pod_cidr,
        "proxy_mode": config.proxy_mode,
        "service_cidr": config.service_cidr,
        "version": __version__,
    }


async def apply(client: Client, objects: list[Object]) -> list[str]:
    """Create the objects that do not exist, in order, and return what they are called."""
    created = []
    async with aclosing(client.resources()) as told:
        resources = {(r.api_version, r.kind): r for r in await anext(told)}
    for obj in objects:
        metadata = obj["metadata"]
        try:
            await client.create(resources[obj["apiVersion"], obj["kind"]], obj, metadata.get("namespace"))
        except AlreadyExists:
            continue
        log.info("created kind=%s name=%s", obj["kind"], metadata["name"])
        created.append(f"{obj['kind']} {metadata['name']}")
    return created
