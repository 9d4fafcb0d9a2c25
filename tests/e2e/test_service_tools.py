"""What people do with the Services of a running cluster, beside using them: the proxies work another way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Cluster, cluster, traffic

pytestmark = pytest.mark.e2e

BIND = "127.0.0.159"
CLIENT, OTHER = "k8s-master", "k8s-slave1"


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    options = ("--nodes", "2", "--addons", "dns", "--egress", "none")
    with cluster("tools", BIND, tmp_path_factory.mktemp("tools"), *options) as made:
        made.kubectl("create deployment web --image=python --replicas=2 -- python3 -m http.server 8000")
        made.kubectl("expose deployment web --port=80 --target-port=8000")
        made.kubectl("rollout status deployment/web --timeout=60s")
        yield made


def test_the_proxies_change_their_mode_and_nobody_is_refused(k8s: Cluster) -> None:
    address = k8s.kubectl("get service web -o jsonpath={.spec.clusterIP}")
    with traffic(k8s, CLIENT, f"http://{address}/") as answers:
        told = k8s.wherry("proxy", "set-mode", "iptables", "--name", k8s.name)
        assert f"{CLIENT}: iptables" in told
        assert f"{OTHER}: iptables" in told
        assert "KUBE-SERVICES" in k8s.on(OTHER, "iptables-save")
        k8s.wherry("proxy", "set-mode", "nftables", "--name", k8s.name)
        assert "wherry-proxy" in k8s.on(OTHER, "nft", "list", "tables")
    assert set(answers) == {"200"}
