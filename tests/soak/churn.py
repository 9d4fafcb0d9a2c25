"""What keeps a cluster busy: objects of every kind come, change and go; workloads roll; parts are killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

from tests.apiserver.kinds.pipeline import kind_of
from tests.apiserver.registry.specimens import specimens
from tests.harness import Cluster
from tests.soak.diary import Diary
from wherry.client.interface import Client
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError
from wherry.objects.resource import DEPLOYMENTS, NAMESPACES, PODS, Resource

NAMESPACE = "churn"
VICTIMS = {
    "control-plane": r"^wherry: control-plane$",
    "node agent": r"^wherry: node-",
}
"""What is killed outright: its name in the report, and the pattern of its command line."""


class Churn:
    """The churn of one cluster; `done` counts what was done, `diary` has when what was killed or deleted."""

    def __init__(self, k8s: Cluster, client: Client, seed: int, diary: Diary):
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._diary = diary
        self._k8s = k8s
        self._client = client
        self._dice = Random(seed)

    async def run(self) -> None:
        """Do all of it for ever."""
        await asyncio.gather(
            self._every(0.2, self._object),
            self._every(15.0, self._namespace),
            self._every(20.0, self._roll),
            self._every(7.0, self._delete_a_pod),
            self._every(25.0, self._delete_an_addon),
            self._every(30.0, self._kill),
        )

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                async with asyncio.timeout(60):
                    await step()
            except (ApiError, OSError, TimeoutError) as error:
                text = re.sub(r"[0-9a-z]*[0-9][-0-9a-z]*", "#", str(error))[:90]
                self.failed[f"{step.__name__.strip('_')}: {type(error).__name__}: {text}"] += 1

    def _note(self, what: str) -> None:
        self.done[what] += 1
        self._diary.note(what)

    async def _object(self) -> None:
        """Make an object of some kind, change it, and delete it again."""
        obj = self._dice.choice(specimens_of_all())
        resource = served(obj)
        number = self._dice.randrange(10_000)
        name = f"churn-{number}" if resource.plural != "ipaddresses" else f"10.111.{number // 250}.{number % 250}"
        if resource.plural == "apiservices":  # is called what it is about
            name = f"{obj['spec']['version']}.{obj['spec']['group']}"
        meta = {"name": name, "labels": metadata.labels(obj), "annotations": {"churn": "1"}}
        namespace = NAMESPACE if resource.namespaced else None
        body = {**metadata.copy(obj), "metadata": meta}
        if "involvedObject" in body or "regarding" in body:
            key = "involvedObject" if "involvedObject" in body else "regarding"
            body[key] = {**body[key], "namespace": NAMESPACE}
        await self._client.create(resource, fresh(body), namespace)
        await self._client.patch(resource, name, {"metadata": {"annotations": {"churn": "2"}}}, namespace)
        await self._client.delete(resource, name, namespace)
        self.done[f"{obj['kind']} made, changed, deleted"] += 1

    async def _namespace(self) -> None:
        """Make a namespace with a few things in it, and delete it."""
        name = f"churn-{self._dice.randrange(100_000)}"
        await self._client.create(NAMESPACES, {"metadata": {"name": name}})
        for obj in self._dice.sample(specimens_of_all(), 5):
            resource = served(obj)
            if resource.namespaced:
                with contextlib.suppress(ApiError):
                    await self._client.create(resource, fresh({**obj, "metadata": {"name": "inside"}}), name)
        await self._client.delete(NAMESPACES, name)
        self.done["namespace made and deleted"] += 1

    async def _roll(self) -> None:
        """Roll the servers out anew, one more or one fewer."""
        template = {"metadata": {"annotations": {"rolled": str(time.time())}}}
        change = {"spec": {"replicas": self._dice.randint(2, 4), "template": template}}
        await self._client.patch(DEPLOYMENTS, "web", change, "soak")
        self._note("rolled out")

    async def _delete_a_pod(self) -> None:
        await self._delete("soak", "app=web", "server deleted")

    async def _delete_an_addon(self) -> None:
        namespace, labels = self._dice.choice(
            (("kube-system", "k8s-app=kube-dns"), ("kube-system", "k8s-app=kube-proxy"), INGRESS)
        )
        await self._delete(namespace, labels, f"{labels.partition('=')[2]} deleted")

    async def _delete(self, namespace: str, labels: str, what: str) -> None:
        pods = (await self._client.list(PODS, namespace, labels=labels)).items
        alive = [p["metadata"]["name"] for p in pods if not metadata.is_being_deleted(p)]
        if alive:
            await self._client.delete(PODS, self._dice.choice(alive), namespace)
            self._note(what)

    async def _kill(self) -> None:
        """Kill something without warning."""
        name = self._dice.choice(sorted(VICTIMS))
        found = await asyncio.to_thread(self._k8s.find, VICTIMS[name])
        if found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._dice.choice(sorted(found)), signal.SIGKILL)
                self._note(f"{name} killed")


INGRESS = ("ingress-nginx", "app.kubernetes.io/name=ingress-nginx")
_specimens: list[Object] = []


def specimens_of_all() -> list[Object]:
    """Return a valid object of every kind that may be made."""
    if not _specimens:
        _specimens.extend(specimens())
    return _specimens


def served(obj: Object) -> Resource:
    """Return what an object is, in the version it is written in."""
    return next(r for r in kind_of(obj).resources if r.api_version == obj["apiVersion"])


def fresh(obj: Object) -> Object:
    """Return an object without what only one can have, and with nothing that would disturb its neighbours."""
    obj = metadata.copy(obj)
    spec = obj.get("spec") or {}
    match obj["kind"]:
        case "Service":
            for key in ("clusterIP", "clusterIPs", "externalIPs", "healthCheckNodePort"):
                spec.pop(key, None)
            for port in spec.get("ports") or ():
                port.pop("nodePort", None)
        case "Node":
            obj["spec"] = {"unschedulable": True}
            obj.pop("status", None)
        case "IngressClass":
            obj["metadata"].pop("annotations", None)
        case "LimitRange":
            obj["spec"] = {"limits": [{"type": "Container", "max": {"cpu": "64"}}]}
    return obj
