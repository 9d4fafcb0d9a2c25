"""Which pods a node takes in."""

from __future__ import annotations

import pytest

from tests.node.build import container, pod
from wherry.node.pods.plan.admission import NODE_PORTS, rejection
from wherry.objects import Object


def on(*ports: Object, status: Object | None = None) -> Object:
    return pod(container(ports=[{"containerPort": 80, **port} for port in ports]), status=status)


HTTP = {"hostPort": 8080}
HERE = "192.168.51.209"


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (HTTP, HTTP),
        (HTTP, {**HTTP, "hostIP": HERE}),
        ({**HTTP, "hostIP": HERE}, HTTP),
        ({**HTTP, "hostIP": HERE}, {**HTTP, "hostIP": HERE}),
        ({**HTTP, "hostIP": "0.0.0.0"}, {**HTTP, "protocol": "TCP"}),
    ],
)
def test_a_port_of_the_node_is_one_pods(held: Object, wanted: Object) -> None:
    assert rejection(on(wanted), [on(held)]) is NODE_PORTS


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (HTTP, {"hostPort": 8081}),
        (HTTP, {**HTTP, "protocol": "UDP"}),
        ({**HTTP, "hostIP": HERE}, {**HTTP, "hostIP": "127.0.0.1"}),
        ({}, {}),
    ],
)
def test_what_differs_in_number_protocol_or_address_does_not_clash(held: Object, wanted: Object) -> None:
    assert rejection(on(wanted), [on(held)]) is None


def test_a_pod_that_has_ended_holds_nothing() -> None:
    assert rejection(on(HTTP), [on(HTTP, status={"phase": "Failed"})]) is None


def test_a_pod_that_was_taken_in_stays_whatever_came_since() -> None:
    assert rejection(on(HTTP, status={"startTime": "2026-01-01T00:00:00Z"}), [on(HTTP)]) is None
