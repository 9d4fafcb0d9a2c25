"""Pods as users meet them, through real kubectl: one cluster, many quick looks. pods.yaml holds what is looked at."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import KUBECTL, Cluster, cluster, eventually, traffic

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
BIND = "127.0.0.64"
NODES = ("k8s-master", "k8s-slave1", "k8s-slave2")
LOOK = """
apiVersion: v1
kind: Pod
metadata: {name: look}
spec:
  nodeName: k8s-slave1
  restartPolicy: Never
  containers:
  - {name: main, image: test/shell, args: [cat /log/polite], volumeMounts: [{name: log, mountPath: /log}]}
  volumes: [{name: log, hostPath: {path: /srv/e2e-log}}]
"""
NOWHERE = """
apiVersion: v1
kind: Pod
metadata: {name: nowhere}
spec:
  terminationGracePeriodSeconds: 0
  nodeSelector: {disk: ssd}
  containers: [{name: main, image: test/shell}]
"""
has_memory_limits = Path("/sys/fs/cgroup/memory").is_dir() or (
    "memory" in Path("/sys/fs/cgroup/cgroup.controllers").read_text().split()
    if Path("/sys/fs/cgroup/cgroup.controllers").exists()
    else False
)


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("pods")
    image_map = str(HERE / "image-map.yaml")
    (home / "manifests" / "k8s-slave2").mkdir(parents=True)
    options = ("--nodes", "3", "--addons", "none", "--image-map", image_map, "--static-pods", str(home / "manifests"))
    with cluster("pods", BIND, home, *options) as made:
        made.kubectl(f"apply -f {HERE / 'pods.yaml'}")
        yield made


@pytest.fixture(params=["1.37", "1.20"])
def tool(request: pytest.FixtureRequest, k8s: Cluster) -> Cluster:
    if not KUBECTL[request.param].exists():
        pytest.skip(f"this system has no kubectl {request.param}: scripts/install could not fetch it")
    return Cluster(k8s.name, k8s.bind, k8s.home, KUBECTL[request.param])


def ready(k8s: Cluster, what: str) -> None:
    k8s.kubectl(f"wait --for=condition=Ready {what} --timeout=90s")


def status(k8s: Cluster, pod: str) -> list[str]:
    """The pod's READY, STATUS and RESTARTS as `kubectl get` shows them."""
    return k8s.kubectl(f"get pod {pod} --no-headers").split()[1:4]


def described(k8s: Cluster, pod: str, *texts: str) -> None:
    """Wait until `kubectl describe` says all of it: events come a moment after the state they are about."""
    eventually(f"the description of {pod}", lambda: all(one in k8s.kubectl(f"describe pod {pod}") for one in texts))


def shows(k8s: Cluster, pod: str, *columns: str) -> Callable[[], bool]:
    return lambda: status(k8s, pod)[: len(columns)] == list(columns)


def sh(k8s: Cluster, pod: str, script: str) -> str:
    """Run a shell script in a pod's container `main`."""
    return k8s.run(k8s.kubectl_path, "exec", pod, "-c", "main", "--", "sh", "-c", script)


def echo_pods(k8s: Cluster) -> list[str]:
    return k8s.pods("app=echo", "default")


@contextmanager
def background(k8s: Cluster, line: str) -> Iterator[subprocess.Popen[str]]:
    """A kubectl that runs beside the test."""
    process = subprocess.Popen(
        [str(k8s.kubectl_path), *line.split()],
        env=k8s.environment,
        cwd=k8s.home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


class TestConfiguration:
    def test_environment_from_every_source(self, k8s: Cluster) -> None:
        eventually("its end", shows(k8s, "environment", "0/1", "Completed", "0"))
        node = k8s.kubectl("get pod environment -o jsonpath={.spec.nodeName}")
        ip = k8s.kubectl("get pod environment -o jsonpath={.status.podIP}")
        assert ip.startswith("10.244.")
        expected = f"blue s3cret {node} {ip} environment seen 64 500 blue-{node} $(UNKNOWN) $(ESCAPED)\n"
        assert k8s.kubectl("logs environment") == expected

    def test_a_missing_config_map_is_waited_for(self, k8s: Cluster) -> None:
        eventually("the error", shows(k8s, "unconfigured", "0/1", "CreateContainerConfigError"))
        described(k8s, "unconfigured", 'configmap "late" not found')
        k8s.kubectl("create configmap late --from-literal=x=y")
        ready(k8s, "pod/unconfigured")
        assert sh(k8s, "unconfigured", "echo $X") == "y\n"

    def test_an_image_that_is_in_no_map_is_asked_for_and_its_registrys_reason_told(self, k8s: Cluster) -> None:
        eventually("the error", lambda: status(k8s, "unknown")[1] in ("ErrImagePull", "ImagePullBackOff"))
        reason = 'failed to pull image "127.0.0.1:1/team/app:1": GET'
        described(k8s, "unknown", reason, "connect: connection refused")

    def test_limits_are_in_the_control_group(self, k8s: Cluster) -> None:
        if not has_memory_limits:
            pytest.skip("this kernel has no memory cgroup")
        ready(k8s, "pod/limited")
        v1, v2 = "memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us", "memory.max cpu.max"
        output = sh(k8s, "limited", f"cd /sys/fs/cgroup; cat {v1} 2>/dev/null || cat {v2}")
        assert output.split()[:2] == [str(48 << 20), "25000"]
        assert k8s.kubectl("get pod limited -o jsonpath={.status.qosClass}") == "Burstable"

    def test_kubectl_top_shows_what_is_used(self, k8s: Cluster) -> None:
        if not has_memory_limits:
            pytest.skip("this kernel has no memory cgroup")
        ready(k8s, "pod/limited")

        def counted() -> bool:
            [row] = [line.split() for line in k8s.kubectl("top pod limited --containers --no-headers").splitlines()]
            assert row[:2] == ["limited", "main"]
            return row[2].endswith("m") and int(row[3].removesuffix("Mi")) <= 48

        eventually("figures", counted)
        exactly = k8s.kubectl("get podmetrics limited -o jsonpath={.containers[0].usage.memory}")
        assert 0 < int(exactly.removesuffix("Ki")) <= 48 << 10

        def all_counted() -> bool:
            rows = [line.split() for line in k8s.kubectl("top node --no-headers").splitlines()]
            assert sorted(row[0] for row in rows) == sorted(NODES)
            return all(re.fullmatch(r"[1-9]\d*Mi", row[3]) for row in rows)

        eventually("figures of all nodes", all_counted)


class TestVolumes:
    @pytest.fixture(autouse=True)
    def pod(self, k8s: Cluster) -> None:
        ready(k8s, "pod/volumes")

    def test_empty_directories_are_shared_and_may_be_in_memory(self, k8s: Cluster) -> None:
        sh(k8s, "volumes", "echo ahoy > /v/scratch/below/file")
        assert k8s.kubectl("exec volumes -c other -- cat /elsewhere/file") == "ahoy\n"
        mounted = sh(k8s, "volumes", "stat -f -c %T /v/memory; df --output=size -k /v/memory | tail -1")
        assert mounted.split() == ["tmpfs", "8192"]

    def test_secrets_projections_and_the_downward_api(self, k8s: Cluster) -> None:
        assert sh(k8s, "volumes", "cat /v/hidden/deep/er; stat -L -c %a /v/hidden/deep/er") == "s3cret400\n"
        assert sh(k8s, "volumes", "cd /v/all; cat colour password name; ls | xargs") == (
            "blues3cretvolumescolour name password token\n"
        )
        assert sh(k8s, "volumes", "cut -d. -f2 /v/all/token | tr _- /+ | base64 -d 2>/dev/null; :").count("harbour")
        assert 'app="volumes"' in sh(k8s, "volumes", "cat /v/about/labels")
        k8s.kubectl("label pod volumes colour=red")
        eventually("the label", lambda: 'colour="red"' in sh(k8s, "volumes", "cat /v/about/labels"))

    def test_a_changed_config_map_reaches_the_volume_but_not_a_sub_path(self, k8s: Cluster) -> None:
        assert sh(k8s, "volumes", "cat /v/settings/colour /v/settings/size") == "bluelarge"
        k8s.run(k8s.kubectl_path, "patch", "configmap", "settings", "-p", '{"data": {"size": "huge", "extra": "1"}}')
        eventually("the change", lambda: sh(k8s, "volumes", "cat /v/settings/size") == "huge")
        assert sh(k8s, "volumes", "cat /v/settings/extra; cat /v/one/size") == "1large"

    def test_what_is_read_only_cannot_be_written(self, k8s: Cluster) -> None:
        for path in ("/v/disk/x", "/v/settings/x", "/v/hidden/x"):
            assert "Read-only file system" in sh(k8s, "volumes", f"touch {path} 2>&1; :")

    def test_a_host_path_is_its_nodes_and_stays(self, k8s: Cluster) -> None:
        ready(k8s, "pod -l app=disk")
        sh(k8s, "writer", "echo kept > /disk/file")
        assert sh(k8s, "reader", "ls /disk") == ""
        assert not Path("/srv/e2e-disk").exists()
        k8s.kubectl("delete pod writer")
        k8s.kubectl(f"apply -f {HERE / 'pods.yaml'} -l app=disk")
        ready(k8s, "pod/writer")
        assert sh(k8s, "writer", "cat /disk/file") == "kept\n"


class TestLife:
    def test_a_crashing_container_backs_off_and_shows_why(self, k8s: Cluster) -> None:
        eventually("the back-off", shows(k8s, "crasher", "0/1", "CrashLoopBackOff"))
        assert int(status(k8s, "crasher")[2]) >= 1
        last = r"Last State:\s+Terminated\n\s+Reason:\s+Error\n\s+Exit Code:\s+3\n"
        assert re.search(last, k8s.kubectl("describe pod crasher"))
        described(k8s, "crasher", "Back-off restarting failed container")
        assert sorted(k8s.kubectl("logs crasher --previous").splitlines()) == ["to stderr", "to stdout"]

    def test_restart_policies(self, k8s: Cluster) -> None:
        eventually("success", shows(k8s, "second-time-lucky", "0/1", "Completed", "1"))
        eventually("failure", shows(k8s, "failed", "0/1", "Error", "0"))
        told = "jsonpath={.status.phase} {.status.containerStatuses[0].state.terminated.exitCode} "
        told += "{.status.containerStatuses[0].state.terminated.message}"
        assert k8s.run(k8s.kubectl_path, "get", "pod", "failed", "-o", told) == "Failed 5 bye\n"

    def test_a_failed_liveness_probe_restarts_the_container(self, k8s: Cluster) -> None:
        ready(k8s, "pod/alive")
        sh(k8s, "alive", "touch /tmp/dead")
        eventually("the restart", shows(k8s, "alive", "1/1", "Running", "1"))
        failed = "Liveness probe failed: HTTP probe failed with statuscode: 503"
        described(k8s, "alive", failed, "Container main failed liveness probe, will be restarted")

    def test_init_containers_run_in_order_before_the_others(self, k8s: Cluster) -> None:
        ready(k8s, "pod/prepared")
        eventually("the log", lambda: sh(k8s, "prepared", "cat /work/log") == "one\ntwo\nmain\n")
        eventually("failure", lambda: status(k8s, "unprepared")[1] in ("Init:Error", "Init:CrashLoopBackOff"))
        assert "waiting to start: PodInitializing" in k8s.kubectl("logs unprepared -c main", check=False)

    def test_the_pre_stop_hook_ends_before_the_signal_and_the_pod_after_both(self, k8s: Cluster) -> None:
        ready(k8s, "pod/polite")
        start = time.monotonic()
        assert k8s.kubectl("delete pod polite").startswith('pod "polite" deleted')
        assert time.monotonic() - start < 18  # not its whole grace
        ready(k8s, "pod/writer")
        k8s.kubectl("create -f -", stdin=LOOK)
        eventually("its end", shows(k8s, "look", "0/1", "Completed"))
        assert k8s.kubectl("logs look") == "stopping\nstopped\nterm\n"

    def test_one_that_does_not_listen_is_killed_after_its_grace(self, k8s: Cluster) -> None:
        ready(k8s, "pod/deaf")
        start = time.monotonic()
        k8s.kubectl("delete pod deaf")
        assert 2 <= time.monotonic() - start < 20  # and not after the 30 of those that name none
        ready(k8s, "pod/limited")
        start = time.monotonic()
        k8s.kubectl("delete pod limited --grace-period=0 --force")
        assert time.monotonic() - start < 10

    def test_too_much_memory_is_told_as_oom_killed(self, k8s: Cluster) -> None:
        if not has_memory_limits:
            pytest.skip("this kernel has no memory cgroup")
        eventually("its end", shows(k8s, "greedy", "0/1", "OOMKilled", "0"))
        path = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
        assert k8s.kubectl(f"get pod greedy -o {path}") == "137"


class TestStreams:
    def test_logs_follow_to_the_end_and_can_be_cut(self, tool: Cluster) -> None:
        lines = [f"line {i}" for i in range(1, 9)]
        eventually("its start", lambda: tool.kubectl("logs counter", check=False).startswith("line"))
        assert tool.kubectl("logs -f counter").splitlines() == lines
        assert tool.kubectl("logs counter --tail=2").splitlines() == lines[-2:]
        stamped = tool.kubectl("logs counter --timestamps --tail=1")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d+\S* line 8\n", stamped)
        assert "invalid" not in tool.kubectl("logs counter --since=10m --limit-bytes=7")
        missing = tool.kubectl("logs counter -c nothing", check=False)
        assert "container nothing is not valid for pod counter" in missing

    def test_exec_passes_input_output_and_the_exit_code(self, tool: Cluster) -> None:
        ready(tool, "pod/volumes")
        command = [tool.kubectl_path, "exec", "-i", "volumes", "-c", "main", "--", "sh", "-c"]
        done = subprocess.run(
            [*command, "cat; echo err >&2; exit 7"],
            env=tool.environment,
            input="in\n" * 50000,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 7
        assert done.stdout == "in\n" * 50000
        assert done.stderr.splitlines() == ["err", "command terminated with exit code 7"]
        missing = tool.kubectl("exec volumes -c main -- no-such-program", check=False)
        assert "no-such-program" in missing
        assert "not found" in missing

    def test_files_are_copied_in_and_out(self, tool: Cluster) -> None:
        ready(tool, "pod/volumes")
        sent = os.urandom(1 << 20)
        (tool.home / "sent").write_bytes(sent)
        tool.kubectl(f"cp {tool.home / 'sent'} volumes:/v/scratch/copied -c main")
        tool.kubectl(f"cp volumes:/v/scratch/copied {tool.home / 'received'} -c main")
        assert (tool.home / "received").read_bytes() == sent

    @pytest.mark.parametrize("what", ["pod", "service/echo"])
    def test_a_port_is_forwarded(self, tool: Cluster, what: str) -> None:
        ready(tool, "pod -l app=echo")
        target, port = (f"pod/{echo_pods(tool)[0]}", 8080) if what == "pod" else (what, 80)
        with background(tool, f"port-forward {target} :{port}") as process:
            found = re.match(r"Forwarding from 127\.0\.0\.1:(\d+) -> 8080", read_line(process))
            assert found
            url = f"http://127.0.0.1:{found[1]}/"
            for _ in range(3):
                assert tool.run("curl", "-sS", "-m5", url).split()[0] in echo_pods(tool)

    def test_attach_reaches_the_running_process(self, tool: Cluster) -> None:
        ready(tool, "pod/listener")
        with background(tool, "attach -i listener -c main") as process:
            assert process.stdin is not None
            first = read_line(process)
            process.stdin.write("ahoy\n")
            process.stdin.flush()
            line = first if first.startswith("heard") else read_line(process)
            while not line.startswith("heard"):
                line = read_line(process)
                assert line, "attach ended"
            assert line == "heard ahoy\n"
        eventually("the log", lambda: "heard ahoy" in tool.kubectl("logs listener"))


class TestTraffic:
    @pytest.fixture
    def url(self, k8s: Cluster) -> str:
        k8s.kubectl("rollout status deployment/echo --timeout=60s")
        url = f"http://{k8s.kubectl('get svc echo -o jsonpath={.spec.clusterIP}')}"
        eventually("an answer", lambda: k8s.on("k8s-master", "curl", "-sS", "-m5", url))
        return url

    def test_who_fails_its_readiness_probe_keeps_old_connections_and_gets_no_new_ones(
        self, k8s: Cluster, url: str
    ) -> None:
        curl = ["curl", "-sSN", "-m", "180", f"{url}/slow"]
        command = ["wherry", "shell", "--name", k8s.name, "k8s-master", "--", *curl]
        old = subprocess.Popen(command, env=k8s.environment, cwd=k8s.home, stdout=subprocess.PIPE, text=True)
        assert old.stdout is not None
        pod = old.stdout.readline().split()[0]
        (other,) = {*echo_pods(k8s)} - {pod}
        k8s.kubectl(f"exec {pod} -- touch /tmp/unready")
        k8s.kubectl(f"wait --for=condition=Ready=false pod/{pod} --timeout=60s")

        def answering() -> set[str]:
            return {line.split()[0] for line in k8s.on("k8s-master", "curl", "-sS", "-m5", *[url] * 20).splitlines()}

        eventually("the other alone", lambda: answering() == {other})
        left = k8s.kubectl(f"get pod {other} -o jsonpath={{.status.podIP}}") + ":8080"
        eventually("its endpoint", lambda: k8s.kubectl("get endpoints echo --no-headers").split()[1] == left)
        k8s.kubectl(f"exec {pod} -- touch /tmp/go")
        assert old.communicate(timeout=60)[0] == f"{pod} last\n"
        k8s.kubectl(f"exec {pod} -- rm /tmp/unready")
        eventually("both again", lambda: answering() == {pod, other})

    def test_no_request_fails_while_a_deployment_is_updated_undone_and_scaled(self, k8s: Cluster, url: str) -> None:
        before = set(echo_pods(k8s))
        with traffic(k8s, "k8s-master", f"{url}/") as counted:
            k8s.kubectl("set env deployment/echo VERSION=2")
            k8s.kubectl("rollout status deployment/echo --timeout=60s")
            updated = echo_pods(k8s)
            assert not before & set(updated)
            assert k8s.kubectl(f"exec {updated[0]} -- printenv VERSION") == "2\n"
            k8s.kubectl("scale deployment echo --replicas=3")
            k8s.kubectl("rollout status deployment/echo --timeout=60s")
            assert "deployment.apps/echo rolled back" in k8s.kubectl("rollout undo deployment/echo")
            k8s.kubectl("rollout status deployment/echo --timeout=60s")
            assert "VERSION" not in k8s.kubectl(f"exec {echo_pods(k8s)[0]} -- env")
            k8s.kubectl("scale deployment echo --replicas=2")
            eventually("two pods", lambda: len(echo_pods(k8s)) == 2)
        assert counted.keys() == {"200"}
        assert counted.total() >= 5  # enough to meet each phase; how many there are is the machine's speed
        assert re.findall(r"^(\d+) ", k8s.kubectl("rollout history deployment/echo"), re.M) == ["2", "3"]


class TestVerbs:
    def test_watching_and_waiting_for_the_end(self, k8s: Cluster) -> None:
        ready(k8s, "pod/prepared")
        with background(k8s, "get pod prepared -w --no-headers") as process:
            assert read_line(process).split()[:3] == ["prepared", "1/1", "Running"]
            k8s.kubectl("label pod prepared colour=red")
            assert k8s.kubectl("get pod prepared --show-labels --no-headers").split()[-1] == "colour=red"
            assert "already has a value" in k8s.kubectl("label pod prepared colour=green", check=False)
            k8s.kubectl("label pod prepared colour=green --overwrite")
            k8s.kubectl("annotate pod prepared note=yes")
            assert k8s.kubectl("get pods -l colour=green -o name") == "pod/prepared\n"
            assert k8s.kubectl("get pod prepared -o jsonpath={.metadata.annotations.note}") == "yes"
            k8s.kubectl("delete pod prepared --wait=false")
            k8s.kubectl("wait --for=delete pod/prepared --timeout=60s")
            seen = [read_line(process).split()[2] for _ in range(3)]
            assert seen[0] == "Running"
        assert "NotFound" in k8s.kubectl("get pod prepared", check=False)

    def test_a_taint_drives_pods_out_and_a_cordoned_node_takes_no_new_ones(self, k8s: Cluster) -> None:
        k8s.kubectl("rollout status deployment/echo --timeout=60s")
        where = "get pods -l app=echo -o jsonpath={.items[*].spec.nodeName}"
        k8s.kubectl("taint node k8s-slave2 storm=yes:NoExecute")
        eventually("one node", lambda: set(k8s.kubectl(where).split()) == {"k8s-slave1"})
        k8s.kubectl("taint node k8s-slave2 storm-")
        assert k8s.kubectl("cordon k8s-slave1") == "node/k8s-slave1 cordoned\n"
        assert k8s.kubectl("get node k8s-slave1 --no-headers").split()[1] == "Ready,SchedulingDisabled"
        drained = k8s.kubectl("drain k8s-slave1 --ignore-daemonsets --delete-emptydir-data --force --timeout=60s")
        assert "node/k8s-slave1 drained" in drained
        k8s.kubectl("rollout status deployment/echo --timeout=60s")
        eventually("the other node", lambda: set(k8s.kubectl(where).split()) == {"k8s-slave2"})
        assert "kube-proxy" in k8s.kubectl("get pods -A --field-selector spec.nodeName=k8s-slave1 -o name")
        k8s.kubectl("uncordon k8s-slave1")
        k8s.kubectl("scale deployment echo --replicas=4")
        k8s.kubectl("rollout status deployment/echo --timeout=60s")
        assert set(k8s.kubectl(where).split()) == {"k8s-slave1", "k8s-slave2"}

    def test_a_pod_no_node_takes_says_why(self, k8s: Cluster) -> None:
        k8s.kubectl("create -f -", stdin=NOWHERE)
        eventually("the reason", lambda: "FailedScheduling" in k8s.kubectl("describe pod nowhere"))
        described = k8s.kubectl("describe pod nowhere")
        assert "0/3 nodes are available" in described
        assert "node affinity/selector" in described
        k8s.kubectl("label node k8s-slave2 disk=ssd")
        ready(k8s, "pod/nowhere")


STATIC = """
apiVersion: v1
kind: Pod
metadata: {name: fixed, labels: {app: fixed}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: test/shell, args: ["echo from a file; trap 'exit 0' TERM; sleep 1000 & wait"]}]
"""


def test_a_file_in_a_nodes_folder_is_a_pod_that_a_drain_passes_over(k8s: Cluster) -> None:
    file = k8s.home / "manifests" / "k8s-slave2" / "fixed.yaml"
    file.write_text(STATIC)
    name = "fixed-k8s-slave2"
    eventually("the mirror", lambda: name in k8s.kubectl("get pods -l app=fixed -o name"))
    ready(k8s, f"pod/{name}")
    assert k8s.kubectl(f"logs {name}") == "from a file\n"
    assert k8s.kubectl(f"exec {name} -- echo inside") == "inside\n"
    assert "Started container main" in k8s.kubectl(f"describe pod {name}")
    uid = k8s.kubectl(f"get pod {name} -o jsonpath={{.metadata.uid}}")
    k8s.kubectl(f"delete pod {name} --wait=false")
    other = f"get pod {name} --ignore-not-found -o jsonpath={{.metadata.uid}}"
    eventually("another mirror", lambda: k8s.kubectl(other) not in ("", uid))
    ready(k8s, f"pod/{name}")
    assert k8s.kubectl(f"get pod {name} -o jsonpath={{.status.containerStatuses[0].restartCount}}") == "0"
    file.write_text("kind: Nothing")
    eventually("the complaint", lambda: "InvalidStaticPod" in k8s.kubectl("describe node k8s-slave2"))
    file.unlink()
    eventually("its end", lambda: k8s.kubectl("get pods -l app=fixed -o name") == "")
