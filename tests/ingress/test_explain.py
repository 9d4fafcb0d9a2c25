"""What is said of a URL beforehand is what nginx does: the corpus' requests, whose answers nginx has given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.ingress.cases import CONTROLLER, Case, Group, Request, groups
from tests.ingress.objects import endpoint_slice, ingress, path, rule, service
from wherry.ingress.explain import BadUrl, Explanation, explain
from wherry.ingress.options import Options
from wherry.ingress.reading import Reading, read

PORTS = {name: 9000 + number for number, name in enumerate(("web", "v2", "v3", "auth", "other", "secure"))}
NAMES = {port: name for name, port in PORTS.items()}
OPTIONS = Options(config_map=(CONTROLLER, "settings"), passthrough=True)
GROUPS = groups()
READINGS: dict[str, Reading] = {}


def plain(request: Request) -> bool:
    """Whether the URL alone decides: what a client sends besides is nobody's who asks for an explanation."""
    given: Mapping[str, Any] = request.given
    return not any(word in given for word in ("headers", "cookies", "body", "proxy", "times")) and request.method in (
        "GET",
        "HEAD",
    )


def reading(group: Group) -> Reading:
    if group.name not in READINGS:
        READINGS[group.name] = read(group.objects(PORTS), OPTIONS)
    return READINGS[group.name]


ASKED = [(g, c, r) for g in GROUPS for c in g.cases for r in c.requests if plain(r)]


@pytest.mark.parametrize(("group", "case", "request_"), ASKED, ids=[f"{c.namespace} {r.target}" for _, c, r in ASKED])
def test_what_is_explained_is_what_nginx_answers(group: Group, case: Case, request_: Request) -> None:
    given = request_.given
    scheme = "https" if given.get("tls") else "http"
    said = explain(f"{scheme}://{request_.host}{request_.target}", reading(group), OPTIONS, "127.0.0.1")
    certain = [answer for answer in said.answers if not answer.when]
    status = given.get("status", 200)
    if "status=" in request_.target or "large=" in request_.target:
        return  # the endpoint's own error, which somebody else may answer for
    if "backend" in given and len(said.endpoints) == 1 and not said.canary and not said.answers:
        assert NAMES[int(said.endpoints[0].rpartition(":")[2])] == given["backend"]
    if "path" in given and not certain:
        assert said.target == given["path"]
    if certain:
        assert certain[0].status == status
    else:
        assert status in (200, 502) or status in [answer.status for answer in said.answers], said


WEB = [
    ingress("web", rule("shop.test", path("/", "web")), annotations={"whitelist-source-range": "10.0.0.0/8"}),
    service("web"),
    endpoint_slice("web", ("10.244.1.4", 8002)),
]


def said(url: str, *objects: Any, client: str = "", **options: Any) -> Explanation:
    wanted = Options(**options)
    return explain(url, read(objects, wanted), wanted, client)


def test_a_url_is_led_to_its_endpoints_and_told_what_is_in_force() -> None:
    found = said("shop.test/cart?a=b", *WEB)
    assert found.server == "shop.test (its name)"
    assert found.location == "/ (the longest prefix of the path)"
    assert (found.ingress, found.backend) == ("demo/web", "Service demo/web, port 80")
    assert (found.endpoints, found.target) == (("10.244.1.4:8002",), "/cart?a=b")
    assert [(one.name, one.value, one.source) for one in found.annotations] == [
        ("whitelist-source-range", "10.0.0.0/8", "Ingress demo/web")
    ]
    assert [(one.status, one.when) for one in found.answers] == [(403, "the client's address is not in 10.0.0.0/8")]


@pytest.mark.parametrize(
    ("client", "refused"), [("10.9.9.9", []), ("192.0.2.1", [(403, "")]), ("fd00::1", [(403, "")])]
)
def test_a_client_that_is_known_is_refused_or_not(client: str, refused: list[tuple[int, str]]) -> None:
    assert [(one.status, one.when) for one in said("http://shop.test/", *WEB, client=client).answers] == refused


def test_a_host_that_nobody_serves_is_told_with_the_ingress_of_another_class() -> None:
    other = ingress("other", rule("x.test"), ingressClassName="traefik")
    found = said("http://x.test/", *WEB, other)
    assert "no Ingress that is served has this host" in found.server
    assert [one.status for one in found.answers] == [404]
    (problem,) = found.problems
    assert "Ingress demo/other has this host and is not served: its class traefik" in problem


def test_a_setting_of_the_config_map_is_told_unless_the_ingress_says_another() -> None:
    meta = {"name": "c", "namespace": "n"}
    data = {"proxy-body-size": "9m", "whitelist-source-range": "192.0.2.0/24"}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
    found = said("http://shop.test/", *WEB, config_map, config_map=("n", "c"))
    assert ("proxy-body-size", "9m", "the ConfigMap") in [(o.name, o.value, o.source) for o in found.annotations]
    assert sum(one.name == "whitelist-source-range" for one in found.annotations) == 1


def test_what_is_wrong_with_the_host_is_told_with_its_503() -> None:
    closed = ingress("web", rule("shop.test"), annotations={"auth-type": "basic", "auth-secret": "users"})
    found = said("https://shop.test/", closed, *WEB[1:])
    assert [one.status for one in found.answers] == [503]
    assert "Secret demo/users of auth-secret does not exist" in found.answers[0].why
    assert any("answer 503" in one for one in found.problems)
    assert found.tls == "the default certificate"


def test_files_without_endpoints_do_not_tell_whether_there_are_any() -> None:
    (answer, _) = said("http://shop.test/", *WEB[:2]).answers
    assert (answer.status, answer.when) == (503, "Service demo/web has no ready endpoint")
    (answer,) = said("http://shop.test/", WEB[0]).answers
    assert (answer.status, answer.why, answer.when) == (503, "Service demo/web does not exist", "")


@pytest.mark.parametrize("url", ["", "ftp://a.test/", "http:///x", "http://a.test:99999/", "http://[::1/", "a b"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(BadUrl, match="is not a URL"):
        said(url, *WEB)


def test_a_redirect_keeps_to_the_port_beside_the_one_asked() -> None:
    tls = ingress("web", rule("shop.test"), tls=[{"hosts": ["shop.test"]}])
    (answer,) = said("http://shop.test:8080/a/", tls, *WEB[1:]).answers
    assert answer.to == "https://shop.test:8443/a"
    (answer,) = said("http://shop.test/a", tls, *WEB[1:], https_port=444).answers
    assert answer.to == "https://shop.test:444/a"
