"""An API server on a free loopback port, with certificates of its own, and the means to talk to it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from tests.client.certificates import Authority
from wherry.apiserver.server import ApiServer, ApiServerConfig
from wherry.client.http import HttpClient
from wherry.client.interface import Client
from wherry.client.kubeconfig import Config
from wherry.objects.resource import SERVICE_ACCOUNTS, Resource

KUBECTL = {
    "1.37": Path(sys.executable).with_name("kubectl"),
    "1.20": Path(__file__).resolve().parents[2] / ".cache/kubectl-1.20/usr/bin/kubectl",
}
"""The real kubectls; a test whose kubectl is not installed is skipped."""


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = 10) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await holds():
        assert asyncio.get_running_loop().time() < deadline, "the condition never came true"
        await asyncio.sleep(0.02)


class Cluster:
    """An `ApiServer` whose files are in `directory`."""

    def __init__(self, directory: Path, **changes: Any):
        self.directory = directory
        self.authority = Authority()
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.sock.getsockname()[1]}"
        self.issue("server", "kube-apiserver")
        self.issue("kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
        self.issue("admin", "kubernetes-admin", "system:masters")
        self.issue("sa", "not used as a certificate")
        self.config = replace(
            ApiServerConfig(
                sockets=[self.sock],
                storage=None,
                service_cidrs=(IPv4Network("10.96.0.0/12"),),
                advertise_address="192.168.51.209",
                advertise_port=6443,
                tls_certificate=directory / "server.crt",
                tls_key=directory / "server.key",
                client_ca=directory / "ca.crt",
                service_account_key=directory / "sa.key",
                kubelet_client_certificate=directory / "kubelet-client.crt",
                kubelet_client_key=directory / "kubelet-client.key",
                kubelet_ca=directory / "ca.crt",
            ),
            **changes,
        )
        self.server = ApiServer(self.config)
        self.client = self.server.client()

    def issue(self, file: str, name: str, organization: str = "") -> None:
        self.authority.write(self.directory, file, name, organization)

    async def __aenter__(self) -> Cluster:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()
        self.sock.close()

    def config_of(self, name: str, *organizations: str) -> Config:
        """Return what a client with a certificate for `name` needs."""
        self.issue(name.replace(":", "-"), name, *organizations)
        files = {end: (self.directory / f"{name.replace(':', '-')}.{end}").read_bytes() for end in ("crt", "key")}
        return Config(
            server=self.url,
            ca=self.authority.pem,
            client_certificate=files["crt"],
            client_key=files["key"],
        )

    def http(self, name: str = "admin", organization: str = "system:masters") -> HttpClient:
        return HttpClient(self.config_of(name, organization))

    async def request(
        self, method: str, path: str, body: Any = None, *, user: str = "admin", **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Return (status, headers, body) of a raw request by curl; user "" sends no certificate."""
        command = ["curl", "-sS", "-X", method, "--cacert", str(self.directory / "ca.crt"), "-i"]
        if user:
            for option, end in (("--cert", "crt"), ("--key", "key")):
                command += [option, str(self.directory / f"{user}.{end}")]
        for key, value in headers.items():
            command += ["-H", f"{key.replace('_', '-')}: {value}"]
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            command += ["--data-binary", "@-"]
            if "Content_Type" not in headers:
                command += ["-H", "Content-Type: application/json"]
        process = await asyncio.create_subprocess_exec(
            *command, self.url + path, stdin=asyncio.subprocess.PIPE, stdout=-1, stderr=-1
        )
        out, err = await process.communicate(data)
        assert out, err.decode()
        head = b""
        while out.startswith(b"HTTP/"):  # 100 Continue comes first, if it comes
            head, _, out = out.partition(b"\r\n\r\n")
        first, *lines = head.decode().splitlines()
        status = int(first.split()[1])
        got = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        return status, got, json.loads(out) if out and "json" in got.get("content-type", "") else out.decode()

    def kubeconfig(self, user: str = "admin") -> Path:
        """Return a kubeconfig file for the certificate `user`."""
        path = self.directory / f"{user}.kubeconfig"
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "test",
                    "clusters": [
                        {
                            "name": "test",
                            "cluster": {"server": self.url, "certificate-authority": str(self.directory / "ca.crt")},
                        }
                    ],
                    "users": [
                        {
                            "name": "test",
                            "user": {
                                "client-certificate": str(self.directory / f"{user}.crt"),
                                "client-key": str(self.directory / f"{user}.key"),
                            },
                        }
                    ],
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                }
            )
        )
        return path

    async def watched(self, resource: Resource, times: int = 1) -> None:
        """Return once so many watches of a resource are open."""
        kind = self.server.catalog.kind(resource.group, resource.plural)
        assert kind is not None
        async with asyncio.timeout(10):
            while len(self.server.api.registry.state.collection(kind).watches) < times:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def start_kubectl(self, *args: str, version: str = "1.37", user: str = "admin") -> asyncio.subprocess.Process:
        """Start a real kubectl, with pipes for all it reads and says."""
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig(user)),
            "HOME": str(self.directory / f"home-{version}"),
        }
        return await asyncio.create_subprocess_exec(
            str(KUBECTL[version].absolute()), *args, stdin=-1, stdout=-1, stderr=-1, env=environment
        )

    async def kubectl(
        self, *args: str, version: str = "1.37", input: str = "", user: str = "admin", timeout: float = 30
    ) -> tuple[int, str, str]:
        """Return (exit code, stdout, stderr) of a real kubectl."""
        process = await self.start_kubectl(*args, version=version, user=user)
        try:
            async with asyncio.timeout(timeout):
                out, err = await process.communicate(input.encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


async def give_default_accounts(client: Client, *namespaces: str) -> None:
    """Do what a controller does in a whole cluster: make the service account every pod needs."""
    for namespace in namespaces:
        await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, namespace)
