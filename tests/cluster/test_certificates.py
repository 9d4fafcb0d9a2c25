"""The CA and what it signs, checked by OpenSSL as every client does."""

import datetime
import subprocess
from pathlib import Path

import pytest

from wherry.cluster import certificates
from wherry.cluster.config import ClusterConfig, ConfigError, plan_nodes

NOW = datetime.datetime.now(datetime.UTC)


def issue(directory: Path, bind: str = "127.0.0.1") -> None:
    config = ClusterConfig("default", plan_nodes("2", "192.168.51.0/24", "10.244.0.0/16"), bind=bind)
    certificates.issue_all(directory, config, NOW)


def verify(directory: Path, name: str, *options: str) -> None:
    ca = ["-CAfile", str(directory / "ca.crt")]
    subprocess.run(["openssl", "verify", "-x509_strict", *ca, *options, str(directory / f"{name}.crt")], check=True)


def test_servers_and_clients_verify_against_the_ca(tmp_path: Path) -> None:
    issue(tmp_path)
    for address in ("127.0.0.1", "192.168.51.209", "10.96.0.1"):
        verify(tmp_path, "apiserver", "-purpose", "sslserver", "-verify_ip", address)
    verify(tmp_path, "apiserver", "-verify_hostname", "kubernetes.default.svc")
    verify(tmp_path, "node-k8s-slave1-serving", "-purpose", "sslserver", "-verify_ip", "192.168.51.210")
    verify(tmp_path, "admin", "-purpose", "sslclient")
    verify(tmp_path, "node-k8s-slave1", "-purpose", "sslclient")


def test_keys_are_their_owners_only(tmp_path: Path) -> None:
    issue(tmp_path)
    assert {p.stat().st_mode & 0o777 for p in tmp_path.glob("*.key")} == {0o600}


def test_making_is_told_of_only_while_something_is_made(tmp_path: Path) -> None:
    config = ClusterConfig("default", plan_nodes("1", "192.168.51.0/24", "10.244.0.0/16"))
    told: list[str] = []

    def issue_all() -> list[str]:
        told.clear()
        certificates.issue_all(tmp_path, config, NOW, lambda: told.append("making"))
        return told

    assert issue_all()
    assert not issue_all()
    (tmp_path / "sa.key").unlink()
    assert len(issue_all()) == 1


def test_a_second_run_keeps_everything_but_what_has_other_names(tmp_path: Path) -> None:
    issue(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    issue(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    issue(tmp_path, bind="127.0.0.2")
    changed = {p.name for p in tmp_path.iterdir() if p.read_bytes() != before[p.name]}
    assert changed == {"apiserver.crt", "apiserver.key"}


@pytest.mark.parametrize("name", ["apiserver.crt", "apiserver.key", "admin.crt", "node-k8s-master.key"])
def test_a_damaged_or_missing_leaf_is_made_anew(tmp_path: Path, name: str) -> None:
    for spoil in (lambda p: p.write_bytes(b"garbage"), Path.unlink, lambda p: p.write_bytes(b"")):
        issue(tmp_path)
        before = (tmp_path / "ca.crt").read_bytes()
        spoil(tmp_path / name)
        issue(tmp_path)
        stem = name.rpartition(".")[0]
        verify(tmp_path, stem)
        certificates.pair(tmp_path, stem)
        assert (tmp_path / "ca.crt").read_bytes() == before


def test_leaves_of_another_authority_are_made_anew(tmp_path: Path) -> None:
    issue(tmp_path)
    for name in ("ca.crt", "ca.key"):
        (tmp_path / name).unlink()
    issue(tmp_path)
    verify(tmp_path, "apiserver", "-purpose", "sslserver")
    verify(tmp_path, "admin", "-purpose", "sslclient")


@pytest.mark.parametrize("name", ["ca.crt", "ca.key", "sa.key"])
def test_a_damaged_authority_or_signer_is_never_replaced_silently(tmp_path: Path, name: str) -> None:
    issue(tmp_path)
    (tmp_path / name).write_bytes(b"garbage")
    with pytest.raises(ConfigError, match="`wherry up` makes a new one") as caught:
        issue(tmp_path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
