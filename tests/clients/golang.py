"""Programs written in Go, built from published modules, each once: into .cache/clients of this checkout.

Clients, and what ours are tried against: kube-apiserver and its etcd.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "clients"
PUBLISHED = {"helm3": "helm.sh/helm/v3/cmd/helm@v3.22.0", "helm4": "helm.sh/helm/v4/cmd/helm@v4.3.1"}
OURS = {
    "kubectl-1.30": HERE / "go" / "kubectl",
    "programs": HERE / "go" / "programs",
    "kube-apiserver": HERE / "go" / "kube-apiserver",
    "etcd": HERE / "go" / "etcd",
    "apiload": HERE / "go" / "apiload",
}
BUILD_SECONDS = 1800
FLAGS = ["-p", "1", "-ldflags=-w"]  # one compiler at a time: helm and client-go take a gigabyte each


class NoGoError(Exception):
    """There is no Go here."""


def built(name: str) -> Path:
    """Return the program of this name as `build` does.

    Skips the test where there is no Go: minutes of building are for `scripts/clients`, which says so.
    """
    try:
        return build(name)
    except NoGoError as error:
        pytest.skip(str(error))


def build(name: str) -> Path:
    """Return the program of this name, which is built where it is not there yet or its source is newer."""
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if go is None:
        raise NoGoError(f"no Go here to build {name} with")
    program = CACHE / name
    source = OURS.get(name)
    newest = max((file.stat().st_mtime for file in source.iterdir()), default=0.0) if source else 0.0
    if not program.exists() or program.stat().st_mtime < newest:
        CACHE.mkdir(parents=True, exist_ok=True)
        if source is not None:
            _run([go, "build", *FLAGS, "-o", str(program), "."], source, {})
        else:
            bin_ = CACHE / f"bin-{name}"
            _run([go, "install", *FLAGS, PUBLISHED[name]], CACHE, {"GOBIN": str(bin_)})
            os.replace(bin_ / "helm", program)
    return program


def _run(words: list[str], folder: Path, more: dict[str, str]) -> None:
    environment = {**os.environ, "CGO_ENABLED": "0", **more}
    polite = ["nice", "-n", "15", *words]
    done = subprocess.run(polite, cwd=folder, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}\n{done.stderr}")
