"""A few characters that stand for very much: what they mean is never spelled out, and the API answers meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.objects import Object
from wherry.objects.errors import Invalid
from wherry.objects.resource import (
    CONFIG_MAPS,
    CRON_JOBS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    STATEFUL_SETS,
    Resource,
)

MOST = 2**31 - 1
ALL = f"0-{MOST - 1}"


def template(**spec: Any) -> Object:
    containers = [{"name": "c", "image": "i"}]
    return {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": containers} | spec}


def workload(**spec: Any) -> Object:
    chosen = {"selector": {"matchLabels": {"app": "a"}}, "template": template()}
    return {"metadata": {"name": "huge"}, "spec": chosen | spec}


def indexed(**spec: Any) -> Object:
    numbers = {"completionMode": "Indexed", "completions": MOST, "parallelism": 1000}
    return {"metadata": {"name": "huge"}, "spec": numbers | {"template": template(restartPolicy="Never")} | spec}


HUGE: dict[str, tuple[Resource, Object]] = {
    "replicas of a Deployment": (DEPLOYMENTS, workload(replicas=MOST)),
    "replicas of a StatefulSet": (
        STATEFUL_SETS,
        workload(replicas=MOST, serviceName="a", podManagementPolicy="Parallel"),
    ),
    "completions": (JOBS, indexed()),
    "indexes of a success policy": (JOBS, indexed(successPolicy={"rules": [{"succeededIndexes": ALL}]})),
}


@pytest.mark.parametrize("what", HUGE)
async def test_numbers_that_are_valid_keep_nobody_waiting(tmp_path: Path, what: str) -> None:
    resource, obj = HUGE[what]
    async with Cluster(tmp_path) as cluster, asyncio.timeout(30), asyncio.TaskGroup() as group:
        client = cluster.client
        await client.create(NAMESPACES, {"metadata": {"name": "demo"}})
        controllers = group.create_task(manager.make(client, ControllersConfig(ca_pem="pem")).run())
        await client.create(resource, obj, "demo")
        for number in range(20):
            await client.create(CONFIG_MAPS, {"metadata": {"name": f"c{number}"}}, "demo")
            await asyncio.sleep(0.05)
        await client.delete(resource, "huge", "demo")
        controllers.cancel()


async def test_a_status_may_name_two_billion_indexes(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster, asyncio.timeout(20):
        client = cluster.client
        await client.create(NAMESPACES, {"metadata": {"name": "demo"}})
        await client.create(JOBS, indexed(), "demo")
        change = {"status": {"completedIndexes": ALL}}
        await client.patch(JOBS, "huge", change, "demo", subresource="status")
        change = {"status": {"completedIndexes": f"0-{MOST}"}}
        with pytest.raises(Invalid, match="too large index"):
            await client.patch(JOBS, "huge", change, "demo", subresource="status")


async def test_a_schedule_of_a_million_minutes_is_refused(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster, asyncio.timeout(20):
        client = cluster.client
        await client.create(NAMESPACES, {"metadata": {"name": "demo"}})
        job = {"spec": {"template": template(restartPolicy="Never")}}
        cron_job = {"metadata": {"name": "often"}, "spec": {"schedule": "0," * 10**6 + "0 * * * *", "jobTemplate": job}}
        with pytest.raises(Invalid, match="must have at most 1024 characters"):
            await client.create(CRON_JOBS, cron_job, "demo")
