"""The kinds that are served, one file each, and the pieces of objects they share. Pure: no I/O of any kind.

    namespace node pod service endpoints configmap secret serviceaccount event limitrange     core/v1
    deployment replicaset daemonset controllerrevision                                        apps/v1
    endpointslice   discovery.k8s.io/v1          ingress ingressclass   networking.k8s.io/v1
    role rolebinding   rbac.authorization.k8s.io/v1     lease           coordination.k8s.io/v1
    customresourcedefinition   apiextensions.k8s.io/v1, only to say that there are none

A kind that is not here is not served. Shared: `objectmeta` (metadata of every object), `podspec` and what it is made of
(`container`, `volumes`, `probe`, `environment`, ...), `podtemplate` (what workloads share), `checks` (single values),
`cells` and `ages` (what tables print).
"""

from wherry.apiserver.kind import Kind
from wherry.apiserver.resources.configmap import CONFIG_MAP
from wherry.apiserver.resources.controllerrevision import CONTROLLER_REVISION
from wherry.apiserver.resources.customresourcedefinition import CUSTOM_RESOURCE_DEFINITION
from wherry.apiserver.resources.daemonset import DAEMON_SET
from wherry.apiserver.resources.deployment import DEPLOYMENT
from wherry.apiserver.resources.endpoints import ENDPOINTS
from wherry.apiserver.resources.endpointslice import ENDPOINT_SLICE
from wherry.apiserver.resources.event import EVENT
from wherry.apiserver.resources.ingress import INGRESS
from wherry.apiserver.resources.ingressclass import INGRESS_CLASS
from wherry.apiserver.resources.lease import LEASE
from wherry.apiserver.resources.limitrange import LIMIT_RANGE
from wherry.apiserver.resources.namespace import NAMESPACE
from wherry.apiserver.resources.node import NODE
from wherry.apiserver.resources.pod import POD
from wherry.apiserver.resources.replicaset import REPLICA_SET
from wherry.apiserver.resources.role import CLUSTER_ROLE, ROLE
from wherry.apiserver.resources.rolebinding import CLUSTER_ROLE_BINDING, ROLE_BINDING
from wherry.apiserver.resources.secret import SECRET
from wherry.apiserver.resources.service import SERVICE
from wherry.apiserver.resources.serviceaccount import SERVICE_ACCOUNT

KINDS: tuple[Kind, ...] = (
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    ENDPOINTS,
    CONFIG_MAP,
    SECRET,
    SERVICE_ACCOUNT,
    EVENT,
    LIMIT_RANGE,
    DEPLOYMENT,
    REPLICA_SET,
    DAEMON_SET,
    CONTROLLER_REVISION,
    ENDPOINT_SLICE,
    INGRESS,
    INGRESS_CLASS,
    ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    LEASE,
    CUSTOM_RESOURCE_DEFINITION,
)
"""Every kind the API server serves, in the order discovery lists them."""

__all__ = ["KINDS"]
