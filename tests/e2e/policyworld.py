"""Nine pods, a, b and c in the namespaces x, y and z, on two nodes, and who reaches whom: upstream's netpol world.

Source of the idea: kubernetes test/e2e/network/netpol (model.go, reachability.go).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import Cluster, eventually

SPACES, NAMES = ("x", "y", "z"), ("a", "b", "c")
PODS = [f"{space}/{name}" for space in SPACES for name in NAMES]
NODES = ("k8s-slave1", "k8s-slave2")
Pairs = set[tuple[str, str]]


class World:
    """The pods and the means to ask them."""

    def __init__(self, k8s: Cluster):
        self.k8s = k8s
        self._labelled: set[str] = set()
        objects = [
            thing
            for space in SPACES
            for thing in (
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space, "labels": {"ns": space}}},
            )
        ]
        objects += [_pod(pod, number) for number, pod in enumerate(PODS)]
        k8s.kubectl("apply -f -", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        for space in SPACES:
            k8s.kubectl(f"-n {space} wait --for=condition=Ready pod --all --timeout=60s")
        self.addresses: dict[str, str] = {}
        self.nodes: dict[str, dict[str, str]] = {node: {} for node in NODES}
        for pod in json.loads(k8s.kubectl("get pod -A -l pod -o json"))["items"]:
            name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            self.addresses[name] = pod["status"]["podIP"]
            self.nodes[pod["spec"]["nodeName"]][name] = pod["status"]["podIP"]

    def reached(self, port: int = 80, protocol: str = "TCP") -> Pairs:
        """Return all (client, server) that get an answer."""
        targets = [[address, port, protocol] for address in self.addresses.values()]
        with ThreadPoolExecutor(len(NODES)) as together:
            answers = together.map(lambda node: self.ask(node, targets), NODES)
        found = {client: said for one in answers for client, said in one.items()}
        return {
            (client, server)
            for client, said in found.items()
            for server, answer in zip(self.addresses, said, strict=True)
            if answer == server.split("/")[1]
        }

    def ask(self, node: str, targets: list[list[object]]) -> dict[str, list[str]]:
        asked = json.dumps({"pods": self.nodes[node], "targets": targets})
        script = Path(__file__).with_name("askprobers.py")
        answered: dict[str, list[str]] = json.loads(self.k8s.on(node, sys.executable, "-I", str(script), asked))
        return answered

    def expect(self, denied: Callable[[str, str], bool], port: int = 80, protocol: str = "TCP") -> None:
        """Wait until all reach all but whom it is denied; a pod always reaches itself."""
        right = {(c, s) for c in PODS for s in PODS if c == s or not denied(c, s)}

        def reached() -> bool:
            found = self.reached(port, protocol)
            wrong = sorted(f"{c} {'reaches' if (c, s) in found else 'does not reach'} {s}" for c, s in found ^ right)
            assert not wrong, f"{protocol} {port}: {', '.join(wrong)}"
            return True

        eventually(f"{protocol} {port} as the policies say", reached)

    def apply(self, *policies: object) -> None:
        """Apply policies, made by `policy`."""
        self.k8s.kubectl("apply -f -", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": policies}))

    def delete(self, namespace: str, name: str) -> None:
        """Delete a policy."""
        self.k8s.kubectl(f"-n {namespace} delete networkpolicy {name}")

    def label(self, what: str, *labels: str) -> None:
        """Label a pod ("x/a") or a namespace ("x"); `key-` takes one away."""
        self._labelled.add(what)
        space, _, name = what.partition("/")
        thing = f"-n {space} label pod {name}" if name else f"label namespace {space}"
        self.k8s.kubectl(f"{thing} --overwrite {' '.join(labels)}")

    def clear(self) -> None:
        """Take away all policies and labels of a test."""
        self.k8s.kubectl("delete networkpolicy --all -A")
        for what in list(self._labelled):
            self.label(what, "changed-")
        self._labelled.clear()


def _pod(pod: str, number: int) -> object:
    space, name = pod.split("/")
    ports = [
        {"name": f"serve-{port}-{protocol.lower()}", "containerPort": port, "protocol": protocol}
        for port in (80, 81)
        for protocol in ("TCP", "UDP")
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": space, "name": name, "labels": {"pod": name}},
        "spec": {
            "nodeName": NODES[number % len(NODES)],
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "prober",
                    "image": "test/prober",
                    "ports": ports,
                    "readinessProbe": {"tcpSocket": {"port": 9000}, "periodSeconds": 1},
                }
            ],
        },
    }


def policy(namespace: str, name: str, pods: object = None, **spec: object) -> object:
    """Return a policy for pods; `ingress` and `egress` say its types where `policyTypes` does not."""
    types = [kind for kind in ("Ingress", "Egress") if kind.lower() in spec]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"podSelector": pods or {}, "policyTypes": types, **spec},
    }


def pods(*names: str) -> dict[str, object]:
    """Return the selector of pods by name."""
    return {"matchLabels": {"pod": names[0]}} if len(names) == 1 else _among("pod", names)


def spaces(*names: str) -> dict[str, object]:
    """Return the selector of namespaces by name."""
    return {"matchLabels": {"ns": names[0]}} if len(names) == 1 else _among("ns", names)


def _among(key: str, names: Iterable[str]) -> dict[str, object]:
    return {"matchExpressions": [{"key": key, "operator": "In", "values": list(names)}]}
