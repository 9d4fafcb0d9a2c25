"""What this node says it is."""

from __future__ import annotations

KUBELET_VERSION = "v1.34.0+wherry"
"""The version of the API this node follows, as `kubectl get nodes` shows it."""
