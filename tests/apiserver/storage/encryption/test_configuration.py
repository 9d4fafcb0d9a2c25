"""An EncryptionConfiguration is read as kube-apiserver reads it, and refused where it would be."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from wherry.apiserver.storage.encryption.configuration import EncryptionError, generated, load, parse
from wherry.apiserver.storage.encryption.providers import Identity

SECRET = base64.b64encode(bytes(32)).decode()
IDENTITY: dict[str, Any] = {"identity": {}}


def keyed(provider: str, *names: str, secret: str = SECRET) -> dict[str, Any]:
    return {provider: {"keys": [{"name": name, "secret": secret} for name in names]}}


def document(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    return {**head, "resources": list(rules), **fields}


def rule(resources: list[str], *providers: dict[str, Any]) -> dict[str, Any]:
    return {"resources": resources, "providers": list(providers)}


def prefixes(text: dict[str, Any], room: str) -> list[str]:
    return [provider.prefix.decode() for provider in parse(text).of(room)]


def test_every_key_of_every_provider_reads_in_order() -> None:
    read = document(rule(["secrets"], keyed("secretbox", "new", "old"), keyed("aescbc", "older"), IDENTITY))
    assert prefixes(read, "core/secrets") == [
        "k8s:enc:secretbox:v1:new:",
        "k8s:enc:secretbox:v1:old:",
        "k8s:enc:aescbc:v1:older:",
        "",
    ]


@pytest.mark.parametrize(
    ("resource", "rooms"),
    [
        ("secrets", {"core/secrets"}),
        ("deployments.apps", {"apps/deployments"}),
        ("*.apps", {"apps/deployments", "apps/statefulsets"}),
        ("*.", {"core/secrets", "core/configmaps"}),
        ("*.*", {"core/secrets", "core/configmaps", "apps/deployments", "apps/statefulsets"}),
    ],
)
def test_a_resource_covers(resource: str, rooms: set[str]) -> None:
    rules = parse(document(rule([resource], keyed("aesgcm", "key1"))))
    everything = ["core/secrets", "core/configmaps", "apps/deployments", "apps/statefulsets"]
    assert {room for room in everything if rules.of(room)} == rooms


def test_the_first_rule_that_covers_a_resource_counts() -> None:
    read = document(rule(["secrets"], IDENTITY), rule(["*.*"], keyed("aesgcm", "key1")))
    assert isinstance(parse(read).of("core/secrets")[0], Identity)
    assert prefixes(read, "core/configmaps") == ["k8s:enc:aesgcm:v1:key1:"]


REFUSED: list[tuple[Any, str]] = [
    (None, "no EncryptionConfiguration"),
    ([], "no EncryptionConfiguration"),
    (document(kind="Config"), "it is a Config of apiserver.config.k8s.io/v1, and should be"),
    (document(apiVersion="v1"), "it is a EncryptionConfiguration of v1"),
    (document(), "resources: names what is encrypted, and how; it is empty"),
    (document(rule([], IDENTITY)), r"resources\[0\]: needs resources and providers"),
    (document(rule(["secrets"])), r"resources\[0\]: needs resources and providers"),
    (document(rule(["secrets"], IDENTITY), surplus=1), "unknown field `surplus`"),
    (document(rule(["secrets"], {"aesgmc": {}})), r"unknown field `aesgmc` - at `\$.resources\[0\].providers\[0\]`"),
    (document(rule(["secrets"], {})), r"providers\[0\]: names one provider .*; it has none"),
    (document(rule(["secrets"], {**IDENTITY, **keyed("aesgcm", "a")})), "it has identity, aesgcm"),
    (document(rule(["secrets"], {"identity": {"a": 1}})), "identity: takes no fields"),
    (document(rule(["secrets"], {"kms": {"name": "vault"}})), r"providers\[0\].kms: not supported: use secretbox"),
    (document(rule(["secrets"], keyed("aesgcm"))), "aesgcm.keys: needs a key"),
    (document(rule(["secrets"], keyed("aesgcm", ""))), r"keys\[0\].name: is empty"),
    (document(rule(["secrets"], keyed("aesgcm", "a", "a"))), r"keys\[1\].name: a is there already"),
    (document(rule(["secrets"], keyed("aesgcm", "a", secret="%%"))), r"keys\[0\].secret: is not base64"),
    (document(rule(["secrets"], keyed("aesgcm", "a", secret="YWJj"))), "has 3 bytes, and should have 16 or 24 or 32"),
    (document(rule(["secrets"], keyed("secretbox", "a", secret="YWJj"))), "has 3 bytes, and should have 32"),
    (document(rule(["Secrets"], IDENTITY)), "'Secrets' is no resource: write secrets"),
    (document(rule(["pods/status"], IDENTITY)), "'pods/status' is no resource"),
    (document(rule(["*"], IDENTITY)), r"'\*' is no resource"),
    (document(rule(["secrets.*"], IDENTITY)), r"'secrets\.\*' is no resource"),
    (document(rule([""], IDENTITY)), "'' is no resource"),
    (document(rule(["secrets", "secrets"], IDENTITY)), "secrets is in secrets already"),
    (document(rule(["*.apps", "deployments.apps"], IDENTITY)), r"deployments\.apps is in \*\.apps already"),
    (document(rule(["secrets", "*."], IDENTITY)), r"secrets is in \*\. already"),
    (document(rule(["*.apps", "*.*"], IDENTITY)), r"\*\.apps is in \*\.\* already"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_cannot_be_used_is_refused_by_name(text: Any, why: str) -> None:
    with pytest.raises(EncryptionError, match=why):
        parse(text)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "encryption.yaml: No such file or directory"),
        (b"{", "encryption.yaml: while parsing"),
        (b"\xff\xfe\x00", "encryption.yaml: "),
        (b"kind: X", "encryption.yaml: no EncryptionConfiguration"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "encryption.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EncryptionError, match=why):
        load(file)


def test_what_is_generated_encrypts_secrets_by_a_new_key_each_time() -> None:
    one, other = yaml.safe_load(generated()), yaml.safe_load(generated())
    assert prefixes(one, "core/secrets") == ["k8s:enc:aesgcm:v1:key1:", ""]
    assert not parse(one).of("core/configmaps")
    assert one != other
