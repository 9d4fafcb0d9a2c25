"""What pods use, read from control groups of both layouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node.build import NOW, UID, pod
from wherry.node import stats
from wherry.node.stats import PodGroups, Stats, Usage, usage

GROUP = f"/wherry/node/pod{UID}"


@pytest.fixture(params=["v1", "v2"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    inside = GROUP.strip("/")
    if request.param == "v2":
        (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
        (tmp_path / inside).mkdir(parents=True)
        (tmp_path / inside / "memory.current").write_text("1000\n")
        (tmp_path / inside / "memory.stat").write_text("anon 700\ninactive_file 300\n")
        (tmp_path / inside / "cpu.stat").write_text("usage_usec 5\nuser_usec 3\n")
    else:
        for controller in ("memory", "cpuacct"):
            (tmp_path / controller / inside).mkdir(parents=True)
        (tmp_path / "memory" / inside / "memory.usage_in_bytes").write_text("1000\n")
        (tmp_path / "memory" / inside / "memory.stat").write_text("cache 0\ntotal_inactive_file 300\n")
        (tmp_path / "cpuacct" / inside / "cpuacct.usage").write_text("5000\n")
    return tmp_path


def test_a_groups_usage_is_read_in_either_layout(root: Path):
    assert usage(GROUP, root) == Usage(cpu=5000, memory=1000, working_set=700)


def test_a_group_that_is_gone_has_none(root: Path):
    assert usage("/wherry/node/podother", root) is None


def test_the_summary_tells_of_the_node_its_pods_and_their_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    used = {"/node": Usage(9000, 5000, 4000), GROUP: Usage(5000, 1000, 700), f"{GROUP}/1": None}
    monkeypatch.setattr(stats, "usage", used.get)
    one = PodGroups(pod(status={"startTime": "2027-01-15T08:00:00Z"}), GROUP, {"web": (NOW, f"{GROUP}/1")})
    told = Stats("n1", "/node", 10_000, tmp_path, list).summary([one], NOW)
    assert told["node"]["nodeName"] == "n1"
    assert told["node"]["memory"]["availableBytes"] == 6000
    assert told["node"]["fs"]["capacityBytes"] > 0
    [of_pod] = told["pods"]
    assert of_pod["podRef"] == {"name": "myblog", "namespace": "demo", "uid": UID}
    assert of_pod["cpu"]["usageCoreNanoSeconds"] == 5000
    assert of_pod["memory"]["workingSetBytes"] == 700
    assert [c["name"] for c in of_pod["containers"]] == ["web"]
