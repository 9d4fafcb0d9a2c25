"""Secrets encrypted at rest: nothing on the disk tells them, and a key that goes missing loses none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from harness import Cluster, cluster

pytestmark = pytest.mark.e2e
BIND = "127.0.0.40"
WORD = "a-word-that-nobody-may-read"
POD = f"""
apiVersion: v1
kind: Pod
metadata: {{name: reader}}
spec:
  restartPolicy: Never
  containers:
  - name: reader
    image: busybox
    command: [sh, -c, 'test "$WORD" = {WORD} && cat /secret/word']
    env: [{{name: WORD, valueFrom: {{secretKeyRef: {{name: pass, key: word}}}}}}]
    volumeMounts: [{{name: secret, mountPath: /secret}}]
  volumes: [{{name: secret, secret: {{secretName: pass}}}}]
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("encryption")
    with cluster("encryption", BIND, home, "--addons", "none", "--secrets-encryption") as made:
        made.kubectl(f"create secret generic pass --from-literal=word={WORD}")
        yield made


def data(k8s: Cluster) -> Path:
    return k8s.home / "wherry" / "encryption"


def stored(k8s: Cluster) -> bytes:
    """What the store's files say, with what SQLite has not moved into the first of them yet."""
    return b"".join(path.read_bytes() for path in data(k8s).glob("state.db*"))


def told(word: str) -> bytes:
    """A value as a Secret has it, in base64."""
    import base64

    return base64.b64encode(word.encode())


def word(k8s: Cluster) -> str:
    return k8s.kubectl("get secret pass -o jsonpath={.data.word}").strip()


def test_the_disk_does_not_tell_and_pods_are_told(k8s: Cluster) -> None:
    assert told(WORD) not in stored(k8s)
    assert b"k8s:enc:aesgcm:v1:key1:" in stored(k8s)
    assert (data(k8s) / "encryption.yaml").stat().st_mode & 0o777 == 0o600
    k8s.kubectl("apply -f -", stdin=POD)
    k8s.kubectl("wait pod/reader --for=jsonpath={.status.phase}=Succeeded --timeout=60s")
    assert k8s.kubectl("logs reader").strip() == WORD
    assert k8s.wherry("doctor", "--name", "encryption").count("bad ") == 0


def test_a_key_is_turned_as_the_documents_say(k8s: Cluster) -> None:
    k8s.wherry("down", "--name", "encryption")
    file = data(k8s) / "encryption.yaml"
    before = file.read_text()
    configuration = yaml.safe_load(before)
    keys = configuration["resources"][0]["providers"][0]["aesgcm"]["keys"]
    keys.insert(0, {"name": "key2", "secret": told("thirty-two bytes make up one key").decode()})
    file.write_text(yaml.safe_dump(configuration))
    k8s.wherry("up", "--name", "encryption")
    k8s.kubectl("replace -f -", stdin=k8s.kubectl("get secrets -A -o json"))
    k8s.wherry("down", "--name", "encryption")
    del keys[1]
    file.write_text(yaml.safe_dump(configuration))
    k8s.wherry("up", "--name", "encryption")
    assert word(k8s) == told(WORD).decode()
    k8s.wherry("down", "--name", "encryption")
    after = file.read_text()
    file.write_text(before)
    refused = k8s.wherry("up", "--name", "encryption", check=False)
    assert "/core/secrets/default/pass is encrypted by key key2 of aesgcm; nothing in the encryption" in refused
    assert "Traceback" not in refused
    file.write_text(after)
    k8s.wherry("up", "--name", "encryption")
    assert word(k8s) == told(WORD).decode()


def test_without_its_key_a_cluster_says_so_and_loses_nothing(k8s: Cluster) -> None:
    k8s.wherry("down", "--name", "encryption")
    refused = k8s.wherry("up", "--name", "encryption", "--no-secrets-encryption", check=False)
    assert "/core/secrets/default/pass is encrypted by key" in refused
    assert "stopped" in k8s.wherry("status", "--name", "encryption", check=False)
    k8s.wherry("up", "--name", "encryption", "--secrets-encryption")
    assert word(k8s) == told(WORD).decode()
