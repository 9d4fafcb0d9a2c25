"""Gateway API's rules one by one: hostnames, grants, lengths of time, and what is told of a table."""

from __future__ import annotations

import pytest

from wherry.ingress.fronts.gateway.grants import Reference, permitted
from wherry.ingress.fronts.gateway.hostname import common, covering, covers, precedence
from wherry.ingress.fronts.gateway.lookup import told
from wherry.ingress.fronts.gateway.rule import Match, Rule, seconds
from wherry.ingress.fronts.gateway.table import Entry, table
from wherry.ingress.route.backend import BackendRef


@pytest.mark.parametrize(
    ("listener", "route", "expected"),
    [
        ("", [], ("",)),
        ("", ["a.test", "*.b.test"], ("a.test", "*.b.test")),
        ("a.test", [], ("a.test",)),
        ("a.test", ["A.test"], ("a.test",)),
        ("a.test", ["*.test", "b.test"], ("a.test",)),
        ("a.test", ["b.test"], ()),
        ("*.test", ["a.test", "a.b.test", "test"], ("a.test", "a.b.test")),
        ("*.test", ["*.b.test"], ("*.b.test",)),
        ("*.b.test", ["*.test"], ("*.b.test",)),
        ("*.b.test", ["*.c.test"], ()),
        ("*.test", ["*.test", "*.test"], ("*.test",)),
    ],
)
def test_a_listener_and_a_route_have_hostnames_in_common(listener: str, route: list[str], expected: tuple[str]) -> None:
    assert common(listener, route) == expected


def test_a_wildcard_covers_any_number_of_labels_and_not_none() -> None:
    assert covers("*.test", "a.b.test")
    assert not covers("*.test", "test")
    assert not covers("*.test", "atest")
    assert covers("", "*.test")
    assert not covers("a.test", "")


@pytest.mark.parametrize("host", ["a.b.test", "*.b.test", "test", "*.test", ""])
def test_all_that_covers_a_name_is_found_the_most_specific_first(host: str) -> None:
    names = ["", "*.test", "a.test", "*.b.test", "a.b.test", "test", "*.c.test"]
    assert [n for n in covering(host) if n in names] == sorted((n for n in names if covers(n, host)), key=precedence)
    assert len(set(covering(host))) == len(list(covering(host)))


def test_the_longest_exact_name_goes_first() -> None:
    names = ["", "*.test", "a.test", "*.b.test", "a.b.test"]
    assert sorted(names, key=precedence) == ["a.b.test", "a.test", "*.b.test", "*.test", ""]


def reference(**changes: str) -> Reference:
    usual = {"from_group": "gateway.networking.k8s.io", "from_kind": "HTTPRoute", "from_namespace": "a"}
    return Reference(
        **{**usual, "to_group": "", "to_kind": "Service", "to_namespace": "b", "to_name": "web", **changes}
    )


@pytest.mark.parametrize(
    ("changes", "to", "expected"),
    [
        ({"to_namespace": "a"}, {}, True),
        ({}, {}, True),
        ({}, {"name": "web"}, True),
        ({}, {"name": "other"}, False),
        ({"to_kind": "Secret"}, {}, False),
        ({"from_kind": "Gateway"}, {}, False),
        ({"from_namespace": "c"}, {}, False),
        ({"to_namespace": "c"}, {}, False),
    ],
)
def test_a_grant_is_for_whom_and_what_it_names(changes: dict[str, str], to: dict[str, str], expected: bool) -> None:
    grant = {
        "metadata": {"name": "g", "namespace": "b"},
        "spec": {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "a"}],
            "to": [{"group": "", "kind": "Service", **to}],
        },
    }
    assert permitted(reference(**changes), [grant]) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("0s", 0), ("10s", 10), ("500ms", 0.5), ("1h2m3s4ms", 3723.004)]
)
def test_lengths_of_time(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


def rule(name: str, *matches: Match) -> Rule:
    ref = BackendRef("demo", name, "80")
    return Rule(("demo", name), matches or (Match(),), {"backends": [{"backend": ref.key, "weight": 1}]}, (ref,))


def test_what_a_table_says_of_a_path_is_told_in_its_order() -> None:
    found = table(
        [
            Entry("http", "*.test", ("2026", "demo", "wide"), [rule("wide")]),
            Entry("http", "a.test", ("2027", "demo", "post"), [rule("post", Match(path="/x", method="POST"))]),
            Entry("http", "a.test", ("2026", "demo", "x"), [rule("x", Match(path="/x", headers=(("v", "2", False),)))]),
        ]
    )
    assert list(told(found, "http", "/x/y")) == [
        "HTTPRoute demo/post where the method is POST: Service demo/post/80",
        "HTTPRoute demo/x where header v is 2: Service demo/x/80",
        "HTTPRoute demo/wide: Service demo/wide/80",
    ]
    assert list(told(found, "http", "/")) == ["HTTPRoute demo/wide: Service demo/wide/80"]
    assert list(told(found, "https", "/")) == ["no rule of an HTTPRoute takes the rest: 404"]


def test_of_matches_that_ask_for_the_same_the_older_routes_goes_first() -> None:
    younger, older = rule("younger"), rule("older")
    found = table([Entry("http", "", ("2027", "a", "a"), [younger]), Entry("http", "", ("2026", "z", "z"), [older])])
    candidates = found["http"][0]["prefix"][""]
    assert [found["rules"][one["rule"] - 1]["name"] for one in candidates] == ["demo older", "demo younger"]
