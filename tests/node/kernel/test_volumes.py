"""Volumes and what pods find in them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.node.kernel.world import World, config_map, secret
from wherry.objects.resource import CONFIG_MAPS, PODS

pytestmark = pytest.mark.kernel


async def test_a_pod_waits_for_its_config_map(node: World):
    volumes = [{"name": "settings", "configMap": {"name": "late"}}]
    mount = {"volumeMounts": [{"name": "settings", "mountPath": "/settings"}]}
    node.create("patient", "cat /settings/KEY; sleep 1000", mount, volumes=volumes)
    missing = 'MountVolume.SetUp failed for volume "settings" : configmap "late" not found'
    await node.until("waits", lambda: missing in node.events("FailedMount"))
    assert node.container("patient")["state"]["waiting"]["reason"] == "ContainerCreating"
    node.api.put(config_map("late", KEY="here"))
    await node.running("patient")
    assert await node.printed("patient", 1) == ["here"]


async def test_volumes_hold_what_they_promise(node: World):
    node.api.put(config_map("c", ONE="1"), secret("s", TWO="2"))
    token = {"path": "token", "audience": "vault"}
    volumes = [
        {"name": "config", "configMap": {"name": "c", "items": [{"key": "ONE", "path": "deep/one"}]}},
        {"name": "secret", "secret": {"secretName": "s", "defaultMode": 0o400}},
        {"name": "info", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        {"name": "all", "projected": {"sources": [{"serviceAccountToken": token}, {"secret": {"name": "s"}}]}},
        {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "scratch", "emptyDir": {}},
        {"name": "node", "hostPath": {"path": "/opt/mysql/data", "type": "DirectoryOrCreate"}},
    ]
    script = (
        "cd /v; cat config/deep/one; echo; cat secret/TWO; echo; stat -Lc %a secret/TWO; cat info/labels; echo;"
        "cat all/token; echo; cat all/TWO; echo; findmnt -no FSTYPE -M /v/memory; touch scratch/x && ls scratch;"
        "touch config/no 2>/dev/null || echo read-only; echo kept > node/file; echo end; sleep 1000"
    )
    mounts = [{"name": v["name"], "mountPath": f"/v/{v['name']}"} for v in volumes]
    node.create("volumes", script, {"volumeMounts": mounts}, volumes=volumes)
    await node.running("volumes")
    expected = ["1", "2", "400", 'app="volumes"', "default/vault", "2", "tmpfs", "x", "read-only", "end"]
    assert await node.printed("volumes", len(expected)) == expected
    assert (node.config.state_dir / "upper/opt/mysql/data/file").read_text() == "kept\n"
    assert not Path("/opt/mysql/data/file").exists()


async def test_a_sub_path_that_is_not_one_keeps_the_container_from_starting_until_it_is(node: World):
    """The expression's variable is an annotation: once that is mended, the container starts at once."""
    where = {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['where']"}}}
    mount = {"name": "v", "mountPath": "/v", "subPathExpr": "$(WHERE)/here"}
    node.create("fussy", container={"env": [where], "volumeMounts": [mount]}, volumes=[{"name": "v", "emptyDir": {}}])
    await node.until("refused", lambda: node.waiting("fussy") == "CreateContainerConfigError")
    message = node.container("fussy")["state"]["waiting"]["message"]
    assert message == "error SubPath `/here` must not be an absolute path"
    began = time.monotonic()
    await node.api.patch(PODS, "fussy", {"metadata": {"annotations": {"where": "in"}}}, "demo")
    await node.running("fussy")
    assert time.monotonic() - began < 9  # not after the usual pause, of 10 seconds


async def test_a_changed_config_map_reaches_the_running_container(node: World):
    node.api.put(config_map("live", KEY="old"))
    volumes = [{"name": "live", "configMap": {"name": "live"}}]
    script = "while ! grep -q new /live/KEY; do sleep 0.02; done; echo seen; sleep 1000"
    node.create("watcher", script, {"volumeMounts": [{"name": "live", "mountPath": "/live"}]}, volumes=volumes)
    await node.running("watcher")
    await node.api.patch(CONFIG_MAPS, "live", {"data": {"KEY": "new"}}, "demo")
    assert await node.printed("watcher", 1) == ["seen"]


async def test_init_containers_run_first_and_share_volumes(node: World):
    shared = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    inits = [{"name": f"init{i}", "image": "demo/shell", "args": [f"echo {i} >> /v/order"], **shared} for i in (1, 2)]
    main = {"name": "main", "image": "demo/shell", "args": ["cat /v/order; sleep 1000"], **shared}
    node.put("ordered", [main], initContainers=inits, volumes=[{"name": "v", "emptyDir": {}}])
    await node.running("ordered")
    assert await node.printed("ordered", 2) == ["1", "2"]
