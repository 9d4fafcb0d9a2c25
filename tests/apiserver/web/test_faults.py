"""A fault of the server's own, in one request."""

from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from wherry.objects.errors import InternalError
from wherry.objects.resource import NAMESPACES


async def test_an_unexpected_error_is_a_status_and_the_next_request_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with Cluster(tmp_path) as cluster:
        client = cluster.http()
        with monkeypatch.context() as patched:
            patched.setattr(cluster.server.api, "get", lambda *_, **__: 1 / 0)
            with pytest.raises(InternalError, match="its log says why"):
                await client.get(NAMESPACES, "default")
        assert "ZeroDivisionError" in caplog.text
        assert (await client.get(NAMESPACES, "default"))["metadata"]["name"] == "default"
        await client.close()
