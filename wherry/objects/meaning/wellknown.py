"""Names that Kubernetes gives a meaning to, each written once.

Source: kubernetes.io "Well-Known Labels, Annotations and Taints"; k8s.io/api well_known_labels.go of each group.
"""

from __future__ import annotations

# Labels of Services, EndpointSlices and Endpoints
SERVICE_NAME = "kubernetes.io/service-name"
"""On an EndpointSlice: its Service."""
HEADLESS = "service.kubernetes.io/headless"
SERVICE_PROXY_NAME = "service.kubernetes.io/service-proxy-name"
"""On a Service: the proxy that serves it instead of the default one."""
SLICE_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
ENDPOINTS_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"

# Annotations of the same
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
LEADER = "control-plane.alpha.kubernetes.io/leader"

# Labels of IPAddresses, and the finalizer of ServiceCIDRs
ADDRESS_FAMILY = "ipaddress.kubernetes.io/ip-family"
ADDRESS_MANAGED_BY = "ipaddress.kubernetes.io/managed-by"
SERVICE_ADDRESSES = "ipallocator.k8s.io"
"""Who manages the addresses of Services: API servers."""
SERVICE_CIDR_FINALIZER = "networking.k8s.io/service-cidr-finalizer"

# Labels of nodes
HOSTNAME = "kubernetes.io/hostname"
ARCH = "kubernetes.io/arch"
OS = "kubernetes.io/os"
BETA_ARCH = "beta.kubernetes.io/arch"
BETA_OS = "beta.kubernetes.io/os"
ZONE = "topology.kubernetes.io/zone"
ROLE_PREFIX = "node-role.kubernetes.io/"
CONTROL_PLANE_ROLE = ROLE_PREFIX + "control-plane"
"""Also the taint that keeps pods off the control plane."""
OLD_ROLE = "kubernetes.io/role"

# Taints of nodes
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
MEMORY_PRESSURE = "node.kubernetes.io/memory-pressure"
DISK_PRESSURE = "node.kubernetes.io/disk-pressure"
PID_PRESSURE = "node.kubernetes.io/pid-pressure"
NETWORK_UNAVAILABLE = "node.kubernetes.io/network-unavailable"

# Labels of pods that tell the revisions of one controller apart
POD_TEMPLATE_HASH = "pod-template-hash"
CONTROLLER_REVISION_HASH = "controller-revision-hash"
POD_TEMPLATE_GENERATION = "pod-template-generation"
REVISION_HASH = "controller.kubernetes.io/hash"
"""On a ControllerRevision of a StatefulSet; its pods name the whole revision, under `CONTROLLER_REVISION_HASH`."""

# Labels of a StatefulSet's pods
STATEFUL_POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"

# Labels, annotations and the finalizer of a Job's pods
JOB_NAME = "batch.kubernetes.io/job-name"
CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
OLD_JOB_NAME = "job-name"
OLD_CONTROLLER_UID = "controller-uid"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
"""A label and an annotation: which completion of an indexed Job the pod is for."""
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
"""How often that index has failed before."""
JOB_TRACKING = "batch.kubernetes.io/job-tracking"
"""Keeps a pod until its end is counted in its Job's status."""
SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
"""Annotation of a CronJob's Job: the time it was due."""

# Annotations of pods and workloads
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
"""An integer; pods with a lower cost go first when a ReplicaSet shrinks."""
MIRROR_POD = "kubernetes.io/config.mirror"
"""Of a pod in the API that shows a static one of a node: the hash of that."""
CONFIG_HASH, CONFIG_SOURCE = "kubernetes.io/config.hash", "kubernetes.io/config.source"
"""Of a static pod: what it was made of, and where that was ("file")."""
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
DAEMON_SET_GENERATION = "deprecated.daemonset.template.generation"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
ROLLBACK_TO = "deprecated.deployment.rollback.to"

# Conditions of pods that are resized (KEP-1287), and the reasons of the first
RESIZE_PENDING = "PodResizePending"
RESIZE_IN_PROGRESS = "PodResizeInProgress"
RESIZE_DEFERRED = "Deferred"
RESIZE_INFEASIBLE = "Infeasible"

# Ingress
INGRESS_CLASS = "kubernetes.io/ingress.class"
DEFAULT_INGRESS_CLASS = "ingressclass.kubernetes.io/is-default-class"

# Namespaces and what lies in them
NAMESPACE_NAME = "kubernetes.io/metadata.name"
SYSTEM_NAMESPACE = "kube-system"
NODE_LEASE_NAMESPACE = "kube-node-lease"
"""Holds one Lease per node, by its name: the node's heartbeat (KEP-589)."""

# Types of Secrets
TLS_SECRET = "kubernetes.io/tls"
SSH_SECRET = "kubernetes.io/ssh-auth"
BASIC_AUTH_SECRET = "kubernetes.io/basic-auth"
DOCKERCFG_SECRET = "kubernetes.io/dockercfg"
DOCKER_CONFIG_SECRET = "kubernetes.io/dockerconfigjson"
ACCOUNT_TOKEN_SECRET = "kubernetes.io/service-account-token"
ACCOUNT_NAME = "kubernetes.io/service-account.name"
"""Annotation of a token Secret: whose token it is."""

# Others
DESCRIPTION = "kubernetes.io/description"
RBAC_AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
FLOWCONTROL_AUTOUPDATE = "apf.kubernetes.io/autoupdate-spec"
"""Set to "false" by whoever wants to keep own changes to a bootstrap role or binding."""
RBAC_BOOTSTRAPPING = "kubernetes.io/bootstrapping"
INITIAL_EVENTS_END = "k8s.io/initial-events-end"
"""Annotation of the bookmark that ends a watch's initial events (KEP-3157)."""
