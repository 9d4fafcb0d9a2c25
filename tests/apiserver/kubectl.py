"""A real kubectl in the namespace `demo`."""

from __future__ import annotations

import json
from typing import Any

from tests.apiserver.harness import Cluster


class Kubectl:
    """kubectl of one version in namespace `demo`."""

    def __init__(self, cluster: Cluster, version: str):
        self._cluster = cluster
        self._version = version

    async def __call__(self, *args: str, input: Any = "", fails: bool = False) -> str:
        """Return stdout, or stderr of a command that is to fail."""
        text = input if isinstance(input, str) else json.dumps(input)
        code, out, err = await self._cluster.kubectl("-n", "demo", *args, version=self._version, input=text)
        assert bool(code) is fails, out + err
        return err if fails else out
