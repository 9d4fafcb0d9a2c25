"""A fault that clients cause again and again is told once: to each of them in a line, and to the log once, short."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from wherry.apiserver.api.api import Api
from wherry.telemetry import log

PATH = "/api/v1/namespaces/default/configmaps/any"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a component would have in its log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    text = io.StringIO()
    monkeypatch.setattr(sys, "stderr", text)
    log.setup("control-plane")
    yield text
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


async def test_an_exception_is_a_status_for_each_client_and_one_short_traceback_for_the_log(
    tmp_path: Path, told: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(self: Api, *arguments: object) -> None:
        def deep(depth: int) -> None:
            if depth:
                deep(depth - 1)
            raise RuntimeError("x" * 44_000)

        deep(400)

    async with Cluster(tmp_path) as cluster:
        monkeypatch.setattr(Api, "get", fails)
        for _ in range(10):
            code, _, status = await cluster.request("GET", f"{PATH}?{'x' * 5000}")
            assert (code, status["kind"], status["reason"]) == (500, "Status", "InternalError")
            assert len(status["message"].splitlines()) == 1
            assert "RuntimeError" not in status["message"]
    lines = told.getvalue().splitlines()
    failed = [line for line in lines if "failed" in line]
    assert len(failed) == 1
    assert "traceback=" in failed[0]
    assert "test_flooded_logs.py" in failed[0]
    assert len(told.getvalue()) < 20_000
