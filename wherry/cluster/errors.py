"""How starting and stopping a cluster fails."""

from __future__ import annotations


class ClusterError(Exception):
    """A cluster could not be started or stopped; the message says why and what to do."""


class NotTold(ClusterError):
    """The user's kubeconfig cannot be told of a cluster, or the cluster cannot take note of that."""


class CannotStart(ClusterError):
    """A component does not start, and starting it again does not help."""
