"""What a Service says."""

from __future__ import annotations

from wherry.objects.meaning import services


def service(**spec):
    return {"metadata": {"name": "web", "namespace": "demo"}, "spec": spec}


def test_every_address_counts_the_primary_first():
    assert services.cluster_ips(service(clusterIP="10.96.0.1", clusterIPs=["10.96.0.1", "fd00::1"])) == (
        "10.96.0.1",
        "fd00::1",
    )
    assert services.cluster_ips(service(clusterIP="10.96.0.1")) == ("10.96.0.1",)


def test_headless_external_and_unallocated_services_have_no_address():
    assert services.cluster_ips(service(clusterIP="None", clusterIPs=["None"])) == ()
    assert services.cluster_ips(service(type="ExternalName", externalName="example.test", clusterIP="10.96.0.1")) == ()
    assert services.cluster_ips(service()) == services.cluster_ips(service(clusterIP="", clusterIPs=None)) == ()


def test_headless_is_who_asked_for_none():
    assert services.is_headless(service(clusterIP="None"))
    assert not services.is_headless(service(clusterIP=""))
    assert not services.is_headless(service(clusterIP="10.96.0.1"))


def test_a_service_selects_the_pods_with_its_labels():
    pod = {"metadata": {"name": "p", "labels": {"app": "web", "tier": "front"}}}
    assert services.selects(service(selector={"app": "web"}), pod)
    assert not services.selects(service(selector={"app": "db"}), pod)


def test_without_a_selector_or_as_another_name_it_selects_nothing():
    pod = {"metadata": {"name": "p", "labels": {"app": "web"}}}
    for other in (service(), service(selector={}), service(selector={"app": "web"}, type="ExternalName")):
        assert not services.has_selector(other)
        assert not services.selects(other, pod)


def test_ports_are_read_with_their_defaults():
    assert services.ports(service(ports=None)) == []
    assert [services.protocol(p) for p in ({}, {"protocol": None}, {"protocol": "UDP"})] == ["TCP", "TCP", "UDP"]


def test_what_lies_outside_is_read_from_the_status():
    assert services.balancers(service() | {"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}}) == [
        {"ip": "1.2.3.4"}
    ]
    assert services.balancers(service() | {"status": {"loadBalancer": None}}) == services.balancers(service()) == []
