"""The mode of a cluster's proxies: what is changed, whom it waits for, what it says of each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake.client import FakeClient
from tests.proxy.build import node, service
from wherry.objects import Object
from wherry.objects.errors import Conflict, NotFound, ServiceUnavailable
from wherry.objects.resource import CONFIG_MAPS
from wherry.proxy import set_mode
from wherry.proxy.config import ConfigurationError
from wherry.proxy.set_mode import Outcome

CONFIGURATION = "kind: KubeProxyConfiguration\nmode: nftables\nclusterCIDR: 10.244.0.0/16\n"


def config_map(text: str = CONFIGURATION) -> Object:
    meta = {"name": "kube-proxy", "namespace": "kube-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"config.conf": text, "other": "kept"}}


def proxy(on: str, *args: str) -> Object:
    volumes = [{"name": "kube-proxy", "configMap": {"name": "kube-proxy"}}, {"name": "modules", "hostPath": {}}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"proxy-{on}", "namespace": "kube-system", "labels": {"k8s-app": "kube-proxy"}},
        "spec": {"nodeName": on, "volumes": volumes, "containers": [{"name": "proxy", "args": list(args)}]},
    }


def ready(name: str, status: str = "True") -> Object:
    obj = node(name)
    return {**obj, "status": {**obj.get("status", {}), "conditions": [{"type": "Ready", "status": status}]}}


class AskedClient(FakeClient):
    """A `FakeClient` whose pods answer: `answers` has, by a path's end, what is told in turn; the last one stays."""

    def __init__(self, answers: dict[str, list[Any]], *objects: Object):
        super().__init__(*objects)
        self.answers = answers

    async def request(self, method: str, path: str) -> Any:
        for end, answers in self.answers.items():
            if path.endswith(end):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if isinstance(answer, Exception):
                    raise answer
                return answer
        raise NotFound(path)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_mode, "ASK_SECONDS", 0.001)


async def change(client: AskedClient, mode: str = "iptables", seconds: float = 5) -> tuple[list[Outcome], list[str]]:
    return await set_mode.set_mode(client, mode, seconds, lambda _: None)


OURS = "proxy-n1:10256/proxy/proxyMode"


async def test_the_mode_changes_in_the_config_map_and_nothing_else() -> None:
    client = AskedClient({OURS: ["iptables"]}, config_map(), proxy("n1"), ready("n1"))
    assert await change(client) == ([Outcome("n1")], [])
    held = client.peek(CONFIG_MAPS, "kube-proxy", "kube-system") or {}
    assert held["data"] == {"config.conf": CONFIGURATION.replace("nftables", "iptables"), "other": "kept"}


async def test_a_proxy_is_waited_for_until_it_works_so() -> None:
    answers = ["nftables", ServiceUnavailable("iptables: its rules are not in place yet"), "iptables"]
    client = AskedClient({OURS: answers}, config_map(), proxy("n1"), ready("n1"))
    assert await change(client) == ([Outcome("n1")], [])
    assert answers == ["iptables"]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [("nftables", "still nftables"), (ServiceUnavailable("iptables: not installed"), "iptables: not installed")],
)
async def test_why_a_proxy_does_not_is_told_in_the_end(answer: Any, problem: str) -> None:
    client = AskedClient({OURS: [answer]}, config_map(), proxy("n1"), ready("n1"))
    assert await change(client, seconds=0.05) == ([Outcome("n1", problem)], [])


async def test_a_node_without_a_proxy_or_not_ready_is_not_waited_for() -> None:
    client = AskedClient({}, config_map(), proxy("n2"), ready("n1"), ready("n2", "Unknown"))
    outcomes, _ = await change(client, seconds=3600)
    assert [(o.node, bool(o.problem)) for o in outcomes] == [("n1", True), ("n2", True)]
    assert "not ready" in outcomes[1].problem


async def test_kube_proxy_tells_its_mode_in_its_log() -> None:
    log = 'I0101 server_linux.go:1] "Using nftables Proxier"\n', 'I0101 server_linux.go:1] "Using iptables Proxier"\n'
    client = AskedClient({"proxy-n1/log": ["", *log]}, config_map(), proxy("n1"), ready("n1"))
    assert await change(client) == ([Outcome("n1")], [])


async def test_somebody_elses_change_at_the_same_time_stays() -> None:
    client = AskedClient({OURS: ["iptables"]}, config_map(), proxy("n1"), ready("n1"))
    client.fail(Conflict("changed"), verb="patch", resource=CONFIG_MAPS)
    assert await change(client) == ([Outcome("n1")], [])


async def test_what_the_mode_does_less_of_is_told_by_service() -> None:
    sticky = service("sticky", sessionAffinity="ClientIP")
    client = AskedClient({OURS: ["iptables"]}, config_map(), proxy("n1"), ready("n1"), sticky)
    _, short = await change(client)
    assert [line.split(":")[0] for line in short] == ["demo/sticky"]


async def test_a_mode_on_the_command_line_is_told_since_it_wins() -> None:
    client = AskedClient({}, config_map(), proxy("n1", "--proxy-mode=nftables"), ready("n1"))
    with pytest.raises(ConfigurationError, match="--proxy-mode=nftables, which wins"):
        await change(client)


async def test_without_a_configuration_nothing_is_changed() -> None:
    for objects in ((ready("n1"),), (ready("n1"), proxy("n1")), (ready("n1"), proxy("n1"), config_map("kind: Config"))):
        with pytest.raises(ConfigurationError, match="no KubeProxyConfiguration"):
            await change(AskedClient({}, *objects))
