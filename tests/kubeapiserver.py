"""Kubernetes' own API server and the etcd it is made for: processes on loopback, where their starter's thread is."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.apiserver.storage.etcd.member import Etcd
from tests.client.certificates import Authority
from tests.freeports import free_port
from wherry.client.kubeconfig import Config

START_SECONDS = 120
CERTIFICATES = {
    "server": ("kube-apiserver", ""),
    "admin": ("kubernetes-admin", "system:masters"),
    "sa": ("the signer of tokens", ""),
}


class KubeApiServer:
    """One server, whose files are in `directory`; `start` and `kill` as often as wanted."""

    def __init__(self, directory: Path, program: Path, etcd: str, *flags: str):
        self.directory = directory
        self.authority = Authority()
        for stem, (name, organization) in CERTIFICATES.items():
            self.authority.write(directory, stem, name, organization)
        port = free_port()  # also between its lives
        self.url = f"https://127.0.0.1:{port}"
        self._command = [
            str(program),
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={directory / 'server.crt'}",
            f"--tls-private-key-file={directory / 'server.key'}",
            f"--client-ca-file={directory / 'ca.crt'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={directory / 'sa.key'}",
            f"--service-account-key-file={directory / 'sa.crt'}",
            "--authorization-mode=Node,RBAC",
            "--service-cluster-ip-range=10.96.0.0/12",
            *flags,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.directory / "kube-apiserver.log").read_text()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with (self.directory / "kube-apiserver.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while not self._ready():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            return self.get("/readyz") == "ok"
        except OSError:
            return False

    def get(self, path: str) -> str:
        """Return what an administrator is answered at a path; raises OSError."""
        context = ssl.create_default_context(cafile=str(self.directory / "ca.crt"))
        context.load_cert_chain(self.directory / "admin.crt", self.directory / "admin.key")
        with urllib.request.urlopen(self.url + path, context=context, timeout=10) as answer:
            return str(answer.read().decode())

    def kill(self) -> None:
        """Kill it, as a machine that fails does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def config(self) -> Config:
        """Return what an administrator's client needs."""
        certificate, key = ((self.directory / f"admin.{end}").read_bytes() for end in ("crt", "key"))
        return Config(server=self.url, ca=self.authority.pem, client_certificate=certificate, client_key=key)

    def kubeconfig(self) -> Path:
        """Return an administrator's kubeconfig file."""
        place = self.directory
        cluster = {"server": self.url, "certificate-authority": str(place / "ca.crt")}
        user = {"client-certificate": str(place / "admin.crt"), "client-key": str(place / "admin.key")}
        path = place / "admin.conf"
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "real",
                    "clusters": [{"name": "real", "cluster": cluster}],
                    "users": [{"name": "admin", "user": user}],
                    "contexts": [{"name": "real", "context": {"cluster": "real", "user": "admin"}}],
                }
            )
        )
        return path


@contextmanager
def kubernetes(directory: Path, apiserver: Path, etcd: Path, *flags: str) -> Iterator[tuple[KubeApiServer, Etcd]]:
    """A running server and its etcd, gone afterwards; the programs are those of `tests.clients.golang`."""
    store = Etcd(directory / "etcd", str(etcd))
    store.start()
    try:
        server = KubeApiServer(directory, apiserver, store.url, *flags)
        try:
            server.start()
            yield server, store
        finally:
            server.kill()
    finally:
        store.kill()
