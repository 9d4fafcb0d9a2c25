"""Which OCI runtime runs a pod, and what it cannot do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fake.client import FakeClient
from tests.node.build import pod
from wherry.node.pods.act.runtimeclasses import handler
from wherry.node.runtime.machine import NoSuchHandlerError, Programs
from wherry.node.runtime.spec import Machine

PROGRAMS = Programs(Path("/crun"), Path("/conmon"), "crun", "1.8", {"runc": Path("/runc"), "crun": Path("/crun")})
ABLE = Machine(frozenset(), 1 << 30, unified_cgroups=True)
UNABLE = Machine(frozenset(), 1 << 30, unified_cgroups=True, user_namespaces=False)


def node(name: str = "mine", of: str = "runc") -> Any:
    client = FakeClient(
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": of}
    )
    machines = {"": UNABLE, "crun": UNABLE, "runc": ABLE}
    containers = SimpleNamespace(programs=PROGRAMS)
    return SimpleNamespace(client=client, containers=containers, machine=lambda handler: machines[handler])


async def test_the_class_names_it_and_without_one_it_is_the_usual_one():
    assert await handler(node(), pod()) == ""
    assert await handler(node(), pod(runtimeClassName="mine")) == "runc"
    assert await handler(node(), pod(runtimeClassName="mine", hostUsers=False)) == "runc"


@pytest.mark.parametrize(("spec", "named"), [({}, "runtime does"), ({"runtimeClassName": "mine"}, '"crun" does')])
async def test_a_runtime_that_has_no_user_namespaces_is_named(spec: Any, named: str):
    with pytest.raises(NoSuchHandlerError, match=f"{named} not support user namespaces .runc 1.1 on Linux 6.3 does"):
        await handler(node(of="crun"), pod(hostUsers=False, **spec))
