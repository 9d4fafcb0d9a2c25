"""A bug of ours that one object meets costs that object only: it is left out, named, and the rest is served."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ingress.objects import ingress, path, rule
from tests.ingress.test_quarantine import FakeNginx, hosts, keeper_of, settled, snapshot
from wherry.ingress import controller
from wherry.ingress.features.bodies import Bodies
from wherry.ingress.fronts.ingress import build, claim
from wherry.ingress.fronts.ingress.build import build as build_model
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot
from wherry.ingress.route.backend import Backend, BackendRef, Endpoint


def refuses(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, culprit: str) -> None:
    """Let a function of a module raise where its arguments name the culprit."""
    real = getattr(module, name)

    def raising(*given: Any, **more: Any) -> Any:
        if culprit in repr(given):
            raise RecursionError("a bug")
        return real(*given, **more)

    monkeypatch.setattr(module, name, raising)


@pytest.mark.parametrize("function", ["read_policy", "tls_for", "_rule"])
def test_an_ingress_that_cannot_be_read_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    refuses(monkeypatch, claim, function, "culprit")
    bad = ingress("culprit", rule("culprit.test", path("/culprit")), annotations={"culprit": "x"})
    model = build_model(Snapshot(ingresses=[bad, ingress("fine", rule("fine.test"))]), Choices())
    assert hosts(model) == {"fine.test"}
    (found,) = [p for p in model.problems if p.reason == "InternalError"]
    assert str(found.subject) == "Ingress demo/culprit"
    assert "wherry fails on it: RecursionError('a bug')" in found.message


def test_a_path_that_cannot_be_checked_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    refuses(monkeypatch, build, "path_problem", "culprit")
    one = ingress("one", rule("a.test", path("/culprit"), path("/fine")))
    model = build_model(Snapshot(ingresses=[one]), Choices())
    (server,) = [s for s in model.structure.servers if s.host == "a.test"]
    assert [at.path for at in server.locations] == ["/fine", "/"]
    assert "wherry fails on it" in model.problems[0].message


async def test_an_ingress_that_cannot_be_written_is_searched_for_like_one_that_nginx_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Bodies.location

    def raising(self: Bodies, at: Any) -> Any:
        if at.host == "b.test":
            raise RecursionError("a bug")
        return real(self, at)

    monkeypatch.setattr(Bodies, "location", raising)
    model = await settled(keeper_of(FakeNginx()), snapshot("a.test", "b.test", "c.test"))
    assert hosts(model) == {"a.test", "c.test"}
    assert [(p.subject.name, p.reason) for p in model.problems] == [("b.test", "NginxRefused")]
    assert "wherry fails on Bodies" in model.problems[0].message


async def test_a_service_that_cannot_be_read_keeps_the_endpoints_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Backend(BackendRef("demo", "web", "80"), (Endpoint("10.0.0.1", 80),))

    def raising(*_: object) -> None:
        raise RecursionError("a bug")

    monkeypatch.setattr(controller, "resolve", raising)
    found = controller.resolved(known.ref, None, (), lambda _: (), known)
    assert found.endpoints == known.endpoints
    assert found.trouble == ("InternalError", "wherry fails on Service demo/web: RecursionError('a bug')")
    assert controller.resolved(known.ref, None, (), lambda _: (), None).endpoints == ()
