"""A KubeProxyConfiguration: what it sets, what is refused, what is warned of."""

from __future__ import annotations

import logging
import string
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
import yaml

from wherry.proxy.config import ConfigurationError, ProxyConfig
from wherry.proxy.configfields import FIELDS, FOLLOWED, NO_EFFECT
from wherry.proxy.configfile import from_file

HEAD = {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"}
FILE = """
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: 10.244.0.0/16
hostnameOverride: n7
healthzBindAddress: 0.0.0.0:10256
clientConnection: {kubeconfig: /etc/proxy.conf, qps: 5}
nodePortAddresses: [primary]
nftables: {minSyncPeriod: 1s500ms, masqueradeAll: true, masqueradeBit: 0}
conntrack: {tcpBeLiberal: true, maxPerCore: 7, udpStreamTimeout: 2m}
ipvs: {scheduler: rr}
iptables: {localhostNodePorts: true}
portRange: 1-2
featureGates: {Some: true}
"""
KUBEADM = """
apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection: {acceptContentTypes: "", burst: 0, contentType: "", kubeconfig: /var/lib/proxy.conf, qps: 0}
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack: {maxPerCore: null, min: null, tcpBeLiberal: false, tcpCloseWaitTimeout: null, tcpEstablishedTimeout: null,
  udpStreamTimeout: 0s, udpTimeout: 0s}
detectLocal: {bridgeInterface: "", interfaceNamePrefix: ""}
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables: {localhostNodePorts: null, masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
ipvs: {excludeCIDRs: null, minSyncPeriod: 0s, scheduler: "", strictARP: false, syncPeriod: 0s, tcpFinTimeout: 0s,
  tcpTimeout: 0s, udpTimeout: 0s}
kind: KubeProxyConfiguration
logging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}, text: {infoBufferSize: "0"}}, verbosity: 0}
metricsBindAddress: ""
mode: ""
nftables: {masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel: {enableDSR: false, forwardHealthCheckVip: false, networkName: "", rootHnsEndpointName: "", sourceVip: ""}
"""
"""What kubeadm writes, whose every field has its zero value but two."""


def warned_of(document: Any, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the fields that are warned of, in order."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        from_file(document)
    return [record.getMessage().split()[1] for record in caplog.records]


def test_a_file_sets_what_it_names() -> None:
    assert from_file(yaml.safe_load(FILE)) == {
        "node_name": "n7",
        "mode": "nftables",
        "cluster_cidr": "10.244.0.0/16",
        "node_port_addresses": "primary",
        "healthz_bind_address": "0.0.0.0:10256",
        "sync_min_period": 1.5,
        "masquerade_all": True,
        "masquerade_bit": 0,
        "tcp_be_liberal": True,
        "conntrack_max_per_core": 7,
        "conntrack_udp_timeout_stream": 120.0,
        "ipvs_scheduler": "rr",
        "kubeconfig": "/etc/proxy.conf",
    }


def test_what_has_no_effect_is_warned_of_by_name(caplog: pytest.LogCaptureFixture) -> None:
    document = yaml.safe_load(FILE)
    assert warned_of(document, caplog) == ["featureGates.Some", "clientConnection.qps", "portRange"]
    document["mode"] = "iptables"
    assert "iptables.localhostNodePorts" in warned_of(document, caplog)


def test_what_kubeadm_writes_is_taken_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    document = yaml.safe_load(KUBEADM)
    assert warned_of(document, caplog) == []
    made = ProxyConfig(node_name="n1", **{k: v for k, v in from_file(document).items() if k != "kubeconfig"})
    assert made == ProxyConfig(node_name="n1", cluster_cidr="10.244.0.0/16")


def test_the_userspace_mode_is_told_by_the_section_nftables(caplog: pytest.LogCaptureFixture) -> None:
    told = from_file({**HEAD, "mode": "userspace", "nftables": {"syncPeriod": "7s", "masqueradeAll": True}})
    assert told == {"mode": "userspace", "sync_period": 7.0, "masquerade_all": True}
    assert not caplog.records


def test_the_ipvs_mode_masquerades_as_the_section_iptables_says() -> None:
    document = {**HEAD, "mode": "ipvs", "iptables": {"masqueradeBit": 3, "masqueradeAll": True}}
    document["ipvs"] = {"syncPeriod": "7s", "excludeCIDRs": ["10.9.0.0/16", "10.8.0.0/16"], "strictARP": True}
    assert from_file(document) == {
        "mode": "ipvs",
        "masquerade_bit": 3,
        "masquerade_all": True,
        "sync_period": 7.0,
        "ipvs_exclude_cidrs": "10.9.0.0/16,10.8.0.0/16",
        "ipvs_strict_arp": True,
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"clusterCidr": "10.244.0.0/16"}, "clusterCidr is no field of it"),
        ({"nftables": {"localhostNodePorts": True}}, "nftables.localhostNodePorts is no field of it"),
        ({"ipvs": {"masqueradeAll": True}}, "ipvs.masqueradeAll is no field of it"),
        ({"mode": 5}, "mode: 5 is not a string"),
        ({"mode": True, "x": 1}, "x is no field of it"),
        ({"conntrack": {"maxPerCore": True}}, "conntrack.maxPerCore: True is not a whole number"),
        ({"conntrack": {"min": 1.5}}, "conntrack.min: 1.5 is not a whole number"),
        ({"iptables": []}, "iptables is no mapping"),
        ({"nodePortAddresses": "primary"}, "nodePortAddresses: 'primary' is not a list of strings"),
        ({"nftables": {"syncPeriod": 30}}, "nftables.syncPeriod: '30' is not a duration"),
        ({"ipvs": {"syncPeriod": "-1s"}}, "ipvs.syncPeriod: '-1s' is less than nothing"),
        ({1: 2}, "1 is no field of it"),
    ],
)
def test_what_is_no_field_or_of_another_type_is_refused_by_name(given: dict[Any, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        from_file({**HEAD, **given})


@pytest.mark.parametrize(
    "document", [None, [], {"kind": "Pod"}, {"kind": "KubeProxyConfiguration", "apiVersion": "v1"}]
)
def test_another_kind_of_file_is_refused(document: object) -> None:
    with pytest.raises(ConfigurationError):
        from_file(document)


def test_every_field_is_followed_or_warned_of() -> None:
    """But those that are for another system, and those that say what the file is."""
    accounted = {"apiVersion", "kind", *NO_EFFECT}
    for path in FOLLOWED.values():
        names = {key for _, key, _, _ in string.Formatter().parse(path) if key}
        modes = ("nftables", "iptables", "ipvs") if "mode" in names else ("nftables", "iptables")
        accounted |= {path.format(mode=m, marks=m) for m in modes}
    assert {path for path in _paths(FIELDS) if not path.startswith("winkernel.")} == accounted
    assert FOLLOWED.keys() - {"kubeconfig"} <= {field.name for field in fields(ProxyConfig)}


def _paths(tree: Any, where: str = "") -> Iterator[str]:
    for name, kind in tree.items():
        if isinstance(kind, dict) and name != "detectLocal":
            yield from _paths(kind, f"{where}{name}.")
        else:
            yield f"{where}{name}"
