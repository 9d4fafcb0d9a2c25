"""The loop of the ReplicationController controller: that of ReplicaSets, as upstream's is."""

from __future__ import annotations

from wherry.controllers.replicaset.controller import ReplicaSetController
from wherry.objects.resource import REPLICATION_CONTROLLERS


class ReplicationControllerController(ReplicaSetController):
    """Keeps as many pods as each ReplicationController asks for."""

    name = "replication"
    resource = REPLICATION_CONTROLLERS
