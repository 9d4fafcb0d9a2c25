"""What the files in a node's folders say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from wherry.cluster.podform import ApiForm
from wherry.node.pods.manifests import TOLERATION, Found, Manifests
from wherry.node.pods.mirrors import mirror_of
from wherry.objects import Object
from wherry.objects.meaning.pods import is_mirror, is_static

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}, annotations: {kubernetes.io/config.mirror: forged}}
spec:
  containers:
  - {name: main, image: demo/web}
"""


@pytest.fixture
def manifests(tmp_path: Path) -> Manifests:
    (tmp_path / "n1").mkdir()
    return Manifests([tmp_path, tmp_path / "n1", tmp_path / "missing"], "n1", ApiForm())


def test_a_file_is_a_pod_of_the_node(manifests: Manifests, tmp_path: Path):
    (tmp_path / "web.yaml").write_text(POD)
    (tmp_path / ".web.yaml.swp").write_text("half of")
    found = manifests.look(Found())
    pod = found.by_name["default", "web-n1"]
    assert found.faults == {}
    assert pod["spec"]["nodeName"] == "n1"
    assert TOLERATION in pod["spec"]["tolerations"]
    assert pod["metadata"]["annotations"] == {
        "kubernetes.io/config.hash": pod["metadata"]["uid"],
        "kubernetes.io/config.source": "file",
    }
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == "Always"  # as the API server would have it
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert is_static(pod)
    mirror = mirror_of(pod, {"metadata": {"name": "n1", "uid": "1"}})
    assert is_mirror(mirror)
    assert not is_static(mirror)
    assert "uid" not in mirror["metadata"]


def test_a_file_for_one_node_is_in_its_folder_and_json_is_read_too(manifests: Manifests, tmp_path: Path):
    pod: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "demo"}}
    (tmp_path / "n1" / "a").write_text(json.dumps(pod | {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}))
    assert [*manifests.look(Found()).by_name] == [("demo", "a-n1")]


def test_what_changes_is_another_pod_of_the_same_name_and_the_same_again_is_the_same(
    manifests: Manifests, tmp_path: Path
):
    file = tmp_path / "web.yaml"
    file.write_text(POD)
    first = manifests.look(Found())
    file.write_text(POD + "# a comment\n")
    assert manifests.look(first) == first
    file.write_text(POD.replace("demo/web", "demo/other"))
    second = manifests.look(first)
    assert second.by_name.keys() == first.by_name.keys()
    assert second != first
    file.unlink()
    assert manifests.look(second) == Found()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no v1 Pod in it"),
        ("kind: Pod\n", "there is no v1 Pod in it"),
        ("a: [", "while parsing"),
        (POD.replace("image: demo/web", "image: demo/web, imag: x"), 'unknown field "spec.containers\\[0\\].imag"'),
        (POD.replace("name: web, ", ""), "the pod has no name"),
        (POD.replace("name: web, ", "name: Web_, "), "metadata.name: Invalid value"),
        (POD.replace("name: main, ", "name: main, resources: [], "), "cannot be handled"),
        (POD.replace(", image: demo/web", ""), "spec.containers\\[0\\].image: Required value"),
        (POD + "  serviceAccountName: x\n", "static pods may not reference serviceaccounts"),
        (POD + "  volumes: [{name: v, secret: {secretName: x}}]\n", "static pods may not reference secrets"),
        (POD + "  volumes: [{name: v, persistentVolumeClaim: {claimName: x}}]\n", "type persistentVolumeClaim"),
        (
            POD + "  volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: x}}]}}]\n",
            "projected volumes of type serviceAccountToken",
        ),
    ],
)
def test_a_file_that_is_wrong_is_told_and_changes_nothing(manifests: Manifests, tmp_path: Path, text: str, why: str):
    file, other = tmp_path / "web.yaml", tmp_path / "other.yaml"
    file.write_text(text)
    assert manifests.look(Found()).pods == {}
    file.write_text(POD)
    other.write_text(POD.replace("name: web", "name: other"))
    before = manifests.look(Found())
    file.write_text(text)
    after = manifests.look(before)
    assert after.pods == before.pods
    [fault] = after.faults.values()
    assert fault.startswith(f"static pod {file}: ")
    with pytest.raises(ValueError, match=why):
        raise ValueError(fault)


def test_a_second_pod_of_a_name_is_told_and_a_pipe_is_not_waited_for(manifests: Manifests, tmp_path: Path):
    (tmp_path / "a.yaml").write_text(POD)
    (tmp_path / "b.yaml").write_text(POD)
    os.mkfifo(tmp_path / "c.yaml")
    found = manifests.look(Found())
    assert [path.name for path in found.pods] == ["a.yaml"]
    assert [path.name for path in found.faults] == ["b.yaml", "c.yaml"]
    assert f"{tmp_path / 'a.yaml'} has a pod default/web-n1 already" in found.faults[tmp_path / "b.yaml"]
