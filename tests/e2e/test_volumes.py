"""Volumes as users of charts meet them, through real kubectl: data outlives pods, and goes when it may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Cluster, cluster, eventually, folders

pytestmark = pytest.mark.e2e

BIND = "127.0.0.35"
DATABASE = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  persistentVolumeClaimRetentionPolicy: {whenScaled: Delete, whenDeleted: Delete}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 0
      securityContext: {runAsUser: 1000, fsGroup: 2000}
      containers:
      - name: main
        image: busybox
        command: [sh, -c, "echo $(hostname) >> /data/log; sleep 3600"]
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
BY_HAND = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: by-hand}
spec:
  capacity: {storage: 2Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: manual
  local: {path: /srv/by-hand}
  nodeAffinity:
    required:
      nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [k8s-slave1]}]}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: by-hand}
spec: {accessModes: [ReadWriteOnce], storageClassName: manual, resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: by-hand}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sleep, "3600"]
    volumeMounts: [{name: v, mountPath: /v}, {name: tmp, mountPath: /tmp/e}]
  volumes:
  - name: v
    persistentVolumeClaim: {claimName: by-hand, readOnly: true}
  - name: tmp
    ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}
"""
FOLDER = """
apiVersion: v1
kind: Pod
metadata: {name: folder}
spec:
  nodeName: k8s-slave1
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "touch /host/kept; sleep 3600"]
    volumeMounts: [{name: host, mountPath: /host}]
  volumes: [{name: host, hostPath: {path: /srv/by-hand, type: DirectoryOrCreate}}]
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster("volumes", BIND, tmp_path_factory.mktemp("volumes"), "--nodes", "2", "--addons", "none") as made:
        yield made


def claims(k8s: Cluster) -> list[str]:
    """Return the folders that claims have on the nodes, as the machine sees them."""
    return sorted(path.name for path in folders(k8s.home) if path.match("upper/var/lib/local-path/*"))


def test_a_stateful_sets_data_outlives_its_pods_and_goes_with_its_claims(k8s: Cluster) -> None:
    k8s.kubectl("apply -f -", stdin=DATABASE)
    k8s.kubectl("rollout status statefulset/db --timeout=60s")
    assert k8s.kubectl("get pvc -o jsonpath={.items[*].status.phase}") == "Bound Bound"
    log = "exec db-0 -- cat /data/log"
    eventually("the first has written", lambda: k8s.kubectl(log).split() == ["db-0"])
    k8s.kubectl("delete pod db-0")
    eventually("the next has written, too", lambda: k8s.kubectl(log).split() == ["db-0", "db-0"])
    assert k8s.kubectl("exec db-0 -- stat -c %g /data/log").strip() == "2000"
    assert len(claims(k8s)) == 2
    k8s.kubectl("scale statefulset/db --replicas=1")
    k8s.kubectl("wait --for=delete pvc/data-db-1 --timeout=60s")
    eventually("its folder is gone", lambda: len(claims(k8s)) == 1)


def test_a_claim_that_is_used_stays_until_it_is_not_and_may_grow(k8s: Cluster) -> None:
    grow = '{"spec":{"resources":{"requests":{"storage":"3Gi"}}}}'
    k8s.run(k8s.kubectl_path, "patch", "pvc", "data-db-0", "-p", grow)
    eventually("it has grown", lambda: k8s.kubectl("get pvc data-db-0 -o jsonpath={.status.capacity.storage}") == "3Gi")
    k8s.kubectl("delete pvc data-db-0 --wait=false")
    assert "Terminating" in k8s.kubectl("get pvc data-db-0")
    k8s.kubectl("delete statefulset db")
    k8s.kubectl("wait --for=delete pvc/data-db-0 --timeout=60s")
    eventually("all is gone", lambda: (claims(k8s), k8s.kubectl("get pv -o name")) == ([], ""))


def test_a_volume_of_one_node_by_hand_brings_the_pod_there_and_keeps_what_it_holds(k8s: Cluster) -> None:
    k8s.kubectl("apply -f -", stdin=BY_HAND)
    eventually(
        "the kubelet complains", lambda: 'path "/srv/by-hand" does not exist' in k8s.kubectl("describe pod by-hand")
    )
    k8s.kubectl("apply -f -", stdin=FOLDER)
    k8s.kubectl("wait --for=condition=Ready pod/by-hand --timeout=90s")
    assert k8s.kubectl("get pod by-hand -o jsonpath={.spec.nodeName}") == "k8s-slave1"
    assert "Read-only" in k8s.kubectl("exec by-hand -- touch /v/new", check=False)
    assert k8s.kubectl("get pvc by-hand-tmp -o jsonpath={.status.phase}") == "Bound"
    k8s.kubectl("delete pod/by-hand pvc/by-hand")
    k8s.kubectl("wait --for=delete pvc/by-hand-tmp --timeout=60s")
    eventually("it is released", lambda: k8s.kubectl("get pv by-hand -o jsonpath={.status.phase}") == "Released")
    assert k8s.kubectl("exec folder -- ls /host").strip() == "kept"


def test_what_the_default_class_cannot_be_is_said_at_the_claim(k8s: Cluster) -> None:
    many = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: many}
spec: {accessModes: [ReadWriteMany], storageClassName: at-once, resources: {requests: {storage: 1Gi}}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: at-once}
provisioner: wherry.io/local-path
"""
    k8s.kubectl("apply -f -", stdin=many)
    eventually(
        "it is said",
        lambda: "only the access modes ReadWriteOnce and ReadWriteOncePod" in k8s.kubectl("describe pvc many"),
    )
    k8s.kubectl("apply -f -", stdin=many.replace("ReadWriteMany", "ReadWriteOnce").replace("many", "one"))
    eventually("it is bound", lambda: k8s.kubectl("get pvc one -o jsonpath={.status.phase}") == "Bound")
    refused = '{"spec":{"resources":{"requests":{"storage":"3Gi"}}}}'
    told = k8s.run(k8s.kubectl_path, "patch", "pvc", "one", "-p", refused, check=False)
    assert "only dynamically provisioned pvc can be resized and the storageclass" in told
