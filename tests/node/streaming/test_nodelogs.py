"""The node's own logs over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from wherry.node.streaming.nodelogs import LineOptions, NodeLogs, select
from wherry.node.streaming.server import StreamingServer
from wherry.objects.errors import BadRequest

NOTHING_RUNS: Any = None
LINES = [
    "2026-01-01T00:00:01.000Z INFO    one\n",
    "2026-01-01T00:00:02.000Z ERROR   two\n",
    "Traceback: of two\n",
    "2026-01-01T00:00:03.000Z INFO    three\n",
]


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    (tmp_path / "node.log").write_text("".join(LINES))
    (tmp_path / "secret").write_text("no")
    inside = tmp_path / "logs" / "demo_web_1" / "main"
    inside.mkdir(parents=True)
    (inside / "0.log").write_text("a line of a pod's\n")
    (inside / "out").symlink_to(tmp_path / "secret")
    logs = NodeLogs({"kubelet.log": tmp_path / "node.log", "pods": tmp_path / "logs", "late.log": tmp_path / "none"})
    server = StreamingServer(NOTHING_RUNS, "127.0.0.1", 0, pages=logs.routes())
    await server.start()
    yield f"http://127.0.0.1:{server.port}"
    await server.stop()


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize("path", ["/logs/", "/logs"])
async def test_the_logs_there_are_are_listed(url: str, path: str):
    status, text = await get(url + path)
    assert status == 200
    assert '<a href="kubelet.log">kubelet.log</a>' in text
    assert '<a href="pods/">pods/</a>' in text


async def test_folders_and_files_below_are_served(url: str):
    assert '<a href="main/">main/</a>' in (await get(f"{url}/logs/pods/demo_web_1/"))[1]
    assert await get(f"{url}/logs/pods/demo_web_1/main/0.log") == (200, "a line of a pod's\n")
    assert await get(f"{url}/logs/kubelet.log") == (200, "".join(LINES))


@pytest.mark.parametrize(
    "path",
    ["other.log", "late.log", "pods/none", "pods/..%2fsecret", "pods/demo_web_1/main/out", "kubelet.log/..%2fsecret"],
)
async def test_what_is_not_there_or_leads_out_is_not_found_and_what_there_is_is_named(url: str, path: str):
    status, text = await get(f"{url}/logs/{path}")
    assert status == 404
    assert "kubelet.log" in text


@pytest.mark.parametrize("query", ["query=kubelet", "query=/kubelet.log"])
async def test_a_log_is_asked_for_by_its_component_or_its_path(url: str, query: str):
    assert await get(f"{url}/logs/?{query}&tailLines=1") == (200, LINES[-1])


@pytest.mark.parametrize("query", ["boot=0", "tailLines=-1", "pattern=(", "sinceTime=yesterday"])
async def test_what_a_query_cannot_do_is_refused_by_name(url: str, query: str):
    status, text = await get(f"{url}/logs/?query=kubelet&{query}")
    assert status == 400
    assert query.split("=")[0] in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, LINES),
        ({"tailLines": "2"}, LINES[2:]),
        ({"tailLines": "0"}, []),
        ({"pattern": "INFO|two"}, LINES),
        ({"pattern": "ERROR"}, LINES[1:2]),
        ({"sinceTime": "2026-01-01T00:00:02Z"}, LINES[1:]),
        ({"untilTime": "2026-01-01T00:00:02Z"}, LINES[:3]),
        ({"sinceTime": "2026-01-01T00:00:02Z", "untilTime": "2026-01-01T00:00:02Z", "tailLines": "1"}, LINES[2:3]),
    ],
)
def test_lines_are_selected_by_time_pattern_and_number(query: dict[str, str], expected: list[str]):
    assert select(LINES, LineOptions.of(query)) == expected


def test_an_unknown_option_names_the_known_ones():
    with pytest.raises(BadRequest, match=r"boot is not supported .*tailLines"):
        LineOptions.of({"boot": "0"})
