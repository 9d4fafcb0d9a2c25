"""What all proxies of a cluster have counted."""

from __future__ import annotations

from tests.proxy.test_set_mode import AskedClient, proxy
from wherry.objects.errors import ServiceUnavailable
from wherry.proxy.counters import Counts, Series
from wherry.proxy.top import added, asked

TEXT = """\
wherry_proxy_counting{problem=""} 1.0
wherry_proxy_service_connections_total{endpoint="10.244.0.5:80",namespace="demo",port="",service="web"} 3.0
"""


async def test_nodes_are_added_up_and_who_does_not_tell_is_named() -> None:
    client = AskedClient(
        {
            "proxy-n1:10249/proxy/metrics": [TEXT],
            "proxy-n2:10249/proxy/metrics": [TEXT],
            "proxy-n3:10249/proxy/metrics": [ServiceUnavailable("refused")],
        },
        proxy("n1"),
        proxy("n2"),
        proxy("n3"),
    )
    found = await asked(client)
    assert found.by_series == {Series("demo", "web", "", "10.244.0.5:80"): Counts(6)}
    assert len(found.problems) == 1
    assert "n3: the metrics of its proxy are not had: refused" in found.problems[0]


async def test_no_proxy_at_all_is_told() -> None:
    assert "no pod k8s-app=kube-proxy" in (await asked(AskedClient({}))).problems[0]


def test_a_node_that_is_not_reached_is_named_beside_what_others_tell() -> None:
    found = added({"n1": TEXT, "n2": OSError("no answer")})
    assert found.by_series == {Series("demo", "web", "", "10.244.0.5:80"): Counts(3)}
    assert found.problems == ("n2: the metrics of its proxy are not had: no answer",)
