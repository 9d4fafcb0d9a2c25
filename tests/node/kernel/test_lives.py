"""How pods end, and what outlives the agent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.node.kernel.world import World
from wherry.net import namespaces as netns
from wherry.node import mounts
from wherry.node.pods import worker
from wherry.node.pods.plan.decide import decide
from wherry.node.pods.plan.decision import Decision
from wherry.node.runtime.containers import Containers
from wherry.objects import Object
from wherry.objects.resource import PODS

pytestmark = pytest.mark.kernel


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
            "address free",
            lambda: uid not in [f.read_text() for f in (node.config.run_dir / "addresses" / "IPv4").iterdir()],
        )
        await node.until("log gone", lambda: not log.exists())
        await node.until("link gone", lambda: "veth" not in Path("/proc/net/dev").read_text())
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
        asked = len(node.api.calls)
        node.start()
        await node.until(
            "taken over", lambda: any(c.verb == "watch" and c.resource == PODS for c in node.api.calls[asked:])
        )
        await node.api.patch(PODS, "steady", {"metadata": {"labels": {"touched": "yes"}}}, "demo")
        assert (await node.running("steady"))["containerStatuses"] == before
        await node.api.delete(PODS, "steady", "demo", grace_period_seconds=1)
        await node.gone("steady")

    async def test_an_end_nobody_saw_is_noticed_afterwards(self, node: World):
        node.create("brief", "trap 'exit 7' USR1; while :; do sleep 0.05; done", restartPolicy="Never")
        await node.running("brief")
        await node.kill()
        bundle = next((node.config.run_dir / "containers").iterdir())

        def ends() -> bool:
            """Tell it to end, again and again: the first of a PID namespace hears nothing before its trap is set."""
            with contextlib.suppress(ProcessLookupError):
                os.kill(int((bundle / "pid").read_text()), signal.SIGUSR1)
            return (bundle / "exit").exists()

        await node.until("ended", ends)
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
        (node.config.run_dir / "addresses" / "IPv4" / "10.244.1.99").write_text("gone-uid")
        disk = node.config.state_dir / "pods" / "gone-uid" / "volumes" / "data"
        disk.mkdir(parents=True)
        node.start()
        await node.until("removed", lambda: not half.exists() and not disk.exists())
        assert not (node.config.run_dir / "addresses" / "IPv4" / "10.244.1.99").exists()

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
