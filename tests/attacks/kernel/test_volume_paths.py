"""A pod that plants links in a volume, or swaps what is there, reaches nothing beyond it."""

from __future__ import annotations

import asyncio
import os
import socket as socketlib
from pathlib import Path
from typing import Any

import pytest

from tests.node.kernel.world import World, config_map, secret
from wherry.node import mounts
from wherry.objects import Object
from wherry.objects.resource import CONFIG_MAPS, PODS

pytestmark = pytest.mark.kernel

SWAP = """
import ctypes, os, sys
folder, outside = sys.argv[1:]
os.symlink(outside, folder + "/link")
os.makedirs(folder + "/real/inner")
swap, at = ctypes.CDLL(None).renameat2, lambda name: f"{folder}/{name}".encode()
while True:
    swap(-100, at("real"), -100, at("link"), 2)  # RENAME_EXCHANGE
"""
LOOKERS = 10


def mounting(number: int, **entry: Any) -> Object:
    script = "test -e /x/passwd && echo ESCAPED || echo inside; sleep 1000"
    entry = {"name": "v", "mountPath": "/x", **entry}
    return {"name": f"c{number}", "image": "demo/shell", "args": [script], "volumeMounts": [entry]}


def started(node: World, name: str) -> int:
    return len(node.log(name).splitlines())


@pytest.mark.parametrize("volume", [{"emptyDir": {}}, {"hostPath": {"path": "/shared", "type": "DirectoryOrCreate"}}])
@pytest.mark.parametrize("inside", ["real", "real/inner"])
async def test_a_sub_path_that_is_swapped_for_a_link_never_shows_the_machine(node: World, volume: Object, inside: str):
    """The attack of the pod in which one container swaps a folder and a link to /etc, and others mount it."""
    racer = {
        "name": "race", "image": "demo/python", "args": ["-c", SWAP, "/v", "/etc"], "restartPolicy": "Always",
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }  # fmt: skip
    lookers = [mounting(i, subPath=inside) for i in range(LOOKERS)]
    node.put("race", lookers, initContainers=[racer], volumes=[{"name": "v", **volume}])
    await node.until("some have got one", lambda: started(node, "race") >= 3)
    assert "ESCAPED" not in node.log("race")


@pytest.mark.parametrize("kind", ["subPath", "subPathExpr"])
async def test_a_sub_path_that_leads_out_keeps_its_container_from_starting(node: World, kind: str):
    plant = {
        "name": "plant",
        "image": "demo/shell",
        "args": ["ln -s / /v/out; ln -s ../../.. /v/up; ln -s inner /v/in"],
    }
    plant["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    containers = [mounting(i, **{kind: path}) for i, path in enumerate(["out", "out/etc", "up", "up/etc/new", "in"])]
    node.put("links", containers, initContainers=[plant], volumes=[{"name": "v", "emptyDir": {}}])

    def refused() -> list[str]:
        states = [(c["name"], c.get("state", {}).get("waiting", {})) for c in node.status("links")["containerStatuses"]]
        return [name for name, waiting in states if waiting.get("reason") == "CreateContainerConfigError"]

    await node.until("refused", lambda: node.status("links").get("containerStatuses") and len(refused()) == 5)
    # A link to what is not there yet is not followed to make it, and is an error as well: nothing was made elsewhere.
    assert "a link leads out of the volume" in "".join(node.events("Failed"))
    assert not Path("/etc/new").exists()


async def test_a_link_that_stays_in_its_volume_is_a_sub_path(node: World):
    node.api.put(config_map("c", KEY="value"))
    mount = {"name": "c", "mountPath": "/file", "subPath": "KEY"}
    node.create("key", "cat /file; echo; touch /file || echo fixed; sleep 1000", {"volumeMounts": [mount]},
                volumes=[{"name": "c", "configMap": {"name": "c"}}])  # fmt: skip
    assert (await node.printed("key", 2))[::2] == ["value"] or node.log("key").splitlines()[0] == "value"


async def test_a_missing_sub_path_is_made_with_the_volumes_mode(node: World):
    mount = {"name": "v", "mountPath": "/x", "subPath": "a/b"}
    user = {"runAsUser": 65534, "runAsGroup": 65534}
    one = {"volumeMounts": [mount], "securityContext": user}
    node.create("made", "touch /x/mine && stat -c %a /x; sleep 1000", one, volumes=[{"name": "v", "emptyDir": {}}])
    assert await node.printed("made", 1) == ["777"]


async def test_a_host_path_through_an_absolute_link_stays_on_the_nodes_own_file_system(node: World):
    """/var/run leads to /run: the machine's own has the other pods' tokens."""
    mark = Path("/run/wherry-attack-mark")
    mark.write_text("the machine's")
    node.api.put(secret("s", TOKEN="another pod's"))
    node.create("victim", container={"volumeMounts": [{"name": "s", "mountPath": "/s"}]},
                volumes=[{"name": "s", "secret": {"secretName": "s"}}])  # fmt: skip
    await node.running("victim")
    script = (
        f"test -e /host/run/{mark.name} && echo SEEN; test -e /var-run/{mark.name} && echo SEEN;"
        f"echo stolen > /var-run/{mark.name}; grep -rs another /host{node.config.run_dir} /host/run && echo TOKEN;"
        f"ls /host{node.config.state_dir} | grep . && echo DATA; echo done; sleep 1000"
    )
    volumes = [{"name": "run", "hostPath": {"path": "/var/run"}}, {"name": "all", "hostPath": {"path": "/"}}]
    places = [{"name": "run", "mountPath": "/var-run"}, {"name": "all", "mountPath": "/host"}]
    node.create("thief", script, {"volumeMounts": places}, volumes=volumes)
    try:
        await node.running("thief")
        assert await node.printed("thief", 1) == ["done"]
        assert mark.read_text() == "the machine's"
    finally:
        mark.unlink()


async def test_a_host_path_does_not_follow_another_pods_link_out_and_its_type_is_that_of_what_is_bound(node: World):
    plant = {
        "name": "plant",
        "image": "demo/shell",
        "args": ["ln -s /proc/self/root /n/out; ln -s /etc/hostname /n/file"],
    }
    plant["volumeMounts"] = [{"name": "n", "mountPath": "/n"}]
    node.put("plant", [plant], restartPolicy="Never",
             volumes=[{"name": "n", "hostPath": {"path": "/planted", "type": "DirectoryOrCreate"}}])  # fmt: skip
    await node.until("planted", lambda: node.status("plant").get("phase") == "Succeeded")
    for path, kind in (("/planted/out", "Directory"), ("/planted/file", "Directory"), ("/planted/file", "Socket")):
        name = f"follows{len(node.events('FailedMount'))}"
        before = len(node.events("FailedMount"))
        node.create(name, volumes=[{"name": "h", "hostPath": {"path": path, "type": kind}}])
        await node.until("refused", lambda before=before: len(node.events("FailedMount")) > before)
        assert node.waiting(name) in ("", "ContainerCreating", "PodInitializing")
        node.api.remove(PODS, name, "demo")
        await asyncio.sleep(0)


async def test_a_host_path_that_is_swapped_while_it_is_mounted_is_the_nodes_or_an_error(node: World):
    victim = node.disk / "victim"
    victim.mkdir()
    racer = {"name": "race", "image": "demo/python", "args": ["-c", SWAP, "/v", str(victim)]}
    racer["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    node.put("race", [racer], volumes=[{"name": "v", "hostPath": {"path": "/swapped", "type": "DirectoryOrCreate"}}])
    await node.running("race")
    for number in range(8):
        volume = {"name": "v", "hostPath": {"path": "/swapped/real", "type": "Directory"}}
        node.create(f"look{number}", "touch /x/mark; echo done; sleep 1000",
                    {"volumeMounts": [{"name": "v", "mountPath": "/x"}]}, volumes=[volume])  # fmt: skip
    await asyncio.gather(*(node.printed(f"look{number}", 1) for number in range(8)))
    assert not list(victim.iterdir())


async def test_links_planted_in_a_config_map_volume_are_not_followed_by_its_writer(node: World):
    """A pod that may mount makes its volume writable, and points `..data` at a folder of the node."""
    victim = node.disk / "victim"
    victim.mkdir()
    (victim / "file").write_text("kept")
    node.api.put(config_map("c", KEY="1"))
    script = (
        "mount -o remount,rw,bind /c && cd /c && rm ..data KEY && ln -s ../../../../../../../../../.." + str(victim)
        + " ..data && ln -s /etc/passwd KEY && ln -s /etc ..data_tmp && echo planted; sleep 1000"
    )  # fmt: skip
    context = {"capabilities": {"add": ["SYS_ADMIN"]}}
    mount = [{"name": "c", "mountPath": "/c"}]
    node.create("planter", script, {"securityContext": context, "volumeMounts": mount},
                volumes=[{"name": "c", "configMap": {"name": "c"}}])  # fmt: skip
    assert await node.printed("planter", 1) == ["planted"]
    await node.api.patch(CONFIG_MAPS, "c", {"data": {"KEY": "2", "MORE": "2"}}, "demo")
    [volume] = (node.config.run_dir / "pods").glob("*/volumes/c")
    await node.until("written", lambda: (volume / "MORE").exists() and (volume / "MORE").read_text() == "2")
    assert (victim / "file").read_text() == "kept"


async def test_what_a_pod_leaves_behind_is_removed_without_following_its_links(node: World):
    victim = node.disk / "victim"
    victim.mkdir()
    (victim / "file").write_text("kept")
    script = f"ln -s {victim} /e/out; mkdir -p /e/a/b; ln -s / /e/a/b/root; echo made; sleep 1000"
    kept = [{"name": "n", "hostPath": {"path": "/kept", "type": "DirectoryOrCreate"}}, {"name": "e", "emptyDir": {}}]
    node.create("leaver", f"echo kept > /n/file; {script}",
                {"volumeMounts": [{"name": "e", "mountPath": "/e"}, {"name": "n", "mountPath": "/n"},
                                  {"name": "n", "mountPath": "/n2", "subPath": "in"}]}, volumes=kept)  # fmt: skip
    assert await node.printed("leaver", 1) == ["made"]
    await node.api.delete(PODS, "leaver", "demo", grace_period_seconds=0)
    await node.gone("leaver")
    await node.until("removed", lambda: not list((node.config.run_dir / "pods").iterdir()))
    assert (victim / "file").read_text() == "kept"
    assert (node.config.state_dir / "upper/kept/file").read_text() == "kept\n"
    places = (node.base / "run" / "pods", node.base / "run" / "containers")

    def mounted() -> list[Path]:
        points = mounts.mount_points(Path("/proc/self/mountinfo").read_text())
        return [point for point in points if any(point.is_relative_to(place) for place in places)]

    await node.until("no mounts", lambda: not mounted())


DEEP = """
import os, signal, subprocess
subprocess.run(["mount", "-o", "remount,rw,bind", "/c"], check=True)
for top in ("/e", "/var", "/c/..data"):
    os.chdir(top)
    for _ in range(2500):
        os.mkdir("a")
        os.chdir("a")
print("made", flush=True)
signal.pause()
"""


async def test_folders_without_end_keep_neither_their_pod_from_ending_nor_the_agent_from_starting(node: World):
    """In a volume, in a container's own root, and in a ConfigMap's folder, which is written anew when it changes."""
    node.api.put(config_map("c", KEY="1"))
    digger = {
        "name": "main", "image": "demo/python", "args": ["-c", DEEP],
        "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}},
        "volumeMounts": [{"name": "e", "mountPath": "/e"}, {"name": "c", "mountPath": "/c"}],
    }  # fmt: skip
    node.put("digger", [digger], volumes=[{"name": "e", "emptyDir": {}}, {"name": "c", "configMap": {"name": "c"}}])
    assert await node.printed("digger", 1) == ["made"]
    await node.api.patch(CONFIG_MAPS, "c", {"data": {"KEY": "2"}}, "demo")
    [volume] = (node.config.run_dir / "pods").glob("*/volumes/c")
    await node.until("written", lambda: (volume / "KEY").read_text() == "2")
    await node.api.delete(PODS, "digger", "demo", grace_period_seconds=0)
    await node.gone("digger")
    state = node.config.state_dir
    await node.until("removed", lambda: not [*(state / "pods").iterdir(), *(state / "containers").iterdir()])


async def test_the_sockets_by_which_containers_are_attached_to_are_no_host_path(node: World):
    node.create("victim", container={"stdin": True})
    await node.running("victim")
    [socket] = (node.config.run_dir / "attach").glob("*/attach")
    for number, path in enumerate([socket, socket.resolve(), Path("/proc/1/root", *socket.parts[1:])]):
        before = len(node.events("FailedMount"))
        node.create(f"thief{number}", volumes=[{"name": "h", "hostPath": {"path": str(path), "type": "Socket"}}])
        await node.until("refused", lambda before=before: len(node.events("FailedMount")) > before)


async def test_a_socket_of_the_machine_is_a_host_path(node: World):
    with socketlib.socket(socketlib.AF_UNIX) as listening:
        path = Path("/run", f"wherry-attack-{os.getpid()}")
        listening.bind(str(path))
        listening.listen()
        try:
            volume = {"name": "h", "hostPath": {"path": f"/var/run/{path.name}", "type": "Socket"}}
            script = "import socket; socket.socket(socket.AF_UNIX).connect('/socket'); print('connected', flush=True)"
            mount = {"volumeMounts": [{"name": "h", "mountPath": "/socket"}]}
            node.create("client", container={"image": "demo/python", "args": ["-c", script], **mount}, volumes=[volume],
                        restartPolicy="Never")  # fmt: skip
            assert await node.printed("client", 1) == ["connected"]
        finally:
            path.unlink()
