"""The annotations' frame and its house rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.ingress import features
from wherry.ingress.features.catalog import ANNOTATIONS, FEATURES
from wherry.ingress.features.rewriting import makes_patterns
from wherry.ingress.fronts.ingress.annotations import read_policy
from wherry.ingress.fronts.ingress.unsupported import is_canary

FRAME = {"__init__", "annotation", "answer", "catalog", "directive", "part", "policy", "proxied"}
PREFIX = "nginx.ingress.kubernetes.io"


def test_every_feature_has_a_file_that_says_what_it_is_and_every_annotation_one_feature() -> None:
    files = {p.stem for p in Path(features.__file__).parent.glob("*.py")}
    assert {f.__name__.rpartition(".")[2] for f in FEATURES} == files - FRAME
    assert len(ANNOTATIONS) == sum(len(getattr(f, "ANNOTATIONS", ())) for f in FEATURES)
    assert all(f.__doc__ for f in FEATURES)


@pytest.mark.parametrize("annotation", ANNOTATIONS.values(), ids=lambda a: a.name)
def test_every_annotation_has_a_doc(annotation: features.annotation.Annotation) -> None:
    assert annotation.doc.endswith(".")


def test_values_become_typed_fields() -> None:
    policy, problems = read_policy(
        {
            f"{PREFIX}/rewrite-target": "/$2",
            f"{PREFIX}/ssl-redirect": "false",
            f"{PREFIX}/proxy-read-timeout": "90",
            f"{PREFIX}/backend-protocol": "https",
        }
    )
    assert policy.values == {
        "rewrite-target": "/$2",
        "ssl-redirect": False,
        "proxy-read-timeout": 90,
        "backend-protocol": "HTTPS",
    }
    assert policy["proxy-send-timeout"] == 60
    assert not problems
    assert makes_patterns(policy)


def test_only_our_prefix_is_read() -> None:
    given = {"nginx.org/ssl-redirect": "x", f"{PREFIX}/ssl-redirect": "true", "mine/ssl-redirect": "false"}
    policy, problems = read_policy(given, "mine")
    assert (policy.values, problems) == ({"ssl-redirect": False}, [])


def test_an_unknown_annotation_is_named() -> None:
    policy, problems = read_policy({f"{PREFIX}/no-such": "true", f"{PREFIX}/stream-snippet": "x"})
    assert not policy.values
    assert problems == ["not supported, and without effect: no-such, stream-snippet"]


@pytest.mark.parametrize("name", ["auth-no-such", "whitelist-source-range", "denylist-source-range", "auth-type"])
def test_what_restricts_access_denies(name: str) -> None:
    policy, (problem,) = read_policy({f"{PREFIX}/{name}": "x"})
    assert policy.denied == f"annotation {name} cannot be honoured"
    assert "503" in problem


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("false", False), ("perhaps", True)])
def test_a_canary_says_so(text: str, expected: bool) -> None:
    assert is_canary({f"{PREFIX}/canary": text}, PREFIX) is expected


UPSTREAM = (Path(__file__).parent / "annotations.txt").read_text().split()
"""Those of ingress-nginx' last release (docs/user-guide/nginx-configuration/annotations-risk.md), and older names."""
REFUSED = {
    *(
        "auth-snippet",
        "configuration-snippet",
        "server-snippet",
        "stream-snippet",
    ),
    *("auth-keepalive", "auth-keepalive-requests", "auth-keepalive-share-vars", "auth-keepalive-timeout"),
    *("enable-modsecurity", "enable-owasp-core-rules", "modsecurity-snippet", "modsecurity-transaction-id"),
    *("enable-opentelemetry", "opentelemetry-operation-name", "opentelemetry-trust-incoming-span"),
    *("fastcgi-index", "fastcgi-params-configmap", "http2-push-preload"),
}


def test_every_annotation_of_ingress_nginx_is_served_or_refused_by_name() -> None:
    assert set(UPSTREAM) - set(ANNOTATIONS) == REFUSED
    _, problems = read_policy({f"{PREFIX}/{name}": "true" for name in REFUSED})
    said = " ".join(problems)
    assert [name for name in REFUSED if name not in said] == []
    readme = (Path(features.__file__).parents[1] / "README.md").read_text()
    assert f"{len(UPSTREAM) - len(REFUSED)} of the {len(UPSTREAM)}" in readme
