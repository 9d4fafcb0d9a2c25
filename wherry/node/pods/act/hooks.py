"""Lifecycle hooks: postStart and preStop.

Source: k8s.io/api/core/v1 LifecycleHandler; kubernetes pkg/kubelet/lifecycle/handlers.go.
"""

from __future__ import annotations

import asyncio

from wherry.node.probes.check import ProbeTarget, check
from wherry.objects import Object

NO_LIMIT_SECONDS = 24 * 3600.0


async def run(handler: Object, target: ProbeTarget, timeout: float = NO_LIMIT_SECONDS) -> None:
    """Run a hook for at most `timeout` seconds; raises CheckError when it fails or takes longer."""
    if "sleep" in handler:
        pause = float(handler["sleep"].get("seconds") or 0)
        await asyncio.sleep(min(pause, timeout))
        return
    await check(handler, target, timeout)
