"""Just enough of an API server for kubectl to reach a node: discovery, one pod, and a tunnel for its subresources."""

import asyncio
import json
import re
from contextlib import suppress
from pathlib import Path

import yaml

from tests.node.streaming.runtime import POD

STREAMING = re.compile(
    r"/api/v1/namespaces/(?P<ns>[^/]+)/pods/(?P<pod>[^/?]+)/(?P<sub>exec|attach|portforward|log)(?:\?(?P<query>.*))?"
)
PODS = {"name": "pods", "namespaced": True, "kind": "Pod", "verbs": ["get", "list"], "shortNames": ["po"]}
ANSWERS = {
    "/version": {"major": "1", "minor": "20", "gitVersion": "v1.20.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [PODS]},
    "/api/v1/namespaces/demo/pods/web": POD,
}


class ApiFront:
    """Listens on the loopback; passes upgraded connections to the node at `port` byte for byte."""

    def __init__(self, node_port: int):
        self._node_port = node_port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "ApiFront":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def kubeconfig(self, path: Path) -> Path:
        assert self._server
        port = self._server.sockets[0].getsockname()[1]
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x", "namespace": "demo"}}],
            "clusters": [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "x", "user": {}}],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, _, rest = head.partition("\r\n")
        method, path, version = line.split()
        if match := STREAMING.fullmatch(path):
            await self._tunnel(f"{method} {_node_path(match)} {version}\r\n{rest}".encode(), reader, writer)
            return False
        answer = ANSWERS.get(path.partition("?")[0])
        body = json.dumps(answer or {"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"})
        status = "200 OK" if answer else "404 Not Found"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n".encode())
        writer.write(f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        return True

    async def _tunnel(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        node_reader, node_writer = await asyncio.open_connection("127.0.0.1", self._node_port)
        node_writer.write(head)
        await asyncio.gather(_copy(reader, node_writer), _copy(node_reader, writer))


def _node_path(match: re.Match[str]) -> str:
    query = match["query"] or ""
    container = re.search(r"(?:^|&)container=([^&]+)", query)
    name = container[1] if container else "main"
    paths = {
        "exec": f"/exec/{match['ns']}/{match['pod']}/{name}",
        "attach": f"/attach/{match['ns']}/{match['pod']}/{name}",
        "log": f"/containerLogs/{match['ns']}/{match['pod']}/{name}",
        "portforward": f"/portForward/{match['ns']}/{match['pod']}",
    }
    return f"{paths[match['sub']]}?{query}"


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
