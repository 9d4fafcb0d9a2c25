"""Runs every controller in one event loop, over shared caches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from wherry.client.interface import Client
from wherry.component.component import Component
from wherry.component.everything import Everything
from wherry.controllers.autoscaling.controller import HorizontalPodAutoscalerController
from wherry.controllers.certificates.approver import CertificateApprover
from wherry.controllers.certificates.cleaner import CertificateCleaner
from wherry.controllers.certificates.signer import CertificateSigner
from wherry.controllers.clusterips import ClusterIPController
from wherry.controllers.config import ControllersConfig
from wherry.controllers.context import Context
from wherry.controllers.controller import Runner
from wherry.controllers.cronjob.controller import CronJobController
from wherry.controllers.daemonset.controller import DaemonSetController
from wherry.controllers.deployment.controller import DeploymentController
from wherry.controllers.disruption.controller import DisruptionController
from wherry.controllers.endpoints import EndpointsController
from wherry.controllers.endpointslice.controller import EndpointSliceController
from wherry.controllers.endpointslice.mirroring import EndpointSliceMirroringController
from wherry.controllers.eventttl import EventTTLController
from wherry.controllers.finishedjobs import FinishedJobController
from wherry.controllers.garbagecollector.controller import GarbageCollector
from wherry.controllers.job.controller import JobController
from wherry.controllers.loadbalancer import LoadBalancerController
from wherry.controllers.namespace import NamespaceController
from wherry.controllers.nodelifecycle.controller import NodeLifecycleController
from wherry.controllers.nodelifecycle.evictor import TaintEvictionController
from wherry.controllers.podgc import PodGCController
from wherry.controllers.replicaset.controller import ReplicaSetController
from wherry.controllers.replicaset.replicationcontroller import ReplicationControllerController
from wherry.controllers.resourcequota import ResourceQuotaController
from wherry.controllers.roleaggregation import RoleAggregationController
from wherry.controllers.rootca import RootCAController
from wherry.controllers.serviceaccount import ServiceAccountController
from wherry.controllers.servicecidrs import ServiceCIDRController
from wherry.controllers.statefulset.controller import StatefulSetController
from wherry.controllers.volumes.binder import VolumeBinder
from wherry.controllers.volumes.ephemeral import EphemeralVolumes
from wherry.controllers.volumes.protection import ClaimProtection, VolumeProtection
from wherry.controllers.volumes.provisioner import LocalPathProvisioner

log = logging.getLogger(__name__)

CONTROLLERS: tuple[type[Runner], ...] = (
    NamespaceController,
    ServiceAccountController,
    RootCAController,
    RoleAggregationController,
    DeploymentController,
    ReplicaSetController,
    ReplicationControllerController,
    DaemonSetController,
    StatefulSetController,
    JobController,
    CronJobController,
    FinishedJobController,
    ResourceQuotaController,
    EndpointsController,
    EndpointSliceController,
    EndpointSliceMirroringController,
    ServiceCIDRController,
    ClusterIPController,
    LoadBalancerController,
    GarbageCollector,
    NodeLifecycleController,
    TaintEvictionController,
    PodGCController,
    DisruptionController,
    HorizontalPodAutoscalerController,
    CertificateApprover,
    CertificateSigner,
    CertificateCleaner,
    EventTTLController,
    VolumeBinder,
    LocalPathProvisioner,
    ClaimProtection,
    VolumeProtection,
    EphemeralVolumes,
)


def make(
    client: Client,
    config: ControllersConfig,
    *,
    controllers: Sequence[type[Runner]] = CONTROLLERS,
    clock: Callable[[], float] = time.time,
) -> Component:
    """Return the component all controllers are tasks of. A crash ends nothing but a moment of one controller's work."""
    component = Component("controllers", client, clock=clock)
    everything = Everything(component)
    for kind in controllers:
        controller = kind(Context(component, config, everything))
        component.task(controller.name, partial(_run_synced, controller))
    if everything.is_wanted:
        component.task("served resources", everything.run)
        component.health.ready("discovery", everything.unknown)
    return component


async def _run_synced(controller: Runner) -> None:
    await controller.context.synced()
    log.info("controller started name=%s", controller.name)
    await controller.run()
