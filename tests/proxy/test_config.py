"""What the proxy can be told."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from wherry.cli.proxy import command
from wherry.proxy.config import ConfigurationError, ProxyConfig, host_port, seconds


@pytest.fixture(autouse=True)
def _logs_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command sets this process's logs up: not while it is the tests' process."""
    monkeypatch.setattr("wherry.telemetry.log.setup", lambda *_, **__: None)


FILE = """
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
"""


@pytest.mark.parametrize(("text", "wanted"), [("1m30s", 90.0), ("500ms", 0.5), ("1h", 3600.0)])
def test_durations_are_gos(text: str, wanted: float) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["5", "1x", "s", "-1s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        seconds(text)


def test_addresses_have_a_host_and_a_port() -> None:
    assert host_port("[::]:10256") == ("::", 10256)
    for wrong in ("10256", "host:", "host:70000"):
        with pytest.raises(ConfigurationError):
            host_port(wrong)


def test_a_malformed_cidr_is_refused_by_field() -> None:
    with pytest.raises(ConfigurationError, match="cluster_cidr"):
        ProxyConfig(node_name="n1", cluster_cidr="10.244.0.0/16,nonsense")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--proxy-mode", "ebpf"], "'ebpf' is not built yet"),
        (["--proxy-mode", "magic"], "'magic' is unknown"),
        (["--cluster-cidr", "x"], "cluster_cidr"),
        (["--nodeport-addresses", "primary,10.0.0.0/8"], "node_port_addresses"),
        (["--conntrack-min", "-1"], "conntrack_min"),
        (["--conntrack-udp-timeout", "5"], "--conntrack-udp-timeout: '5' is not a duration"),
        (["--kubeconfig", "/nonexistent"], "/nonexistent"),
    ],
)
def test_the_command_refuses_in_one_line(args: list[str], words: str) -> None:
    result = CliRunner().invoke(command, args)
    assert result.exit_code == 1
    assert words in result.output
    assert result.output.count("\n") == 1


def test_options_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(FILE)
    result = CliRunner().invoke(command, ["--config", str(file), "--proxy-mode", "magic"])
    assert "'magic' is unknown" in result.output
