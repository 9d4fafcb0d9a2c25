"""Which services drop here for want of a local endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proxy.build import NODE, endpoint, endpoint_slice, service
from wherry.proxy.no_local import NoLocal
from wherry.proxy.plan import Plan, difference, make_plan

EXTERNAL = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80, "nodePort": 30080}]}


@pytest.mark.parametrize(
    ("spec", "pods", "expected"),
    [
        ({}, ["r1"], {"internal": 0, "external": 0}),
        ({"internalTrafficPolicy": "Local"}, ["r1"], {"internal": 1, "external": 0}),
        ({"internalTrafficPolicy": "Local"}, ["p1", "r1"], {"internal": 0, "external": 0}),
        ({"internalTrafficPolicy": "Local"}, [], {"internal": 0, "external": 0}),
        ({**EXTERNAL, "ingress": [{"ip": "203.0.113.9"}]}, ["r1"], {"internal": 0, "external": 1}),
    ],
)
def test_a_service_port_counts_once_while_endpoints_are_only_elsewhere(
    spec: dict[str, Any], pods: list[str], expected: dict[str, int]
) -> None:
    plan = make_plan([service(**spec)], [endpoint_slice([endpoint(p) for p in pods])], NODE)
    found = NoLocal()
    found.update(difference(Plan(), plan))
    assert found.counts() == expected
    found.update(difference(plan, Plan()))
    assert set(found.counts().values()) == {0}
