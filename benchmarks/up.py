"""From `wherry up` to the first 200 through the ingress, and the memory of all processes.

Each run starts from an empty data directory: certificates, an empty database, every pod from nothing. The application
is a Deployment of one Python web server with a Service and an Ingress, created as soon as the API takes it.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.figures import line
from wherry.client.http import connect
from wherry.cluster import memory
from wherry.cluster.datadir import locate
from wherry.cluster.sandbox import running
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.resource import DEPLOYMENTS, INGRESSES, SERVICES

BIND, HOST, NAME = "127.0.0.77", "bench.example", "bench"
LIMIT_SECONDS, LIMIT_MB = 3.0, 150.0
PATIENCE_SECONDS = 60.0
LABELS = {"app": "web"}


def application() -> list[tuple[object, Object]]:
    """Return the application's objects."""
    metadata = {"name": "web", "namespace": "default"}
    container = {
        "name": "web",
        "image": "host/python",
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
    }
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    deployment = {"selector": {"matchLabels": LABELS}, "template": template}
    return [
        (DEPLOYMENTS, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment}),
        (
            SERVICES,
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metadata,
                "spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": 8000}]},
            },
        ),
        (
            INGRESSES,
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "Ingress",
                "metadata": metadata,
                "spec": {"rules": [{"host": HOST, "http": {"paths": paths}}]},
            },
        ),
    ]


async def create(kubeconfig: Path) -> None:
    """Create the application, as soon as the API is there and lets us."""
    for _ in range(int(PATIENCE_SECONDS * 100)):
        if kubeconfig.exists():
            break
        await asyncio.sleep(0.01)
    client = connect(str(kubeconfig))
    try:
        for resource, obj in application():
            while True:
                try:
                    await client.create(resource, obj, "default")  # type: ignore[arg-type]
                    break
                except ApiError:
                    await asyncio.sleep(0.02)
    finally:
        await client.close()


def answers() -> bool:
    """Tell whether the ingress answers 200 for our host."""
    connection = http.client.HTTPConnection(BIND, 8080, timeout=1)
    try:
        connection.request("GET", "/", headers={"Host": HOST})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wherry(*args: str, home: str) -> subprocess.Popen[bytes]:
    """Start the command, its state in `home`."""
    environment = {**os.environ, "XDG_DATA_HOME": home, "KUBECONFIG": f"{home}/kubeconfig", "HOME": home}
    command = [sys.executable, "-m", "wherry", *args]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def measure(nodes: int, settle: float) -> tuple[float, float, float, list[memory.Process]]:
    """Run once: seconds until `up` returned, until the first 200, the memory in MB afterwards, and whose it is."""
    with tempfile.TemporaryDirectory() as home:
        image_map = Path(home, "map.yaml")
        image_map.write_text('images:\n- match: "host/*"\n  command: ["{python}", -S, -m, http.server, "8000"]\n')
        os.environ["XDG_DATA_HOME"] = home
        start = time.monotonic()
        options = ["--bind", BIND, "--nodes", str(nodes), "--image-map", str(image_map)]
        up = wherry("up", "--name", NAME, *options, home=home)
        try:
            asyncio.run(asyncio.wait_for(create(Path(home, "wherry", NAME, "kubeconfig")), PATIENCE_SECONDS))
            while not answers():
                if time.monotonic() - start > PATIENCE_SECONDS:
                    raise SystemExit("no answer within a minute: see `wherry logs`")
                time.sleep(0.01)
            first = time.monotonic() - start
            if up.wait(PATIENCE_SECONDS):
                raise SystemExit("wherry up failed")
            ready = time.monotonic() - start
            time.sleep(settle)
            init = running(locate(NAME, None))
            found = memory.processes(init) if init else []
            return ready, first, sum(p.pss for p in found) / 1e6, found
        finally:
            wherry("down", "--name", NAME, "--purge", home=home).wait(60)


def main() -> None:
    """Measure a few times and print."""
    options = argparse.ArgumentParser(prog="scripts/bench up", description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--nodes", type=int, default=1)
    options.add_argument("--settle", type=float, default=2.0, help="seconds before memory is measured")
    given = options.parse_args()
    results = [measure(given.nodes, given.settle) for _ in range(given.runs)]
    print(f"{given.nodes} node(s), addons dns and ingress, {os.cpu_count()} cores")
    print(line("wherry up returned", [r[0] for r in results], "s"))
    print(line("first 200 through the ingress", [r[1] for r in results], "s", limit=LIMIT_SECONDS))
    print(line("memory of all processes (PSS)", [r[2] for r in results], "MB", limit=LIMIT_MB))
    by_command: Counter[str] = Counter()
    for process in results[-1][3]:
        by_command[" ".join(process.command.split()[:4])[:70] or "?"] += process.pss
    for command, pss in by_command.most_common(12):
        print(f"  {pss / 1e6:6.1f} MB  {command}")


if __name__ == "__main__":
    main()
