"""Real requests through a real nginx: rules, TLS, headers, answers without a backend."""

from __future__ import annotations

import asyncio
import io
import ssl
from pathlib import Path

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.ingress.certificates import make_certificate
from tests.ingress.objects import endpoint_slice, ingress, path, rule, service, tls_secret
from tests.ingress.world import Backend, World, eventually, needs_nginx, running
from wherry.ingress.selfsigned import COMMON_NAME
from wherry.objects import Object

pytestmark = needs_nginx


def reached_by(backend: Backend, name: str = "web") -> list[Object]:
    return [service(name), endpoint_slice(name, ("127.0.0.1", backend.port))]


async def served_certificate(world: World, host: str | None) -> x509.Certificate:
    """Return the certificate presented to a client that asks for `host` by SNI."""
    context = ssl._create_unverified_context()
    _, writer = await asyncio.open_connection(
        "127.0.0.1", world.options.https_port, ssl=context, server_hostname=host or ""
    )
    try:
        return x509.load_der_x509_certificate(writer.get_extra_info("ssl_object").getpeercert(True))
    finally:
        writer.transport.abort()


def common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


async def test_hosts_and_paths_choose_the_service(nginx_dir: Path) -> None:
    async with Backend("one") as one, Backend("two") as two, Backend("three") as three:
        objects = [
            ingress(
                "rules",
                rule(
                    "a.test",
                    path("/", "one", path_type="Prefix"),
                    path("/foo", "two", path_type="Prefix"),
                    path("/foo", "three", path_type="Exact"),
                    path("/long/er", "three"),
                ),
                rule("*.wild.test", path("/", "two")),
            ),
            *reached_by(one, "one"),
            *reached_by(two, "two"),
            *reached_by(three, "three"),
        ]
        async with running(nginx_dir, *objects) as world:
            asked = {
                ("a.test", "/"): "one",
                ("A.TEST", "/blog/index/?x=1"): "one",
                ("a.test", "/foo"): "three",
                ("a.test", "/foo/"): "two",
                ("a.test", "/foo/bar"): "two",
                ("a.test", "/foobar"): "one",
                ("a.test", "/long/er"): "three",
                ("a.test", "/long/ertail"): "three",
                ("a.test:8080", "/"): "one",
                ("x.wild.test", "/"): "two",
            }
            for (host, target), expected in asked.items():
                status, _, body = await world.ask(host, target)
                assert (status, body["backend"], body["path"]) == (200, expected, target), (host, target)
            for host in ("wild.test", "x.y.wild.test", "b.test"):
                assert (await world.ask(host))[0] == 404


async def test_no_endpoints_and_no_service_answer_503_and_no_rule_404(nginx_dir: Path) -> None:
    async with Backend("one") as one:
        objects = [
            ingress("rules", rule("a.test", path("/empty", "empty"), path("/none", "none"), path("/down", "down"))),
            service("empty"),
            endpoint_slice("empty", ("127.0.0.1", one.port), ready=False),
            service("down"),
            endpoint_slice("down", ("127.0.0.1", 1)),
        ]
        async with running(nginx_dir, *objects) as world:
            assert (await world.ask("a.test", "/empty"))[0] == 503
            assert (await world.ask("a.test", "/none"))[0] == 503
            assert (await world.ask("a.test", "/down"))[0] == 502
            assert (await world.ask("a.test", "/"))[0] == 404
            assert (await world.ask("b.test", "/"))[0] == 404


async def test_default_backends_take_what_no_rule_does(nginx_dir: Path) -> None:
    async with Backend("one") as one, Backend("all") as every:
        objects = [
            ingress("rules", rule("a.test", path("/one", "one"))),
            ingress("all", defaultBackend=path(service="all")["backend"]),
            *reached_by(one, "one"),
            *reached_by(every, "all"),
        ]
        async with running(nginx_dir, *objects) as world:
            assert (await world.ask("a.test", "/one"))[2]["backend"] == "one"
            assert (await world.ask("b.test", "/x"))[2]["backend"] == "all"
            assert (await world.ask("a.test", "/x"))[0] == 404


async def test_the_backend_sees_the_headers_ingress_nginx_sets(nginx_dir: Path) -> None:
    async with Backend("one") as one, running(nginx_dir, ingress("web", rule("a.test")), *reached_by(one)) as world:
        sent = {
            "X-Forwarded-For": "1.2.3.4",
            "X-Forwarded-Proto": "https",
            "X-Real-IP": "1.2.3.4",
            "Proxy": "evil",
            "X-Mine": "kept",
        }
        _, _, body = await world.ask("a.test:8080", headers=sent)
        got = body["headers"]
        expected = {
            "Host": "a.test:8080",
            "X-Forwarded-Host": "a.test:8080",
            "X-Forwarded-For": "127.0.0.1",
            "X-Real-IP": "127.0.0.1",
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Scheme": "http",
            "X-Scheme": "http",
            "X-Forwarded-Port": str(world.options.http_port),
            "X-Original-Forwarded-For": "1.2.3.4",
            "X-Mine": "kept",
        }
        assert {name: got.get(name) for name in expected} == expected
        assert len(got["X-Request-ID"]) == 32
        assert "Proxy" not in got
        _, _, body = await world.ask("a.test", headers={"X-Request-ID": "mine"})
        assert body["headers"]["X-Request-ID"] == "mine"


async def test_a_client_that_ends_tls_is_believed_with_use_forwarded_headers(nginx_dir: Path) -> None:
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "ingress-nginx"},
        "data": {"use-forwarded-headers": "true"},
    }
    forced = ingress("web", rule("a.test"), annotations={"force-ssl-redirect": "true"})
    async with Backend("one") as one:
        config_map = ("ingress-nginx", "settings")
        async with running(nginx_dir, forced, settings, *reached_by(one), config_map=config_map) as world:
            assert (await world.ask("a.test"))[0] == 308
            status, _, body = await world.ask(
                "a.test", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "9.9.9.9"}
            )
            assert status == 200
            assert body["headers"]["X-Forwarded-For"] == "9.9.9.9"
            assert body["headers"]["X-Forwarded-Proto"] == "https"


async def test_tls_presents_the_certificate_of_the_name_asked_for(nginx_dir: Path) -> None:
    article = make_certificate("*.devops.cn")
    exact = make_certificate("ignored", "shop.test", "other.test")
    objects = [
        ingress("blog", rule("myblog.devops.cn"), tls=[{"hosts": ["myblog.devops.cn"], "secretName": "https-secret"}]),
        ingress("shop", rule("shop.test"), tls=[{"hosts": ["shop.test"], "secretName": "shop"}]),
        ingress("wild", rule("*.wild.test"), tls=[{"hosts": ["*.wild.test"], "secretName": "wild"}]),
        ingress("broken", rule("broken.test"), tls=[{"hosts": ["broken.test"], "secretName": "missing"}]),
        tls_secret("https-secret", *article),
        tls_secret("shop", *exact),
        tls_secret("wild", *make_certificate("w", "*.wild.test")),
    ]
    async with Backend("one") as one, running(nginx_dir, *objects, *reached_by(one)) as world:
        blog = await served_certificate(world, "myblog.devops.cn")
        assert blog.public_bytes(serialization.Encoding.PEM) == article[0]
        assert common_name(await served_certificate(world, "shop.test")) == "ignored"
        assert common_name(await served_certificate(world, "SHOP.test")) == "ignored"
        assert common_name(await served_certificate(world, "x.wild.test")) == "w"
        for name in ("other.test", "broken.test", "x.y.wild.test", None):
            assert common_name(await served_certificate(world, name)) == COMMON_NAME, name
        status, headers, body = await world.ask("myblog.devops.cn", "/blog/index/", tls=True)
        assert (status, body["headers"]["X-Forwarded-Proto"]) == (200, "https")
        assert headers["Strict-Transport-Security"] == "max-age=15724800; includeSubDomains"
        assert (await world.ask("broken.test", tls=True))[0] == 200


async def test_http_is_redirected_where_the_host_has_tls(nginx_dir: Path) -> None:
    tls = [{"hosts": ["a.test", "b.test"], "secretName": "cert"}]
    objects = [
        ingress("web", rule("a.test"), tls=tls),
        ingress("plain", rule("b.test"), tls=tls, annotations={"ssl-redirect": "false"}),
        ingress("none", rule("c.test")),
        tls_secret("cert", *make_certificate("x", "a.test", "b.test")),
    ]
    async with Backend("one") as one, running(nginx_dir, *objects, *reached_by(one)) as world:
        status, headers, _ = await world.ask("a.test:1234", "/x?y=%20z")
        assert status == 308
        assert headers["Location"] == f"https://a.test:{world.options.https_port}/x?y=%20z"
        _, forwarded, _ = await world.ask("a.test:8080", "/x")
        assert forwarded["Location"] == "https://a.test:8443/x", "who came through a forward goes through its neighbour"
        assert (await world.ask("b.test"))[0] == 200
        assert (await world.ask("c.test"))[0] == 200
        assert (await world.ask("a.test", tls=True))[0] == 200


async def test_rewrite_target_replaces_the_path(nginx_dir: Path) -> None:
    rewriting = ingress("api", rule("a.test", path("/api(/|$)(.*)", "web")), annotations={"rewrite-target": "/$2"})
    literal = ingress("rest", rule("a.test", path("/rest", "web")), created="2026-02-01T00:00:00Z")
    async with Backend("one") as one, running(nginx_dir, rewriting, literal, *reached_by(one)) as world:
        asked = {
            "/api/users?x=1": "/users?x=1",
            "/API/a%20b": "/a%20b",
            "/api": "/",
            "/REST/of": "/REST/of",
        }
        for target, expected in asked.items():
            assert (await world.ask("a.test", target))[2]["path"] == expected


async def test_an_access_annotation_we_cannot_honour_closes_the_path(nginx_dir: Path) -> None:
    closed = ingress("web", rule("a.test"), annotations={"auth-snippet": "deny all;"})
    async with Backend("one") as one, running(nginx_dir, closed, *reached_by(one)) as world:
        assert (await world.ask("a.test"))[0] == 503
        assert not one.connections


async def test_bodies_are_limited_and_large_ones_pass_when_allowed(nginx_dir: Path) -> None:
    objects = [
        ingress("small", rule("small.test")),
        ingress("large", rule("large.test"), annotations={"proxy-body-size": "8m"}),
    ]
    async with Backend("one") as one, running(nginx_dir, *objects, *reached_by(one)) as world:
        body = b"x" * (2 << 20)

        def sent() -> io.BytesIO:
            return io.BytesIO(body)

        assert (await world.ask("small.test", method="POST", data=sent()))[0] == 413
        status, _, answer = await world.ask("large.test", method="POST", data=sent())
        assert (status, answer["length"]) == (200, len(body))


async def test_websockets_pass_through(nginx_dir: Path) -> None:
    async with Backend("one") as one, running(nginx_dir, ingress("web", rule("a.test")), *reached_by(one)) as world:
        url = f"http://127.0.0.1:{world.options.http_port}/ws"
        async with aiohttp.ClientSession() as session, session.ws_connect(url, headers={"Host": "a.test"}) as ws:
            await ws.send_str("hello")
            assert (await ws.receive_str()) == "echo hello"


async def test_a_backend_may_speak_https(nginx_dir: Path) -> None:
    chain, key = make_certificate("backend")
    pair = nginx_dir / "backend.pem"
    pair.write_bytes(chain + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    speaking = ingress("web", rule("a.test"), annotations={"backend-protocol": "HTTPS"})
    async with Backend("secret", tls=context) as secret, running(nginx_dir, speaking, *reached_by(secret)) as world:
        assert (await world.ask("a.test"))[2]["backend"] == "secret"


async def test_connections_to_backends_are_kept(nginx_dir: Path) -> None:
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "demo"},
        "data": {"worker-processes": "1"},
    }
    async with Backend("one") as one:
        objects = [ingress("web", rule("a.test")), settings, *reached_by(one)]
        async with running(nginx_dir, *objects, config_map=("demo", "settings")) as world:
            for _ in range(10):
                assert (await world.ask("a.test"))[0] == 200
            assert len(one.connections) == 1


async def test_requests_are_counted(nginx_dir: Path) -> None:
    async with Backend("one") as one, running(nginx_dir, ingress("web", rule("a.test")), *reached_by(one)) as world:
        for _ in range(3):
            await world.ask("a.test")
        await world.ask("nobody.test")
        url = f"http://127.0.0.1:{world.controller.health.port}/metrics"
        wanted = (
            'nginx_ingress_controller_requests{host="a.test",ingress="web",namespace="demo",'
            'service="web",status="200"} 3.0',
            'service="",status="404"} 1.0',
        )

        async def counted() -> bool:
            """A worker counts a request after it has answered it."""
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                text = await answer.text()
            return all(line in text for line in wanted)

        await eventually(counted, "the requests are counted")
