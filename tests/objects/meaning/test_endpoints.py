"""What an EndpointSlice says."""

from __future__ import annotations

import pytest

from wherry.objects.meaning import endpoints

SLICE = {
    "addressType": "IPv4",
    "metadata": {"namespace": "demo", "name": "web-x", "labels": {"kubernetes.io/service-name": "web"}},
    "ports": [{"name": "http", "port": 80}, {"name": None, "protocol": "UDP", "port": 53}, {"name": "every"}],
    "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": []}, {"addresses": ["10.0.0.2", "10.0.0.3"]}],
}


def test_a_slice_names_its_service_by_label():
    assert endpoints.service_of(SLICE) == ("demo", "web")
    assert endpoints.service_of({"metadata": {"namespace": "demo", "name": "stray"}}) is None
    assert endpoints.service_of({"metadata": {"name": "stray", "labels": None}}) is None


def test_host_names_are_no_addresses():
    assert endpoints.holds_addresses(SLICE)
    assert endpoints.holds_addresses({"addressType": "IPv6"})
    assert not endpoints.holds_addresses({"addressType": "FQDN"})


def test_ports_have_defaults_and_those_without_a_number_are_left_out():
    assert endpoints.ports(SLICE) == [("http", "TCP", 80), ("", "UDP", 53)]
    assert endpoints.ports({"ports": None}) == []


def test_endpoints_without_an_address_are_left_out():
    assert [e["addresses"] for e in endpoints.endpoints(SLICE)] == [["10.0.0.1"], ["10.0.0.2", "10.0.0.3"]]
    assert endpoints.endpoints({"endpoints": None}) == []


@pytest.mark.parametrize("conditions", [None, {}, {"ready": None, "serving": None, "terminating": None}])
def test_conditions_not_known_mean_ready_serving_and_staying(conditions):
    endpoint = {"conditions": conditions}
    assert endpoints.is_ready(endpoint)
    assert endpoints.is_serving(endpoint)
    assert not endpoints.is_terminating(endpoint)


def test_conditions_that_are_known_count():
    endpoint = {"conditions": {"ready": False, "serving": False, "terminating": True}}
    assert not endpoints.is_ready(endpoint)
    assert not endpoints.is_serving(endpoint)
    assert endpoints.is_terminating(endpoint)


def test_hints_name_zones_and_nodes():
    endpoint = {"hints": {"forZones": [{"name": "a"}, {"name": "b"}], "forNodes": [{"name": "n1"}]}}
    assert endpoints.zone_hints(endpoint) == {"a", "b"}
    assert endpoints.node_hints(endpoint) == {"n1"}
    assert endpoints.zone_hints({"hints": None}) == endpoints.node_hints({}) == frozenset()
