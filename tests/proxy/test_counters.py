"""What goes to each endpoint, as the kernel has counted it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from tests.proxy.build import CLUSTER_IP, NODE, endpoint, endpoint_slice, service
from wherry.proxy.counters import Counts, Series, Totals, read
from wherry.proxy.plan import Frontend, make_plan
from wherry.proxy.top import by_port, table
from wherry.proxy.top import read as read_metrics

ROUTES = make_plan([service()], [endpoint_slice([endpoint("p1"), endpoint("p2")])], NODE).routes
WEB = Frontend(CLUSTER_IP, "TCP", 80)
P1, P2 = "10.244.0.5:8080", "10.244.0.6:8080"


def element(server: str, packets: int, size: int, asked: str = CLUSTER_IP) -> object:
    counted = {"concat": [asked, "tcp", 80, server, 8080]}
    return {"elem": {"val": counted, "expires": 3599, "counter": {"packets": packets, "bytes": size}}}


def listed(**sets: list[object]) -> dict[str, object]:
    named = [{"set": {"name": name, **({"elem": elements} if elements else {})}} for name, elements in sets.items()]
    return {"nftables": [{"metainfo": {}}, *named, {"chain": {"name": "count"}}]}


def test_a_table_is_read() -> None:
    found = read(listed(begun=[element("10.244.0.5", 2, 120)], asked=[element("10.244.0.5", 9, 900)], answered=[]))
    assert found == {(WEB, P1): Counts(2, 9, 900, 0, 0)}
    (at,) = read(listed(asked=[element("fd00::5", 1, 1, "fd00:96::1")]))
    assert at == (Frontend("fd00:96::1", "TCP", 80), "[fd00::5]:8080")


def test_totals_only_grow_whatever_the_kernel_forgets() -> None:
    totals = Totals()
    series = Series("demo", "web", "", P1)
    for counted, total in ((5, 5), (9, 9), (2, 11)):
        totals.take({(WEB, P1): Counts(counted)}, ROUTES)
        assert totals.by_series[series].connections == total
    totals.take({}, ROUTES)
    assert totals.by_series == {}, "who was idle for an hour is forgotten"


def test_what_goes_to_no_service_is_anothers() -> None:
    totals = Totals()
    totals.take({(Frontend("192.0.2.1", "TCP", 80), P1): Counts(1)}, ROUTES)
    assert totals.by_series == {}


def test_what_is_shown_as_metrics_is_read_back_and_added_up() -> None:
    totals, registry = Totals(), CollectorRegistry()
    registry.register(totals)
    totals.take({(WEB, P1): Counts(1, 2, 3, 4, 5), (WEB, P2): Counts(10, 20, 30, 40, 50)}, ROUTES)
    text = (
        generate_latest(registry).decode() + '# TYPE wherry_proxy_counting gauge\nwherry_proxy_counting{problem=""} 1\n'
    )
    found, problem = read_metrics(text, "n1")
    assert (found, problem) == (totals.by_series, "")
    assert by_port(found) == {Series("demo", "web", "", ""): Counts(11, 22, 33, 44, 55)}
    lines = table(by_port(found).items(), endpoints=False)
    assert [line.split() for line in lines] == [
        ["SERVICE", "CONNECTIONS", "PACKETS", "BYTES", "TO", "BYTES", "FROM"],
        ["demo/web", "11", "66", "33", "55"],
    ]


def test_a_proxy_that_does_not_count_says_why() -> None:
    silent = 'wherry_proxy_counting{problem="in mode ipvs nothing of the kind can be counted"} 0\n'
    assert (
        read_metrics(silent, "n1")[1] == "n1: its proxy does not count: in mode ipvs nothing of the kind can be counted"
    )
    assert "none of wherry's" in read_metrics("kubeproxy_sync_proxy_rules_duration_seconds_count 1\n", "n1")[1]
