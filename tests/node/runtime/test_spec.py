"""OCI configurations built from a container's spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.node.build import container, pod
from wherry.node.images.source import Image
from wherry.node.runtime.security import CAPABILITIES, DEFAULT_CAPABILITIES, User
from wherry.node.runtime.spec import Machine, Mount, Namespaces, Overlay, Request, Users, arguments, build
from wherry.objects import Object

IMAGE = Image("demo/web", "sha256:1", command=("/entry",), args=("default",), working_dir="/srv")
MACHINE = Machine(capabilities=frozenset(CAPABILITIES), memory=1 << 34, unified_cgroups=False)
PODS = Path("/run/pods/1")
NAMESPACES = Namespaces(PODS / "net", PODS / "ipc", PODS / "uts")


def config(
    one: Object | None = None,
    *,
    user: User | None = None,
    mounts: Any = (),
    overlays: Any = (),
    machine: Machine = MACHINE,
    namespaces: Namespaces = NAMESPACES,
    **spec: Any,
) -> Object:
    one = one or container()
    request = Request(
        pod=pod(one, **spec),
        container=one,
        image=IMAGE,
        user=user or User(),
        env={"A": "1"},
        mounts=mounts,
        overlays=overlays,
        namespaces=namespaces,
        shared_memory=PODS / "shm",
        rootfs=Path("/run/containers/1/rootfs"),
        cgroup="/wherry/pod1/1",
        hostname="myblog",
    )
    return build(request, ["/entry"], machine)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["/entry", "default"]),
        ({"args": ["$(A)"]}, ["/entry", "1"]),
        ({"command": ["sh"]}, ["sh"]),
        ({"command": ["sh"], "args": ["-c", "$(B) $$(A)"]}, ["sh", "-c", "$(B) $(A)"]),
    ],
)
def test_command_and_args_replace_entrypoint_and_cmd(fields: Object, expected: list[str]):
    assert arguments(container(**fields), IMAGE, {"A": "1"}) == expected


def test_an_ordinary_container_joins_its_pod_and_has_a_pid_namespace_of_its_own():
    found = config()["linux"]["namespaces"]
    assert {"type": "network", "path": "/run/pods/1/net"} in found
    assert {"type": "pid"} in found
    assert {"type": "cgroup"} not in found


def test_it_has_the_usual_capabilities_and_may_not_see_the_machines_keys():
    built = config()
    assert set(built["process"]["capabilities"]["bounding"]) == set(DEFAULT_CAPABILITIES)
    assert {"/proc/kcore", "/proc/keys"} <= set(built["linux"]["maskedPaths"])
    assert built["process"]["cwd"] == "/srv"
    assert "rlimits" not in built["process"]


def test_users_of_the_pods_own_are_mapped():
    users = Users(Path("/run/pods/1/user"), 1 << 30, 65536)
    linux = config(namespaces=Namespaces(PODS / "net", PODS / "ipc", PODS / "uts", users=users))["linux"]
    assert {"type": "user", "path": "/run/pods/1/user"} in linux["namespaces"]
    assert linux["uidMappings"] == linux["gidMappings"] == [{"containerID": 0, "hostID": 1 << 30, "size": 65536}]
    assert "uidMappings" not in config()["linux"]


def test_mounts_propagate_as_far_as_they_are_asked_to():
    source = Path("/v")
    plain, deep = Mount(source, "/a"), Mount(source, "/b", read_only=True, recursive=True)
    follows, leads = (
        Mount(source, "/c", propagation="HostToContainer"),
        Mount(source, "/d", propagation="Bidirectional"),
    )
    built = config(mounts=[plain, deep, follows, leads])
    options = {mount["destination"]: mount["options"] for mount in built["mounts"]}
    assert [options[target] for target in ("/a", "/b", "/c", "/d")] == [
        ["rbind", "rprivate", "rw"],
        ["rbind", "rprivate", "ro", "rro"],
        ["rbind", "rslave", "rw"],
        ["rbind", "rshared", "rw"],
    ]
    assert built["linux"]["rootfsPropagation"] == "rshared"
    assert config(mounts=[plain, follows])["linux"]["rootfsPropagation"] == "rslave"
    assert "rootfsPropagation" not in config(mounts=[plain])["linux"]


def test_an_apparmor_profile_is_passed_on_where_the_kernel_has_it():
    asked = {"appArmorProfile": {"type": "Localhost", "localhostProfile": "mine"}}
    some = Machine(frozenset(CAPABILITIES), 1 << 34, False, confines=True)
    assert config(container(securityContext=asked), machine=some)["process"]["apparmorProfile"] == "mine"
    assert config(securityContext=asked, machine=some)["process"]["apparmorProfile"] == "mine"
    other = container(securityContext={"appArmorProfile": {"type": "Unconfined"}})
    assert "apparmorProfile" not in config(other, securityContext=asked, machine=some)["process"]


def test_a_privileged_container_has_all_there_is_and_nothing_masked():
    device = {"path": "/dev/kvm", "type": "c", "major": 10, "minor": 232}
    some = Machine(frozenset(CAPABILITIES) - {"CAP_SYS_RESOURCE"}, 1 << 34, False, devices=(device,))
    built = config(container(securityContext={"privileged": True}), machine=some)
    assert "CAP_SYS_ADMIN" in built["process"]["capabilities"]["effective"]
    assert "CAP_SYS_RESOURCE" not in built["process"]["capabilities"]["bounding"]
    assert not {"maskedPaths", "readonlyPaths"} & built["linux"].keys()
    assert built["linux"]["devices"] == [device]
    assert built["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]


@pytest.mark.parametrize(
    ("context", "present", "absent"),
    [
        ({"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}, {"CAP_NET_BIND_SERVICE"}, {"CAP_CHOWN"}),
        ({"capabilities": {"add": ["NET_ADMIN"], "drop": ["CHOWN"]}}, {"CAP_NET_ADMIN", "CAP_KILL"}, {"CAP_CHOWN"}),
        ({"capabilities": {"add": ["ALL"]}}, {"CAP_SYS_ADMIN"}, set()),
    ],
)
def test_capabilities_are_added_and_dropped(context: Object, present: set[str], absent: set[str]):
    found = set(config(container(securityContext=context))["process"]["capabilities"]["bounding"])
    assert present <= found
    assert not absent & found


def test_who_is_not_root_starts_with_no_capability():
    held = config(user=User(uid=1000, gid=1000))["process"]["capabilities"]
    assert (held["effective"], held["permitted"]) == ([], [])


def test_limits_become_quota_shares_and_bytes():
    resources = {"limits": {"cpu": "100m", "memory": "500Mi"}, "requests": {"cpu": "50m", "memory": "100Mi"}}
    found = config(container(resources=resources))["linux"]["resources"]
    assert found["cpu"] == {"shares": 51, "quota": 10000, "period": 100000}
    assert found["memory"] == {"limit": 500 << 20}


def test_a_limit_without_a_request_is_the_request():
    assert config(container(resources={"limits": {"cpu": "2"}}))["linux"]["resources"]["cpu"]["shares"] == 2048


@pytest.mark.parametrize(
    ("qos", "lowest", "score"),
    [("Guaranteed", -1000, -997), ("BestEffort", -1000, 1000), ("Guaranteed", 0, 0), ("Burstable", -1000, 994)],
)
def test_the_oom_score_follows_the_quality_of_service(qos: str, lowest: int, score: int):
    one = container(resources={"requests": {"memory": "100Mi"}})
    spec = pod(one, status={"qosClass": qos})
    machine = Machine(frozenset(), 1 << 34, False, lowest_oom_score=lowest)
    request = Request(
        spec, one, IMAGE, User(), {}, (), (), Namespaces(None, None, PODS / "uts"), PODS, PODS, "/c", "myblog"
    )
    assert build(request, ["x"], machine)["process"]["oomScoreAdj"] == score


def test_a_mount_inside_another_comes_after_it():
    inner, outer = Mount(Path("/a"), "/srv/data/deep", read_only=True), Mount(Path("/b"), "/srv/data")
    [first, second] = config(mounts=[inner, outer])["mounts"][-2:]
    assert (first["destination"], second["destination"]) == ("/srv/data", "/srv/data/deep")
    assert "ro" in second["options"]


def test_a_folder_of_the_image_comes_before_what_is_mounted_in_it_and_is_read_only_if_the_root_is():
    usr = Overlay(Path("/view/usr"), "/usr", Path("/layers/0/upper"), Path("/layers/0/work"))
    one = container(securityContext={"readOnlyRootFilesystem": True})
    built = config(one, overlays=[usr], mounts=[Mount(Path("/a"), "/usr/share/data")])
    first, second = built["mounts"][-2:]
    assert first["options"] == ["lowerdir=/view/usr", "upperdir=/layers/0/upper", "workdir=/layers/0/work"]
    assert (first["type"], second["destination"]) == ("overlay", "/usr/share/data")
    assert "/usr" in built["linux"]["readonlyPaths"]
    assert "/usr" not in config(overlays=[usr])["linux"]["readonlyPaths"]


def test_the_pods_sysctls_are_set():
    built = config(securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1024"}]})
    assert built["linux"]["sysctl"] == {"net.core.somaxconn": "1024"}


def test_privileges_cannot_be_gained_where_that_is_forbidden():
    assert config(container(securityContext={"allowPrivilegeEscalation": False}))["process"]["noNewPrivileges"]
    assert not config()["process"]["noNewPrivileges"]
