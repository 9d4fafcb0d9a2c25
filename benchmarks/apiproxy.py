"""What the API's proxy costs: the same requests to a node's HTTPS port directly, and through the API server.

Server and backend run in processes of their own on loopback, as they do in a cluster; curl asks.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import ssl
import statistics
import subprocess
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from aiohttp import web

from benchmarks.figures import line
from tests.apiserver.harness import Cluster
from tests.apiserver.samples import node
from wherry.objects.resource import NODES

CHUNK = b"x" * (1 << 18)
BIG = 1 << 29
SMALL_REQUESTS = 500


def serve_backend(folder: Path, told: Connection) -> None:
    """Answer `/big` with half a gigabyte and `/small` with a word, over TLS; tell the port."""

    async def big(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(BIG)})
        await response.prepare(request)
        for _ in range(BIG // len(CHUNK)):
            await response.write(CHUNK)
        return response

    async def small(request: web.Request) -> web.Response:
        return web.Response(text="small")

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/big", big)
        app.router.add_get("/small", small)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        told.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    uvloop.run(run())


def serve_api(folder: Path, told: Connection) -> None:
    """Run an API server whose only node is the backend; tell its URL once, and the backend's port before."""

    async def run() -> None:
        async with Cluster(folder) as cluster:
            told.send(cluster.url)
            port = await asyncio.to_thread(told.recv)
            await cluster.client.create(NODES, node("n", port=port))
            told.send("ready")
            await asyncio.Event().wait()

    uvloop.run(run())


def started(serve: Callable[[Path, Connection], None], folder: Path) -> tuple[multiprocessing.Process, Connection]:
    """Start a process and return it with our end of its line."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(folder, theirs), daemon=True)
    process.start()
    return process, ours


def curl(folder: Path, url: str, times: int, figure: str) -> list[float]:
    """Return a figure of curl's for each of so many requests over one connection."""
    certificate = ["--cacert", folder / "ca.crt", "--cert", folder / "admin.crt", "--key", folder / "admin.key"]
    urls = [word for _ in range(times) for word in ("-o", "/dev/null", url)]
    command = ["curl", "-sSf", *certificate, "-w", f"%{{{figure}}}\\n", *urls]
    return [float(text) for text in subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()]


def main() -> None:
    """Measure both ways in turn and print."""
    options = argparse.ArgumentParser(prog="scripts/bench apiproxy", description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    runs = options.parse_args().runs
    with TemporaryDirectory() as name:
        folder = Path(name)
        api, to_api = started(serve_api, folder)
        url = to_api.recv()
        backend, to_backend = started(serve_backend, folder)
        port = to_backend.recv()
        to_api.send(port)
        to_api.recv()
        try:
            ways = {"directly": f"https://127.0.0.1:{port}", "through the API": f"{url}/api/v1/nodes/n/proxy"}
            for path, times, figure, scale, unit in (
                ("/big", 1, "speed_download", 1e-6, "MB/s"),
                ("/small", SMALL_REQUESTS, "time_total", 1e3, "ms"),
            ):
                got: dict[str, list[float]] = {way: [] for way in ways}
                for _ in range(runs):
                    for way, base in ways.items():
                        got[way].append(statistics.median(curl(folder, base + path, times, figure)) * scale)
                direct, proxied = got.values()
                print(line(f"{path} directly", direct, unit))
                print(line(f"{path} through the API", proxied, unit, limit=statistics.median(direct), peer="direct"))
        finally:
            for process in (api, backend):
                process.terminate()
                process.join()


if __name__ == "__main__":
    main()
