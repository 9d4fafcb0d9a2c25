"""The image for other clusters: built of the Containerfile by buildah, and run as the chart runs it.

No registry is asked: the base is made on the spot of Debian's packages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import TOP, Cluster

from tests.clients.golang import built

pytestmark = [
    pytest.mark.go,
    pytest.mark.skipif(shutil.which("buildah") is None, reason="buildah is not installed: scripts/install test"),
    pytest.mark.skipif(
        shutil.which("debootstrap") is None, reason="debootstrap is not installed, which makes the base image"
    ),
]
BASE, IMAGE = "localhost/debian:12", "localhost/wherry:test"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
SECONDS = 900

Buildah = Callable[..., str]


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    """Buildah with a store of its own."""
    store = tmp_path_factory.mktemp("buildah")

    def run(*words: str) -> str:
        line = ["buildah", f"--root={store}/kept", f"--runroot={store}/run", "--storage-driver=vfs", *words]
        return done(["unshare", "--mount", "--", *line])

    yield run
    shutil.rmtree(store, ignore_errors=True)


def done(line: list[str]) -> str:
    ended = subprocess.run(line, cwd=TOP, capture_output=True, text=True, timeout=SECONDS)
    assert ended.returncode == 0, f"{line}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


@pytest.fixture(scope="module")
def archive(buildah: Buildah, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image, as `docker save` would write it."""
    place = tmp_path_factory.mktemp("image")
    done(["debootstrap", "--variant=minbase", "bookworm", str(place / "root")])
    container = buildah("from", "scratch").strip()
    buildah("add", "-q", container, str(place / "root"), "/")
    buildah("commit", "-q", container, BASE)
    # pip is to find what this machine's own would: further wheels, and whom to trust.
    links = os.environ.get("PIP_FIND_LINKS", "")
    (place / "pip.conf").write_text(f"[global]\ncert = /run/trusted.pem\nfind-links = {links}\n")
    mounts = [f"--volume={CERTIFICATES}:/run/trusted.pem:ro", f"--volume={place}/pip.conf:/etc/pip.conf:ro"]
    mounts += [f"--volume={links}:{links}:ro"] if links.startswith("/") else []
    buildah("build", "--isolation=chroot", "--network=host", *mounts, f"--build-arg=BASE={BASE}", f"--tag={IMAGE}", ".")
    buildah("push", "-q", IMAGE, f"docker-archive:{place}/image.tar:{IMAGE}")
    shutil.rmtree(place / "root")
    return place / "image.tar"


def test_the_image_runs_all_three_as_the_chart_asks(k8s: Cluster, archive: Path) -> None:
    """Its nginx finds its modules, its proxy nft, with no more capabilities than the chart gives."""
    k8s.wherry("image", "load", "--name", k8s.name, str(archive), timeout=SECONDS)
    k8s.kubectl("-n kube-system delete daemonset kube-proxy --wait")
    sets = f"image.image={IMAGE.partition(':')[0]},image.tag=test,image.pullPolicy=Never"
    sets += ",proxy.enabled=true,proxy.apiServer=https://192.168.51.209:6443,dns.enabled=true,dns.clusterIP=10.96.0.10"
    words = ["install", "web", str(TOP / "charts" / "wherry"), "--set", sets, "--wait", "--timeout=120s"]
    k8s.run(built("helm3"), *words, timeout=200)
    address = k8s.kubectl("get service web-wherry-controller -o jsonpath={.spec.clusterIP}")
    assert "404" in k8s.on("k8s-master", "curl", "-si", "-m", "5", f"http://{address}/")
    assert "404" in k8s.on("k8s-master", "curl", "-ksi", "-m", "5", f"https://{address}/")
