"""A server whose store has a damaged object says so where it is asked for, and serves the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from wherry.objects import Object
from wherry.objects.errors import NotFound
from wherry.objects.resource import CONFIG_MAPS


def config_map(name: str) -> Object:
    return {"metadata": {"name": name, "namespace": "default"}, "data": {"of": f"the-value-of-{name}"}}


async def test_a_damaged_object_is_not_found_but_not_gone_and_can_be_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    cluster = Cluster(tmp_path, storage=file)
    async with cluster:
        for name in ("broken", "whole"):
            await cluster.client.create(CONFIG_MAPS, config_map(name))
    file.write_bytes(file.read_bytes().replace(b"the-value-of-broken", b"the-value-0f-broken"))
    cluster = Cluster(tmp_path, storage=file)
    async with cluster:
        with pytest.raises(NotFound, match=r"kept in .*/damaged/core/configmaps/default/broken; make") as caught:
            await cluster.client.get(CONFIG_MAPS, "broken", "default")
        assert not caught.value.gone
        with pytest.raises(NotFound) as caught:
            await cluster.client.patch(CONFIG_MAPS, "broken", {"data": {"a": "b"}}, "default")
        assert not caught.value.gone
        with pytest.raises(NotFound) as caught:
            await cluster.client.get(CONFIG_MAPS, "never", "default")
        assert caught.value.gone
        found = await cluster.client.list(CONFIG_MAPS, "default")
        assert [o["metadata"]["name"] for o in found.items] == ["whole"]
        await cluster.client.create(CONFIG_MAPS, config_map("broken"))
        await cluster.client.delete(CONFIG_MAPS, "broken", "default")
        with pytest.raises(NotFound) as caught:
            await cluster.client.get(CONFIG_MAPS, "broken", "default")
        assert caught.value.gone
