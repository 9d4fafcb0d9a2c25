"""The doctor names what is wrong, with what to do, and nothing where nothing is."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.apiserver.storage.writing import put
from wherry.apiserver.state import aside
from wherry.apiserver.storage.encryption.providers import AesGcm
from wherry.apiserver.storage.sqlite.store import SqliteStorage
from wherry.cluster import certificates, kubeconfig
from wherry.cluster.config import ClusterConfig, plan_nodes
from wherry.cluster.doctor import examine, salvage
from wherry.cluster.lifecycle import ClusterError
from wherry.cluster.paths import Paths

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """The files of a stopped cluster `web` with two objects."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    paths = Paths(tmp_path / "web")
    paths.data.mkdir()
    config = ClusterConfig("web", plan_nodes("1", "192.168.51.0/24", "10.244.0.0/16"))
    config.save(paths.config)
    certificates.issue_all(paths.pki, config, NOW)
    kubeconfig.write(config, paths)
    asyncio.run(filled(paths.state))
    return paths


async def filled(path: Path) -> None:
    store = SqliteStorage(path)
    await store.open()
    for name in ("a", "b"):
        await put(store, f"/core/configmaps/default/{name}", config_map(name, {"value": f"of {name}"}), 0)
    await store.close()


def config_map(name: str, data: dict[str, str]) -> bytes:
    meta = {"name": name, "namespace": "default", "uid": f"u-{name}", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}).encode()


def store_another(paths: Paths, key: str, value: bytes) -> None:
    async def add() -> None:
        store = SqliteStorage(paths.state)
        await store.open()
        await put(store, key, value, 0)
        await store.close()

    asyncio.run(add())


def bad(paths: Paths, now: datetime.datetime = NOW) -> list[tuple[str, str, str]]:
    """Return subject, problem and advice of what is wrong."""
    return [(f.subject, f.problem, f.advice) for f in examine("web", paths, now) if f.problem]


def test_a_good_cluster_has_no_finding(paths: Paths) -> None:
    assert bad(paths) == []
    assert any(f.said == "good, 2 objects" for f in examine("web", paths, NOW))


def flip(paths: Paths) -> None:
    paths.state.write_bytes(paths.state.read_bytes().replace(b"of b", b"0f b"))


def set_aside(paths: Paths) -> None:
    folder = aside.beside(paths.state) / "core" / "nodes"
    folder.mkdir(parents=True)
    (folder / "n1").write_text("{")


def with_own_key(paths: Paths) -> str:
    return paths.config.read_text().replace('"secrets_encryption": false', '"secrets_encryption": true')


Spoil = Callable[[Paths], object]

WRONG: dict[str, tuple[Spoil, str, str, str]] = {
    "truncated store": (
        lambda p: os.truncate(p.state, p.state.stat().st_size - 4096),
        "store",
        "truncated",
        "doctor --name web --salvage",
    ),
    "empty store": (lambda p: os.truncate(p.state, 0), "store", "is empty", "no object can be read: put a copy"),
    "no store but a folder": (lambda p: (p.state.unlink(), p.state.mkdir()), "store", "is a folder", ""),
    "changed object": (flip, "store", "1 of 2 objects are damaged: /core/configmaps/default/b", "sets them aside"),
    "object of another name": (
        lambda p: store_another(p, "/core/configmaps/default/c", config_map("d", {})),
        "store",
        "1 of 3 objects are damaged: /core/configmaps/default/c (its name is not that of its key)",
        "sets them aside",
    ),
    "object that is not valid": (
        lambda p: store_another(p, "/core/configmaps/default/c", config_map("c", {"no key": ""})),
        "store",
        "1 of 3 objects are not valid: /core/configmaps/default/c (data[no key]: Invalid value",
        "serves them as they are",
    ),
    "encrypted without a configuration": (
        lambda p: store_another(
            p, "/core/secrets/default/s", AesGcm("key1", bytes(32)).seal("/core/secrets/default/s", b"{}")
        ),
        "store",
        "/core/secrets/default/s is encrypted by key key1 of aesgcm; nothing in the encryption configuration opens it",
        "",
    ),
    "encryption configuration": (
        lambda p: (p.config.write_text(with_own_key(p)), p.encryption.write_text("kind: X")),
        "store",
        "encryption.yaml: no EncryptionConfiguration",
        "put that file right",
    ),
    "object set aside": (set_aside, "object core/nodes/n1", "what was stored is damaged", "remove that file"),
    "configuration": (lambda p: p.config.write_text("{"), "configuration", "is damaged", ""),
    "no authority": (lambda p: (p.pki / "ca.key").unlink(), "certificate authority", "no such file", "move"),
    "leaf": (lambda p: (p.pki / "admin.crt").write_text("x"), "certificate admin", "no certificate", "makes a new one"),
    "key": (lambda p: (p.pki / "apiserver.key").unlink(), "certificate apiserver", "no such file", "makes a new one"),
    "signer": (lambda p: (p.pki / "sa.key").write_text("x"), "signing key", "no key", "tokens signed so far end"),
    "kubeconfig": (lambda p: p.kubeconfig.write_text(": x"), "kubeconfig", "kubeconfig", "write it anew"),
    "user's": (lambda p: (p.data.parent / "kubeconfig").mkdir(), "your kubeconfig", "no regular file", ""),
    "image map": (
        lambda p: p.config.write_text(p.config.read_text().replace('"image_map": null', '"image_map": "/no/map"')),
        "configuration",
        "/no/map",
        "give `wherry up` that option anew",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_each_thing_that_is_wrong_is_one_finding_with_its_way_out(paths: Paths, what: str) -> None:
    spoil, subject, problem, advice = WRONG[what]
    spoil(paths)
    ((found, why, way),) = bad(paths)
    assert found.startswith(subject)
    assert problem in why
    assert advice in way
    assert "\n" not in why + way


def test_certificates_that_end_soon_are_told_of(paths: Paths) -> None:
    later = NOW + datetime.timedelta(days=3640)
    assert {subject for subject, *_ in bad(paths, later)} >= {"certificate authority", "certificate admin"}


@pytest.mark.parametrize("what", ["empty store", "no store but a folder"])
def test_what_promises_nothing_is_not_salvaged(paths: Paths, what: str) -> None:
    WRONG[what][0](paths)
    with pytest.raises(ClusterError, match="there is nothing to salvage"):
        salvage.run("web", paths, NOW, lambda message: None)
    assert not list(paths.data.glob("salvaged-*"))


def test_salvage_makes_a_store_the_doctor_finds_good(paths: Paths) -> None:
    os.truncate(paths.state, paths.state.stat().st_size - 4096)
    assert bad(paths)
    salvaged = salvage.run("web", paths, NOW, lambda message: None)
    assert bad(paths) == []
    assert salvaged.folder.parent == paths.data
