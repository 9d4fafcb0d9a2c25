"""The kinds that are served from the start: a folder per API group, a file per kind (README.md). No I/O of any kind."""

from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.apiextensions.customresourcedefinition import CUSTOM_RESOURCE_DEFINITION
from wherry.apiserver.kinds.apps.controllerrevision import CONTROLLER_REVISION
from wherry.apiserver.kinds.apps.daemonset import DAEMON_SET
from wherry.apiserver.kinds.apps.deployment import DEPLOYMENT
from wherry.apiserver.kinds.apps.replicaset import REPLICA_SET
from wherry.apiserver.kinds.apps.statefulset import STATEFUL_SET
from wherry.apiserver.kinds.batch.cronjob import CRON_JOB
from wherry.apiserver.kinds.batch.job import JOB
from wherry.apiserver.kinds.coordination.lease import LEASE
from wherry.apiserver.kinds.core.configmap import CONFIG_MAP
from wherry.apiserver.kinds.core.endpoints import ENDPOINTS
from wherry.apiserver.kinds.core.limitrange import LIMIT_RANGE
from wherry.apiserver.kinds.core.namespace import NAMESPACE
from wherry.apiserver.kinds.core.node import NODE
from wherry.apiserver.kinds.core.pods.pod import POD
from wherry.apiserver.kinds.core.secret import SECRET
from wherry.apiserver.kinds.core.serviceaccount import SERVICE_ACCOUNT
from wherry.apiserver.kinds.core.services.service import SERVICE
from wherry.apiserver.kinds.core.storage.persistentvolumeclaim import PERSISTENT_VOLUME_CLAIM
from wherry.apiserver.kinds.discovery.endpointslice import ENDPOINT_SLICE
from wherry.apiserver.kinds.events.event import EVENT
from wherry.apiserver.kinds.networking.ingress import INGRESS
from wherry.apiserver.kinds.networking.ingressclass import INGRESS_CLASS
from wherry.apiserver.kinds.networking.ipaddress import IP_ADDRESS
from wherry.apiserver.kinds.networking.servicecidr import SERVICE_CIDR
from wherry.apiserver.kinds.rbac.role import CLUSTER_ROLE, ROLE
from wherry.apiserver.kinds.rbac.rolebinding import CLUSTER_ROLE_BINDING, ROLE_BINDING

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
    PERSISTENT_VOLUME_CLAIM,
    DEPLOYMENT,
    REPLICA_SET,
    DAEMON_SET,
    STATEFUL_SET,
    CONTROLLER_REVISION,
    JOB,
    CRON_JOB,
    ENDPOINT_SLICE,
    INGRESS,
    INGRESS_CLASS,
    SERVICE_CIDR,
    IP_ADDRESS,
    ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    LEASE,
    CUSTOM_RESOURCE_DEFINITION,
)
"""Every kind the API server serves, in the order discovery lists them."""

__all__ = ["KINDS"]
