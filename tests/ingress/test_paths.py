"""Which rule takes which path, asked of a real nginx and of a matcher written from the specification."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.ingress.objects import endpoint_slice, ingress, path, rule, service
from tests.ingress.world import Backend, World, needs_nginx, running
from wherry.objects import Object

pytestmark = needs_nginx

SEGMENTS = ("foo", "foobar", "bar")
PATHS = ["/", *(f"/{a}{end}" for a in SEGMENTS for end in ("", "/"))]
PATHS += [f"/{a}/{b}{end}" for a in SEGMENTS for b in SEGMENTS for end in ("", "/")]
PATTERNS = [*PATHS[:9], "/foo(/|$)(.*)", "/[a-f]oo", "/(foo|bar)/.*"]
TYPES = ("Exact", "Prefix", "ImplementationSpecific")
MOST_RULES = 4
QUERIES = ("", "?q=1&r=/foo/")


@dataclass(frozen=True)
class Host:
    """The rules of one host, oldest first. `rewrite` replaces the path on a host of patterns."""

    rules: tuple[tuple[str, str], ...]
    regex: bool = False
    rewrite: str = ""


@dataclass(frozen=True)
class Answer:
    """Which rule answered (by its index; None: 404), and what path it was given; or where it was redirected."""

    rule: int | None = None
    path: str = ""
    redirect: str = ""


def elements(text: str) -> list[str]:
    return text.strip("/").split("/") if text.strip("/") else []


def allowed(host: Host, asked: str) -> set[Answer]:
    """Return the answers the specification allows (networking/v1 types.go, HTTPIngressPath and PathType).

    Exact goes before everything; else the longest path wins. Between a Prefix and an ImplementationSpecific path of one
    length it leaves the choice. What ImplementationSpecific means is ours to say: a plain string prefix that ends in a
    slash also redirects to it, where no other of this type names the path asked for; and on hosts with regular
    expressions every path is one, the longest first.
    """
    if host.regex or host.rewrite:
        return {by_pattern(host, asked)}
    for index, (at, kind) in enumerate(host.rules):
        if kind == "Exact" and at == asked:
            return {Answer(index, asked)}
    found: dict[tuple[int, str], Answer] = {}
    for index, (at, kind) in enumerate(host.rules):
        length = len(at.rstrip("/"))
        if kind == "Prefix" and elements(asked)[: len(elements(at))] == elements(at):
            found.setdefault((length, kind), Answer(index, asked))
        if kind == "ImplementationSpecific" and asked.startswith(at):
            found.setdefault((len(at), kind), Answer(index, asked))
        if kind == "ImplementationSpecific" and asked + "/" == at and (asked, kind) not in host.rules:
            found.setdefault((length, kind), Answer(redirect=at))
    longest = max((length for length, _ in found), default=0)
    return {answer for (n, _), answer in found.items() if n == longest} or {Answer()}


def by_pattern(host: Host, asked: str) -> Answer:
    for at in sorted({at for at, _ in host.rules}, key=lambda p: (-len(p), p)):
        match = re.match(at, asked, re.IGNORECASE)
        if match:
            index = next(i for i, (p, _) in enumerate(host.rules) if p == at)
            return Answer(index, rewritten(host.rewrite, match) or asked)
    return Answer()


def rewritten(target: str, match: re.Match[str]) -> str:
    return re.sub(r"\$(\d)", lambda n: match[int(n[1])] if int(n[1]) <= match.re.groups else "", target)


hosts = st.one_of(
    st.builds(
        Host,
        st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from(TYPES)), min_size=1, max_size=MOST_RULES).map(tuple),
    ),
    st.builds(
        Host,
        st.lists(st.tuples(st.sampled_from(PATTERNS), st.sampled_from(TYPES)), min_size=1, max_size=3).map(tuple),
        regex=st.just(True),
        rewrite=st.sampled_from(["", "/new", "/$2", "/x/$1"]),
    ),
)
EVERY_SINGLE = tuple(Host(((at, kind),)) for at in PATHS[:9] for kind in TYPES)


def objects_of(found: Sequence[Host]) -> list[Object]:
    made: list[Object] = []
    for number, host in enumerate(found):
        marks = {"use-regex": str(host.regex).lower()} | ({"rewrite-target": host.rewrite} if host.rewrite else {})
        for index, (at, kind) in enumerate(host.rules):
            rules = rule(f"h{number}.test", path(at, f"s{index}", path_type=kind))
            created = f"2026-01-01T00:00:0{index}Z"
            made.append(ingress(f"i{number}-{index}", rules, annotations=marks, created=created))
    return made


async def ask(session: aiohttp.ClientSession, world: World, number: int, asked: str) -> Answer:
    url = f"http://127.0.0.1:{world.options.http_port}{asked}"
    host = {"Host": f"h{number}.test"}
    async with session.get(url, headers=host, allow_redirects=False) as answer:
        if answer.status == 301:
            return Answer(redirect=re.sub(r"^http://[^/]*", "", answer.headers["Location"]))
        if answer.status == 404:
            return Answer()
        assert answer.status == 200
        told = await answer.json()
        return Answer(int(told["backend"]), told["path"])


async def compare(found: Sequence[Host], directory: Path) -> list[str]:
    """Return where nginx answers otherwise than the specification allows."""
    async with AsyncExitStack() as stack:
        objects = objects_of(found)
        for index in range(MOST_RULES):
            backend = await stack.enter_async_context(Backend(str(index)))
            objects += [service(f"s{index}"), endpoint_slice(f"s{index}", ("127.0.0.1", backend.port))]
        world = await stack.enter_async_context(running(directory, *objects))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        wrong = []
        for number, host in enumerate(found):
            for at in PATHS:
                for query in QUERIES:
                    got = await ask(session, world, number, at + query)
                    wanted = {with_query(answer, query) for answer in allowed(host, at)}
                    if got not in wanted:
                        wrong.append(f"{host} asked for {at + query}: {got}, not {wanted}")
        return wrong


def with_query(answer: Answer, query: str) -> Answer:
    return Answer(answer.rule, answer.path and answer.path + query, answer.redirect and answer.redirect + query)


def compared(found: Sequence[Host]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="wherry-paths-") as directory:
        return asyncio.run(compare(found, Path(directory)))


def test_every_type_of_path_alone_with_and_without_a_slash_takes_what_the_specification_says() -> None:
    assert not compared(EVERY_SINGLE)


# An example is a whole nginx: making a failing one smaller takes minutes, and what is wrong is named by host anyway.
@settings(max_examples=4, suppress_health_check=list(HealthCheck), phases=(Phase.generate,))
@given(st.lists(hosts, min_size=25, max_size=25))
def test_rules_beside_each_other_take_what_the_specification_says(found: list[Host]) -> None:
    assert not compared(found)


@pytest.mark.parametrize("kind", ["Prefix", "ImplementationSpecific"])
def test_an_exact_path_with_a_slash_leaves_the_one_without_to_others(kind: str) -> None:
    beside = Host((("/foo/", "Exact"), ("/", kind)))
    assert allowed(beside, "/foo") == {Answer(1, "/foo")}
    assert not compared([beside])


@pytest.mark.parametrize("order", [("/bar/foo/", "/bar/foo"), ("/bar/foo", "/bar/foo/")])
def test_a_path_beside_itself_with_a_slash_is_served_and_not_redirected(order: tuple[str, str]) -> None:
    beside = Host(tuple((at, "ImplementationSpecific") for at in order))
    assert allowed(beside, "/bar/foo") == {Answer(order.index("/bar/foo"), "/bar/foo")}
    assert not compared([beside])
