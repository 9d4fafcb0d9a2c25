"""Every case of the corpus, asked of a real nginx: one for all cases."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ingress.cases import CORPUS, Case, cases
from tests.ingress.certificates import make_certificate
from tests.ingress.echo import Server, ask, serving
from tests.ingress.world import World, needs_nginx, running
from wherry.objects.resource import EVENTS

pytestmark = needs_nginx

ALL = [case for file in sorted(CORPUS.glob("*.yaml")) for case in cases(file)]


@dataclass
class Served:
    http: int
    https: int
    warnings: dict[str, list[str]]


def secure(directory: Path) -> Server:
    """Return an endpoint that speaks TLS."""
    import ssl

    chain, key = make_certificate("secure")
    pair = directory / "secure.pem"
    pair.write_bytes(chain + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    return Server("secure", context)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    directory = Path(tempfile.mkdtemp(prefix="wherry-corpus-"))
    servers = [*(Server(name) for name in ("web", "v2", "v3", "auth", "other")), secure(directory)]
    loop = asyncio.new_event_loop()
    done = asyncio.Event()
    ready: threading.Event = threading.Event()
    found: list[Served] = []

    async def run() -> None:
        ports = {server.name: server.port for server in servers}
        objects = [obj for case in ALL for obj in case.objects(ports)]
        (directory / "nginx").mkdir()
        async with running(directory / "nginx", *objects) as world:
            found.append(Served(world.options.http_port, world.options.https_port, await warnings(world)))
            ready.set()
            await done.wait()

    def thread() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            ready.set()

    directory.chmod(0o711)
    runner = threading.Thread(target=thread)
    with serving(*servers):
        runner.start()
        ready.wait()
        try:
            assert found, "nginx did not start"
            yield found[0]
        finally:
            loop.call_soon_threadsafe(done.set)
            runner.join()
            shutil.rmtree(directory)


async def warnings(world: World) -> dict[str, list[str]]:
    """Return what was reported, by namespace."""
    told: dict[str, list[str]] = {}
    for problem in world.controller._model.problems:
        told.setdefault(problem.subject.namespace, []).append(problem.message)
    assert EVENTS
    return told


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case.namespace} {case.name}")
def test_requests_are_answered_as_the_corpus_says(case: Case, served: Served) -> None:
    wrong: list[str] = []
    cookies = ""
    for request in case.requests:
        given = request.given
        port = served.https if given.get("tls") else served.http
        headers = {k: str(v) for k, v in (given.get("headers") or {}).items()}
        body = "x" * given["body"] if isinstance(given.get("body"), int) else given.get("body", "")
        if given.get("cookies"):
            headers["Cookie"] = cookies
        answered = set()
        for number in range(given.get("times", 1)):
            target = request.target.replace("{n}", str(number))
            answer = ask(port, request.host, target, request.method, headers, body, tls=bool(given.get("tls")))
            wrong += request.wrong(answer)
            answered.add(answer.told.get("backend"))
        cookies = (answer.headers.get("Set-Cookie") or cookies).partition(";")[0]
        if given.get("one") and len(answered) != 1:
            wrong.append(f"{request.target}: answered by {answered}")
        if "backends" in given and answered != set(given["backends"]):
            wrong.append(f"{request.target}: wanted {given['backends']}, answered by {answered}")
    told, wanted = served.warnings.get(case.namespace, []), case.given.get("warns") or []
    wrong += [f"not reported: {text}" for text in wanted if not any(text in message for message in told)]
    wrong += [f"reported: {message}" for message in told if not any(text in message for text in wanted)]
    assert not wrong, "\n".join(wrong)
