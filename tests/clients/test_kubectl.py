"""Everyday commands, in the order a day has them, with each kubectl people have."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import KUBECTL, Cluster, eventually

from tests.clients.golang import built

FIRST, NOW = 20, 37


@dataclass(frozen=True)
class Command:
    """A command line, the expression its output matches, and the minor versions that have it."""

    line: str
    says: str
    since: int = FIRST
    until: int = NOW
    stdin: str = ""


def every(line: str, says: str = "", *, since: int = FIRST, until: int = NOW, stdin: str = "") -> Command:
    return Command(line, says, since, until, stdin)


MAPS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: one, labels: {set: maps}}
data: {a: "1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: two, labels: {set: maps}}
"""
COMMANDS = [
    # what is there
    every("version", "Server Version: .*v1.37"),
    every("cluster-info", "Kubernetes control plane.* is running at"),
    every("api-versions", "(?m)^apps/v1$"),
    every("api-resources --namespaced=true", r"deployments +deploy +apps/v1 +true +Deployment"),
    every("api-resources --categories=all -o name", r"(?m)^cronjobs\.batch$", since=28),
    every("explain deployment.spec.strategy.rollingUpdate", "maxSurge"),
    every("explain pod --recursive", "terminationGracePeriodSeconds"),
    every("get nodes -o wide", "k8s-master +Ready"),
    every("describe node k8s-master", "Allocated resources"),
    every("get --raw /healthz", "^ok"),
    every("get ns", r"kube-system +Active"),
    # objects made by words
    every("create configmap words --from-literal=a=1 --from-literal=b=2", "configmap/words created"),
    every("create secret generic hidden --from-literal=p=q", "secret/hidden created"),
    every(
        "create secret docker-registry login --docker-server=r.test --docker-username=u --docker-password=p", "created"
    ),
    every("get secret hidden -o jsonpath={{.data.p}}", "^cQ==$"),
    every("get secret login -o jsonpath={{.type}}", "dockerconfigjson"),
    every("create serviceaccount robot", "created"),
    every("create token robot --duration=10m", r"^[\w-]+\.[\w-]+\.[\w-]+", since=24),
    every("create role reader --verb=get,list --resource=pods,configmaps", "created"),
    every("create rolebinding reads --role=reader --serviceaccount={ns}:robot", "created"),
    every("auth can-i list pods --as=system:serviceaccount:{ns}:robot", "^yes"),
    every("auth can-i --list", r"\*\.\*"),
    every("auth whoami", "system:masters", since=27),
    every("create quota never --hard=pods=100 --dry-run=client -o yaml", "kind: ResourceQuota"),
    every("create deployment web --image=test/shell --replicas=2", "deployment.apps/web created"),
    every("rollout status deployment/web --timeout=60s", "successfully rolled out"),
    every("create service clusterip web --tcp=80:8080", "service/web created"),
    every("create ingress web --rule=web.test/*=web:80", "created"),
    every("describe ingress web", "web.test"),
    every("create job once --image=test/shell -- sh -c 'echo done'", "job.batch/once created"),
    every("wait --for=condition=complete job/once --timeout=60s", "condition met"),
    every("logs job/once", "^done"),
    every("create cronjob often --image=test/shell --schedule='*/5 * * * *' -- sh -c true", "created", since=21),
    every("create job by-hand --from=cronjob/often", "created", since=21),
    every("create poddisruptionbudget web --selector=app=web --min-available=1", "created"),
    every("get pdb", "web +1"),
    # looked at in every way
    every("get all", r"replicaset.apps/web-\w+ +2"),
    every("get pods -l app=web -o wide", r"web-.*Running.*k8s-master"),
    every("get pods -l app=web --no-headers -o custom-columns=N:.metadata.name,P:.status.phase", r"web-\S+ +Running"),
    every("get pods --sort-by=.metadata.name -o name", r"pod/web-"),
    every("get pods --field-selector=status.phase=Running -A", r"kube-system +kube-proxy-"),
    every("get pods --show-labels -l 'app in (web,other)'", "app=web"),
    every("get deployment web -o go-template='{{{{.spec.replicas}}}}'", "^2"),
    every("get deployment,service web", "(?s)deployment.apps/web.*service/web"),
    every("get nothing-such", "doesn't have a resource type"),
    every("get pod nosuch", "NotFound"),
    every("get pod nosuch --ignore-not-found", "^$"),
    every("describe deployment web", "(?s)2 desired.*ScalingReplicaSet"),
    every("describe pods -l app=web", "(?s)Scheduled.*Started"),
    every("get events --sort-by=.lastTimestamp", "ScalingReplicaSet"),
    every("events --for deployment/web", "ScalingReplicaSet", since=26),
    every("get deployment web --show-managed-fields -o yaml", "manager: kubectl-create", since=21),
    # inside
    every("exec deploy/web -- sh -c 'echo $((6*7))'", "^42"),
    every("exec -i deploy/web -- cat", "^a line", stdin="a line\n"),
    every("exec deploy/web -- sh -c 'exit 7'", "exit code 7"),
    every(
        "run shot --image=test/shell --restart=Never --attach --rm --quiet --command -- sh -c 'sleep 1; echo bang'",
        "bang",
    ),
    every("run still --image=test/shell --labels=app=still", "pod/still created"),
    every("wait --for=condition=Ready pod/still --timeout=60s", "condition met"),
    every("cp {home}/kubeconfig still:/tmp/copied"),
    every("exec still -- sh -c 'wc -l < /tmp/copied'", r"^\d+"),
    every("label pod still shade=blue", "labeled"),
    every("annotate pod still note=it", "annotated"),
    every("get pods -L shade -l app=still", "blue"),
    # changes
    every("apply -f -", "(?s)configmap/one created.*configmap/two created", stdin=MAPS),
    every("apply -f -", "unchanged", stdin=MAPS),
    every("diff -f -", r'(?s)-  a: "1".*\+  a: "3"', stdin=MAPS.replace('"1"', '"3"')),
    every("apply -f - --server-side --dry-run=server --force-conflicts", "serverside-applied", stdin=MAPS),
    every("apply view-last-applied configmap/one", "a: "),
    every("apply --prune -l set=maps -f -", "configmap/two pruned", stdin=MAPS.split("---")[0], since=27),
    every("""patch configmap one -p '{{"data":{{"b":"2"}}}}'""", "patched"),
    every("""patch configmap one --type=json -p '[{{"op":"remove","path":"/data/b"}}]'""", "patched"),
    every("""patch configmap one --type=merge -p '{{"data":{{"c":"3"}}}}'""", "patched"),
    every("get configmap one -o jsonpath='{{.data}}'", '"c":"3"'),
    every("replace -f -", "replaced", stdin=MAPS.split("---")[0]),
    every("create -f -", "AlreadyExists", stdin=MAPS.split("---")[0]),
    every("scale deployment web --replicas=3 --current-replicas=2", "scaled"),
    every("set image deployment/web shell=test/echo", "image updated"),
    every("rollout status deployment/web --timeout=60s", "successfully rolled out"),
    every("rollout history deployment/web", r"(?m)^2 "),
    every("rollout undo deployment/web", "rolled back"),
    every("rollout status deployment/web --timeout=60s", "successfully rolled out"),
    every("rollout restart deployment/web", "restarted"),
    every("rollout pause deployment/web", "paused"),
    every("rollout resume deployment/web", "resumed"),
    every("set env deployment/web A=b", "env updated"),
    every("set env deployment/web --list", "A=b"),
    every("set resources deployment/web --requests=cpu=1m", "resource requirements updated"),
    every("set serviceaccount deployment/web robot", "serviceaccount updated"),
    every("rollout status deployment/web --timeout=60s", "successfully rolled out"),
    every("expose deployment web --name=out --port=80 --type=NodePort", "exposed"),
    every("autoscale deployment web --min=1 --max=3", "autoscaled"),
    every("get hpa web", r"Deployment/web"),
    every("delete hpa web", "deleted"),
    # the node
    every("taint node k8s-master spot=yes:PreferNoSchedule", "tainted"),
    every("taint node k8s-master spot-", "untainted"),
    every("cordon k8s-master", "cordoned"),
    every("uncordon k8s-master", "uncordoned"),
    # gone
    every("delete pod still --now", "deleted"),
    every("delete job,cronjob --all", "deleted"),
    every("delete deployment web --cascade=foreground --timeout=60s", "deleted"),
    every("get replicasets", "No resources found"),
    every("delete -f -", "deleted", stdin=MAPS.split("---")[0]),
    every("delete secret hidden login", "(?s)hidden.*login"),
]
VERSIONS = [
    pytest.param(20, id="1.20"),
    pytest.param(30, id="1.30", marks=pytest.mark.go),
    pytest.param(37, id="1.37"),
]


def program(minor: int) -> Path:
    found = built("kubectl-1.30") if minor == 30 else KUBECTL[f"1.{minor}"]
    if not found.exists():
        pytest.skip(f"no kubectl 1.{minor} on this system")
    return found


@pytest.mark.parametrize("minor", VERSIONS)
def test_a_day_of_commands(k8s: Cluster, minor: int) -> None:
    """Each command says what it says with a real cluster; all that do not are named together."""
    kubectl, ns = program(minor), f"day{minor}"
    k8s.kubectl(f"create namespace {ns}")
    eventually("its account", lambda: k8s.kubectl(f"-n {ns} get serviceaccount default -o name"))
    wrong = []
    for command in COMMANDS:
        if not command.since <= minor <= command.until:
            continue
        words = [word.format(ns=ns, home=k8s.home) if "{" in word else word for word in shlex.split(command.line)]
        output = k8s.run(kubectl, "-n", ns, *words, check=False, stdin=command.stdin)
        if not re.search(command.says, output):
            wrong.append(f"kubectl {command.line}\n    expected: {command.says}\n    got: {output.strip()[:400]}")
    k8s.kubectl(f"delete namespace {ns} --timeout=60s")
    assert not wrong, "\n".join([f"{len(wrong)} of {len(COMMANDS)} commands", *wrong])
