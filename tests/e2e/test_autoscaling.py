"""A Deployment that is scaled by what its pods use, as `kubectl autoscale` asks for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from harness import Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

BIND = "127.0.0.133"
BUSY = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: busy}
spec:
  selector: {matchLabels: {app: busy}}
  template:
    metadata: {labels: {app: busy}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: busybox
        command: [sh, -c, "while :; do i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; sleep 0.05; done"]
        resources: {requests: {cpu: 2m}}
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster("autoscaling", BIND, tmp_path_factory.mktemp("autoscaling"), "--addons", "none") as made:
        yield made


def test_pods_that_use_more_than_they_request_become_more_pods(k8s: Cluster) -> None:
    k8s.kubectl("apply -f -", stdin=BUSY)
    k8s.kubectl("rollout status deployment/busy --timeout=60s")
    k8s.kubectl("autoscale deployment busy --max=2 --cpu=50%")
    assert re.search(r"cpu: (<unknown>|\d+%)/50%", k8s.kubectl("get hpa busy"))
    eventually("scaled to two", lambda: k8s.kubectl("get deployment busy -o jsonpath={.spec.replicas}") == "2", 120)
    # The status and the event come after the scale, and 15 s later the next look is told instead.
    reasons = ("SucceededRescale", "ValidMetricFound", "SuccessfulRescale", "/ 50%")
    eventually("the reasons", lambda: all(one in k8s.kubectl("describe hpa busy") for one in reasons))
    path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/busy"
    assert json.loads(k8s.kubectl(f"get --raw {path}"))["spec"]["targetCPUUtilizationPercentage"] == 50
