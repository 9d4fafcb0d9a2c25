"""The proxies of a running cluster work another way: the ConfigMap is changed, then each node's proxy is asked.

Ours follow the file (`reconfigured.py`) and tell their mode at /proxyMode, beside /healthz. kube-proxy ends when the
file changes (cmd/kube-proxy/app/options.go), is started again, and tells its mode in its log (server_linux.go).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from wherry.client.interface import Client
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, Conflict, NotFound
from wherry.objects.meaning import nodes, pods
from wherry.objects.resource import CONFIG_MAPS, NODES, PODS, SERVICES
from wherry.proxy.config import HEALTHZ, ConfigurationError, host_port
from wherry.proxy.configmap import configuration, with_mode
from wherry.proxy.shortfalls import shortfalls

NAMESPACE, SELECTOR = "kube-system", "k8s-app=kube-proxy"
"""Where the proxies are, in kubeadm's clusters and those that follow them."""
ASK_SECONDS = 0.3
"""How long until a proxy is asked again: nothing tells of its mode but itself."""
ATTEMPTS = 5
_TOLD = re.compile(r'"Using (\w+) Proxier"')
_FLAG = "--proxy-mode"


class Asking(Client, Protocol):
    """A client that asks for any path."""

    async def request(self, method: str, path: str) -> Any:
        """Return what a path answers: its JSON, or its text."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one node's proxy; without a `problem` it works by the mode."""

    node: str
    problem: str = ""


async def set_mode(
    client: Asking, mode: str, seconds: float, tell: Callable[[str], None]
) -> tuple[list[Outcome], list[str]]:
    """Have every node's proxy work by `mode`; return what became of each, and what the mode does less of.

    Waits no longer than `seconds`; `tell` hears what is waited for. Raises `ConfigurationError` where no ConfigMap says
    which mode there is, and `ApiError`.
    """
    found = (await client.list(PODS, NAMESPACE, labels=SELECTOR)).items
    if flag := next(_flags(found), None):
        raise ConfigurationError(f"the proxies are started with {flag}, which wins over their ConfigMap: take it out")
    config_map, document = await _changed(client, _config_maps(found), mode)
    tell(f"ConfigMap {NAMESPACE}/{config_map} says {mode}")
    by_node = {pods.node_of(pod): pod for pod in found}
    everywhere = (await client.list(NODES)).items
    waiting = {node["metadata"]["name"] for node in everywhere}

    async def outcome(node: Object) -> Outcome:
        name = node["metadata"]["name"]
        problem = await _problem(client, node, by_node.get(name), document, mode, seconds)
        waiting.discard(name)
        tell(f"waiting for {', '.join(sorted(waiting))}" if waiting else "every node has been heard")
        return Outcome(name, problem)

    outcomes = await asyncio.gather(*map(outcome, everywhere))
    return outcomes, shortfalls((await client.list(SERVICES)).items, mode)


async def _changed(client: Client, names: Iterable[str], mode: str) -> tuple[str, Mapping[str, Any]]:
    """Change the mode in the one ConfigMap that has a configuration; return its name and what it said."""
    names = sorted(names)
    for attempt in range(ATTEMPTS):
        for name in names:
            try:
                config_map = await client.get(CONFIG_MAPS, name, NAMESPACE)
            except NotFound:
                continue
            if (held := configuration(config_map)) is None:
                continue
            key, document = held
            version = {"resourceVersion": config_map["metadata"]["resourceVersion"]}
            patch = {"metadata": version, "data": {key: with_mode(config_map["data"][key], mode)}}
            try:
                await client.patch(CONFIG_MAPS, name, patch, NAMESPACE)
            except Conflict:
                if attempt == ATTEMPTS - 1:
                    raise
                break  # somebody else has changed it: once more
            return name, document
    raise ConfigurationError(
        f"no KubeProxyConfiguration in {', '.join(names) or 'any ConfigMap'} of the pods {SELECTOR} in {NAMESPACE}: "
        "set the mode where the proxies are started"
    )


def _config_maps(proxies: Iterable[Object]) -> set[str]:
    volumes = (volume for pod in proxies for volume in pod["spec"].get("volumes") or ())
    return {name for volume in volumes if (name := (volume.get("configMap") or {}).get("name"))}


def _flags(proxies: Iterable[Object]) -> Iterator[str]:
    for pod in proxies:
        for container in pod["spec"]["containers"]:
            words = (*(container.get("command") or ()), *(container.get("args") or ()))
            yield from (word for word in words if word.startswith(_FLAG))


async def _problem(
    client: Asking, node: Object, pod: Object | None, document: Mapping[str, Any], mode: str, seconds: float
) -> str:
    """Wait until the proxy of a node works by the mode; return why it does not, in the end."""
    if pod is None:
        return f"no pod {SELECTOR} is there"
    if not nodes.is_ready(node):
        return "the node is not ready; its proxy takes the mode when it is"
    told = "it has not answered"
    try:
        async with asyncio.timeout(seconds):
            while True:
                told = await _told(client, pod, document)
                if told == mode:
                    return ""
                await asyncio.sleep(ASK_SECONDS)
    except TimeoutError:
        return f"still {told}" if told.isalpha() else told


async def _told(client: Asking, pod: Object, document: Mapping[str, Any]) -> str:
    """Return the mode a proxy says it works by, else what keeps it."""
    name = metadata.key(pod)[1]
    _, port = host_port(document.get("healthzBindAddress") or HEALTHZ)
    try:
        return str(await client.request("GET", PODS.path(NAMESPACE, f"{name}:{port}", "proxy/proxyMode")))
    except NotFound:
        pass
    except ApiError as error:
        return str(error)
    try:
        lines = await client.request("GET", PODS.path(NAMESPACE, name, "log"))
    except ApiError as error:
        return str(error)
    modes = _TOLD.findall(str(lines))
    return modes[-1] if modes else "neither /proxyMode nor its log tells its mode"
