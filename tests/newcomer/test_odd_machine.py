"""A machine as it may be: its resolver on loopback, no UTF-8 locale, a data directory and a map of odd names."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import BIN, KUBECTL, Cluster, eventually

pytestmark = pytest.mark.e2e

NAME, BIND = "odd", "127.0.0.71"
MANIFEST = Path(__file__).with_name("ingress-nginx.yaml")
MAP = """
images:
- match: "*"
  command: ["{python}", -m, http.server, "8080"]
"""
UP = """
mount --bind "$1/resolv.conf" "$(readlink -f /etc/resolv.conf)"
rm -rf /run/systemd/resolve 2>/dev/null || true
shift
exec "$@"
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: asks-the-nodes-resolver}
spec:
  dnsPolicy: Default
  containers: [{name: c, image: anything, command: [sleep, "1000"]}]
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster started where /etc/resolv.conf is systemd-resolved's, in a mount namespace of its own."""
    home = tmp_path_factory.mktemp("odd")
    (home / "resolv.conf").write_text("nameserver 127.0.0.53\noptions edns0\nsearch lan\n")
    (home / "images.yaml").write_text(MAP)
    made = Cluster(NAME, BIND, home, KUBECTL["1.37"])
    options = ["--name", NAME, "--bind", BIND, "--data-dir", str(home / "dä ta"), "--image-map", "images.yaml"]
    inside = ["unshare", "-m", "--propagation", "slave", "sh", "-ec", UP, "sh", str(home)]
    locale = ["env", "LC_ALL=C", "PYTHONCOERCECLOCALE=0"]
    try:
        made.run(*inside, *locale, BIN / "wherry", "up", *options)
        yield made
    finally:
        made.wherry("down", "--name", NAME, "--purge", check=False)


def test_the_cluster_comes_up_and_dns_answers(k8s: Cluster) -> None:
    k8s.kubectl("run asks --image=busybox --restart=Never --command -- sleep 1000")
    k8s.kubectl("wait --for=condition=Ready pod/asks --timeout=60s")
    assert "10.96.0.1 " in k8s.kubectl("exec asks -- getent hosts kubernetes.default.svc.cluster.local")


def test_a_pod_with_the_nodes_resolver_is_told_of_no_loopback(k8s: Cluster) -> None:
    k8s.kubectl("create -f -", stdin=POD)
    k8s.kubectl("wait --for=condition=Ready pod/asks-the-nodes-resolver --timeout=60s")
    text = k8s.kubectl("exec asks-the-nodes-resolver -- cat /etc/resolv.conf")
    assert text == "search lan\noptions edns0\n"


def test_coredns_forwards_to_nobody_and_says_so_and_meets_no_loop(k8s: Cluster) -> None:
    said = k8s.kubectl("-n kube-system logs deploy/coredns")
    assert "/etc/resolv.conf names no server" in said
    assert "come back" not in said


def test_the_map_for_everything_serves_all_but_the_clusters_own(k8s: Cluster) -> None:
    k8s.kubectl("create deployment web --image=whatever/it-is:1")
    k8s.kubectl("rollout status deployment/web --timeout=60s")
    assert "http.server" in k8s.kubectl("exec deploy/web -- cat /proc/1/cmdline")


def test_what_was_deleted_of_an_addon_is_said_and_up_puts_it_back(k8s: Cluster) -> None:
    k8s.kubectl("-n kube-system delete deployment/coredns service/kube-dns")
    said = k8s.wherry("status", "--name", NAME, check=False)
    assert "coredns was deleted: `wherry up --name odd` puts it back" in said
    said = k8s.wherry("up", "--name", NAME)
    assert re.search(r"put back +Service kube-dns, Deployment coredns", said)
    answered = eventually("DNS", lambda: k8s.kubectl("exec asks -- getent hosts kubernetes.default", check=False))
    assert "10.96.0.1 " in str(answered)


FULL = {64: "sa.key: no space left on device", 84: "merged.json: no space left on device", 160: "state.db is full"}
"""Kilobytes of disk, and what has no room there: before the sandbox is started, after that, and inside it."""


@pytest.mark.parametrize("size", FULL)
def test_a_full_disk_is_said_and_leaves_nothing_behind_or_broken(k8s: Cluster, tmp_path: Path, size: int) -> None:
    script = f"""
    mount -t tmpfs -o size={size}k none {tmp_path}
    {BIN}/wherry up --name odd-full --bind 127.0.0.72 --data-dir {tmp_path} || echo "exit $?"
    {BIN}/wherry status --name odd-full || true
    ps -eo args= | grep "^wherry: init of odd-full" && echo "one is left behind"
    mount -o remount,size=900m {tmp_path}
    {BIN}/wherry up --name odd-full --bind 127.0.0.72 --data-dir {tmp_path} --addons none && echo "with room it starts"
    {BIN}/wherry down --name odd-full --purge
    """
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", script], env=k8s.environment, capture_output=True, text=True, timeout=180
    )
    said = done.stdout + done.stderr
    assert re.search(f"^wherry: .*{FULL[size]}", said, re.MULTILINE), said
    assert "exit 1" in said
    assert "one is left behind" not in said
    assert "with room it starts" in said
    assert k8s.kubectl("config current-context") == f"wherry-{NAME}\n"
    left = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    assert "wherry: init of odd-full" not in left


def test_the_manifest_of_ingress_nginx_comes_and_goes_beside_the_addon(k8s: Cluster) -> None:
    k8s.kubectl("expose deployment web --port=80 --target-port=8080")
    k8s.kubectl("create ingress web --class=nginx --rule=web.test/*=web:80")
    page = [
        "curl",
        "-s",
        "-m",
        "5",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-H",
        "Host: web.test",
        f"http://{BIND}:8080/",
    ]
    eventually("the page", lambda: k8s.run(*page, check=False) == "200")
    applied = k8s.kubectl(f"apply -f {MANIFEST}").splitlines()
    warned = "Warning: resource ingressclasses/nginx is missing "  # as of everything that `apply` has not made
    assert [line for line in applied if not line.endswith(" created") and not line.startswith(warned)] == [
        "ingressclass.networking.k8s.io/nginx configured"
    ]
    k8s.kubectl(f"diff -f {MANIFEST}")  # fails if anything of it was not taken as it is
    jobs = "-n ingress-nginx get pods -l app.kubernetes.io/component=admission-webhook"
    started = "-o jsonpath={.items[*].status.containerStatuses[*].containerID}"
    eventually("the Jobs' pods", lambda: len(k8s.kubectl(f"{jobs} {started}").split()) == 2)
    for _ in range(10):  # the addon's controller answers, whoever else is called ingress-nginx
        assert k8s.run(*page) == "200"
    k8s.kubectl(f"delete -f {MANIFEST} --ignore-not-found --timeout=60s")  # much is gone with its namespace
    assert k8s.kubectl("get ingressclass", check=False).startswith("No resources")
    k8s.kubectl("annotate ingress web changed=yes")  # is looked at again, without its class
    for _ in range(10):
        assert k8s.run(*page) == "200"
    k8s.wherry("up", "--name", NAME)
    assert "nginx" in k8s.kubectl("get ingressclass")


def test_a_typo_in_the_corefile_is_logged_within_seconds(k8s: Cluster) -> None:
    corefile = k8s.kubectl("-n kube-system get configmap coredns -o yaml").replace("loadbalance", "loadbalnce")
    k8s.kubectl("replace -f -", stdin=corefile)
    told = ": loadbalnce: there is no such plugin"
    eventually("the log", lambda: told in k8s.kubectl("-n kube-system logs -l k8s-app=kube-dns --tail=50"), 30)


def test_what_cluster_info_prints_is_a_service_and_no_405(k8s: Cluster) -> None:
    printed = k8s.kubectl("cluster-info")
    [path] = set(re.findall(r"https://[^/\s]+(/api/\S+?/proxy)", printed))
    assert path.endswith("/services/kube-dns:dns/proxy")
    assert "MethodNotAllowed" not in k8s.kubectl(f"get --raw {path}", check=False)
