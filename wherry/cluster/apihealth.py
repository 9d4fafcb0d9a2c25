"""What a running API server says of itself: its /readyz, and what stands behind a check that fails."""

from __future__ import annotations

import re
import shutil

from wherry.cluster.paths import Paths

PATIENCE_SECONDS = 10.0
FULL_BYTES = 64 * 1024
"""With less room than this a store's commits fail."""


async def problem(paths: Paths) -> str:
    """Return why the API server of the cluster at `paths` is not ready, "" when it is."""
    import asyncio

    from wherry.client.http import connect  # here: who asks nothing of the API need not wait for it
    from wherry.client.kubeconfig import ConfigError
    from wherry.objects.errors import ApiError

    try:
        client = connect(str(paths.kubeconfig))
    except ConfigError as error:
        return str(error)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await client.request("GET", "/readyz", params={"verbose": ""})
    except (ApiError, TimeoutError) as error:
        failed = re.findall(r"^\[-\](\S+) failed", str(error), re.MULTILINE)
        return "; ".join(_explained(check, paths) for check in failed) or str(error) or "it does not answer"
    finally:
        await client.close()
    return ""


def _explained(check: str, paths: Paths) -> str:
    """Return what a failing check means. The server withholds reasons, so that of a full disk is looked up here."""
    if check != "storage-writes":
        return f"its check {check} fails"
    free = shutil.disk_usage(paths.data).free
    if free < FULL_BYTES:
        return f"writes are refused, since the disk of {paths.data} is full ({free // 1024} KiB left); reads go on"
    return f"writes to {paths.state} fail; reads go on"
