"""What a node may do because of the pods that run on it, beyond its role.

It reads just the ConfigMaps, Secrets and claims its pods refer to, one by one, the volumes of those claims, and gets
tokens for just their accounts. Source:
https://kubernetes.io/docs/reference/access-authn-authz/node/ and kubernetes plugin/pkg/auth/authorizer/node.
"""

from __future__ import annotations

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.state.state import State
from wherry.apiserver.user import User
from wherry.objects import Object, podreferences
from wherry.objects.meaning.volumes import claim_names
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS

GROUP, PREFIX = "system:nodes", "system:node:"
_REFERRED = {"configmaps": "ConfigMap", "secrets": "Secret"}
_READ = ("get", "list", "watch")


def name_of(user: User) -> str:
    """Return the name of the node that `user` is, "" for everybody else."""
    return user.name.removeprefix(PREFIX) if GROUP in user.groups and user.name.startswith(PREFIX) else ""


class NodeRights:
    """Looks at the pods in `state`: a decision costs as much as there are pods in the namespace asked about."""

    def __init__(self, state: State):
        self._state = state

    def allowed(self, user: User, asked: Attributes) -> bool:
        """Return whether one of the node's pods gives it the right to the attempt."""
        node = name_of(user)
        if not node or asked.group or not asked.name:
            return False
        if asked.verb == "get" and asked.resource == PERSISTENT_VOLUME_CLAIMS.plural:
            return self._uses(node, asked.namespace, asked.name)
        if asked.verb == "get" and asked.resource == PERSISTENT_VOLUMES.plural:
            return self._uses_volume(node, asked.name)
        if asked.resource == "serviceaccounts/token" and asked.verb == "create":
            return any(self._runs_as(pod, node, asked.name) for pod in self._in(asked.namespace))
        kind = _REFERRED.get(asked.resource)
        if kind is None or asked.verb not in _READ:
            return False
        return any(
            pod["spec"].get("nodeName") == node and (kind, asked.name) in podreferences.of_pod(pod)
            for pod in self._in(asked.namespace)
        )

    def _uses(self, node: str, namespace: str, claim: str) -> bool:
        pods = (pod for pod in self._in(namespace) if pod["spec"].get("nodeName") == node)
        return any(claim in claim_names(pod) for pod in pods)

    def _uses_volume(self, node: str, name: str) -> bool:
        volumes = self._state.find(PERSISTENT_VOLUMES)
        volume = volumes.latest(("", name)) if volumes is not None else None
        claim = volume["spec"].get("claimRef") if volume is not None else None
        return claim is not None and self._uses(node, claim.get("namespace", ""), claim.get("name", ""))

    @staticmethod
    def _runs_as(pod: Object, node: str, account: str) -> bool:
        spec = pod["spec"]
        return (spec.get("nodeName"), spec.get("serviceAccountName")) == (node, account)

    def _in(self, namespace: str) -> list[Object]:
        pods = self._state.find(PODS)
        return list(pods.items(namespace)) if pods is not None and namespace else []
