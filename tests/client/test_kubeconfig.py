"""Which server, which user, from which file."""

import base64
from pathlib import Path

import pytest
import yaml

from wherry.client.kubeconfig import ConfigError, component, in_cluster, load, select


def document(**user: object) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "main",
        "contexts": [
            {"name": "main", "context": {"cluster": "c", "user": "u", "namespace": "demo"}},
            {"name": "second", "context": {"cluster": "d", "user": "u"}},
        ],
        "clusters": [
            {"name": "c", "cluster": {"server": "https://10.0.0.1:6443/"}},
            {"name": "d", "cluster": {"server": "https://10.0.0.2", "insecure-skip-tls-verify": True}},
        ],
        "users": [{"name": "u", "user": user}],
    }


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No kubeconfig and no cluster but what a test makes."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_the_current_context_is_chosen_unless_another_is_named(tmp_path):
    path = write(tmp_path / "config", document(token="secret"))
    config = load(path)
    assert (config.server, config.namespace, config.token) == ("https://10.0.0.1:6443", "demo", "secret")
    other = load(path, "second")
    assert (other.server, other.namespace, other.insecure) == ("https://10.0.0.2", "default", True)


def test_secrets_do_not_show_in_a_printed_config():
    assert "hunter2" not in repr(select(document(token="hunter2", username="u", password="hunter2")))


def test_files_are_relative_to_the_kubeconfig_that_names_them(tmp_path, monkeypatch):
    folder = tmp_path / "conf"
    write(folder / "config", document(**{"client-certificate": "pki/a.crt", "client-key": "pki/a.key"}))
    (folder / "pki").mkdir()
    (folder / "pki/a.crt").write_bytes(b"CERT")
    (folder / "pki/a.key").write_bytes(b"KEY")
    monkeypatch.chdir(tmp_path)
    config = load("conf/config")
    assert (config.client_certificate, config.client_key) == (b"CERT", b"KEY")


def test_inline_data_wins_over_a_file():
    inline = {
        "client-certificate-data": base64.b64encode(b"CERT").decode(),
        "client-certificate": "/nonexistent",
        "client-key-data": base64.b64encode(b"KEY").decode(),
    }
    assert select(document(**inline)).client_certificate == b"CERT"


def test_in_a_pod_its_service_account_goes_before_the_home_folder(tmp_path, monkeypatch):
    write(tmp_path / "home/.kube/config", document(token="somebody"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(ConfigError, match="not in a cluster"):
        load()
    assert load(context="main").token == "somebody"


def test_a_component_takes_no_cluster_that_it_was_not_given(tmp_path, monkeypatch):
    """What kubectl was last used with is not where a component is to change a machine for."""
    path = write(tmp_path / "home/.kube/config", document(token="somebody"))
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(ConfigError, match=r"not in a cluster.*name the cluster with --kubeconfig"):
        component()
    with pytest.raises(ConfigError, match="name the file with --kubeconfig"):
        component(context="main")
    assert component(path).token == "somebody"
    assert component(path, "second").server == "https://10.0.0.2"


def test_of_several_files_the_first_to_name_something_wins(tmp_path, monkeypatch):
    first = {"users": [{"name": "u", "user": {"token": "first"}}], "current-context": "second"}
    a, b = write(tmp_path / "a", first), write(tmp_path / "b", document(token="second"))
    monkeypatch.setenv("KUBECONFIG", f"{a}:{tmp_path / 'missing'}:{b}")
    config = load()
    assert (config.server, config.token) == ("https://10.0.0.2", "first")


def test_home_is_where_a_kubeconfig_is_looked_for_last(tmp_path):
    write(tmp_path / "home/.kube/config", document(token="home"))
    assert load().token == "home"


def test_a_pod_finds_its_service_account(tmp_path):
    for name, text in {"token": "t\n", "ca.crt": "CA", "namespace": "kube-system\n"}.items():
        (tmp_path / name).write_text(text)
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    config = in_cluster(tmp_path, environ)
    assert config.server == "https://[fd00::1]:443"
    assert (config.ca, config.token_file, config.namespace) == (b"CA", tmp_path / "token", "kube-system")


@pytest.mark.parametrize(
    ("user", "context", "text"),
    [
        ({"auth-provider": {"name": "gcp"}}, None, 'user "u": auth-provider "gcp" is not supported'),
        ({"exec": {"command": "login", "interactiveMode": "Always"}}, None, '"login" wants a terminal'),
        ({"client-certificate-data": "Q0VSVA=="}, None, "needs both client-certificate and client-key"),
        ({"client-certificate-data": "%%%"}, None, "client-certificate-data is not base64"),
        ({"client-certificate": "/nonexistent"}, None, "cannot read client-certificate"),
        ({}, "third", 'the kubeconfig has no context "third"'),
    ],
)
def test_what_cannot_be_used_is_named(user, context, text):
    with pytest.raises(ConfigError, match=text):
        select(document(**user), context)


def test_broken_files_and_missing_files_are_named(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        load(tmp_path / "none")
    with pytest.raises(ConfigError, match="no kubeconfig"):
        load()
    (tmp_path / "broken").write_text("{")
    with pytest.raises(ConfigError, match="broken"):
        load(tmp_path / "broken")
