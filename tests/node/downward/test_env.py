"""Environments of containers."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.node.build import UID, container, pod
from wherry.node.downward.env import ConfigError, Sources, environment, service_variables
from wherry.objects import Object

OBJECTS: dict[tuple[str, str], Object] = {
    ("ConfigMap", "myblog"): {"data": {"MYSQL_HOST": "mysql", "MYSQL_PORT": "3306", "not a name=": "x"}},
    ("Secret", "myblog"): {"data": {"MYSQL_PASSWD": base64.b64encode(b"123456").decode()}},
}


def service(name: str, namespace: str, ip: str, *ports: Object) -> Object:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": ip, "ports": list(ports)}}


KUBERNETES = service("kubernetes", "default", "10.96.0.1", {"name": "https", "port": 443})
MYSQL = service("mysql", "demo", "10.100.42.154", {"port": 3306})


def env(*entries: Object, services: list[Object] | None = None, image: Any = None, **fields: Any) -> dict[str, str]:
    around = Sources(
        pod_ips=("10.244.1.25",),
        host_ips=("192.168.51.210",),
        services=services or [],
        allocatable={"cpu": 2000, "memory": 1 << 30},
        lookup=lambda kind, name: OBJECTS.get((kind, name)),
    )
    spec = container(env=list(entries), **fields)
    return environment(
        pod(spec, meta={"labels": {"app": "myblog"}}, enableServiceLinks=True), spec, image or {}, around
    )


def from_(kind: str, **fields: Any) -> Object:
    return {"name": "X", "valueFrom": {kind: fields}}


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"name": "X", "value": "plain"}, "plain"),
        ({"name": "X"}, ""),
        (from_("configMapKeyRef", name="myblog", key="MYSQL_HOST"), "mysql"),
        (from_("secretKeyRef", name="myblog", key="MYSQL_PASSWD"), "123456"),
        (from_("fieldRef", fieldPath="status.podIP"), "10.244.1.25"),
        (from_("fieldRef", fieldPath="status.hostIP"), "192.168.51.210"),
        (from_("fieldRef", fieldPath="metadata.uid"), UID),
        (from_("fieldRef", fieldPath="metadata.labels['app']"), "myblog"),
        (from_("fieldRef", fieldPath="spec.nodeName"), "n1"),
        (from_("resourceFieldRef", resource="limits.cpu"), "2"),
        (from_("resourceFieldRef", resource="limits.memory", divisor="1Mi"), "1024"),
        (from_("resourceFieldRef", resource="requests.cpu", divisor="1m"), "0"),
    ],
)
def test_a_value_comes_from_where_it_says(entry: Object, value: str):
    assert env(entry)["X"] == value


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (from_("configMapKeyRef", name="none", key="K"), 'configmap "none" not found'),
        (from_("secretKeyRef", name="none", key="K"), 'secret "none" not found'),
        (from_("configMapKeyRef", name="myblog", key="K"), "couldn't find key K in ConfigMap demo/myblog"),
        (from_("fieldRef", fieldPath="spec.magic"), "unsupported fieldPath: spec.magic"),
    ],
)
def test_a_reference_to_nothing_is_told_in_the_kubelets_words(entry: Object, message: str):
    with pytest.raises(ConfigError, match=message.replace("'", ".")):
        env(entry)


def test_an_optional_reference_to_nothing_leaves_the_variable_out():
    assert "X" not in env(from_("secretKeyRef", name="none", key="K", optional=True))


def test_values_refer_to_variables_before_them():
    first, second = {"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(MISSING)-$$(A)"}
    assert env(first, second)["B"] == "1-$(MISSING)-$(A)"


def test_env_from_takes_all_keys_that_can_be_names_with_a_prefix():
    found = env(envFrom=[{"prefix": "P_", "configMapRef": {"name": "myblog"}}])
    assert found["P_MYSQL_PORT"] == "3306"
    assert not any("not a name" in name for name in found)


def test_the_pods_env_wins_over_the_images():
    assert (
        env({"name": "A", "value": "pod"}, image={"A": "image", "B": "image"}).items()
        >= {"A": "pod", "B": "image"}.items()
    )


def test_services_of_the_namespace_and_the_masters_are_announced():
    found = service_variables(pod(), [KUBERNETES, MYSQL, service("other", "else", "10.96.0.9", {"port": 1})])
    assert found["MYSQL_SERVICE_HOST"] == "10.100.42.154"
    assert found["MYSQL_PORT_3306_TCP_ADDR"] == "10.100.42.154"
    assert found["KUBERNETES_SERVICE_PORT_HTTPS"] == "443"
    assert not any(name.startswith("OTHER") for name in found)


def test_without_service_links_only_the_master_is_announced():
    found = service_variables(pod(enableServiceLinks=False), [KUBERNETES, MYSQL])
    assert found["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
    assert "MYSQL_SERVICE_HOST" not in found


def test_a_headless_service_is_not_announced():
    assert service_variables(pod(), [service("db", "demo", "None", {"port": 1})]) == {}
