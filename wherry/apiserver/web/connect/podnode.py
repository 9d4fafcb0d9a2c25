"""What a request for one of a pod's containers becomes at the pod's node.

Source: kubernetes pkg/registry/core/pod/strategy.go (LogLocation, streamLocation).
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from wherry.apiserver.calls.agents import agent_of
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.web.connect.location import Location
from wherry.objects import Object
from wherry.objects.errors import BadRequest, NotFound
from wherry.objects.resource import NODES, PODS

Pairs = Sequence[tuple[str, str]]
_PATHS = {"log": "containerLogs", "exec": "exec", "attach": "attach", "portforward": "portForward"}


class PodNodes:
    """Finds where pods' nodes answer. Raises `NotFound`, `BadRequest`, `InternalError`."""

    def __init__(self, registry: Registry, tls: ssl.SSLContext):
        self._registry = registry
        self._tls = tls

    def location(self, namespace: str, name: str, what: str, query: Pairs) -> Location:
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
        return Location(*agent_of(node), f"{path}?{urlencode(rest)}" if rest else path, self._tls)


def _container(pod: Object, wanted: str) -> str:
    """Return the container meant: the one named, or the only one."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    regular = [c["name"] for c in spec.get("containers") or ()]
    init = [c["name"] for c in spec.get("initContainers") or ()]
    ephemeral = [c["name"] for c in spec.get("ephemeralContainers") or ()]
    if wanted:
        if wanted not in regular + init + ephemeral:
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(regular) == 1:
        return str(regular[0])
    others = f" or one of the init containers: [{' '.join(init)}]" if init else ""
    others += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]" if ephemeral else ""
    choice = f"choose one of: [{' '.join(regular)}]{others}"
    raise BadRequest(f"a container name must be specified for pod {name}, {choice}")
