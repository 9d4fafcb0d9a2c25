"""Hosts that are passed through: from the moment one asks for it until none does. The rest is in the corpus."""

from __future__ import annotations

import ssl
from pathlib import Path

from tests.ingress.certificates import make_certificate
from tests.ingress.objects import endpoint_slice, ingress, path, rule, service
from tests.ingress.world import Backend, World, eventually, needs_nginx, running
from wherry.ingress.explain import explain
from wherry.ingress.fronts.ingress.build import build
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot
from wherry.ingress.options import Options
from wherry.ingress.reading import read
from wherry.objects import Object
from wherry.objects.resource import INGRESSES

PASSED = ingress("own", rule("own.test", path("/", "own", 443)), annotations={"ssl-passthrough": "true"})
CLUSTER_IP = service("own", {"port": 443, "targetPort": 8443}, clusterIP="10.96.7.7")


def context(directory: Path) -> ssl.SSLContext:
    chain, key = make_certificate("own.test")
    (directory / "own.pem").write_bytes(chain + key)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(directory / "own.pem")
    return made


async def answers(world: World, host: str, backend: str, is_told: bool) -> None:
    """Wait until a host's https is answered by a backend; whether that is told of the client by us."""

    async def met() -> bool:
        _, _, body = await world.ask(host, tls=True)
        return isinstance(body, dict) and body["backend"] == backend and ("X-Real-IP" in body["headers"]) is is_told

    await eventually(met, f"{host} is answered by {backend}")


@needs_nginx
async def test_the_port_of_https_changes_hands_and_back(nginx_dir: Path, tmp_path: Path) -> None:
    async with Backend("own", tls=context(tmp_path)) as own, Backend("web") as web:
        objects: list[Object] = [
            ingress("web", rule("web.test")),
            service("web"),
            endpoint_slice("web", ("127.0.0.1", web.port)),
            service("own", {"port": own.port}, clusterIP="127.0.0.1"),
            endpoint_slice("own", ("127.0.0.1", own.port)),
        ]
        async with running(nginx_dir, *objects, passthrough=True) as world:
            await answers(world, "web.test", "web", True)
            through = ingress(
                "own", rule("own.test", path("/", "own", own.port)), annotations={"ssl-passthrough": "true"}
            )
            await world.client.create(INGRESSES, through, "demo")
            await answers(world, "own.test", "own", False)
            await answers(world, "web.test", "web", True)
            await world.client.delete(INGRESSES, "own", "demo")
            await world.becomes(404, "own.test", tls=True)
            await answers(world, "web.test", "web", True)


def test_without_the_flag_it_has_no_effect_and_says_so() -> None:
    snapshot = Snapshot(ingresses=[PASSED], services={("demo", "own"): CLUSTER_IP})
    model = build(snapshot, Choices())
    assert not model.structure.passed
    (problem,) = model.problems
    assert "has no effect: the controller has no --enable-ssl-passthrough" in problem.message
    assert build(snapshot, Choices(passthrough=True)).structure.passed[0].address == "10.96.7.7"


def test_it_is_explained() -> None:
    options = Options(passthrough=True)
    reading = read([PASSED, CLUSTER_IP], options)
    found = explain("https://own.test/x", reading, options)
    assert (found.tls, found.endpoints, found.answers) == (
        "the endpoint's own: ssl-passthrough",
        ("10.96.7.7:443",),
        (),
    )
    assert explain("http://own.test/x", reading, options).location
