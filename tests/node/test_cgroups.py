"""Limits as control group files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node.build import container, pod
from wherry.node import cgroups
from wherry.node.cgroups import CgroupLimits
from wherry.node.runtime.resources import of_pod


def limited(cpu: str, memory: str) -> dict[str, object]:
    return {"resources": {"limits": {"cpu": cpu, "memory": memory}}}


def test_a_pods_limits_are_the_sums_of_its_containers():
    spec = pod(container("a", **limited("100m", "64Mi")), container("b", **limited("1", "64Mi")))
    assert of_pod(spec) == CgroupLimits(memory=128 << 20, cpu_milli=1100, cpu_shares=1126)


def test_one_container_without_a_limit_leaves_the_pod_without():
    assert of_pod(pod(container("a", **limited("1", "64Mi")), container("b"))) == CgroupLimits(None, None, 1024)


def test_an_init_container_may_need_more_than_all_the_others():
    spec = pod(container(**limited("1", "64Mi")), initContainers=[container("i", **limited("1", "1Gi"))])
    assert of_pod(spec).memory == 1 << 30


def test_the_overhead_of_the_runtime_class_comes_on_top_of_what_is_limited():
    overhead = {"cpu": "100m", "memory": "16Mi"}
    spec = pod(container("a", **limited("1", "64Mi")), overhead=overhead)
    assert of_pod(spec) == CgroupLimits(memory=80 << 20, cpu_milli=1100, cpu_shares=1126)
    assert of_pod(pod(container("a"), overhead=overhead)) == CgroupLimits(None, None, 102)


def test_sidecars_run_beside_the_others():
    sidecar = container("side", restartPolicy="Always", **limited("500m", "16Mi"))
    spec = pod(container(**limited("1", "64Mi")), initContainers=[sidecar])
    assert of_pod(spec) == CgroupLimits(memory=80 << 20, cpu_milli=1500, cpu_shares=1536)


def test_files_of_version_one():
    found = cgroups.files(CgroupLimits(memory=1 << 20, cpu_milli=100, cpu_shares=102), unified=False)
    assert found["memory", "memory.limit_in_bytes"] == str(1 << 20)
    assert found["cpu", "cpu.cfs_quota_us"] == "10000"
    assert found["cpu", "cpu.shares"] == "102"


def test_files_of_version_two():
    found = cgroups.files(CgroupLimits(cpu_shares=1024), unified=True)
    assert found == {
        ("cpu", "cpu.weight"): "39",
        ("cpu", "cpu.max"): "max 100000",
        ("memory", "memory.max"): "max",
        ("pids", "pids.max"): "max",
    }


@pytest.mark.parametrize("unified", [True, False])
def test_processes_are_limited_in_both_versions(unified: bool):
    assert cgroups.files(CgroupLimits(pids=1024), unified=unified)["pids", "pids.max"] == "1024"


@pytest.fixture
def hybrid(tmp_path: Path) -> Path:
    """Return something shaped like a machine with one hierarchy per controller."""
    for name in ("cpu", "memory", "unified"):
        (tmp_path / name).mkdir()
    (tmp_path / "cpuacct").symlink_to("cpu")
    return tmp_path


def test_a_tree_is_removed_from_every_hierarchy(hybrid: Path):
    for name in ("cpu", "memory", "unified"):
        (hybrid / name / "wherry" / "pod1" / "c1").mkdir(parents=True)
    cgroups.remove_tree("/wherry", hybrid)
    assert not list(hybrid.glob("*/wherry"))


def test_removing_what_is_not_there_is_fine(hybrid: Path):
    cgroups.remove_tree("/wherry", hybrid)


def test_a_group_is_made_where_its_controllers_are(hybrid: Path):
    cgroups.create("/wherry/pod1", CgroupLimits(), hybrid)
    assert (hybrid / "memory/wherry/pod1").is_dir()
    assert not (hybrid / "unified/wherry").exists()


def test_on_version_one_a_hierarchy_that_is_mounted_limits(hybrid: Path):
    assert cgroups.prepare("/wherry/node1", hybrid) == {"cpu", "memory"}
    (hybrid / "cpu").rmdir()
    assert cgroups.prepare("/wherry/node1", hybrid) == {"memory"}


def test_on_version_one_a_cluster_stays_where_it_was_started(hybrid: Path):
    cgroups.join("/wherry/system", hybrid)
    assert not list(hybrid.glob("**/wherry"))
