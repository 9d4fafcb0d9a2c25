"""The Helm chart: rendered by Helm with ingress-nginx's values; installed, it is a cluster's proxy, DNS and ingress."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import TOP, Cluster, eventually

from tests.clients.golang import built

pytestmark = pytest.mark.go
HERE = Path(__file__).resolve().parent
CHART = TOP / "charts" / "wherry"
VALUES = HERE / "chart-values.yaml"
NODE = "k8s-master"

Object = dict[str, Any]


def template(*options: str) -> tuple[int, str, str]:
    words = [str(built("helm3")), "template", "web", str(CHART), "--kube-version", "1.30", *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def rendered(*options: str) -> dict[tuple[str, str], Object]:
    code, out, err = template(*options)
    assert code == 0, err
    return {(o["kind"], o["metadata"]["name"]): o for o in yaml.safe_load_all(out) if o}


def container(objects: Mapping[tuple[str, str], Object], kind: str = "Deployment") -> Object:
    return dict(objects[kind, "web-wherry-controller"]["spec"]["template"]["spec"]["containers"][0])


def test_ingress_nginxs_values_become_the_controllers_arguments_and_config_map() -> None:
    found = rendered("-f", str(VALUES))
    args = container(found)["args"]
    assert args[0] == "ingress"
    assert {
        "--configmap=$(POD_NAMESPACE)/web-wherry-controller",
        "--publish-service=$(POD_NAMESPACE)/web-wherry-controller",
        "--controller-class=example.com/public",
        "--ingress-class=public",
        "--watch-ingress-without-class=true",
        "--tcp-services-configmap=$(POD_NAMESPACE)/web-wherry-tcp",
        "--update-status-on-shutdown=false",
    } <= set(args)
    assert found["ConfigMap", "web-wherry-controller"]["data"] == {
        "add-headers": "default/web-wherry-add-headers",
        "proxy-body-size": "9m",
        "use-gzip": "true",
    }
    ports = {port["name"]: port.get("nodePort") for port in found["Service", "web-wherry-controller"]["spec"]["ports"]}
    assert ports == {"http": 30080, "https": 30443, "9000-tcp": None}
    assert found["IngressClass", "public"]["spec"] == {"controller": "example.com/public"}
    assert ("Service", "web-wherry-controller-metrics") in found
    assert not any(kind in ("DaemonSet", "PodDisruptionBudget") for kind, _ in found)


def test_every_flag_it_gives_is_one_the_controller_takes() -> None:
    from wherry.cli.ingress.installed import installed

    sets = "controller.scope.enabled=true,controller.electionID=x,controller.ingressClassByName=true,udp.53=a/b:53"
    found = installed(rendered("-f", str(VALUES), "--set", sets).values())
    assert [(one.name, one.wrong) for one in found] == [("Deployment default/web-wherry-controller", "")]


def test_replicas_scaling_and_daemon_sets_are_as_asked() -> None:
    many = rendered("--set", "controller.replicaCount=3,controller.minAvailable=2")
    assert many["PodDisruptionBudget", "web-wherry-controller"]["spec"]["minAvailable"] == 2
    scaled = rendered("--set", "controller.autoscaling.enabled=true,controller.autoscaling.minReplicas=2")
    assert scaled["HorizontalPodAutoscaler", "web-wherry-controller"]["spec"]["minReplicas"] == 2
    assert "replicas" not in scaled["Deployment", "web-wherry-controller"]["spec"]
    everywhere = rendered("--set", "controller.kind=DaemonSet,controller.hostNetwork=true")
    pod = everywhere["DaemonSet", "web-wherry-controller"]["spec"]["template"]["spec"]
    assert (pod["hostNetwork"], pod["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")


def test_without_the_webhook_nothing_of_it_is_left() -> None:
    found = rendered("--set", "controller.admissionWebhooks.enabled=false")
    assert not any("admission" in name for _, name in found)
    assert not any("webhook" in word for word in container(found)["args"])


def test_the_image_is_named_by_registry_tag_and_digest() -> None:
    found = rendered("--set", "image.registry=r.test,controller.image.tag=v9,controller.image.digest=sha256:00")
    assert container(found)["image"] == "r.test/wherry/wherry:v9@sha256:00"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("controller.opentelemetry.enabled=true", "'opentelemetry' not allowed"),
        ("controller.allowSnippetAnnotations=true", "/controller/allowSnippetAnnotations"),
        ("defaultBackend.enabled=true", "'defaultBackend' not allowed"),
        ("proxy.enabled=true", "proxy.apiServer: give the API server's real address"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(value: str, said: str) -> None:
    code, _, err = template("--set", value)
    assert code != 0
    assert said in err


def test_the_schema_knows_every_value_there_is() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert sorted(_paths(values, schema)) == []


def _paths(values: Mapping[str, Any], schema: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Yield the values that a closed object of the schema does not name, and the names it has no value for."""
    known = schema.get("properties", {})
    if schema.get("additionalProperties") is False:
        yield from (f"{at}.{name}" for name in (set(values) ^ set(known)) - {"global"})
    for name, value in values.items():
        if isinstance(value, dict) and name in known:
            yield from _paths(value, known[name], f"{at}.{name}")


def test_it_becomes_the_clusters_proxy_dns_and_ingress(k8s: Cluster) -> None:
    """Everything there was before it is taken away first; a request then needs all three."""
    k8s.kubectl("-n kube-system delete daemonset kube-proxy --wait")
    given = "proxy.enabled=true,proxy.apiServer=https://192.168.51.209:6443,proxy.serviceCIDR=10.96.0.0/12"
    dns = "dns.enabled=true,dns.clusterIP=10.96.0.10,dns.replicaCount=1"
    words = ["install", "web", str(CHART), "-f", str(VALUES), "--set", f"{given},{dns}", "--wait", "--timeout=120s"]
    k8s.run(built("helm3"), *words, timeout=180)
    k8s.kubectl(f"apply -f {HERE / 'chart-echo.yaml'}")

    def asked() -> bool:
        said = k8s.on(NODE, "curl", "-si", "-m", "5", "-H", "Host: echo.test", "http://192.168.51.209:30080/")
        return "echo" in said and "X-Served-By: chart" in said

    eventually("the ingress, by a node port of the proxy", asked)
    names = k8s.kubectl("exec echo -- getent hosts echo.default.svc.cluster.local")
    address = k8s.kubectl("get service echo -o jsonpath={.spec.clusterIP}")
    assert address in names
    service = k8s.kubectl("get service web-wherry-controller -o jsonpath={.spec.clusterIP}")
    assert "echo" in k8s.on(NODE, "curl", "-s", "-m", "5", f"http://{service}:9000/")

    wrong = k8s.kubectl("annotate ingress echo nginx.ingress.kubernetes.io/proxy-body-size=lots", check=False)
    assert "expected a size" in wrong
    explained = k8s.wherry("ingress", "explain", "http://echo.test/", "--name", k8s.name)
    assert "add-headers" not in explained
    assert "proxy-body-size: 9m  (the ConfigMap)" in explained
    assert "the endpoint's own" in explained

    before = k8s.kubectl("get secret web-wherry-admission -o jsonpath={.data}")
    k8s.run(built("helm3"), "upgrade", *words[1:], "--set", "controller.config.use-gzip=false", timeout=180)
    assert k8s.kubectl("get secret web-wherry-admission -o jsonpath={.data}") == before
    k8s.run(built("helm3"), "uninstall", "web", "--wait", timeout=180)
    kinds = "deployments,daemonsets,services,configmaps,secrets,clusterroles,validatingwebhookconfigurations"
    assert "web-wherry" not in k8s.kubectl(f"get {kinds} -A")
