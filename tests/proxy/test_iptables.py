"""The iptables mode's scripts, without a kernel."""

from __future__ import annotations

from tests.proxy.build import CLUSTER_CIDR, NODE, endpoint, endpoint_slice, service
from tests.proxy.cases import NODE_PORT
from wherry.objects.family import Family
from wherry.proxy.endpoint import Endpoint
from wherry.proxy.modes import ModeConfig, make
from wherry.proxy.modes.iptables.layout import Layout
from wherry.proxy.modes.iptables.names import endpoint_chain, service_chain
from wherry.proxy.modes.iptables.ruleset import Ruleset
from wherry.proxy.modes.iptables.saved import Saved
from wherry.proxy.plan import Plan, difference, make_plan
from wherry.proxy.service import ServicePortName

LAYOUT = Layout(Family.V4, ModeConfig((CLUSTER_CIDR,)))
PODS = [endpoint("p1"), endpoint("p2"), endpoint("r1")]


def test_chains_are_called_as_kube_proxy_calls_them() -> None:
    """The names are those of kubernetes' own tests (pkg/proxy/iptables/proxier_test.go)."""
    owner = ServicePortName("ns1", "svc1", "p80")
    assert service_chain(owner, "TCP", local=False) == "KUBE-SVC-XPGD46QRK7WJZT7O"
    assert service_chain(owner, "TCP", local=True) == "KUBE-SVL-XPGD46QRK7WJZT7O"
    assert endpoint_chain(owner, "TCP", Endpoint("10.180.0.1", 80)) == "KUBE-SEP-SXIVWICOYRO3J4NJ"


def plan(names: int, *, pods: int = 3) -> Plan:
    services = [service(f"s{n}", cluster_ip=f"10.96.1.{n + 1}") for n in range(names)]
    slices = [endpoint_slice(PODS[:pods], service=f"s{n}") for n in range(names - 1)]
    return make_plan(services, [*slices, endpoint_slice(PODS, service=f"s{names - 1}")], NODE)


def test_a_change_says_nothing_of_other_services() -> None:
    ruleset = Ruleset(LAYOUT)
    before = plan(50)
    ruleset.load(difference(Plan(), before), Saved())
    after = make_plan(
        [service(f"s{n}", cluster_ip=f"10.96.1.{n + 1}") for n in range(50)],
        [endpoint_slice(PODS[: 2 if n == 7 else 3], service=f"s{n}") for n in range(50)],
        NODE,
    )
    script = ruleset.update(difference(before, after))
    assert "demo/s7" in script
    assert not [line for line in script.splitlines() if "demo/" in line and "demo/s7" not in line]
    assert len(script.splitlines()) < 10
    assert "-X KUBE-SEP-" in script
    assert ruleset.update(difference(after, after)) == ""


def test_there_and_back_leaves_what_was() -> None:
    ruleset = Ruleset(LAYOUT)
    before, after = plan(3), plan(5, pods=1)
    ruleset.load(difference(Plan(), before), Saved())
    held = {chain: sorted(ruleset.rules(chain)) for chain in ruleset.chains}
    ruleset.update(difference(before, after))
    ruleset.update(difference(after, before))
    assert {chain: sorted(ruleset.rules(chain)) for chain in ruleset.chains} == held


def test_a_load_over_the_same_keeps_jumps_and_drops_what_no_service_needs() -> None:
    web = service(ports=[{"port": 80, "nodePort": NODE_PORT}], type="NodePort")
    whole = difference(Plan(), make_plan([web], [endpoint_slice(PODS)], NODE))
    fresh = Ruleset(LAYOUT).load(whole, Saved())
    assert fresh.count("-I PREROUTING") == 1
    found = Saved.read("*nat\n:KUBE-SVC-OLD - [0:0]\n" + "".join(f"-A {c} {r}\n" for _, c, r in LAYOUT.jumps[:3]))
    again = Ruleset(LAYOUT).load(whole, found)
    assert "-I PREROUTING" not in again
    assert again.index(":KUBE-SVC-OLD") < again.index("-X KUBE-SVC-OLD")


def test_the_plan_is_printed_as_restore_takes_it() -> None:
    text = make("iptables", ModeConfig((CLUSTER_CIDR,))).render(plan(1))
    assert text.startswith("*nat\n")
    assert "--probability 0.33333333349 " in text
