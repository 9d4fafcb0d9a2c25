"""Every case of the corpus, asked of a real nginx: one for all cases with the same settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.ingress.cases import CONTROLLER, Case, Group, groups
from tests.ingress.certificates import make_certificate
from tests.ingress.echo import Server, ask
from tests.ingress.held import held, misreported, warnings
from tests.ingress.world import World, needs_nginx
from wherry.objects import Object

pytestmark = needs_nginx

GROUPS = groups()
CASES = [(group.name, case) for group in GROUPS for case in group.cases]


@dataclass
class Served:
    group: Group
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
def serve() -> Iterator[Callable[[str], Served]]:
    """Serve a group when it is first asked for, until the last test."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(served(next(g for g in GROUPS if g.name == name))))


@contextmanager
def served(group: Group) -> Iterator[Served]:
    def make(directory: Path) -> list[Server]:
        return [*(Server(name) for name in ("web", "v2", "v3", "auth", "other")), secure(directory)]

    async def look(world: World) -> Served:
        return Served(group, world.options.http_port, world.options.https_port, warnings(world))

    def objects(ports: Mapping[str, int]) -> list[Object]:
        return list(group.objects(ports))

    with held(make, objects, look, config_map=(CONTROLLER, "settings"), passthrough=True) as found:
        yield found


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_only_what_the_settings_say_is_reported_of_them(group: Group, serve: Callable[[str], Served]) -> None:
    served = serve(group.name)
    told = served.warnings.get(CONTROLLER, [])
    wanted = served.group.settings.get("warns") or []
    assert [text for text in wanted if not any(text in message for message in told)] == []
    assert [message for message in told if not any(text in message for text in wanted)] == []


@pytest.mark.parametrize(("group", "case"), CASES, ids=[f"{case.namespace} {case.name}" for _, case in CASES])
def test_requests_are_answered_as_the_corpus_says(group: str, case: Case, serve: Callable[[str], Served]) -> None:
    served = serve(group)
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
            tls, proxy = bool(given.get("tls")), given.get("proxy", "")
            answer = ask(port, request.host, target, request.method, headers, body, tls=tls, proxy=proxy)
            wrong += request.wrong(answer)
            answered.add(answer.told.get("backend"))
        cookies = (answer.headers.get("Set-Cookie") or cookies).partition(";")[0]
        if given.get("one") and len(answered) != 1:
            wrong.append(f"{request.target}: answered by {answered}")
        if "backends" in given and answered != set(given["backends"]):
            wrong.append(f"{request.target}: wanted {given['backends']}, answered by {answered}")
    wrong += misreported(served.warnings.get(case.namespace, []), case.given.get("warns") or [])
    assert not wrong, "\n".join(wrong)
