"""What the cluster runs as pods: kube-proxy always, coredns and the ingress controller as addons.

The manifests are ordinary Kubernetes YAML with the cluster's addresses filled in. What is missing is created whenever
the control plane starts; what is there already is left as it is, since it may have been edited (a Corefile, a
replica count).
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from importlib.resources import files

import jinja2
import yaml

from wherry import __version__
from wherry.client.interface import Client
from wherry.cluster.config import ClusterConfig
from wherry.objects import Object
from wherry.objects.errors import AlreadyExists
from wherry.objects.family import bracketed

log = logging.getLogger(__name__)


def manifests(config: ClusterConfig) -> list[Object]:
    """Return the objects of kube-proxy and of the addons `config` asks for."""
    texts = [files(__name__).joinpath("kube-proxy.yaml").read_text()]
    if "dns" in config.addons:
        texts.append(files(__name__).joinpath("coredns.yaml").read_text())
    if "ingress" in config.addons:
        texts.append(files("wherry.ingress").joinpath("manifest.yaml").read_text())
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # YAML of our own, not HTML
    values = {"bracketed": bracketed, "config": config, "version": __version__}
    rendered = [environment.from_string(text).render(values) for text in texts]
    return [obj for text in rendered for obj in yaml.safe_load_all(text) if obj]


async def apply(client: Client, objects: list[Object]) -> None:
    """Create the objects that do not exist, in order."""
    async with aclosing(client.resources()) as told:
        resources = {(r.api_version, r.kind): r for r in await anext(told)}
    for obj in objects:
        metadata = obj["metadata"]
        try:
            await client.create(resources[obj["apiVersion"], obj["kind"]], obj, metadata.get("namespace"))
        except AlreadyExists:
            continue
        log.info("created kind=%s name=%s", obj["kind"], metadata["name"])
