"""What a Node says."""

from __future__ import annotations

from wherry.objects.meaning import nodes


def node(spec=None, labels=None, **status):
    return {"metadata": {"name": "n1", "labels": labels}, "spec": spec, "status": status}


def test_ready_is_the_condition():
    assert nodes.is_ready(node(conditions=[{"type": "Ready", "status": "True"}]))
    assert not nodes.is_ready(node(conditions=[{"type": "Ready", "status": "Unknown"}]))
    assert not nodes.is_ready(node())


def test_cordoned_and_zone_are_read_where_they_may_be_absent():
    assert nodes.is_cordoned(node({"unschedulable": True}))
    assert not nodes.is_cordoned(node())
    assert nodes.zone(node(labels={"topology.kubernetes.io/zone": "a"})) == "a"
    assert nodes.zone(node()) == ""


def test_addresses_are_asked_for_by_type():
    listed = [
        {"type": "Hostname", "address": "n1"},
        {"type": "InternalIP", "address": "192.168.0.1"},
        {"type": "InternalIP", "address": "fd00::1"},
        {"type": "ExternalIP", "address": ""},
    ]
    assert nodes.addresses(node(addresses=listed)) == ["192.168.0.1", "fd00::1"]
    assert nodes.addresses(node(addresses=listed), "ExternalIP") == nodes.addresses(node(addresses=None)) == []


def test_pod_ranges_are_those_of_both_fields():
    assert nodes.pod_ranges(node({"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24", "fd00::/64"]})) == [
        "10.0.0.0/24",
        "fd00::/64",
    ]
    assert nodes.pod_ranges(node({"podCIDR": "10.0.0.0/24"})) == ["10.0.0.0/24"]
    assert nodes.pod_ranges(node()) == []
