"""The article, command by command, in its order. The two test files beside this play it with two kubectls.

Each step runs what the article shows and checks what its author saw: the output's form, and the effect.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pexpect
import pytest
from harness import ARTIFACTS, KUBECTL, MYBLOG, TOP, Cluster, cluster, eventually, folders

MANIFESTS = MYBLOG / "manifests"
MASTER, SLAVE1, SLAVE2 = "k8s-master", "k8s-slave1", "k8s-slave2"
ADDRESS = {MASTER: "192.168.51.209", SLAVE1: "192.168.51.210", SLAVE2: "192.168.51.211"}
HOST = "myblog.devops.cn"
POD = r"myblog-[0-9a-z]{5,10}-[0-9a-z]{5}"
IP = r"10\.\d+\.\d+\.\d+"
AGE = r"(?:\d+[smhd])+"
CHROMIUM = [
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
    "--window-size=800,400",
]


def rows(table: str) -> list[list[str]]:
    """Return a printed table's cells; columns are two or more spaces apart."""
    return [re.split(r"\s{2,}", line.strip()) for line in table.splitlines() if line.strip()]


def is_the_page(text: str) -> bool:
    """Tell whether this is the blog's first page, as the article prints it."""
    return "<title>首页</title>" in text and "<h3>我的博客列表:</h3>" in text and "写博客" in text


@pytest.mark.steps
@pytest.mark.e2e
class Article:
    """The steps. A subclass says which kubectl plays them."""

    version: ClassVar[str]
    bind: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def k8s(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
        if not KUBECTL[cls.version].exists():
            pytest.skip(f"this system has no kubectl {cls.version}: scripts/install could not fetch it")
        name = "walk-" + cls.version.replace(".", "-")
        options = ["--nodes", "3", "--addons", "dns", "--image-map", str(MYBLOG / "image-map.yaml")]
        with cluster(name, cls.bind, tmp_path_factory.mktemp(name), *options, kubectl=cls.version) as made:
            yield made

    @pytest.fixture(autouse=True)
    def explain(self, request: pytest.FixtureRequest, k8s: Cluster) -> Iterator[None]:
        failed = request.session.testsfailed
        yield
        if request.session.testsfailed > failed:
            print(k8s.diagnose())

    def apply(self, k8s: Cluster, verb: str, *files: str) -> str:
        return k8s.kubectl(" ".join([verb, *(f"-f {MANIFESTS / f}" for f in files)]))

    def page(self, k8s: Cluster, url: str, node: str = MASTER, *options: str) -> str:
        return k8s.on(node, "curl", "-sSL", "--max-time", "10", *options, url)

    def shows_the_page(self, k8s: Cluster, url: str, node: str = MASTER, *options: str) -> None:
        """Ask until the page comes: what is new is known on each node, and to nginx, a moment later."""
        eventually(f"the page at {url}, on {node}", lambda: is_the_page(self.page(k8s, url, node, *options)))

    def test_00_the_application_runs_as_the_articles_before_it_left_it(self, k8s: Cluster) -> None:
        """MySQL on the host network of k8s-slave1, two pods of the blog configured with that node's address."""
        assert k8s.kubectl("create namespace demo") == "namespace/demo created\n"
        assert k8s.kubectl(f"label node {SLAVE1} component=mysql") == f"node/{SLAVE1} labeled\n"
        self.apply(k8s, "create", "configmap-hostnetwork.yaml", "secret.yaml", "deploy-mysql-hostnetwork.yaml")
        k8s.kubectl("-n demo rollout status deployment/mysql --timeout=90s")
        self.apply(k8s, "create", "deploy-myblog.yaml")
        k8s.kubectl("-n demo rollout status deployment/myblog --timeout=150s", timeout=180)

    def test_01_create_the_service(self, k8s: Cluster) -> None:
        assert self.apply(k8s, "create", "svc-myblog.yaml") == "service/myblog created\n"
        assert self.apply(k8s, "create", "svc-mysql.yaml") == "service/mysql created\n"

    def test_02_pods_with_their_labels(self, k8s: Cluster) -> None:
        header, *lines = rows(k8s.kubectl("-n demo get po --show-labels"))
        assert header == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "LABELS"]
        blog = [line for line in lines if line[0].startswith("myblog-")]
        assert len(blog) == 2
        for name, ready, status, _, age, labels in blog:
            assert re.fullmatch(POD, name)
            assert (ready, status) == ("1/1", "Running")
            assert re.fullmatch(AGE, age)
            assert labels == f"app=myblog,pod-template-hash={name.split('-')[1]}"

    def test_03_services(self, k8s: Cluster) -> None:
        header, *lines = rows(k8s.kubectl("-n demo get svc"))
        assert header == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
        found = {line[0]: line[1:5] for line in lines}
        assert found["myblog"][::2] == ["ClusterIP", "<none>"]
        assert found["myblog"][3] == "80/TCP"
        assert found["mysql"][3] == "3306/TCP"
        assert all(re.fullmatch(IP, line[2]) for line in lines)

    def test_04_describe_the_service(self, k8s: Cluster) -> None:
        both = rf"Endpoints:\s+{IP}:8002,{IP}:8002\n"
        eventually("the endpoints", lambda: re.search(both, k8s.kubectl("-n demo describe svc myblog")))
        fields = dict(
            re.split(r":\s+", line, maxsplit=1) for line in k8s.kubectl("-n demo describe svc myblog").splitlines()
        )
        assert fields["Name"] == "myblog"
        assert fields["Namespace"] == "demo"
        assert fields["Labels"] == fields["Annotations"] == fields["Events"] == "<none>"
        assert fields["Selector"] == "app=myblog"
        assert fields["Type"] == "ClusterIP"
        assert re.fullmatch(IP, fields["IP"])
        assert fields["Port"] == "<unset>  80/TCP"
        assert fields["TargetPort"] == "8002/TCP"
        assert fields["Session Affinity"] == "None"

    def test_05_endpoints_are_the_pods(self, k8s: Cluster) -> None:
        header, line = rows(k8s.kubectl("-n demo get endpoints myblog").partition("NAME")[2].join(["NAME", ""]))
        assert header == ["NAME", "ENDPOINTS", "AGE"]
        wide = rows(k8s.kubectl("-n demo get po -l app=myblog -o wide"))[1:]
        assert line[1].split(",") == sorted(f"{pod[5]}:8002" for pod in wide)
        assert {pod[5].rsplit(".", 1)[0] for pod in wide} <= {"10.244.1", "10.244.2"}

    def test_06_the_cluster_ip_answers_on_every_node(self, k8s: Cluster) -> None:
        ip = k8s.kubectl("-n demo get svc myblog -o jsonpath={.spec.clusterIP}")
        for node in ADDRESS:
            self.shows_the_page(k8s, f"{ip}/blog/index", node)

    def test_07_mysql_greets_through_its_service(self, k8s: Cluster) -> None:
        ip = k8s.kubectl("-n demo get svc mysql -o jsonpath={.spec.clusterIP}")
        curl = ("curl", "-s", "--http0.9", "--output", "-", "--max-time", "5", f"{ip}:3306")
        greeting = str(eventually("a greeting", lambda: k8s.on(MASTER, *curl, check=False)))
        assert "MariaDB" in greeting
        assert "mysql_native_password" in greeting

    def test_08_services_are_found_by_name_in_a_shell_in_a_pod(self, k8s: Cluster) -> None:
        pod = k8s.pods("app=myblog")[0]
        dashes = [] if self.version == "1.20" else ["--"]
        child = pexpect.spawn(
            str(k8s.kubectl_path), ["-n", "demo", "exec", "-it", pod, *dashes, "bash"],
            env={**k8s.environment, "TERM": "dumb"}, encoding="utf-8", timeout=30, dimensions=(40, 200),
            codec_errors="replace",
        )  # fmt: skip
        prompt = rf"root@{pod}.*# "
        child.expect(prompt)
        child.sendline("curl -s --http0.9 --output - mysql:3306; echo")
        child.expect("mysql_native_password")
        child.expect(prompt)
        child.sendline("curl -s myblog/blog/index/")
        child.expect("写博客")
        child.expect(prompt)
        child.sendline("stty size; exit 7")
        child.expect("40 200")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 7

    def test_09_mysql_leaves_the_host_network_and_is_found_by_name(self, k8s: Cluster) -> None:
        for manifest, what in (("deploy-mysql.yaml", "deployment.apps/mysql"), ("configmap.yaml", "configmap/myblog")):
            output = self.apply(k8s, "apply", manifest)
            assert f"{what} configured" in output
            assert "Warning: " in output
            assert re.search(r"kubectl apply should (only )?be used on resource", output)
        # What was created without the annotation cannot lose a field by `apply`, in any Kubernetes: hostNetwork goes
        # with `replace`.
        k8s.kubectl(f"replace -f {MANIFESTS / 'deploy-mysql.yaml'}")
        k8s.kubectl("-n demo rollout status deployment/mysql --timeout=100s")
        (pod,) = k8s.pods("app=mysql")
        assert k8s.kubectl(f"-n demo delete pod {pod}").startswith(f'pod "{pod}" deleted')
        eventually("another pod", lambda: len(k8s.pods("app=mysql")) == 1 and pod not in k8s.pods("app=mysql"))
        k8s.kubectl("-n demo rollout status deployment/mysql --timeout=100s")
        (again,) = k8s.pods("app=mysql")
        assert k8s.kubectl(f"-n demo get pod {again} -o jsonpath={{.status.podIP}}").startswith("10.244.1.")
        k8s.kubectl("-n demo delete pod -l app=myblog --wait=false")

        def hosts() -> list[str]:
            return [k8s.kubectl(f"-n demo exec {pod} -- printenv MYSQL_HOST") for pod in k8s.pods("app=myblog")]

        eventually("two pods that know its name", lambda: hosts() == ["mysql\n"] * 2, 150)
        k8s.kubectl("-n demo rollout status deployment/myblog --timeout=150s", timeout=180)

    def test_10_two_coredns_pods(self, k8s: Cluster) -> None:
        lines = [line for line in rows(k8s.kubectl("-n kube-system get po -o wide")) if "dns" in line[0]]
        assert len(lines) == 2
        for name, ready, status, restarts, _, ip, node, nominated, gates in lines:
            assert re.fullmatch(r"coredns-[0-9a-z]{5,10}-[0-9a-z]{5}", name)
            assert (ready, status, restarts, nominated, gates) == ("1/1", "Running", "0", "<none>", "<none>")
            assert re.fullmatch(r"10\.244\.\d+\.\d+", ip)
            assert node in ADDRESS

    def test_11_resolv_conf_of_a_pod(self, k8s: Cluster) -> None:
        lines = k8s.kubectl(f"-n demo exec {k8s.pods('app=myblog')[0]} -- cat /etc/resolv.conf").splitlines()
        assert lines[0] == "nameserver 10.96.0.10"
        assert lines[1].startswith("search demo.svc.cluster.local svc.cluster.local cluster.local")
        assert lines[2] == "options ndots:5"

    def test_12_where_the_name_server_and_the_api_are(self, k8s: Cluster) -> None:
        assert rows(k8s.kubectl("-n kube-system get svc"))[1][:5] == [
            "kube-dns", "ClusterIP", "10.96.0.10", "<none>", "53/UDP,53/TCP,9153/TCP",
        ]  # fmt: skip
        assert rows(k8s.kubectl("get svc"))[1][:5] == ["kubernetes", "ClusterIP", "10.96.0.1", "<none>", "443/TCP"]

    def test_13_a_service_of_another_namespace_is_found_with_its_namespace(self, k8s: Cluster) -> None:
        pod = k8s.pods("app=myblog")[0]
        for name in ("myblog.demo", "myblog.demo.svc.cluster.local"):
            ask = f"-n demo exec {pod} -- curl -s --max-time 10 {name}/blog/index/"
            eventually(f"the page of {name}", lambda ask=ask: is_the_page(k8s.kubectl(ask)))
        assert "53/udp" not in k8s.kubectl(f"-n demo exec {pod} -- getent hosts kube-dns", check=False)
        assert "10.96.0.10" in k8s.kubectl(f"-n demo exec {pod} -- getent hosts kube-dns.kube-system")

    def test_14_a_node_port_listens_on_every_node_and_on_this_machine(self, k8s: Cluster) -> None:
        assert self.apply(k8s, "create", "svc-myblog-nodeport.yaml") == "service/myblog-np created\n"
        line = next(r for r in rows(k8s.kubectl("-n demo get svc")) if r[0] == "myblog-np")
        assert line[1] == "NodePort"
        port = re.fullmatch(r"80:(\d+)/TCP", line[4])
        assert port
        assert 30000 <= int(port[1]) <= 32767
        for address in ADDRESS.values():
            self.shows_the_page(k8s, f"{address}:{port[1]}/blog/index/")
        local = f"http://{self.bind}:{port[1]}/blog/index/"
        eventually("the node port on the host", lambda: is_the_page(k8s.run("curl", "-sS", "--max-time", "10", local)))

    def test_15_the_blog_with_tolerations_runs_on_tainted_nodes(self, k8s: Cluster) -> None:
        k8s.kubectl(f"taint node {SLAVE1} smoke=true:NoSchedule")
        k8s.kubectl(f"taint node {SLAVE2} drunk=true:NoSchedule")
        assert "deployment.apps/myblog configured" in self.apply(k8s, "apply", "deploy-myblog-taint.yaml")
        k8s.kubectl("-n demo rollout status deployment/myblog --timeout=240s", timeout=260)
        assert rows(k8s.kubectl("-n demo get deploy myblog"))[1][:4] == ["myblog", "1/1", "1", "1"]
        k8s.kubectl(f"taint node {SLAVE1} smoke-")
        k8s.kubectl(f"taint node {SLAVE2} drunk-")

    def test_16_the_ingress_controller_runs_where_the_label_says(self, k8s: Cluster) -> None:
        assert k8s.kubectl(f"label node {SLAVE1} ingress=true") == f"node/{SLAVE1} labeled\n"
        nodes = {line[0]: line for line in rows(k8s.kubectl("get nodes --show-labels"))}
        assert nodes["NAME"] == ["NAME", "STATUS", "ROLES", "AGE", "VERSION", "LABELS"]
        assert "ingress=true" in nodes[SLAVE1][5].split(",")
        assert "ingress=true" not in nodes[SLAVE2][5]
        created = k8s.kubectl(f"create -f {TOP / 'examples/ingress/mandatory.yaml'}")
        assert "deployment.apps/nginx-ingress-controller created" in created
        k8s.kubectl("-n ingress-nginx rollout status deployment/nginx-ingress-controller --timeout=60s")
        created = self.apply(k8s, "create", "ingress.yaml")
        assert re.search(r"ingress\.(extensions|networking\.k8s\.io)/myblog created", created)
        lines = rows(k8s.kubectl("-n ingress-nginx get pod -o wide"))
        assert lines[0] == [
            "NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED NODE", "READINESS GATES",
        ]  # fmt: skip
        assert len(lines) == 2
        assert re.fullmatch(r"nginx-ingress-controller-[0-9a-z]{5,10}-[0-9a-z]{5}", lines[1][0])
        assert lines[1][1:4] == ["1/1", "Running", "0"]
        assert lines[1][5:] == [ADDRESS[SLAVE1], SLAVE1, "<none>", "<none>"]

    def test_17_the_host_name_leads_to_the_blog(self, k8s: Cluster) -> None:
        at = ("--resolve", f"{HOST}:80:{ADDRESS[SLAVE1]}")
        url = f"http://{HOST}/blog/index/"
        self.shows_the_page(k8s, url, MASTER, *at)
        assert "404" in self.page(k8s, f"http://{ADDRESS[SLAVE1]}/blog/index/")
        local = ("--connect-to", f"{HOST}:80:{self.bind}:8080")
        curl = ("curl", "-sS", "--max-time", "10", *local, url)
        eventually("the page on the host", lambda: is_the_page(k8s.run(*curl)))

    def test_18_a_browser_shows_the_page(self, k8s: Cluster) -> None:
        """Real Chromium, through the ingress; the picture is kept as an artifact."""
        ARTIFACTS.mkdir(exist_ok=True)
        picture = ARTIFACTS / f"myblog-{self.version}.png"
        picture.unlink(missing_ok=True)
        browser = [
            *CHROMIUM,
            f"--user-data-dir={k8s.home / 'chromium'}",
            f"--host-resolver-rules=MAP {HOST} {self.bind}",
        ]
        url = f"http://{HOST}:8080/blog/index/"
        k8s.run(*browser, f"--screenshot={picture}", url)
        assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert picture.stat().st_size > 3000
        assert is_the_page(k8s.run(*browser, "--dump-dom", url).replace("<br>\n", ""))

    def test_19_an_article_is_written_and_survives_its_databases_pod(self, k8s: Cluster) -> None:
        curl = [
            "curl",
            "-sSL",
            "--max-time",
            "10",
            "-b",
            "jar",
            "-c",
            "jar",
            "--connect-to",
            f"{HOST}:80:{self.bind}:8080",
        ]
        edit = f"http://{HOST}/blog/article/edit/0"
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', k8s.run(*curl, edit))
        assert token
        form = ["-d", f"csrfmiddlewaretoken={token[1]}", "-d", "title=Ahoy", "--data-urlencode", "content=Pods ahead!"]
        assert "Pods ahead!" in k8s.run(*curl, *form, edit)
        k8s.kubectl("-n demo delete pod -l app=mysql")
        k8s.kubectl("-n demo rollout status deployment/mysql --timeout=90s")
        url = f"http://{HOST}/blog/index/"
        eventually("the article after the restart", lambda: "Ahoy" in k8s.run(*curl, url))

    def test_20_a_self_signed_certificate_in_a_secret(self, k8s: Cluster) -> None:
        subject = "/CN=*.devops.cn/O=ingress-nginx"
        key = ["-newkey", "rsa:2048", "-keyout", "tls.key", "-out", "tls.crt"]
        k8s.run("openssl", "req", "-x509", "-nodes", "-days", "2920", *key, "-subj", subject)
        created = k8s.kubectl("-n demo create secret tls https-secret --key tls.key --cert tls.crt")
        assert created == "secret/https-secret created\n"

    def test_21_https_presents_that_certificate(self, k8s: Cluster) -> None:
        self.apply(k8s, "create", "ingress-tls.yaml")
        ours = k8s.run("openssl", "x509", "-in", "tls.crt", "-noout", "-fingerprint", "-sha256")

        def presented() -> bool:
            connect = ["-connect", f"{ADDRESS[SLAVE1]}:443", "-servername", HOST]
            shown = k8s.on(MASTER, "sh", "-c", f"openssl s_client {' '.join(connect)} </dev/null 2>/dev/null | "
                           "openssl x509 -noout -fingerprint -sha256")  # fmt: skip
            return shown == ours

        eventually("our certificate", presented)
        ca = str(k8s.home / "tls.crt")
        at = ("--cacert", ca, "--resolve", f"{HOST}:443:{ADDRESS[SLAVE1]}")
        self.shows_the_page(k8s, f"https://{HOST}/blog/index/", MASTER, *at)
        local = ("--cacert", ca, "--connect-to", f"{HOST}:443:{self.bind}:8443")
        curl = ("curl", "-sS", "--max-time", "10", *local, f"https://{HOST}/blog/index/")
        eventually("the page on the host", lambda: is_the_page(k8s.run(*curl)))

    def test_22_the_pods_logs_show_the_requests(self, k8s: Cluster) -> None:
        (pod,) = k8s.pods("app=myblog")
        eventually("the blog's", lambda: "GET /blog/index/" in k8s.kubectl(f"-n demo logs {pod}"))
        (controller,) = k8s.pods("app.kubernetes.io/name=ingress-nginx", "ingress-nginx")
        logs = f"-n ingress-nginx logs {controller} --tail=200"
        eventually("the controller's", lambda: "/blog/index/" in k8s.kubectl(logs))

    def test_23_kubectl_works_on_the_master_too(self, k8s: Cluster) -> None:
        nodes = rows(k8s.on(MASTER, str(k8s.kubectl_path), "get", "nodes"))
        assert {line[0] for line in nodes[1:]} == set(ADDRESS)
        assert {line[1] for line in nodes[1:]} == {"Ready"}
        assert k8s.on(SLAVE2, "hostname") == f"{SLAVE2}\n"

    def test_24_down_leaves_nothing(self, k8s: Cluster) -> None:
        before = k8s.wherry("status", "--name", k8s.name)
        assert "ready: 3 node(s)" in before
        k8s.wherry("down", "--name", k8s.name)
        assert f"wherry-{k8s.name}" not in Path("/proc/mounts").read_text()
        groups = [path for path in folders(Path("/sys/fs/cgroup")) if path.name.startswith(f"wherry-{k8s.name}-")]
        assert groups == []
        running = subprocess.run(["pgrep", "-f", str(k8s.home)], capture_output=True, text=True, check=False).stdout
        assert running == ""
        assert "stopped" in k8s.wherry("status", "--name", k8s.name, check=False)
