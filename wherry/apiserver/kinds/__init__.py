"""The kinds that are served from the start: a folder per API group, a file per kind (README.md). No I/O of any kind."""

from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.admissionregistration.mutatingpolicy import (
    MUTATING_ADMISSION_POLICY,
    MUTATING_ADMISSION_POLICY_BINDING,
)
from wherry.apiserver.kinds.admissionregistration.policy import VALIDATING_ADMISSION_POLICY
from wherry.apiserver.kinds.admissionregistration.policybinding import VALIDATING_ADMISSION_POLICY_BINDING
from wherry.apiserver.kinds.admissionregistration.webhookconfiguration import (
    MUTATING_WEBHOOK_CONFIGURATION,
    VALIDATING_WEBHOOK_CONFIGURATION,
)
from wherry.apiserver.kinds.apiextensions.customresourcedefinition import CUSTOM_RESOURCE_DEFINITION
from wherry.apiserver.kinds.apiregistration.apiservice import API_SERVICE
from wherry.apiserver.kinds.apps.controllerrevision import CONTROLLER_REVISION
from wherry.apiserver.kinds.apps.daemonset import DAEMON_SET
from wherry.apiserver.kinds.apps.deployment import DEPLOYMENT
from wherry.apiserver.kinds.apps.replicaset import REPLICA_SET
from wherry.apiserver.kinds.apps.statefulset import STATEFUL_SET
from wherry.apiserver.kinds.autoscaling.horizontalpodautoscaler import HORIZONTAL_POD_AUTOSCALER
from wherry.apiserver.kinds.batch.cronjob import CRON_JOB
from wherry.apiserver.kinds.batch.job import JOB
from wherry.apiserver.kinds.certificates.certificatesigningrequest import CERTIFICATE_SIGNING_REQUEST
from wherry.apiserver.kinds.coordination.lease import LEASE
from wherry.apiserver.kinds.core.configmap import CONFIG_MAP
from wherry.apiserver.kinds.core.endpoints import ENDPOINTS
from wherry.apiserver.kinds.core.limitrange import LIMIT_RANGE
from wherry.apiserver.kinds.core.namespace import NAMESPACE
from wherry.apiserver.kinds.core.node import NODE
from wherry.apiserver.kinds.core.pods.pod import POD
from wherry.apiserver.kinds.core.podtemplate import POD_TEMPLATE
from wherry.apiserver.kinds.core.replicationcontroller import REPLICATION_CONTROLLER
from wherry.apiserver.kinds.core.resourcequota import RESOURCE_QUOTA
from wherry.apiserver.kinds.core.secret import SECRET
from wherry.apiserver.kinds.core.serviceaccount import SERVICE_ACCOUNT
from wherry.apiserver.kinds.core.services.service import SERVICE
from wherry.apiserver.kinds.core.storage.persistentvolume import PERSISTENT_VOLUME
from wherry.apiserver.kinds.core.storage.persistentvolumeclaim import PERSISTENT_VOLUME_CLAIM
from wherry.apiserver.kinds.discovery.endpointslice import ENDPOINT_SLICE
from wherry.apiserver.kinds.events.event import EVENT
from wherry.apiserver.kinds.flowcontrol.flowschema import FLOW_SCHEMA
from wherry.apiserver.kinds.flowcontrol.prioritylevelconfiguration import PRIORITY_LEVEL_CONFIGURATION
from wherry.apiserver.kinds.networking.ingress import INGRESS
from wherry.apiserver.kinds.networking.ingressclass import INGRESS_CLASS
from wherry.apiserver.kinds.networking.ipaddress import IP_ADDRESS
from wherry.apiserver.kinds.networking.networkpolicy import NETWORK_POLICY
from wherry.apiserver.kinds.networking.servicecidr import SERVICE_CIDR
from wherry.apiserver.kinds.node.runtimeclass import RUNTIME_CLASS
from wherry.apiserver.kinds.policy.poddisruptionbudget import POD_DISRUPTION_BUDGET
from wherry.apiserver.kinds.rbac.role import CLUSTER_ROLE, ROLE
from wherry.apiserver.kinds.rbac.rolebinding import CLUSTER_ROLE_BINDING, ROLE_BINDING
from wherry.apiserver.kinds.scheduling.priorityclass import PRIORITY_CLASS
from wherry.apiserver.kinds.storage.csidriver import CSI_DRIVER
from wherry.apiserver.kinds.storage.csinode import CSI_NODE
from wherry.apiserver.kinds.storage.csistoragecapacity import CSI_STORAGE_CAPACITY
from wherry.apiserver.kinds.storage.storageclass import STORAGE_CLASS
from wherry.apiserver.kinds.storage.volumeattachment import VOLUME_ATTACHMENT
from wherry.apiserver.kinds.storage.volumeattributesclass import VOLUME_ATTRIBUTES_CLASS

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
    RESOURCE_QUOTA,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD_TEMPLATE,
    REPLICATION_CONTROLLER,
    DEPLOYMENT,
    REPLICA_SET,
    DAEMON_SET,
    STATEFUL_SET,
    CONTROLLER_REVISION,
    HORIZONTAL_POD_AUTOSCALER,
    JOB,
    CRON_JOB,
    POD_DISRUPTION_BUDGET,
    ENDPOINT_SLICE,
    INGRESS,
    INGRESS_CLASS,
    NETWORK_POLICY,
    RUNTIME_CLASS,
    PRIORITY_CLASS,
    SERVICE_CIDR,
    IP_ADDRESS,
    ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CERTIFICATE_SIGNING_REQUEST,
    LEASE,
    STORAGE_CLASS,
    VOLUME_ATTACHMENT,
    CSI_DRIVER,
    CSI_NODE,
    CSI_STORAGE_CAPACITY,
    VOLUME_ATTRIBUTES_CLASS,
    MUTATING_WEBHOOK_CONFIGURATION,
    VALIDATING_WEBHOOK_CONFIGURATION,
    MUTATING_ADMISSION_POLICY,
    MUTATING_ADMISSION_POLICY_BINDING,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    FLOW_SCHEMA,
    PRIORITY_LEVEL_CONFIGURATION,
    CUSTOM_RESOURCE_DEFINITION,
    API_SERVICE,
)
"""Every kind the API server serves, in the order discovery lists them."""

__all__ = ["KINDS"]
