"""The mode in a ConfigMap, and all else of it as it was."""

from __future__ import annotations

import json

import pytest
import yaml

from wherry.proxy.config import ConfigurationError
from wherry.proxy.configmap import configuration, with_mode

KUBEADM = """\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0 # everywhere
iptables:
  mode: not ours
kind: KubeProxyConfiguration
mode: ""   # the default
nodePortAddresses: null
"""


def test_the_configuration_is_found_under_whichever_key() -> None:
    data = {"kubeconfig.conf": "kind: Config", "notes": "{", "config.conf": KUBEADM}
    key, document = configuration({"data": data}) or ("", {})
    assert (key, document["bindAddress"]) == ("config.conf", "0.0.0.0")
    assert configuration({"data": {"Corefile": ".:53 {\n errors\n}"}}) is None
    assert configuration({}) is None


def test_one_line_changes() -> None:
    changed = with_mode(KUBEADM, "iptables")
    assert changed == KUBEADM.replace('mode: ""   # the default', "mode: iptables")


def test_a_mode_that_was_not_said_is_added() -> None:
    without = "# mine\nkind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/16"
    assert with_mode(without, "ipvs") == f"{without}\nmode: ipvs\n"


@pytest.mark.parametrize("mode", [{}, {"mode": "ipvs"}])
def test_json_is_written_anew_with_all_that_was_there(mode: dict[str, str]) -> None:
    document = {"kind": "KubeProxyConfiguration", "conntrack": {"min": 5}, **mode}
    assert yaml.safe_load(with_mode(json.dumps(document), "nftables")) == {**document, "mode": "nftables"}


def test_what_is_no_configuration_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not a KubeProxyConfiguration"):
        with_mode("kind: Config", "nftables")
