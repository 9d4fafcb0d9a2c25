"""The validating webhook: what the API server asks, and what it is told."""

from __future__ import annotations

import asyncio
import base64
import io
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.apiserver.harness import Cluster
from tests.client.certificates import Authority
from tests.ingress.certificates import make_certificate
from tests.ingress.objects import ingress, path, rule
from tests.ingress.world import needs_nginx, running
from wherry.ingress.fronts.ingress.review import Verdict, review
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot
from wherry.ingress.webhook import LARGEST_BYTES, WebhookOptions, serving
from wherry.objects import Object
from wherry.objects.resource import INGRESSES, VALIDATING_WEBHOOK_CONFIGURATIONS

KIND = {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"}


def said(given: Object, *others: Object, choices: Choices | None = None) -> Verdict:
    return review(given, Snapshot(ingresses=others), choices or Choices())


def test_a_good_ingress_may_be_stored() -> None:
    assert said(ingress("web", rule("a.test", path("/x")), annotations={"ssl-redirect": "false"})) == Verdict()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (ingress("web", rule("a.test", path("/x;}"))), "path '/x;}' of host a.test is left out"),
        (ingress("web", rule("a.test; evil")), "host 'a.test; evil' is left out"),
        (ingress("web", rule("a.test"), annotations={"proxy-read-timeout": "soon"}), "proxy-read-timeout: expected"),
        (ingress("web", rule("a.test"), annotations={"auth-url": "http://x/#;"}), "auth-url: expected a URL"),
    ],
)
def test_what_could_not_be_served_is_denied_with_the_reason(given: Object, why: str) -> None:
    (denial,) = said(given).denials
    assert why in denial


def test_a_path_that_another_ingress_has_is_denied_but_not_to_its_owner() -> None:
    older = ingress("older", rule("a.test", path("/x")))
    younger = ingress("younger", rule("a.test", path("/x")), created="")
    assert "belongs to the older Ingress demo/older" in said(younger, older).denials[0]
    assert said(older, older) == Verdict()
    assert said(ingress("younger", rule("b.test", path("/x")), created=""), older) == Verdict()


def test_what_may_become_right_and_what_has_no_effect_is_warned_of() -> None:
    marks = {"auth-type": "basic", "auth-secret": "to-come", "enable-opentelemetry": "true"}
    verdict = said(ingress("web", rule("a.test"), annotations=marks))
    assert not verdict.denials
    assert any("Secret demo/to-come of auth-secret does not exist" in one for one in verdict.warnings)
    assert any("enable-opentelemetry" in one for one in verdict.warnings)


def test_others_ingresses_are_none_of_our_business() -> None:
    hostile = ingress("web", rule("a.test", path("/;}")))
    hostile["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "traefik"
    assert said(hostile) == Verdict()


def test_rules_for_every_host_are_denied_where_they_are_not_to_be() -> None:
    assert "--disable-catch-all" in said(ingress("web", rule("")), choices=Choices(catch_all=False)).denials[0]
    assert said(ingress("web", rule(""))) == Verdict()


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    renew(tmp_path, "first")
    options = WebhookOptions("127.0.0.1", 0, tmp_path / "cert", tmp_path / "key")
    async with serving(options, lambda given: review(given, Snapshot(), Choices())) as port:
        yield port


def renew(directory: Path, name: str) -> None:
    chain, key = make_certificate(name)
    (directory / "key").write_bytes(key)
    (directory / "cert").write_bytes(chain)


async def ask(port: int, body: Any, **more: Any) -> tuple[int, Any]:
    context = ssl._create_unverified_context()
    url = f"https://127.0.0.1:{port}/networking/v1/ingresses?timeout=10s"
    async with aiohttp.ClientSession() as session, session.post(url, ssl=context, **{"json": body, **more}) as answer:
        is_json = answer.content_type == "application/json"
        return answer.status, await answer.json() if is_json else await answer.text()


def asked(given: Object | None, **more: Any) -> Object:
    request = {"uid": "u1", "kind": KIND, "operation": "CREATE", "namespace": "demo", "object": given, **more}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


async def test_the_api_server_gets_the_verdict_with_its_own_uid_and_version(port: int) -> None:
    status, answer = await ask(port, asked(ingress("web", rule("a.test", path("/;")))))
    assert status == 200
    assert answer["apiVersion"] == "admission.k8s.io/v1"
    assert answer["response"]["uid"] == "u1"
    assert answer["response"]["allowed"] is False
    assert "must start with /" in answer["response"]["status"]["message"]
    _, answer = await ask(port, asked(ingress("web", rule("a.test"), annotations={"enable-opentelemetry": "true"})))
    assert answer["response"]["allowed"] is True
    assert "enable-opentelemetry" in answer["response"]["warnings"][0]


async def test_an_old_version_is_told_of_and_passes(port: int) -> None:
    old = {"group": "extensions", "version": "v1beta1", "kind": "Ingress"}
    _, answer = await ask(port, asked(ingress("web"), kind=old))
    assert answer["response"]["allowed"]
    assert "extensions/v1beta1" in answer["response"]["warnings"][0]


async def test_what_is_deleted_or_no_ingress_passes(port: int) -> None:
    for more in ({"operation": "DELETE"}, {"kind": {"group": "", "version": "v1", "kind": "Service"}}):
        _, answer = await ask(port, asked(None, **more))
        assert answer["response"] == {"uid": "u1", "allowed": True}


@pytest.mark.parametrize("body", ["x", "[]", "null", "{}", '{"request": {}}', '{"request": {"uid": "u", "kind": 3}}'])
async def test_what_is_no_review_is_refused(port: int, body: str) -> None:
    status, _ = await ask(port, None, json=None, data=body)
    assert status == 400


async def test_cve_2026_24514_a_huge_body_is_refused_unread(port: int) -> None:
    status, _ = await ask(port, None, json=None, data=io.BytesIO(b"x" * (LARGEST_BYTES + 1)))
    assert status == 413


async def test_a_renewed_certificate_is_presented_without_a_restart(port: int, tmp_path: Path) -> None:
    async def presented() -> bytes:
        context = ssl._create_unverified_context()
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="web.svc")
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return bytes(found)

    before = await presented()
    renew(tmp_path, "second")
    assert await presented() != before


@needs_nginx
async def test_the_controller_refuses_what_another_ingress_has(tmp_path: Path) -> None:
    renew(tmp_path, "web.svc")
    webhook = WebhookOptions("127.0.0.1", 0, tmp_path / "cert", tmp_path / "key")
    (tmp_path / "nginx").mkdir()
    async with running(tmp_path / "nginx", ingress("web", rule("a.test", path("/x"))), webhook=webhook) as world:
        _, answer = await ask(
            world.controller.webhook_port, asked(ingress("late", rule("a.test", path("/x")), created=""))
        )
    assert "belongs to the older Ingress demo/web" in answer["response"]["status"]["message"]


@needs_nginx
async def test_a_webhook_without_its_certificate_ends_the_controller_with_the_file_s_name(tmp_path: Path) -> None:
    webhook = WebhookOptions("127.0.0.1", 0, tmp_path / "cert", tmp_path / "key")
    with pytest.raises(BaseExceptionGroup) as caught:
        async with running(tmp_path, webhook=webhook):
            pass
    assert str(tmp_path / "cert") in str(caught.value.exceptions[0])


async def test_an_api_server_stores_nothing_that_is_denied(tmp_path: Path) -> None:
    authority = Authority("hook-ca")
    chain, key = authority.issue("hook")
    (tmp_path / "cert").write_bytes(chain)
    (tmp_path / "key").write_bytes(key)
    options = WebhookOptions("127.0.0.1", 0, tmp_path / "cert", tmp_path / "key")
    reviewed = serving(options, lambda given: review(given, Snapshot(), Choices()))
    async with Cluster(tmp_path) as cluster, reviewed as port:
        await cluster.client.create(VALIDATING_WEBHOOK_CONFIGURATIONS, configuration(port, authority))
        with pytest.raises(Exception, match="is left out: must start with /") as refused:
            await cluster.client.create(INGRESSES, ingress("bad", rule("a.test", path("/x;")), namespace="default"))
        assert "ingresses.hook.test" in str(refused.value)
        await cluster.client.create(INGRESSES, ingress("good", rule("a.test", path("/x")), namespace="default"))
        stored = await cluster.client.list(INGRESSES, "default")
    assert [one["metadata"]["name"] for one in stored.items] == ["good"]


def configuration(port: int, authority: Authority) -> Object:
    bundle = base64.b64encode(authority.pem).decode()
    rules = {"apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"], "resources": ["ingresses"]}
    hook = {
        "name": "ingresses.hook.test",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"url": f"https://127.0.0.1:{port}/networking/v1/ingresses", "caBundle": bundle},
        "rules": [{**rules, "operations": ["CREATE", "UPDATE"]}],
    }
    return {"metadata": {"name": "ingress-nginx-admission"}, "webhooks": [hook]}
