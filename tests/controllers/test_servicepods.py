"""Endpoints and EndpointSlices of a Service, decided without any API."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.controllers.builders import NOW, pod
from wherry.controllers.endpoints import desired, subsets, truncated
from wherry.controllers.endpointslice.endpoint import wanted
from wherry.controllers.endpointslice.packing import MOST_ENDPOINTS, Changes, Wanted, pack
from wherry.controllers.servicepods import ports, touched
from wherry.objects import Object
from wherry.objects.timestamps import rfc3339


def service(*target_ports: Any, **spec: Any) -> Object:
    listed = [
        {"name": f"p{i}" if len(target_ports) > 1 else None, "port": 80 + i, "protocol": "TCP", "targetPort": t}
        for i, t in enumerate(target_ports)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "demo", "uid": "s1"},
        "spec": {"selector": {"app": "web"}, "clusterIP": "10.96.0.5", "ports": listed} | spec,
    }


def at(ip: str, **more: Any) -> Object:
    made = pod(f"pod-{ip}", **more)
    return made | {"status": made["status"] | {"podIP": ip, "podIPs": [{"ip": ip}]}}


def node_of(name: str) -> Object | None:
    return {"metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": "z1"}}}


def test_ready_and_unready_addresses_are_kept_apart_and_in_numeric_order() -> None:
    (subset,) = subsets(service(8002), [at("10.244.1.25"), at("10.244.1.3"), at("10.244.1.9", is_ready=False)])
    assert [a["ip"] for a in subset["addresses"]] == ["10.244.1.3", "10.244.1.25"]
    assert [a["ip"] for a in subset["notReadyAddresses"]] == ["10.244.1.9"]
    assert subset["ports"] == [{"port": 8002, "protocol": "TCP"}]
    assert subset["addresses"][0]["targetRef"] == {
        "kind": "Pod",
        "namespace": "demo",
        "name": "pod-10.244.1.3",
        "uid": "uid-pod-10.244.1.3",
    }
    assert subset["addresses"][0]["nodeName"] == "n1"


def test_pods_without_an_address_finished_or_being_deleted_are_no_endpoints() -> None:
    leaving = at("10.0.0.1", deletionTimestamp=rfc3339(NOW))
    assert subsets(service(80), [pod("no-ip"), at("10.0.0.2", phase="Failed"), leaving]) == []
    (published,) = subsets(service(80, publishNotReadyAddresses=True), [leaving, at("10.0.0.3", is_ready=False)])
    assert [a["ip"] for a in published["addresses"]] == ["10.0.0.1", "10.0.0.3"]


def test_a_named_target_port_is_each_pods_own() -> None:
    def named(ip: str, number: int) -> Object:
        made = at(ip)
        made["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": number}]
        return made

    found = subsets(service("http"), [named("10.0.0.1", 8001), named("10.0.0.2", 8002), at("10.0.0.3")])
    assert [(s["ports"][0]["port"], len(s["addresses"])) for s in found] == [(8001, 1), (8002, 1)]


def test_a_target_port_left_out_is_the_port_itself() -> None:
    (port,) = ports(service(None), at("10.0.0.1"))
    assert port == {"name": "", "port": 80, "protocol": "TCP"}


def test_a_headless_service_without_ports_still_has_addresses() -> None:
    (subset,) = subsets(service(clusterIP="None"), [at("10.0.0.1")])
    assert "ports" not in subset
    labels = desired(service(clusterIP="None"), [at("10.0.0.1")], None)["metadata"]["labels"]
    assert labels["service.kubernetes.io/headless"] == ""


def test_right_endpoints_are_left_alone() -> None:
    made = desired(service(80), [at("10.0.0.1")], None)
    assert desired(service(80), [at("10.0.0.1")], made) is made
    changed = desired(service(80), [at("10.0.0.1"), at("10.0.0.2")], made)
    assert changed is not made
    assert changed["metadata"]["annotations"]["endpoints.kubernetes.io/last-change-trigger-time"]


def test_a_thousand_addresses_are_shown_ready_ones_first() -> None:
    pods = [at(f"10.0.{i // 250}.{i % 250}", is_ready=i % 2 == 0) for i in range(1500)]
    (subset,), cut = truncated(subsets(service(80), pods))
    assert cut
    assert (len(subset["addresses"]), len(subset["notReadyAddresses"])) == (750, 250)


def test_an_endpoint_tells_its_conditions_node_zone_and_hostname() -> None:
    leaving = at("10.0.0.1", deletionTimestamp=rfc3339(NOW))
    leaving["spec"] |= {"hostname": "db-0", "subdomain": "web"}
    (group,) = wanted(service(80), [leaving], node_of)
    (endpoint,) = group.endpoints
    assert endpoint["conditions"] == {"ready": False, "serving": True, "terminating": True}
    assert (endpoint["nodeName"], endpoint["zone"], endpoint["hostname"]) == ("n1", "z1", "db-0")


def test_only_a_change_that_endpoints_show_touches_a_service() -> None:
    before = at("10.0.0.1")
    after = before | {"status": before["status"] | {"containerStatuses": [{"restartCount": 1}]}}
    assert touched([service(80)], before, after) == []
    assert touched([service(80)], before, at("10.0.0.1", is_ready=False)) == [service(80)]
    moved = before | {"metadata": before["metadata"] | {"labels": {"app": "other"}}}
    assert touched([service(80)], before, moved) == [service(80)]
    assert touched([service(80, selector=None)], None, before) == []


def endpoint(number: int, ready: bool = True) -> Object:
    return {"addresses": [f"10.{number >> 8}.{number & 255}.1"], "conditions": {"ready": ready}}


def piece(name: str, numbers: list[int], port: list[Object]) -> Object:
    return {
        "metadata": {"name": name, "uid": name},
        "addressType": "IPv4",
        "ports": port,
        "endpoints": [endpoint(n) for n in numbers],
    }


HTTP = [{"name": "", "port": 80, "protocol": "TCP"}]
HTTPS = [{"name": "", "port": 443, "protocol": "TCP"}]


def apply(existing: list[Object], changes: Changes) -> list[Object]:
    """Return the slices after the changes."""
    gone = {s["metadata"]["name"] for s in changes.delete}
    new = {s["metadata"]["name"]: e for s, e in changes.update}
    kept = [
        s | {"endpoints": new.get(s["metadata"]["name"], s["endpoints"])}
        for s in existing
        if s["metadata"]["name"] not in gone
    ]
    made = [
        {
            "metadata": {"name": f"new{i}", "uid": f"new{i}"},
            "addressType": w.address_type,
            "ports": w.ports,
            "endpoints": w.endpoints,
        }
        for i, w in enumerate(changes.create)
    ]
    return kept + made


@given(
    st.lists(st.tuples(st.sampled_from([80, 443]), st.sets(st.integers(0, 400), max_size=120)), max_size=6),
    st.sets(st.integers(0, 400), max_size=300),
    st.sets(st.integers(0, 400), max_size=150),
)
def test_slices_hold_exactly_the_endpoints_whatever_was_there_before(
    before: list[tuple[int, set[int]]], http: set[int], https: set[int]
) -> None:
    port = {80: HTTP, 443: HTTPS}
    existing = [piece(f"s{i}", sorted(n)[:MOST_ENDPOINTS], port[p]) for i, (p, n) in enumerate(before)]
    target = [
        Wanted("IPv4", HTTP, [endpoint(n) for n in sorted(http)]),
        Wanted("IPv4", HTTPS, [endpoint(n) for n in sorted(https)]),
    ]
    after = apply(existing, pack(existing, target))
    assert all(len(s["endpoints"]) <= MOST_ENDPOINTS for s in after)
    found = Counter((json.dumps(s["ports"]), e["addresses"][0]) for s in after for e in s["endpoints"])
    asked = Counter((json.dumps(w.ports), e["addresses"][0]) for w in target for e in w.endpoints)
    assert found == asked
    assert after
    settled = pack(after, target)
    assert (settled.create, settled.update, settled.delete) == ([], [], [])


def test_a_change_of_one_endpoint_writes_one_slice() -> None:
    existing = [piece("a", list(range(100)), HTTP), piece("b", list(range(100, 150)), HTTP)]
    numbers = list(range(1, 150))
    changes = pack(existing, [Wanted("IPv4", HTTP, [endpoint(n) for n in [*numbers, 200]])])
    assert [s["metadata"]["name"] for s, _ in changes.update] == ["a"]
    assert (changes.create, changes.delete) == ([], [])


def test_a_service_without_endpoints_keeps_one_empty_slice() -> None:
    nothing = [Wanted("IPv4", [], [])]
    changes = pack([], nothing)
    assert changes.create == nothing
    placeholder = piece("a", [], [])
    assert pack([placeholder], nothing) == Changes()
    assert pack([piece("b", [1], HTTP)], nothing).delete == [piece("b", [1], HTTP)]
