"""What is said of ingress-nginx's objects: the same, something else, refused."""

from __future__ import annotations

from typing import Any

from tests.ingress.objects import ingress, path, rule, service
from wherry.cli.ingress.installed import installed
from wherry.ingress.migrate import DIFFERS, REFUSED, SAME, Fate, Migration, migrate
from wherry.ingress.options import Options
from wherry.ingress.reading import read
from wherry.objects import Object


def config_map(name: str, **data: str) -> Object:
    meta = {"name": name, "namespace": "n"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta,
        "data": {k.replace("_", "-"): v for k, v in data.items()},
    }


def migrated(*objects: Object, **options: Any) -> Migration:
    wanted = Options(**options)
    return migrate(read([*objects, service()], wanted), wanted)


def fate(*paths: Object, **annotations: str) -> Fate:
    marks = {name.replace("_", "-"): value for name, value in annotations.items()}
    (found,) = migrated(ingress("web", rule("a.test", *paths), annotations=marks)).ingresses
    return found


def test_an_ingress_of_what_is_honoured_is_the_same() -> None:
    found = fate(ssl_redirect="false", proxy_body_size="8m")
    assert (found.verdict, found.same) == (SAME, ("proxy-body-size", "ssl-redirect"))


def test_what_does_something_else_says_what() -> None:
    found = fate(affinity="cookie")
    assert (found.verdict, [note.name for note in found.differs]) == (DIFFERS, ["affinity"])


def test_what_is_refused_says_what_happens() -> None:
    found = fate(configuration_snippet="x", modsecurity_snippet="y", proxy_body_size="lots")
    assert found.verdict == REFUSED
    said = {note.name: note.said for note in found.refused}
    assert said["configuration-snippet"] == "not supported; it has no effect"
    assert said["modsecurity-snippet"] == "not supported; it restricts access, so the paths answer 503"
    assert said["proxy-body-size"].startswith("expected a size")
    assert not found.others


def test_a_path_that_is_left_out_is_refused_and_a_missing_service_is_as_before() -> None:
    found = fate(path("/a;b", "web"), path("/b", "other"))
    assert [note.name for note in found.refused] == [""]
    assert found.others == ("Service demo/other does not exist",)


def test_the_config_maps_are_told_apart() -> None:
    given = config_map("c", ssl_redirect="false", load_balance="ewma", enable_modsecurity="true", no_such="1")
    found = migrated(given, config_map("t", **{"9000": "demo/web:80"}), config_map=("n", "c"), tcp_services=("n", "t"))
    settings, streams = found.controller
    assert (settings.same, [note.name for note in settings.differs]) == (("ssl-redirect",), ["load-balance"])
    assert {note.name: "503" in note.said for note in settings.refused} == {
        "enable-modsecurity": True,
        "no-such": False,
    }
    assert streams.verdict == DIFFERS


def test_all_is_counted_and_others_ingresses_are_left() -> None:
    found = migrated(
        ingress("a", rule("a.test"), annotations={"server-snippet": "x"}),
        ingress("b", rule("b.test"), annotations={"server-snippet": "x", "stream-snippet": "x"}),
        ingress("c", rule("c.test")),
        ingress("d", rule("d.test"), ingressClassName="traefik"),
    )
    assert [found.count(word) for word in (SAME, DIFFERS, REFUSED)] == [1, 0, 2]
    assert found.refused() == {"server-snippet": 2, "stream-snippet": 1}
    assert found.left == ("demo/d",)


def workload(image: str, *args: str, kind: str = "Deployment") -> Object:
    env = [{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}]
    spec = {"template": {"spec": {"containers": [{"image": image, "args": list(args), "env": env}]}}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "c", "namespace": "n"}, "spec": spec}


def test_the_controller_that_runs_is_found_by_its_image_and_its_flags_are_read() -> None:
    args = ["/nginx-ingress-controller", "--configmap=$(POD_NAMESPACE)/c", "--watch-namespace=shop", "--v=2"]
    (found,) = installed([workload("registry.k8s.io/ingress-nginx/controller:v1.15.1@sha256:00", *args)])
    assert (found.name, found.used, found.without_effect) == (
        "Deployment n/c",
        ("configmap", "watch-namespace", "v"),
        ("v",),
    )
    assert found.options is not None
    assert (found.options.config_map, found.options.namespace) == (("n", "c"), "shop")


def test_a_controller_is_known_by_its_flags_where_its_image_has_another_name() -> None:
    assert not installed([workload("example.com/web", "--configmap=n/c")])
    assert installed([workload("example.com/mirrored", "--configmap=n/c", "--ingress-class=nginx", kind="DaemonSet")])
    assert installed([workload("example.com/ours", "/usr/bin/wherry", "ingress")])


def test_flags_that_cannot_be_are_told() -> None:
    (found,) = installed(
        [workload("quay.io/kubernetes-ingress-controller/nginx-ingress-controller:0.30.0", "--no-such")]
    )
    assert found.options is None
    assert "--no-such" in found.wrong
