"""Real requests through a real nginx."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingress.objects import endpoint_slice, ingress, path, rule, service
from tests.ingress.world import Backend, needs_nginx, running

pytestmark = needs_nginx


async def test_a_host_rule_reaches_its_service(tmp_path: Path) -> None:
    async with Backend("one") as one:
        objects = [
            ingress("web", rule("a.test", path())),
            service(),
            endpoint_slice("web", ("127.0.0.1", one.port)),
        ]
        async with running(tmp_path, *objects) as world:
            status, _, body = await world.ask("a.test", "/blog/index/?x=1")
            assert (status, body["backend"], body["path"]) == (200, "one", "/blog/index/?x=1")
            assert (await world.ask("other.test"))[0] == 404
