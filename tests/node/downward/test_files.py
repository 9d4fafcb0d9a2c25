"""The files in a pod's /etc."""

from __future__ import annotations

from tests.node.build import pod
from wherry.node.downward.files import hosts, resolv_conf

NODE = "nameserver 192.168.51.1\nsearch lan\noptions timeout:1\n"


def resolver(**spec: object) -> str:
    return resolv_conf(pod(**spec), ["10.96.0.10"], "cluster.local", NODE)


def test_the_resolver_is_the_articles():
    assert resolver() == (
        "nameserver 10.96.0.10\nsearch demo.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
    )


def test_a_host_network_pod_has_its_nodes_resolver():
    assert resolver(hostNetwork=True) == NODE


def test_a_host_network_pod_can_ask_for_the_clusters():
    assert resolver(hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet").startswith("nameserver 10.96.0.10\n")


def test_dns_config_adds_to_the_policy():
    config = {"nameservers": ["1.2.3.4"], "searches": ["example.com"], "options": [{"name": "ndots", "value": "2"}]}
    assert resolver(dnsPolicy="None", dnsConfig=config) == "nameserver 1.2.3.4\nsearch example.com\noptions ndots:2\n"


def test_hosts_names_the_pod_and_its_aliases():
    text = hosts(
        pod(hostAliases=[{"ip": "1.2.3.4", "hostnames": ["db", "sql"]}]), ["10.244.1.7", "fd00::7"], "cluster.local"
    )
    assert "10.244.1.7\tmyblog\nfd00::7\tmyblog\n" in text
    assert "1.2.3.4\tdb\tsql\n" in text


def test_hosts_has_the_full_name_of_a_pod_with_a_subdomain():
    text = hosts(pod(hostname="web-0", subdomain="web"), ["10.244.1.7", "fd00::7"], "cluster.local")
    for address in ("10.244.1.7", "fd00::7"):
        assert f"{address}\tweb-0.web.demo.svc.cluster.local\tweb-0\n" in text
