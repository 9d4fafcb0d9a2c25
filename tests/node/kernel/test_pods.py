"""Real pods, by conmon and an OCI runtime, in a sandbox."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.node.kernel.world import ADDRESS, NAME, World, world
from wherry.net import namespaces as netns
from wherry.node import mounts
from wherry.node.pods import worker
from wherry.node.pods.plan.decide import decide
from wherry.node.pods.plan.decision import Decision
from wherry.node.runtime.containers import Containers
from wherry.objects import Object
from wherry.objects.resource import CONFIG_MAPS, LEASES, NODES, PODS

pytestmark = pytest.mark.kernel


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


def config_map(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}, "data": data}


def secret(name: str, **data: str) -> Object:
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "demo"}, "data": encoded}


async def test_the_node_registers_itself_with_a_lease(node: World):
    await node.until("lease", lambda: node.api.peek(LEASES, NAME, "kube-node-lease"))
    found = node.api.peek(NODES, NAME)
    assert found is not None
    assert found["spec"]["podCIDR"] == "10.244.1.0/24"
    assert {"type": "InternalIP", "address": ADDRESS} in found["status"]["addresses"]
    assert found["status"]["nodeInfo"]["containerRuntimeVersion"].split("://")[0] in ("runc", "crun")


async def test_a_pod_has_its_name_its_address_and_its_environment(node: World):
    node.api.put(config_map("settings", COLOUR="blue"))
    reference = {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "COLOUR"}}}
    node.create(
        "web", "hostname; echo $COLOUR $FROM_IMAGE; ip -4 -o addr show eth0; ip route; sleep 1000", {"env": [reference]}
    )
    status = await node.running("web")
    assert (status["phase"], status["podIP"], status["hostIP"]) == ("Running", "10.244.1.2", ADDRESS)
    log = await node.printed("web", 4)
    assert log[:2] == ["web", "blue yes"]
    assert "10.244.1.2/32" in log[2]
    assert log[3].startswith("default via 10.244.1.1 dev eth0")
    assert node.events("Started") == ["Started container main"]


@pytest.mark.parametrize("group", [0, 65534])
async def test_what_the_image_map_names_is_reached_below_a_closed_home_by_any_user(node: World, group: int):
    node.disk.parent.chmod(0o700)
    node.disk.chmod(0o755)
    context = {"runAsUser": 65534, "runAsGroup": group}
    image = {"image": "demo/home", "securityContext": context}
    node.create("guest", "cat $HERE/images.yaml >/dev/null && echo read; sleep 1000", image)
    assert await node.printed("guest", 1) == ["read"]
    assert node.disk.parent.stat().st_mode & 0o777 == 0o700


async def test_the_root_file_system_is_the_hosts_copied_on_write(node: World):
    mark = Path("/etc/wherry-test-mark")
    node.create(
        "writer", f"echo x > {mark} && cat {mark}; test -e {node.config.state_dir}/logs || echo hidden; sleep 1000"
    )
    await node.running("writer")
    assert await node.printed("writer", 2) == ["x", "hidden"]
    assert not mark.exists()


async def test_exit_codes_and_termination_messages_are_told(node: World):
    node.create("failing", "echo because > /dev/termination-log; exit 3", restartPolicy="Never")
    await node.until("failed", lambda: node.status("failing").get("phase") == "Failed")
    ended = node.container("failing")["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (3, "Error", "because\n")


async def test_a_container_that_uses_too_much_memory_is_told_as_such(node: World):
    script = "head -c 200m /dev/zero | tail -c 199m | wc -c"
    node.create("big", script, {"resources": {"limits": {"memory": "20Mi"}}}, restartPolicy="Never")
    await node.until("ended", lambda: node.status("big").get("phase") in ("Failed", "Succeeded"))
    ended = node.container("big")["state"]["terminated"]
    assert ended["reason"] == "OOMKilled"


async def test_a_failing_container_is_restarted_and_backs_off(node: World):
    node.create("crash", "echo attempt; exit 1")
    await node.until(
        "backs off",
        lambda: "waiting" in node.container("crash").get("state", {}) and node.container("crash")["restartCount"] == 1,
    )
    state = node.container("crash")
    assert state["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert state["lastState"]["terminated"]["exitCode"] == 1
    assert node.log("crash").splitlines() == ["attempt", "attempt"]


async def test_an_unknown_image_is_named_with_the_way_out(node: World):
    node.create("lost", container={"image": "example.com/unknown:1"})
    await node.until(
        "refused",
        lambda: (
            "waiting" in node.container("lost").get("state", {})
            and node.container("lost")["state"]["waiting"]["reason"] == "ErrImagePull"
        ),
    )
    message = node.container("lost")["state"]["waiting"]["message"]
    assert "example.com/unknown:1" in message
    assert "--image-map" in message
    await node.until("backs off", lambda: node.waiting("lost") == "ImagePullBackOff")


async def test_a_program_that_is_not_there_is_told(node: World):
    node.create("typo", container={"command": ["/no/such/program"]}, restartPolicy="Never")
    await node.until("failed", lambda: node.status("typo").get("phase") == "Failed")
    ended = node.container("typo")["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "/no/such/program" in ended["message"]


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
        "touch config/no 2>/dev/null || echo read-only; echo kept > node/file; sleep 1000"
    )
    mounts = [{"name": v["name"], "mountPath": f"/v/{v['name']}"} for v in volumes]
    node.create("volumes", script, {"volumeMounts": mounts}, volumes=volumes)
    await node.running("volumes")
    expected = ["1", "2", "400", 'app="volumes"', "default/vault", "2", "tmpfs", "x", "read-only"]
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
    assert time.monotonic() - began < 5  # not after the usual pause


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


async def test_containers_of_a_pod_share_network_ipc_and_host_name(node: World):
    spec = [
        {
            "name": "a",
            "image": "demo/shell",
            "args": ["hostname; readlink /proc/self/ns/net /proc/self/ns/ipc; sleep 9"],
        },
        {
            "name": "b",
            "image": "demo/shell",
            "args": ["hostname; readlink /proc/self/ns/net /proc/self/ns/ipc; sleep 9"],
        },
    ]
    node.put("pair", spec)
    await node.running("pair")
    lines = await node.printed("pair", 6)
    assert lines[:3] == lines[3:]


async def test_a_host_network_pod_is_in_the_nodes_network(node: World):
    node.create("host", "hostname; ip -4 -o addr show lo; sleep 1000", hostNetwork=True)
    status = await node.running("host")
    assert status["podIP"] == ADDRESS
    name, *addresses = await node.printed("host", 3)
    assert name == NAME
    assert any(ADDRESS in line for line in addresses)


async def test_a_user_is_found_by_name_and_loses_roots_powers(node: World):
    node.create("nobody", "id -un; touch /etc/x 2>/dev/null || echo denied; sleep 1000", {"image": "demo/user"})
    await node.running("nobody")
    assert await node.printed("nobody", 2) == ["nobody", "denied"]


async def test_its_server_answers_an_administrator_with_logs_and_what_there_is(node: World):
    node.create("chatty", "echo hello; sleep 1000")
    await node.running("chatty")
    await node.printed("chatty", 1)
    tls = ssl.create_default_context(cafile=str(node.pki / "ca.crt"))
    tls.load_cert_chain(node.pki / "admin.crt", node.pki / "admin.key")

    async def get(path: str) -> str:
        url = f"https://{ADDRESS}:10250{path}"
        async with aiohttp.ClientSession() as session, session.get(url, ssl=tls) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    assert await get("/containerLogs/demo/chatty/main") == "hello\n"
    assert "kubelet.log" in await get("/logs/")
    [folder] = [f.name for f in (node.config.state_dir / "logs").iterdir()]
    assert "hello" in await get(f"/logs/pods/{folder}/main/0.log")
    assert "a line of the agent's" in await get("/logs/?query=kubelet")
    assert json.loads(await get("/configz"))["kubeletconfig"]["clusterDomain"] == "cluster.local"
    [used] = json.loads(await get("/stats/summary"))["pods"]
    assert used["podRef"]["name"] == "chatty"
    assert used["containers"][0]["cpu"]["usageCoreNanoSeconds"] > 0
    assert [pod["metadata"]["name"] for pod in json.loads(await get("/pods"))["items"]] == ["chatty"]
    assert await get("/healthz") == "ok"


class TestProbes:
    async def test_readiness_follows_the_probe(self, node: World):
        probe = {"exec": {"command": ["test", "-e", "/ready"]}, "periodSeconds": 1}
        node.create("slow", "sleep 1; touch /ready; sleep 1000", {"readinessProbe": probe})
        await node.until("runs", lambda: "running" in node.container("slow").get("state", {}))
        assert node.container("slow")["ready"] is False
        await node.running("slow")
        assert any("Readiness probe failed" in message for message in node.events("Unhealthy"))

    async def test_a_probed_container_is_never_told_as_ready_before_the_probe_says_so(
        self, node: World, monkeypatch: pytest.MonkeyPatch
    ):
        patch, told = node.api.patch, []

        async def listen(resource: Any, name: str, change: Any, *words: Any, **options: Any) -> Object:
            told.extend(change.get("status", {}).get("containerStatuses", ()))
            return await patch(resource, name, change, *words, **options)

        monkeypatch.setattr(node.api, "patch", listen)
        probe = {"exec": {"command": ["test", "-e", "/ready"]}, "periodSeconds": 1}
        node.create("shy", "sleep 1000", {"readinessProbe": probe, "startupProbe": probe})
        await node.until("a failed probe", lambda: node.events("Unhealthy"))
        assert any("running" in one["state"] for one in told)
        assert not [one for one in told if one["ready"] or one["started"]]

    async def test_a_failed_liveness_probe_restarts_the_container(self, node: World):
        probe = {"tcpSocket": {"port": 4321}, "periodSeconds": 1, "failureThreshold": 1}
        node.create("deaf", "trap 'exit 0' TERM; sleep 1000 & wait", {"livenessProbe": probe})
        await node.until("restarted", lambda: node.container("deaf").get("restartCount") == 1)
        assert node.events("Killing") == ["Container main failed liveness probe, will be restarted"]
        [unhealthy] = set(node.events("Unhealthy"))
        address = node.status("deaf")["podIP"]
        assert unhealthy == f"Liveness probe failed: dial tcp {address}:4321: connect: connection refused"

    async def test_an_http_probe_reaches_the_pod(self, node: World):
        probe = {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 1}
        container = {"ports": [{"name": "web", "containerPort": 8002}], "readinessProbe": probe}
        node.create("http", "cd /tmp && mkdir -p site && exec python3 -m http.server -d site 8002", container)
        await node.running("http")


ECHO = """
import os, socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1] == "UDP" else socket.SOCK_STREAM
own = socket.socket(socket.AF_INET, kind)
own.bind(("", 8080))
name = os.environ["HOSTNAME"].encode()
if kind == socket.SOCK_DGRAM:
    while True:
        own.sendto(name, own.recvfrom(9)[1])
own.listen()
while True:
    one, _ = own.accept()
    one.sendall(name)
    one.close()
"""


class TestHostPorts:
    PORT = 54323

    async def serve(self, node: World, name: str, protocol: str, address: str = "") -> None:
        port = {"containerPort": 8080, "hostPort": self.PORT, "protocol": protocol, "hostIP": address}
        (node.disk / "echo.py").write_text(ECHO)
        code = {"name": "code", "hostPath": {"path": str(node.disk)}}
        container = {
            "command": ["python3", "/code/echo.py", protocol],
            "ports": [port],
            "volumeMounts": [{"name": "code", "mountPath": "/code"}],
        }
        if protocol == "TCP":
            container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
        node.create(name, container=container, volumes=[code])
        await node.running(name)

    async def ask(self, protocol: str, address: str, source: str = "") -> str:
        """Return the name of the pod that answers at the port."""
        kind = socket.SOCK_DGRAM if protocol == "UDP" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as own:
            own.settimeout(2)
            if source:
                own.bind((source, 0))
            await asyncio.to_thread(own.connect, (address, self.PORT))
            if protocol == "UDP":
                own.send(b"who")
            return (await asyncio.to_thread(own.recv, 99)).decode()

    async def test_pods_share_one_by_address_and_protocol_and_it_is_reached_on_the_loopback(self, node: World):
        await self.serve(node, "one", "TCP", "127.0.0.1")
        await self.serve(node, "two", "TCP", ADDRESS)
        await self.serve(node, "three", "UDP", ADDRESS)
        assert await self.ask("TCP", "127.0.0.1") == "one"
        assert await self.ask("TCP", "127.0.0.1", source=ADDRESS) == "one"
        assert await self.ask("TCP", ADDRESS) == "two"
        await node.until("the datagram's answer", self.answers_by_udp)
        assert await self.ask("UDP", ADDRESS) == "three"

    def answers_by_udp(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.settimeout(0.2)
            own.connect((ADDRESS, self.PORT))
            with contextlib.suppress(OSError):
                own.send(b"who")
                return bool(own.recv(99))
            return False

    async def test_one_on_every_address_is_reached_on_the_loopback_and_the_pod_gets_no_further(self, node: World):
        await self.serve(node, "every", "TCP")
        assert await self.ask("TCP", "127.0.0.1") == await self.ask("TCP", ADDRESS) == "every"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as private:
            private.bind(("127.0.0.1", 0))
            private.settimeout(0.5)
            way_in = "ip route flush table local dev lo; ip route add 127.0.0.1 via 10.244.1.1 dev eth0"
            script = f"{way_in}; echo knock > /dev/udp/127.0.0.1/{private.getsockname()[1]}"
            namespace = next((node.config.run_dir / "pods").glob("*/net"))
            command = ["nsenter", f"--net={namespace}", "bash", "-c", script]
            await asyncio.to_thread(subprocess.run, command, check=True)
            with pytest.raises(TimeoutError):
                await asyncio.to_thread(private.recv, 9)


class TestEnding:
    async def test_a_deleted_pod_ends_in_peace_and_leaves_nothing(self, node: World):
        hook = {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "echo hook > /proc/1/fd/1"]}}}}
        node.create("gentle", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done", hook)
        await node.running("gentle")
        await node.printed("gentle", 1)
        log = next((node.config.state_dir / "logs").glob("demo_gentle_*/main/0.log"))
        uid = node.api.peek(PODS, "gentle", "demo")["metadata"]["uid"]
        with log.open() as kept:
            await node.api.delete(PODS, "gentle", "demo", grace_period_seconds=5)
            await node.gone("gentle")
            assert [line.split(" ", 3)[3].strip() for line in kept] == ["up", "hook", "bye"]
        await node.until("folders gone", lambda: not list((node.config.run_dir / "pods").iterdir()))
        await node.until("containers gone", lambda: not list((node.config.run_dir / "containers").iterdir()))
        await node.until(
            "address free", lambda: uid not in [f.read_text() for f in (node.config.run_dir / "addresses").iterdir()]
        )
        await node.until("log gone", lambda: not log.exists())
        assert "veth" not in Path("/proc/net/dev").read_text()
        assert not list(Path("/sys/fs/cgroup").glob(f"*{node.config.cgroup_parent}/pod*"))

    async def test_one_that_does_not_listen_is_killed_when_its_grace_is_over(self, node: World):
        node.create("stubborn", "trap '' TERM; while :; do sleep 0.05; done")
        await node.running("stubborn")
        await node.api.delete(PODS, "stubborn", "demo", grace_period_seconds=1)
        await node.gone("stubborn")
        assert node.events("Killing") == ["Stopping container main"]


class TestSurviving:
    async def test_pods_do_not_notice_that_the_agent_was_killed(self, node: World):
        probe = {"readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1}}
        node.create("steady", "echo started; sleep 1000", probe)
        before = (await node.running("steady"))["containerStatuses"]
        await node.kill()
        node.start()
        await node.until(
            "taken over", lambda: any(c.verb == "watch" and c.resource == PODS for c in node.api.calls[-20:])
        )
        await node.api.patch(PODS, "steady", {"metadata": {"labels": {"touched": "yes"}}}, "demo")
        assert (await node.running("steady"))["containerStatuses"] == before
        await node.api.delete(PODS, "steady", "demo", grace_period_seconds=1)
        await node.gone("steady")

    async def test_an_end_nobody_saw_is_noticed_afterwards(self, node: World):
        node.create("brief", "sleep 0.5; exit 7", restartPolicy="Never")
        await node.running("brief")
        await node.kill()
        bundle = next((node.config.run_dir / "containers").iterdir())
        await node.until("ended", (bundle / "exit").exists)
        node.start()
        await node.until("told", lambda: node.status("brief").get("phase") == "Failed")
        assert node.container("brief")["state"]["terminated"]["exitCode"] == 7

    async def test_a_worker_that_fails_takes_its_pod_up_again_and_no_other_along(
        self, node: World, monkeypatch: pytest.MonkeyPatch
    ):
        node.create("web")
        node.create("other")
        before = [(await node.running(name))["containerStatuses"] for name in ("web", "other")]
        failures = []

        def fail_once(pod: Object, *rest: Any) -> Decision:
            if pod["metadata"]["name"] == "web" and not failures:
                failures.append("web")
                raise KeyError("a fault of ours")
            return decide(pod, *rest)

        monkeypatch.setattr(worker, "decide", fail_once)
        labelled = await node.api.patch(PODS, "web", {"metadata": {"labels": {"app": "changed"}}}, "demo")
        assert labelled["metadata"]["labels"]["app"] == "changed"
        await node.until("the failure", lambda: failures)
        assert [(await node.running(name))["containerStatuses"] for name in ("web", "other")] == before
        for name in ("web", "other"):
            await node.api.delete(PODS, name, "demo")
            await node.gone(name)

    async def test_a_pod_deleted_meanwhile_is_removed(self, node: World):
        node.create("orphan", "sleep 1000")
        await node.running("orphan")
        await node.kill()
        node.api.remove(PODS, "orphan", "demo")
        node.start()
        await node.until("removed", lambda: not list((node.config.run_dir / "pods").iterdir()))
        await node.until("forgotten", lambda: not list((node.config.run_dir / "containers").iterdir()))

    async def test_what_an_agent_began_for_a_pod_that_is_gone_is_removed(self, node: World):
        """Killed in the middle: a sandbox without its record, an address, a tmpfs, an emptyDir."""
        node.create("other")
        await node.running("other")
        await node.kill()
        half = node.config.run_dir / "pods" / "gone-uid"
        (half / "volumes" / "memory").mkdir(parents=True)
        mounts.tmpfs(half / "volumes" / "memory")
        netns.create(half / "net")
        (node.config.run_dir / "addresses" / "10.244.1.99").write_text("gone-uid")
        disk = node.config.state_dir / "pods" / "gone-uid" / "volumes" / "data"
        disk.mkdir(parents=True)
        node.start()
        await node.until("removed", lambda: not half.exists() and not disk.exists())
        assert not (node.config.run_dir / "addresses" / "10.244.1.99").exists()

    async def test_a_start_that_was_cut_short_is_undone_and_done_again(
        self, node: World, monkeypatch: pytest.MonkeyPatch
    ):
        """Killed while the OCI runtime creates the container: its processes, records and layers go."""
        begun = []

        async def hang(self: Containers, *words: str, timeout: float | None = None) -> tuple[int, str]:
            begun.append(words)
            await asyncio.sleep(1000)
            return 0, ""

        with monkeypatch.context() as patched:
            patched.setattr(Containers, "_runtime", hang)
            node.create("cut", "sleep 1000")
            await node.until("created", lambda: begun)
            await node.kill()
        [first] = (node.config.run_dir / "containers").iterdir()
        node.start()
        await node.running("cut")
        assert node.container("cut")["restartCount"] == 0
        assert not first.exists()
        assert len(list((node.config.run_dir / "runtime").iterdir())) == 1

    async def test_a_container_whose_conmon_was_killed_is_started_again(self, node: World):
        node.create("lonely", "sleep 1000")
        await node.running("lonely")
        bundle = next((node.config.run_dir / "containers").iterdir())
        os.kill(int((bundle / "conmon.pid").read_text()), signal.SIGKILL)
        await node.until("again", lambda: node.container("lonely")["restartCount"] == 1)
        await node.running("lonely")
