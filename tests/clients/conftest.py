"""One cluster for each file of clients, reached as users reach it: by its kubeconfig."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cluster, cluster

from tests.e2e.conftest import pytest_runtest_makereport  # noqa: F401 - a hook

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder meets a real cluster."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def k8s(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of one node without addons, and KUBECONFIG for the libraries that read it in this process."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    images = str(getattr(request.module, "IMAGES", HERE.parent / "e2e" / "image-map.yaml"))
    options = getattr(request.module, "OPTIONS", ("--addons", "none"))
    name = f"clients{worker}"
    with (
        cluster(name, f"127.0.0.{41 + worker}", tmp_path_factory.mktemp(name), "--image-map", images, *options) as made,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("KUBECONFIG", str(made.home / "kubeconfig"))
        yield made
