"""What can be asked for, and what is refused with the option's name."""

from pathlib import Path

import pytest

from wherry.cluster.config import ClusterConfig, ConfigError, check, plan_nodes, ranges_of
from wherry.objects.family import Family

LAN, PODS = "192.168.51.0/24", "10.244.0.0/16"


def test_three_nodes_are_the_articles() -> None:
    nodes = plan_nodes("3", LAN, PODS)
    assert [(n.name, n.address, *n.pod_cidrs) for n in nodes] == [
        ("k8s-master", "192.168.51.209", "10.244.0.0/24"),
        ("k8s-slave1", "192.168.51.210", "10.244.1.0/24"),
        ("k8s-slave2", "192.168.51.211", "10.244.2.0/24"),
    ]


def test_nodes_can_be_named_with_or_without_addresses() -> None:
    nodes = plan_nodes("a=192.168.51.209,b,c=192.168.51.7", LAN, PODS)
    assert [(n.name, n.address) for n in nodes] == [
        ("a", "192.168.51.209"),
        ("b", "192.168.51.210"),
        ("c", "192.168.51.7"),
    ]


def test_a_lone_node_can_be_named_too() -> None:
    assert [(n.name, n.address) for n in plan_nodes("web=", LAN, PODS)] == [("web", "192.168.51.209")]
    assert len(plan_nodes(" 2 ", LAN, PODS)) == 2


def test_addresses_go_on_below_the_first_when_the_lan_ends() -> None:
    nodes = plan_nodes("50", LAN, PODS)
    assert len({n.address for n in nodes}) == 50
    assert nodes[-1].address == "192.168.51.5"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("0", "at least one node"),
        ("two", "--nodes two: no number of nodes, no list NAME.*one node of that name is two="),
        ("3x", "no number of nodes"),
        ("-1", "no number of nodes"),
        ("", "no number of nodes"),
        ("3,4", "'3' is a number"),
        ("³,a", "'³' is not a node name"),
        ("99999999", "no address left after 256"),
        ("9" * 5000, "no number of nodes"),
        ("a,a", "a is named twice"),
        ("A_b,", "'A_b' is not a node name"),
        ("a=1.2.3", "a=1.2.3"),
        ("a=10.0.0.1", "must be in --node-cidr"),
        ("a=192.168.51.1", "the host's side"),
        ("a=192.168.51.7,b=192.168.51.7", "same address"),
        ("300", "no address left"),
    ],
)
def test_impossible_nodes_are_refused(spec: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_nodes(spec, LAN, PODS)


def test_a_pod_range_too_small_for_the_nodes_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--pod-cidr 10\.244\.0\.0/23 holds 2"):
        plan_nodes("3", LAN, "10.244.0.0/23")


def config(**changes: object) -> ClusterConfig:
    values: dict[str, object] = {"name": "default", "nodes": plan_nodes("1", LAN, PODS), **changes}
    return ClusterConfig(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Not Good"}, "--name"),
        ({"addons": ("dns", "dashboard")}, "there is no addon 'dashboard'"),
        ({"service_cidr": "10.244.1.0/24"}, "--pod-cidr 10.244.0.0/16 and --service-cidr 10.244.1.0/24 overlap"),
        ({"service_cidr": "10.96.0.0/30"}, "at least 16 addresses"),
        ({"node_cidr": "nonsense"}, "--node-cidr nonsense"),
        ({"image_map": "/nowhere/at/all"}, "--image-map /nowhere/at/all: No such file"),
        ({"image_map": __file__}, r"--image-map .*test_config\.py: not YAML"),
        (
            {"encryption_provider_config": "/nowhere/at/all"},
            "--encryption-provider-config /nowhere/at/all: No such file",
        ),
        (
            {"encryption_provider_config": "/nowhere", "secrets_encryption": True},
            "--encryption-provider-config and --secrets-encryption: choose one",
        ),
        ({"bind": "localhost"}, "--bind localhost: must be an address"),
        ({"pod_cidr": "fd00:244::/56"}, "--pod-cidr fd00:244::/56: must be IPv4, as --service-cidr is"),
        ({"service_cidr": "10.96.0.0/12,10.50.0.0/16"}, "more than one CIDR of IPv4"),
        (
            {"service_cidr": "10.96.0.0/12,fd00:96::/108"},
            "--node-cidr 192.168.51.0/24: must be IPv4,IPv6, as --service-cidr is",
        ),
        ({"service_cidr": "fd00:96::/108"}, "--node-cidr 192.168.51.0/24: must be IPv6, as --service-cidr is"),
        ({"service_cidr": "10.96.0.1/12"}, "--service-cidr 10.96.0.1/12: .* has host bits set"),
        ({"http_port": 8443}, "--http-port 8443, --https-port 8443: must differ"),
    ],
)
def test_an_impossible_cluster_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(config(**changes))


def test_the_well_known_addresses_follow_from_the_ranges() -> None:
    made = check(config())
    assert (made.lan_gateway, made.kubernetes_address, made.dns_address) == ("192.168.51.1", "10.96.0.1", "10.96.0.10")


def test_a_configuration_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    made = config(addons=(), api_port=7443)
    made.save(tmp_path / "cluster.json")
    assert ClusterConfig.load(tmp_path / "cluster.json") == made
    (tmp_path / "cluster.json").write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        ClusterConfig.load(tmp_path / "cluster.json")


LAN_6, PODS_6 = "fd00:51::/64", "fd00:244::/56"


def test_a_cluster_can_be_of_ipv6() -> None:
    made = check(
        ClusterConfig("six", plan_nodes("2", LAN_6, PODS_6), LAN_6, PODS_6, service_cidr="fd00:96::/108", bind="::1")
    )
    assert made.families == (Family.V6,)
    assert [(n.address, *n.pod_cidrs) for n in made.nodes] == [
        ("fd00:51::d1", "fd00:244::/64"),
        ("fd00:51::d2", "fd00:244:0:1::/64"),
    ]
    assert (made.lan_gateway, made.kubernetes_address, made.dns_address) == ("fd00:51::1", "fd00:96::1", "fd00:96::a")


def test_a_cluster_can_be_of_both() -> None:
    ranges = ranges_of("dual")
    spec = "a=192.168.51.9+fd00:51::9,b,c=fd00:51::77"
    nodes = plan_nodes(spec, ranges["node_cidr"], ranges["pod_cidr"])
    made = check(ClusterConfig("both", nodes, **ranges))
    assert made.families == (Family.V4, Family.V6)
    assert [node.addresses for node in made.nodes] == [
        ("192.168.51.9", "fd00:51::9"),
        ("192.168.51.209", "fd00:51::d1"),
        ("192.168.51.210", "fd00:51::77"),
    ]
    assert made.nodes[1].pod_cidrs == ("10.244.1.0/24", "fd00:244:0:1::/64")
    assert list(made.service_networks) == [Family.V4, Family.V6]
    assert (made.kubernetes_address, made.dns_address) == ("10.96.0.1", "10.96.0.10")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("a=192.168.51.9+192.168.51.10", "a=192.168.51.9.192.168.51.10: one address of each family"),
        ("a=fd00:99::1,b", "a=fd00:99::1 must be in --node-cidr fd00:51::/64"),
        ("a=nonsense,b", "a=nonsense: 'nonsense' does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_a_node_is_given_what_it_can_have(spec: str, message: str) -> None:
    ranges = ranges_of("dual")
    with pytest.raises(ConfigError, match=message):
        plan_nodes(spec, ranges["node_cidr"], ranges["pod_cidr"])


def test_an_ipv6_pod_range_holds_a_64_for_each_node() -> None:
    with pytest.raises(ConfigError, match="--pod-cidr fd00:244::/72: must hold a /64 for each node"):
        plan_nodes("1", LAN_6, "fd00:244::/72")


def test_a_configuration_of_before_families_is_still_read(tmp_path: Path) -> None:
    made = config()
    made.save(tmp_path / "cluster.json")
    today = '"addresses": [\n        "192.168.51.209"\n      ],\n      "pod_cidrs": [\n        "10.244.0.0/24"\n      ]'
    before = '"address": "192.168.51.209", "pod_cidr": "10.244.0.0/24"'
    text = (tmp_path / "cluster.json").read_text()
    assert today in text
    (tmp_path / "cluster.json").write_text(text.replace(today, before))
    assert ClusterConfig.load(tmp_path / "cluster.json") == made
