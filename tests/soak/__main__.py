"""`scripts/soak MINUTES`: a real cluster in which everything churns, called by every way of access; what that leaves.

churn.py      objects of every kind made, changed and deleted; workloads rolled and scaled; parts killed
server.py     what is called: ends gracefully
diary.py      when what was killed or deleted, and how the endpoints changed
calls.py      requests by every way of access, counted; runs in a pod as well, so it needs nothing but Python
growth.py     memory, descriptors and files, sampled, and their slopes
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.harness import Cluster, cluster, eventually
from tests.soak import calls
from tests.soak.churn import Churn
from tests.soak.diary import Diary, EndpointReader
from tests.soak.growth import Growth
from wherry.client.http import connect

HERE = Path(__file__).parent
SAMPLED_SECONDS = 10.0
NODE_PORT = 30099
FORWARDED = 18214
SHOWN = 40
"""Failures of one way told one by one."""
THROUGH = {"API proxy": ("control-plane killed",), "port-forward": ("control-plane killed", "node agent killed")}
"""Whose end cuts what comes through it, by way: nobody could answer that."""
CUT_SECONDS = 2.0
"""How long after such an end a failure counts as its."""
MANIFEST = HERE / "workload.yaml"
IMAGES = HERE / "image-map.yaml"


class Soak:
    """One run against a cluster."""

    def __init__(self, k8s: Cluster, seed: int):
        self._k8s = k8s
        self._client = connect(str(k8s.home / "kubeconfig"))
        self._diary = Diary()
        self._churn = Churn(k8s, self._client, seed, self._diary)
        self._endpoints = EndpointReader(self._client, "soak", self._diary)
        self._growth = Growth(k8s.init_pid, k8s.home / "wherry" / k8s.name, self._metrics)
        self._counts: dict[str, Counter[str]] = {}
        self._failures: list[tuple[float, str, str]] = []

    async def run(self, seconds: float) -> None:
        """Churn, call and sample for so long."""
        inside = asyncio.create_task(self._inside())
        work = [self._churn.run(), self._endpoints.run(), self._sample(), *self._outside()]
        tasks = [inside, *(asyncio.create_task(one) for one in work)]
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()
        for task in done:
            task.result()

    def _outside(self) -> list[asyncio.Future[None]]:
        """Return the calls from this machine: a node port, the Ingress, the API's proxy, a port-forward."""
        bind, tls = self._k8s.bind, self._tls()
        path = "/api/v1/namespaces/soak/services/web:http/proxy/"
        ways: dict[str, calls.Call] = {
            "node port, from the machine": lambda: calls.http(bind, NODE_PORT),
            "ingress, from the machine": lambda: calls.http(bind, 8080, name="web.soak"),
            "API proxy": calls.again(lambda: calls.http(bind, 6443, path, tls=tls)),
            "port-forward": self._forwarded(),
        }
        return [self._keep(name, call) for name, call in ways.items()]  # type: ignore[misc]

    def _keep(self, name: str, call: calls.Call) -> object:
        counted = self._counts[name] = Counter()
        return calls.keep(call, counted, lambda what: self._failures.append((time.time(), name, what)))

    def _tls(self) -> ssl.SSLContext:
        """Return the TLS of the cluster's admin."""
        pki = self._k8s.home / "wherry" / self._k8s.name / "pki"
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        return context

    def _metrics(self) -> str:
        url = f"https://{self._k8s.bind}:6443/metrics"
        with urllib.request.urlopen(url, timeout=SAMPLED_SECONDS, context=self._tls()) as answer:
            return str(answer.read().decode())

    def _forwarded(self) -> calls.Call:
        """Return a call through `kubectl port-forward` to a pod that stays; a forward that ended begins again."""
        process: list[subprocess.Popen[bytes]] = []
        command = [self._k8s.kubectl_path, "-n", "soak", "port-forward", "pod/steady", f"{FORWARDED}:8080"]
        command += ["--address", self._k8s.bind]
        beginning = asyncio.Lock()

        async def begin() -> None:
            with (self._k8s.home / "port-forward.log").open("ab") as log:
                begun = subprocess.Popen(command, env=self._k8s.environment, stdout=log, stderr=log)
            process[:] = [begun]
            while begun.poll() is None:  # until it listens
                await asyncio.sleep(0.1)
                if await calls.http(self._k8s.bind, FORWARDED) == calls.ANSWERED:
                    return

        async def call() -> str:
            async with beginning:
                if not process or process[0].poll() is not None:
                    await begin()
            result = await calls.http(self._k8s.bind, FORWARDED)
            if not result.startswith(calls.ANSWERED):
                await asyncio.sleep(0.1)  # kubectl ends a moment after its connection
                return f"the forward ended: {result}" if process[0].poll() is not None else result
            return result

        return call

    async def _inside(self) -> None:
        """Follow what the caller in a pod has counted."""
        while True:
            await asyncio.sleep(5)
            line = await asyncio.to_thread(self._k8s.kubectl, "-n soak logs pod/caller --tail=1", check=False)
            with contextlib.suppress(ValueError):
                told = json.loads(line.strip().splitlines()[-1] if line.strip() else "")
                for name, counted in told["counts"].items():
                    self._counts[name] = Counter(counted)
                known = {tuple(f) for f in self._failures}
                self._failures += [tuple(f) for f in told["failures"] if tuple(f) not in known]

    async def _sample(self) -> None:
        while True:
            await asyncio.to_thread(self._growth.sample)
            await asyncio.sleep(SAMPLED_SECONDS)

    def _was_killed(self, way: str, moment: float) -> bool:
        """Return whether a way itself was killed just before a failure."""
        return any(self._diary.has(end, moment, CUT_SECONDS) for end in THROUGH.get(way, ()))

    def report(self, say: Callable[[str], None]) -> None:
        """Say what was done, what came of it, and what it left behind."""
        say("done: " + ", ".join(f"{what} {count}" for what, count in sorted(self._churn.done.items())))
        for what, count in self._churn.failed.most_common(30):
            say(f"  refused or failed {count:6}  {what}")
        total = sum(sum(c.values()) for c in self._counts.values())
        say(f"requests: {total}")
        for name, counted in sorted(self._counts.items()):
            bad = sum(count for what, count in counted.items() if not what.startswith(calls.ANSWERED))
            cut = sum(1 for moment, way, _ in self._failures if way == name and self._was_killed(way, moment))
            say(f"  {name:32} {sum(counted.values()):8}, failed {bad:5}  {dict(counted.most_common())}")
            if cut:
                say(f"    {cut} of them in the {CUT_SECONDS:.0f} s after what they came through was killed")
        shown: Counter[str] = Counter()
        for moment, name, what in sorted(self._failures):
            if self._was_killed(name, moment):
                continue
            shown[name] += 1
            if shown[name] <= SHOWN:
                say(f"    {moment:.2f} {name}: {what}; {self._diary.before(moment)}")
        for line in self._growth.lines():
            say(line)


def main() -> None:
    """Bring a cluster up, run, report, take it down."""
    minutes, bind = float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "127.0.0.216"
    home = Path(tempfile.mkdtemp(prefix="soak-"))
    with cluster("soak", bind, home, "--nodes", "2", "--image-map", str(IMAGES)) as k8s:
        k8s.kubectl("create namespace soak")
        k8s.kubectl("create namespace churn")
        k8s.kubectl("apply -f -", stdin=MANIFEST.read_text())
        k8s.kubectl("-n soak rollout status deployment/web --timeout=90s", timeout=100)
        service = json.loads(k8s.kubectl("-n soak get service web -o json"))["spec"]["clusterIP"]
        resolver = k8s.kubectl("-n kube-system get service kube-dns -o jsonpath={.spec.clusterIP}")
        node = json.loads(k8s.kubectl("get nodes -o json"))["items"][1]["status"]["addresses"][0]["address"]
        ways = [
            f"cluster IP, from a pod=http:{service}:80",
            f"node port, from a pod=http:{node}:{NODE_PORT}",
            f"DNS, from a pod=dns:{resolver}:web.soak.svc.cluster.local",
        ]
        caller = {"name": "main", "image": "soak/calls", "args": ways}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "caller", "namespace": "soak"},
            "spec": {"containers": [caller], "terminationGracePeriodSeconds": 0},
        }
        k8s.kubectl("apply -f -", stdin=yaml.safe_dump(pod))
        eventually("the pods", lambda: k8s.kubectl("-n soak wait --for=condition=Ready pod --all --timeout=60s"))
        ingress = ["curl", "-sf", "-H", "Host: web.soak", f"http://{bind}:8080/"]
        eventually("the Ingress", lambda: subprocess.run(ingress, capture_output=True).returncode == 0)
        soak = Soak(k8s, int(time.time()))
        started = time.monotonic()
        try:
            asyncio.run(soak.run(minutes * 60))
        except KeyboardInterrupt:
            print("ended early")
        print(f"ran for {(time.monotonic() - started) / 60:.1f} minutes")
        soak.report(lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
