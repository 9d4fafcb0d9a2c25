"""What is said of manifests before they are applied."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.ingress.certificates import make_certificate
from tests.ingress.objects import ingress, path, rule, service
from wherry.apiserver.kinds.networking.ingress import INGRESS
from wherry.ingress.lint import Document, Finding, Level, lint
from wherry.ingress.options import Options
from wherry.objects import Object

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def tls_secret(name: str, *names: str, now: datetime = NOW) -> Object:
    chain, key = make_certificate("x", *names, now=now)
    data = {"tls.crt": base64.b64encode(chain).decode(), "tls.key": base64.b64encode(key).decode()}
    meta = {"name": name, "namespace": "demo"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls", "data": data}


def web(name: str = "web", host: str = "a.test", **more: Any) -> Object:
    made = ingress(name, rule(host, path("/", "web", path_type="Prefix")), **more)
    del made["metadata"]["creationTimestamp"]
    return made


def found(*objects: Object) -> list[Finding]:
    documents = [Document("f.yaml", number, obj) for number, obj in enumerate(objects, 1)]
    assert INGRESS.validate
    return lint(documents, Options(), NOW, {"Ingress": INGRESS.validate})


def only(*objects: Object) -> Finding:
    (one,) = found(*objects)
    return one


def test_nothing_is_said_of_what_is_well() -> None:
    secret = tls_secret("cert", "a.test", now=NOW + timedelta(days=10))
    assert not found(web(tls=[{"hosts": ["a.test"], "secretName": "cert"}]), service(), secret)


def test_a_value_of_the_wrong_form_is_an_error_and_what_is_not_supported_a_warning() -> None:
    wrong = web(annotations={"proxy-body-size": "lots", "configuration-snippet": "x"})
    error, warning = found(wrong, service())
    assert (error.place, error.level, error.subject) == ("f.yaml:1", Level.ERROR, "Ingress demo/web")
    assert "proxy-body-size is ignored" in error.message
    assert (warning.level, warning.message) == (
        Level.WARNING,
        "not supported, and without effect: configuration-snippet",
    )


def test_what_restricts_access_and_is_not_supported_is_an_error() -> None:
    one = only(web(annotations={"modsecurity-snippet": "x"}), service())
    assert one.level is Level.ERROR
    assert "answer 503" in one.message


def test_of_two_with_the_same_place_the_later_one_in_the_files_is_wrong() -> None:
    one = only(web("z"), web("a"), service())
    assert (one.place, one.level) == ("f.yaml:2", Level.ERROR)
    assert "path / of host a.test belongs to the older Ingress demo/z" in one.message


def test_a_missing_service_counts_where_the_files_have_others() -> None:
    assert only(web()).level is Level.NOTE
    one = only(web(), service("other"))
    assert (one.level, one.message) == (Level.ERROR, "Service demo/web does not exist")
    assert only(web(), service("other", namespace="elsewhere")).level is Level.NOTE


def test_a_port_the_service_has_not_is_an_error() -> None:
    assert "has no TCP port 80" in only(web(), service("web", {"port": 81})).message


def test_a_missing_secret_counts_where_the_files_have_others() -> None:
    listed = web(tls=[{"hosts": ["a.test"], "secretName": "cert"}])
    assert only(listed, service()).level is Level.NOTE
    assert only(listed, service(), tls_secret("other", "b.test")).level is Level.ERROR
    asked = web(annotations={"auth-type": "basic", "auth-secret": "users"})
    assert only(asked, service()).level is Level.NOTE
    assert only(asked, service(), tls_secret("other", "b.test")).level is Level.ERROR


def test_a_certificate_for_another_host_is_an_error() -> None:
    one = only(web(tls=[{"hosts": ["a.test"], "secretName": "cert"}]), service(), tls_secret("cert", "b.test"))
    assert one.level is Level.ERROR
    assert "is for b.test, not for a.test" in one.message


def test_a_certificate_that_is_over_or_will_be_soon_is_told() -> None:
    listed = web(tls=[{"hosts": ["a.test"], "secretName": "cert"}])
    over = only(listed, service(), tls_secret("cert", "a.test", now=NOW - timedelta(days=20)))
    assert (over.level, over.message) == (Level.ERROR, "the certificate of a.test has been over since 2026-05-22")
    soon = only(listed, service(), tls_secret("cert", "a.test", now=NOW - timedelta(days=5)))
    assert (soon.level, soon.message) == (Level.WARNING, "the certificate of a.test ends on 2026-06-06")


def test_what_the_api_server_refuses_or_drops_is_told() -> None:
    untyped = web()
    del untyped["spec"]["rules"][0]["http"]["paths"][0]["pathType"]
    assert "pathType must be specified: the API server refuses it" in only(untyped, service()).message
    assert "cannot be handled as a Ingress" in only({**web(), "spec": {"rules": "x"}}, service()).message
    odd = {**service(), "spec": {**service()["spec"], "prots": []}}
    assert only(web(), odd) == Finding(
        "f.yaml:2", Level.WARNING, "Service demo/web", 'unknown field "spec.prots": the API server drops it'
    )


def test_an_older_version_a_double_and_another_class_are_told() -> None:
    assert "only networking.k8s.io/v1" in only({**web(), "apiVersion": "extensions/v1beta1"}, service()).message
    assert "stands in f.yaml:1, too" in only(web(), web(), service()).message
    assert only(web(ingressClassName="traefik")).level is Level.NOTE


def test_a_name_outside_is_looked_up_by_the_controller_alone() -> None:
    elsewhere = service("web", {"port": 80}, type="ExternalName", externalName="example.com")
    assert only(web(), elsewhere).level is Level.NOTE
