"""Where a pod's node answers, and what a request for one of its containers becomes there."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from wherry.apiserver.registry.registry import Registry
from wherry.objects import Object
from wherry.objects.errors import BadRequest, InternalError, NotFound
from wherry.objects.resource import NODES, PODS

Pairs = Sequence[tuple[str, str]]
_PATHS = {"log": "containerLogs", "exec": "exec", "attach": "attach", "portforward": "portForward"}


@dataclass(frozen=True, slots=True)
class NodeUrl:
    """One request to a node's HTTPS server."""

    host: str
    port: int
    path: str


def tls(certificate: Path, key: Path, ca: Path) -> ssl.SSLContext:
    """Return the context for calls to nodes; raises `ssl.SSLError` or `OSError`."""
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


class Nodes:
    """Finds nodes. Raises `NotFound`, `BadRequest`, `InternalError` with upstream's words (pkg/registry/core/pod)."""

    def __init__(self, registry: Registry):
        self._registry = registry

    def url(self, namespace: str, name: str, what: str, query: Pairs) -> NodeUrl:
        """Return where `what` (log, exec, attach, portforward) of a pod is answered."""
        pod = self._registry.find(PODS, (namespace, name))
        if pod is None:
            raise NotFound.of("pods", name)
        node_name = pod["spec"].get("nodeName")
        if not node_name:
            raise BadRequest(f"pod {name} does not have a host assigned")
        node = self._registry.find(NODES, ("", node_name))
        if node is None:
            raise NotFound.of("nodes", node_name)
        parts = [_PATHS[what], namespace, name]
        if what != "portforward":
            parts.append(_container(pod, dict(query).get("container", "")))
        rest = [(key, value) for key, value in query if key != "container"]
        path = "/" + "/".join(quote(part, safe="") for part in parts)
        return NodeUrl(_address(node), _port(node), f"{path}?{urlencode(rest)}" if rest else path)


def _container(pod: Object, wanted: str) -> str:
    """Return the container meant: the one named, or the only one."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    regular = [c["name"] for c in spec.get("containers") or ()]
    init = [c["name"] for c in spec.get("initContainers") or ()]
    if wanted:
        if wanted not in regular + init:
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(regular) == 1:
        return str(regular[0])
    others = f" or one of the init containers: [{' '.join(init)}]" if init else ""
    choice = f"choose one of: [{' '.join(regular)}]{others}"
    raise BadRequest(f"a container name must be specified for pod {name}, {choice}")


def _address(node: Object) -> str:
    for address in (node.get("status") or {}).get("addresses") or ():
        if address.get("type") == "InternalIP":
            return str(address["address"])
    raise InternalError(f"no preferred addresses found; known addresses: {(node.get('status') or {}).get('addresses')}")


def _port(node: Object) -> int:
    endpoints = (node.get("status") or {}).get("daemonEndpoints") or {}
    port = (endpoints.get("kubeletEndpoint") or {}).get("Port")
    if not port:
        raise InternalError(f"node {node['metadata']['name']} does not say at which port it answers")
    return int(port)
