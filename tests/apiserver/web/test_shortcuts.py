from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.harness import KUBECTL, Cluster


@pytest.mark.parametrize(
    ("group_version", "short_names"),
    [("networking.k8s.io/v1", ["ing"]), ("networking.k8s.io/v1beta1", ["ing"]), ("extensions/v1beta1", None)],
)
async def test_ing_stands_for_the_ingresses_of_one_group_only(
    cluster: Cluster, group_version: str, short_names: list[str] | None
) -> None:
    _, _, page = await cluster.request("GET", f"/apis/{group_version}")
    ingress: dict[str, Any] = next(r for r in page["resources"] if r["name"] == "ingresses")
    assert ingress.get("shortNames") == short_names


@pytest.mark.parametrize("version", KUBECTL)
async def test_kubectl_takes_ing_without_a_word_about_its_other_group(cluster: Cluster, version: str) -> None:
    if not KUBECTL[version].exists():
        pytest.skip(f"this system has no kubectl {version}: scripts/install could not fetch it")
    code, _, warnings = await cluster.kubectl("get", "ing", version=version)
    assert (code, warnings.strip()) == (0, "No resources found in default namespace.")
