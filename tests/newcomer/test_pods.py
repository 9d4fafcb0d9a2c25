"""Pods do what a newcomer's pods do elsewhere, or say why not."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from harness import Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

NAME, BIND = "pods", "127.0.0.76"
MAP = """
images:
- match: served
  command: ["{folder}/bin/serve"]
- match: lost
  command: ["{python}", -m, http.server]
  mounts: [{source: site, target: /srv/site}]
"""
PORT_80 = """
apiVersion: v1
kind: Pod
metadata: {name: port-80}
spec:
  securityContext: {runAsUser: 1000}
  containers:
  - name: c
    image: python
    command: [python3, -m, http.server, "80"]
"""
HIDDEN = """
apiVersion: v1
kind: Pod
metadata: {name: hidden}
spec:
  containers: [{name: c, image: served, volumeMounts: [{name: v, mountPath: %s}]}]
  volumes: [{name: v, emptyDir: {}}]
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp(NAME)
    (home / "images.yaml").write_text(MAP)
    (home / "bin").mkdir()
    (home / "bin" / "serve").write_text("#!/bin/sh\nexec sleep 1000\n")
    (home / "bin" / "serve").chmod(0o755)
    with cluster(NAME, BIND, home, "--addons", "none", "--image-map", "images.yaml") as made:
        yield made


def test_a_pod_that_is_not_root_listens_on_port_80(k8s: Cluster) -> None:
    k8s.kubectl("create -f -", stdin=PORT_80)
    eventually("the page", lambda: "html" in k8s.kubectl("exec port-80 -- curl -s http://localhost:80/"))
    assert k8s.kubectl("exec port-80 -- id -u") == "1000\n"


def test_a_volume_over_the_folder_of_a_maps_program_is_named(k8s: Cluster) -> None:
    folder = k8s.home / "bin"
    k8s.kubectl("create -f -", stdin=HIDDEN % folder)

    def waits() -> dict[str, str]:
        status = json.loads(k8s.kubectl("get pod hidden -o json"))["status"]
        state: dict[str, str] = status.get("containerStatuses", [{}])[0].get("state", {}).get("waiting", {})
        return state if state.get("reason") == "CreateContainerConfigError" else {}

    said = eventually("the reason", waits)
    assert isinstance(said, dict)
    assert f"is hidden by the volume mounted at {folder}" in said["message"]
